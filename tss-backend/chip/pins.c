/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/pins.h"

#include "base/bytes.h"
#include "io.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tss2/tss2_mu.h>
#include <unistd.h>

#define PIN_FILE_MAX 16384
#define PIN_VERSION 1
#define MAX_LINE 4096
#define PIN_NAME_MAX (2 + 32) /* with SHA-256, as all that is pinned */

/* How a value is read and written: its text has MAX_LINE octets of room. */
struct pin_type {
    int (*parse)(const char *text, void *field);
    int (*format)(const void *field, char *text);
};

static int
parse_number(const char *text, void *field)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || value > UINT32_MAX)
        return SCU_E_ARG;
    *(uint32_t *)field = (uint32_t)value;
    return SCU_OK;
}

static int
format_number(const void *field, char *text)
{
    (void)snprintf(text, MAX_LINE, "0x%08x", *(const uint32_t *)field);
    return SCU_OK;
}

static int
parse_public(const char *text, void *field)
{
    const TPM2B_PUBLIC *public = field;
    uint8_t data[sizeof(TPM2B_PUBLIC)];
    size_t len = 0, offset = 0;

    if (hex_decode(text, data, sizeof(data), &len) != SCU_OK ||
        Tss2_MU_TPM2B_PUBLIC_Unmarshal(data, len, &offset, field) !=
            TSS2_RC_SUCCESS || offset != len)
        return SCU_E_ARG;
    /* Names of it have PIN_NAME_MAX octets then. */
    return public->publicArea.nameAlg == TPM2_ALG_SHA256 ? SCU_OK : SCU_E_ARG;
}

static int
format_public(const void *field, char *text)
{
    uint8_t data[sizeof(TPM2B_PUBLIC)];
    size_t offset = 0;

    if (Tss2_MU_TPM2B_PUBLIC_Marshal(field, data, sizeof(data), &offset) !=
        TSS2_RC_SUCCESS)
        return err_set(SCU_E_INTERNAL, "a public area to pin");
    hex_encode(data, offset, text);
    return SCU_OK;
}

static int
parse_name(const char *text, void *field)
{
    TPM2B_NAME *name = field;
    size_t len = 0;
    int rc = hex_decode(text, name->name, PIN_NAME_MAX, &len);

    name->size = rc == SCU_OK ? (uint16_t)len : 0;
    return rc;
}

static int
format_name(const void *field, char *text)
{
    const TPM2B_NAME *name = field;

    hex_encode(name->name, name->size, text);
    return SCU_OK;
}

static int
parse_digest(const char *text, void *field)
{
    const TPM2B_NAME *name = field;
    int rc = parse_name(text, field);

    return rc == SCU_OK && name->size > 32 ? SCU_E_ARG : rc;
}

static const struct pin_type number = { parse_number, format_number };
static const struct pin_type area = { parse_public, format_public };
static const struct pin_type octets = { parse_name, format_name };
static const struct pin_type digest = { parse_digest, format_name };

/* One row per line of the file. */
#define ROW(KEY, TYPE, FIELD, NEEDED)                                         \
    { .key = (KEY), .type = &(TYPE), .needed = (NEEDED),                      \
        .offset = offsetof(struct pins, FIELD) }

static const struct pin_row {
    const char *key;
    const struct pin_type *type;
    size_t offset;
    bool needed;
} rows[] = {
    ROW("trust", number, trust, true),
    ROW("storage-handle", number, storage_handle, true),
    ROW("storage-public", area, storage, true),
    ROW("attestation-handle", number, attestation_handle, false),
    ROW("attestation-public", area, attestation, false),
    ROW("ek-name", octets, ek_name, false),
    ROW("ek-certificate", digest, ek_certificate, false),
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* "key = value" into its field; unknown keys are of a newer version. */
static int
parse_line(char *line, struct pins *pins, unsigned *seen, uint32_t *version)
{
    char *value = strstr(line, " = ");

    if (line[0] == '#' || line[0] == '\0')
        return SCU_OK;
    if (value == NULL)
        return SCU_E_ARG;
    *value = '\0';
    value += 3;
    if (strcmp(line, "version") == 0)
        return parse_number(value, version);
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(line, rows[i].key) == 0) {
            *seen |= 1u << i;
            return rows[i].type->parse(value, (char *)pins + rows[i].offset);
        }
    return SCU_E_ARG;
}

static int
parse(const char *path, char *text, struct pins *pins)
{
    unsigned seen = 0, n = 0;
    uint32_t version = 0;
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        n++;
        if (parse_line(line, pins, &seen, &version) != SCU_OK)
            return err_set(SCU_E_FILE, "%s: line %u is damaged: restore the "
                "file, or provision again", path, n);
    }
    if (version != PIN_VERSION)
        return err_set(SCU_E_FILE, "%s: version %u, this program reads "
            "version %d", path, version, PIN_VERSION);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].needed && (seen & 1u << i) == 0)
            return err_set(SCU_E_FILE, "%s: no line '%s': restore the file, "
                "or provision again", path, rows[i].key);
    return SCU_OK;
}

static int
pin_path(const char *folder, char *path, size_t size)
{
    int n = snprintf(path, size, "%s/pins", folder);

    if (n < 0 || (size_t)n >= size)
        return err_set(SCU_E_FILE, "%s: the path is too long", folder);
    return SCU_OK;
}

int
pins_read(const char *folder, struct pins *pins)
{
    char path[4096];
    char *text = NULL;
    size_t len = 0;
    int rc;

    memset(pins, 0, sizeof(*pins));
    if ((rc = pin_path(folder, path, sizeof(path))) != SCU_OK)
        return rc;
    rc = io_read_trusted(path, S_IWGRP | S_IWOTH, PIN_FILE_MAX, &text, &len);
    if (rc == -ENOENT)
        return err_set(SCU_E_UNPROVISIONED, "the chip is not provisioned: "
            "there is no %s: run `scu provision`", path);
    if (rc == -EPERM)
        return err_set(SCU_E_FILE, "%s: others can write it, so it proves "
            "nothing: make it a file of root or yours, mode 0644", path);
    if (rc != 0)
        return err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
    rc = parse(path, text, pins);
    free(text);
    return rc;
}

/* What is not there has no line. */
static bool
is_there(const struct pin_row *row, const struct pins *pins)
{
    const char *field = (const char *)pins + row->offset;
    uint16_t size;

    if (row->needed)
        return true;
    if (row->type != &octets && row->type != &digest)
        return pins->attestation_handle != 0;
    memcpy(&size, field, sizeof(size)); /* every TPM2B begins with it */
    return size != 0;
}

/* The content of the file; the caller frees it. */
static int
format(const struct pins *pins, char **text, size_t *len)
{
    char value[MAX_LINE];
    FILE *stream = open_memstream(text, len);
    int rc = SCU_OK;

    if (stream == NULL)
        return err_memory();
    (void)fprintf(stream, "# What `scu provision` found true of this chip.\n"
        "version = %d\n", PIN_VERSION);
    for (size_t i = 0; i < ROWS && rc == SCU_OK; i++) {
        if (!is_there(&rows[i], pins))
            continue;
        rc = rows[i].type->format((const char *)pins + rows[i].offset, value);
        if (rc == SCU_OK)
            (void)fprintf(stream, "%s = %s\n", rows[i].key, value);
    }
    if (fclose(stream) != 0 && rc == SCU_OK)
        rc = err_memory();
    return rc;
}

bool
pins_equal(const struct pins *a, const struct pins *b)
{
    char *x = NULL, *y = NULL;
    size_t n = 0, m = 0;
    bool equal = format(a, &x, &n) == SCU_OK && format(b, &y, &m) == SCU_OK &&
        n == m && memcmp(x, y, n) == 0;

    free(x);
    free(y);
    return equal;
}

int
pins_write(const char *folder, const struct pins *pins)
{
    char path[4096];
    char *text = NULL;
    size_t len = 0;
    int rc;

    if ((rc = pin_path(folder, path, sizeof(path))) == SCU_OK &&
        (rc = format(pins, &text, &len)) == SCU_OK) {
        rc = io_replace_file(path, text, len, 0644);
        if (rc != 0)
            rc = err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
    }
    free(text);
    return rc;
}
