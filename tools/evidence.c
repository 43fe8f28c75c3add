/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence.h"
#include "hex.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "scu.evidence/1"
#define OCTETS_MAX 4096 /* of one member; libscu knows better */
#define DEPTH_MAX 4     /* the object, "pcrs", a bank; and one to refuse */

static const struct part_row {
    const char *key;
    enum scu_evidence_part part;
} parts[] = {
    { "attest", SCU_PART_ATTEST },
    { "signature", SCU_PART_SIGNATURE },
    { "key", SCU_PART_KEY },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* --- writing ------------------------------------------------------------- */

/* Takes over value. */
static bool
add(struct json_object *object, const char *key, struct json_object *value)
{
    if (value != NULL && json_object_object_add(object, key, value) == 0)
        return true;
    json_object_put(value);
    return false;
}

static struct json_object *
new_hex(const uint8_t *data, size_t len)
{
    char text[2 * OCTETS_MAX + 1];

    if (len > OCTETS_MAX)
        return NULL;
    hex_write(data, len, text);
    return json_object_new_string(text);
}

static bool
add_values(const struct scu_evidence *evidence, struct json_object *pcrs)
{
    struct json_object *bank = NULL;
    struct scu_pcr pcr;
    char index[16];

    for (size_t i = 0; scu_evidence_pcr_at(evidence, i, &pcr); i++) {
        if (!json_object_object_get_ex(pcrs, pcr.bank, &bank)) {
            bank = json_object_new_object();
            if (!add(pcrs, pcr.bank, bank))
                return false;
        }
        (void)snprintf(index, sizeof(index), "%u", pcr.index);
        if (!add(bank, index, new_hex(pcr.value, pcr.len)))
            return false;
    }
    return true;
}

char *
evidence_write(const struct scu_evidence *evidence)
{
    struct json_object *whole = json_object_new_object();
    struct json_object *pcrs = NULL;
    bool good = whole != NULL &&
        add(whole, "schema", json_object_new_string(SCHEMA));
    char *text = NULL;
    const uint8_t *data;
    size_t len = 0;

    for (size_t i = 0; good && i < PARTS; i++) {
        data = scu_evidence_part(evidence, parts[i].part, &len);
        good = add(whole, parts[i].key, new_hex(data, len));
    }
    if (good) {
        pcrs = json_object_new_object();
        good = add(whole, "pcrs", pcrs) && add_values(evidence, pcrs);
    }
    if (good)
        text = strdup(json_object_to_json_string_ext(whole,
            JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(whole);
    return text;
}

/* --- reading ------------------------------------------------------------- */

struct reader {
    struct scu_evidence *evidence;
    size_t members; /* of all objects */
    char *why;
    size_t why_size;
};

static int refuse(struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
refuse(struct reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(r->why, r->why_size, format, args);
    va_end(args);
    return SCU_E_ARG;
}

/* The octets of a string. */
static int
read_hex(struct reader *r, const char *key, struct json_object *value,
    uint8_t data[OCTETS_MAX], size_t *len)
{
    if (!json_object_is_type(value, json_type_string) ||
        hex_read(json_object_get_string(value),
            (size_t)json_object_get_string_len(value), data, OCTETS_MAX,
            len) != 0)
        return refuse(r, "\"%.32s\" is no string of hexadecimal digits", key);
    return SCU_OK;
}

static int
read_part(struct reader *r, const struct part_row *row,
    struct json_object *value)
{
    uint8_t data[OCTETS_MAX];
    size_t len = 0;
    int rc = read_hex(r, row->key, value, data, &len);

    if (rc == SCU_OK && scu_evidence_set_part(r->evidence, row->part, data,
            len) != SCU_OK)
        rc = refuse(r, "\"%s\": %s", row->key, scu_error_detail());
    return rc;
}

/* "0" to "99", in one way only. */
static bool
read_index(const char *key, unsigned *index)
{
    size_t n = strspn(key, "0123456789");

    if (key[n] != '\0' || n < 1 || n > 2 || (n == 2 && key[0] == '0'))
        return false;
    *index = (unsigned)atoi(key);
    return true;
}

static int
read_bank(struct reader *r, const char *name, struct json_object *bank)
{
    uint8_t data[OCTETS_MAX];
    struct scu_pcr pcr = { .bank = name, .value = data };
    int rc = SCU_OK;

    if (!json_object_is_type(bank, json_type_object))
        return refuse(r, "\"%.32s\" is no object", name);
    json_object_object_foreach(bank, key, value) {
        r->members++;
        if (!read_index(key, &pcr.index))
            return refuse(r, "\"%.32s\" is no number of a PCR", key);
        if ((rc = read_hex(r, key, value, data, &pcr.len)) != SCU_OK)
            return rc;
        if (scu_evidence_add_pcr(r->evidence, &pcr) != SCU_OK)
            return refuse(r, "%s", scu_error_detail());
    }
    return SCU_OK;
}

static int
read_pcrs(struct reader *r, struct json_object *pcrs)
{
    int rc = SCU_OK;

    if (!json_object_is_type(pcrs, json_type_object))
        return refuse(r, "\"pcrs\" is no object");
    json_object_object_foreach(pcrs, name, bank) {
        r->members++;
        if ((rc = read_bank(r, name, bank)) != SCU_OK)
            return rc;
    }
    return SCU_OK;
}

static int
read_schema(struct reader *r, struct json_object *value)
{
    if (json_object_is_type(value, json_type_string) &&
        json_object_get_string_len(value) == (int)strlen(SCHEMA) &&
        strcmp(json_object_get_string(value), SCHEMA) == 0)
        return SCU_OK;
    return refuse(r, "\"schema\" is not \"" SCHEMA "\": this is no evidence, "
        "or that of a newer version");
}

static int
read_member(struct reader *r, const char *key, struct json_object *value)
{
    if (strcmp(key, "schema") == 0)
        return read_schema(r, value);
    if (strcmp(key, "pcrs") == 0)
        return read_pcrs(r, value);
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(key, parts[i].key) == 0)
            return read_part(r, &parts[i], value);
    return refuse(r, "unknown member \"%.32s\"", key);
}

static int
read_object(struct reader *r, struct json_object *object)
{
    int rc = SCU_OK;

    if (!json_object_is_type(object, json_type_object))
        return refuse(r, "it is no JSON object");
    /* First, since what another version has may be anything. */
    if ((rc = read_schema(r, json_object_object_get(object,
            "schema"))) != SCU_OK)
        return rc;
    json_object_object_foreach(object, key, value) {
        r->members++;
        if ((rc = read_member(r, key, value)) != SCU_OK)
            return rc;
    }
    /* Each is known and none is twice in the tree: so all are there. */
    return json_object_object_length(object) == 2 + (int)PARTS ? SCU_OK :
        refuse(r, "a member is missing");
}

/*
 * The parser keeps the last of members of one name; who else reads the file
 * may keep the first. No text of good evidence holds a colon but behind a
 * name, so that their number tells.
 */
static int
check_members(struct reader *r, const char *text, size_t len)
{
    size_t colons = 0;

    for (size_t i = 0; i < len; i++)
        colons += text[i] == ':';
    return colons == r->members ? SCU_OK :
        refuse(r, "a member is there twice");
}

/*
 * Evidence needs few characters. Escapes would let names differ that are the
 * same, and json-c is lenient about quotes even where it is told to be strict.
 */
static bool
has_plain_characters(const char *text, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789{}\":,./ \t\r\n";

    for (size_t i = 0; i < len; i++)
        if (memchr(allowed, text[i], sizeof(allowed) - 1) == NULL)
            return false;
    return true;
}

static struct json_object *
parse(struct reader *r, const char *text, size_t len)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *object = NULL;

    if (tokener == NULL)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    object = json_tokener_parse_ex(tokener, text, (int)len);
    if (object == NULL ||
        json_tokener_get_parse_end(tokener) != len) {
        (void)refuse(r, "it is not well-formed JSON");
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

int
evidence_read(const char *text, size_t len, struct scu_evidence **evidence,
    char *why, size_t why_size)
{
    struct reader r = { .why = why, .why_size = why_size };
    struct json_object *object = NULL;
    int rc = SCU_E_ARG;

    *evidence = NULL;
    if (len > EVIDENCE_FILE_MAX)
        return refuse(&r, "it is longer than any evidence");
    if (!has_plain_characters(text, len))
        return refuse(&r, "it holds a character that evidence has not");
    (void)refuse(&r, "out of memory on the host");
    if ((r.evidence = scu_evidence_new()) == NULL)
        return SCU_E_MEMORY;
    object = parse(&r, text, len);
    if (object != NULL && (rc = read_object(&r, object)) == SCU_OK)
        rc = check_members(&r, text, len);
    json_object_put(object);
    if (rc != SCU_OK)
        scu_evidence_free(&r.evidence);
    *evidence = r.evidence;
    return rc;
}
