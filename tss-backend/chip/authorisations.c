/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/authorisations.h"

#include "base/bytes.h"
#include "io.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX 1024
#define VALUE_MAX 64

static const struct row {
    const char *key;
    size_t offset;
} rows[] = {
    { "owner = ", offsetof(struct authorisations, owner) },
    { "lockout = ", offsetof(struct authorisations, lockout) },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct secret **
field(struct authorisations *a, const struct row *row)
{
    return (struct secret **)(void *)((char *)a + row->offset);
}

static int
file_path(const char *folder, char *path, size_t size)
{
    int n = snprintf(path, size, "%s/authorisations", folder);

    if (n < 0 || (size_t)n >= size)
        return err_set(SCU_E_FILE, "%s: the path is too long", folder);
    return SCU_OK;
}

void
authorisations_clear(struct authorisations *authorisations)
{
    for (size_t i = 0; i < ROWS; i++)
        secret_free(field(authorisations, &rows[i]));
}

static int
parse_value(const char *text, struct secret **out)
{
    uint8_t value[VALUE_MAX];
    size_t len = 0;
    int rc = hex_decode(text, value, sizeof(value), &len);

    secret_free(out);
    if (rc == SCU_OK) {
        *out = secret_new(value, len);
        rc = *out == NULL ? SCU_E_MEMORY : SCU_OK;
    }
    explicit_bzero(value, sizeof(value));
    return rc;
}

static int
parse_line(const char *line, struct authorisations *out)
{
    if (line[0] == '#')
        return SCU_OK;
    for (size_t i = 0; i < ROWS; i++) {
        size_t n = strlen(rows[i].key);

        if (strncmp(line, rows[i].key, n) == 0)
            return parse_value(line + n, field(out, &rows[i]));
    }
    return SCU_E_ARG;
}

int
authorisations_read(const char *folder, struct authorisations *out)
{
    char path[4096];
    char *text = NULL, *save = NULL;
    size_t len = 0;
    int rc;

    memset(out, 0, sizeof(*out));
    if ((rc = file_path(folder, path, sizeof(path))) != SCU_OK)
        return rc;
    rc = io_read_trusted(path, S_IRWXG | S_IRWXO, FILE_MAX, &text, &len);
    if (rc == -ENOENT)
        return SCU_OK;
    if (rc == -EPERM)
        return err_set(SCU_E_FILE, "%s: others can read it: make it yours, "
            "mode 0600, and consider the authorisations known", path);
    if (rc != 0)
        return err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save))
        if (parse_line(line, out) != SCU_OK) {
            rc = err_set(SCU_E_FILE, "%s is damaged: restore it", path);
            authorisations_clear(out);
            break;
        }
    explicit_bzero(text, len);
    free(text);
    return rc;
}

int
authorisations_write(const char *folder, const struct authorisations *in)
{
    struct authorisations view = *in;
    char path[4096];
    char text[FILE_MAX] = "# Hierarchy authorisations of this chip. Keep a "
        "copy in a safe place.\n";
    size_t len = strlen(text);
    int rc;

    if ((rc = file_path(folder, path, sizeof(path))) != SCU_OK)
        return rc;
    for (size_t i = 0; i < ROWS; i++) {
        const struct secret *value = *field(&view, &rows[i]);

        if (value == NULL)
            continue;
        if (value->len > VALUE_MAX)
            return err_set(SCU_E_ARG, "an authorisation of %zu octets",
                value->len);
        memcpy(text + len, rows[i].key, strlen(rows[i].key));
        len += strlen(rows[i].key);
        hex_encode(value->data, value->len, text + len);
        len += 2 * value->len;
        text[len++] = '\n';
    }
    rc = io_replace_file(path, text, len, 0600);
    explicit_bzero(text, sizeof(text));
    return rc == 0 ? SCU_OK :
        err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
}

int
authorisations_retire(const char *folder, const char *name)
{
    char path[4096], aside[4096 + 128];
    int rc = file_path(folder, path, sizeof(path));

    if (rc != SCU_OK)
        return rc;
    (void)snprintf(aside, sizeof(aside), "%s-%s", path, name);
    if (rename(path, aside) != 0 && errno != ENOENT)
        return err_set(SCU_E_FILE, "%s: %s", aside, strerror(errno));
    return SCU_OK;
}
