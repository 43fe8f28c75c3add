/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keyobj.h"

#include "hex.h"
#include "keyattrs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct class_row {
    enum attr_class class;
    enum uri_type type;
    const char *name, *json;
} classes[] = {
    { ATTR_CLASS_PRIVATE_KEY, URI_PRIVATE, "private key", "private-key" },
    { ATTR_CLASS_PUBLIC_KEY, URI_PUBLIC, "public key", "public-key" },
    { ATTR_CLASS_CERTIFICATE, URI_CERT, "certificate", "certificate" },
    { ATTR_CLASS_DATA, URI_DATA, "data", "data" },
};
#define CLASSES (sizeof(classes) / sizeof(classes[0]))

static const struct class_row *
find_class(uint64_t class)
{
    for (size_t i = 0; i < CLASSES; i++)
        if ((uint64_t)classes[i].class == class)
            return &classes[i];
    return NULL;
}

/* Of a class that keyobj_read() took, or that the table itself gave. */
static const struct class_row *
row_of(enum attr_class class)
{
    const struct class_row *row = find_class(class);

    return row != NULL ? row : &classes[CLASSES - 1];
}

/* --- reading ----------------------------------------------------------------- */

static bool
read_number(const struct scu_object *object, uint64_t type, uint64_t *value)
{
    size_t len = 0;
    const uint8_t *data = scu_object_attribute(object, type, &len);

    return data != NULL && attrs_decode(data, len, value);
}

/* Of a private key the row itself tells less than the key. */
static void
read_type(struct keyobj *o)
{
    const struct scu_alg *alg = NULL;
    struct scu_key *key = NULL;
    const uint8_t *params;
    uint64_t bits = 0;
    size_t len = 0;

    params = scu_object_attribute(o->object, ATTR_EC_PARAMS, &len);
    if (params != NULL)
        alg = keyattrs_curve(params, len);
    else if (o->class == ATTR_CLASS_PRIVATE_KEY &&
        scu_object_key(o->object, &key) == SCU_OK)
        alg = scu_key_alg(key);
    if (alg != NULL) {
        o->type = scu_alg_name(alg);
    } else if (read_number(o->object, ATTR_MODULUS_BITS, &bits)) {
        (void)snprintf(o->buffer, sizeof(o->buffer), "RSA-%u",
            (unsigned)bits);
        o->type = o->buffer;
    }
    scu_key_free(&key);
}

static void
read_label(struct keyobj *o)
{
    size_t len = 0;
    const uint8_t *label = scu_object_attribute(o->object, ATTR_LABEL, &len);

    if (len > sizeof(o->label) - 1)
        len = sizeof(o->label) - 1;
    for (size_t i = 0; i < len; i++)
        o->label[i] = label[i] == 0 ? '?' : (char)label[i];
    o->label[len] = '\0';
}

bool
keyobj_read(struct scu_object *object, struct keyobj *o)
{
    uint64_t class = ATTR_CLASS_PRIVATE_KEY;
    const struct class_row *row;

    memset(o, 0, sizeof(*o));
    /* A private row that does not say what it is, is a private key. */
    if (!read_number(object, ATTR_CLASS, &class) &&
        !scu_object_is_private(object))
        return false;
    if ((row = find_class(class)) == NULL)
        return false;
    o->object = object;
    o->class = row->class;
    o->id = scu_object_attribute(object, ATTR_ID, &o->id_len);
    read_label(o);
    if (keyobj_is_key(o))
        read_type(o);
    return true;
}

const char *
keyobj_class(const struct keyobj *o)
{
    return row_of(o->class)->name;
}

const char *
keyobj_json_class(const struct keyobj *o)
{
    return row_of(o->class)->json;
}

bool
keyobj_is_key(const struct keyobj *o)
{
    return o->class == ATTR_CLASS_PRIVATE_KEY ||
        o->class == ATTR_CLASS_PUBLIC_KEY;
}

bool
keyobj_same_id(const struct keyobj *a, const struct keyobj *b)
{
    return a->id_len > 0 && a->id_len == b->id_len &&
        memcmp(a->id, b->id, a->id_len) == 0;
}

char *
keyobj_id(const struct keyobj *o)
{
    char *text = calloc(2, o->id_len + 1);

    if (text != NULL)
        hex_write(o->id, o->id_len, text);
    return text;
}

char *
keyobj_uri(const struct keyobj *o, const struct scu_token *token,
    unsigned parts)
{
    struct scu_token_info info;
    struct uri uri = { 0 };
    char label[sizeof(o->label)], *text;
    uint8_t *id = malloc(o->id_len + 1);

    if (id == NULL)
        return NULL;
    scu_token_info(token, &info);
    memcpy(label, o->label, sizeof(label));
    if (o->id_len > 0)
        memcpy(id, o->id, o->id_len);
    uri.token = info.label;
    if ((parts & KEYOBJ_URI_SERIAL) != 0)
        uri.serial = info.serial;
    if (label[0] != '\0')
        uri.object = label;
    if (o->id_len > 0 && ((parts & KEYOBJ_URI_ID) != 0 || label[0] == '\0')) {
        uri.id = id;
        uri.id_len = o->id_len;
    }
    if ((parts & KEYOBJ_URI_TYPE) != 0)
        uri.type = row_of(o->class)->type;
    text = uri_write(&uri);
    free(id);
    return text;
}

/* --- which ones ---------------------------------------------------------------- */

int
keyobj_read_id(const char *cmd, const char *text, uint8_t id[KEYOBJ_ID_MAX],
    size_t *len, struct out *out)
{
    if (hex_read(text, strlen(text), id, KEYOBJ_ID_MAX, len) == 0 && *len > 0)
        return SCU_OK;
    return out_error(out, SCU_E_ARG, "%s: --id takes 1 to %d octets in "
        "hexadecimal", cmd, KEYOBJ_ID_MAX);
}

static int
take_pin(struct keyquery *q, const char *cmd, struct out *out)
{
    if (q->uri->pin_value != NULL)
        return out_error(out, SCU_E_ARG, "%s: the URI has a PIN in it, which "
            "others can read on a command line: leave out pin-value, use "
            "--pin-file or --pin-fd", cmd);
    if (q->uri->pin_source == NULL)
        return SCU_OK;
    q->pin_file = uri_pin_path(q->uri->pin_source);
    if (q->pin_file == NULL)
        return out_error(out, SCU_E_ARG, "%s: the URI's pin-source is not of "
            "the form file:/PATH", cmd);
    return SCU_OK;
}

/* The parts that name a module or its maker must be ours. */
static bool
is_ours(const struct uri *uri)
{
    return uri_allows(uri->manufacturer, ATTR_MANUFACTURER) &&
        uri_allows(uri->model, ATTR_MODEL) &&
        uri_allows(uri->library_manufacturer, ATTR_MANUFACTURER) &&
        uri_allows(uri->library_description, ATTR_LIBRARY);
}

/* Which token that would be, only the module itself knows. */
static bool
has_slot(const struct uri *uri)
{
    return uri->has_slot_id || uri->slot_description != NULL ||
        uri->slot_manufacturer != NULL;
}

static int
take_uri(struct keyquery *q, const char *cmd, const char *text,
    struct out *out)
{
    char why[256];
    int rc = uri_parse(text, &q->uri, why, sizeof(why));

    if (rc != 0)
        return out_error(out, rc == -ENOMEM ? SCU_E_MEMORY : SCU_E_ARG,
            "%s: %s", cmd, why);
    if (!is_ours(q->uri))
        return out_error(out, SCU_E_NOT_FOUND, "%s: the URI is one of another "
            "module's tokens", cmd);
    if (has_slot(q->uri))
        return out_error(out, SCU_E_ARG, "%s: there are no slots here: name "
            "the token by token= or serial= and leave out what begins with "
            "slot-", cmd);
    q->pick.label = q->uri->token;
    q->pick.serial = q->uri->serial;
    q->label = q->uri->object;
    q->has_id = q->uri->id != NULL;
    q->id_len = q->uri->id_len;
    if (q->id_len > sizeof(q->id))
        return out_error(out, SCU_E_NOT_FOUND, "%s: no id has %zu octets",
            cmd, q->id_len);
    if (q->id_len > 0)
        memcpy(q->id, q->uri->id, q->id_len);
    for (size_t i = 0; i < CLASSES; i++)
        if (classes[i].type == q->uri->type) {
            q->class = classes[i].class;
            q->has_class = true;
        }
    if (q->uri->type != URI_ANY && !q->has_class)
        return out_error(out, SCU_E_NOT_FOUND, "%s: there are no secret keys "
            "in tokens", cmd);
    return take_pin(q, cmd, out);
}

int
keyquery_read(struct keyquery *q, const char *cmd, const struct keyname *name,
    const struct tokenpick *pick, struct out *out)
{
    int rc = SCU_OK;

    memset(q, 0, sizeof(*q));
    if (name->uri != NULL && (name->label != NULL || name->id != NULL ||
        pick->label != NULL || pick->serial != NULL))
        return out_error(out, SCU_E_ARG, "%s: a URI says all: leave out "
            "--token, --serial, --label and --id", cmd);
    if (name->uri != NULL) {
        rc = take_uri(q, cmd, name->uri, out);
    } else {
        q->pick = *pick;
        q->label = name->label;
        q->has_id = name->id != NULL;
        if (q->has_id)
            rc = keyobj_read_id(cmd, name->id, q->id, &q->id_len, out);
    }
    if (rc == SCU_OK && q->label == NULL && !q->has_id && !q->has_class)
        rc = out_error(out, SCU_E_ARG, "%s: which object? Give its URI, or "
            "--label or --id", cmd);
    return rc;
}

void
keyquery_clear(struct keyquery *q)
{
    uri_free(&q->uri);
    memset(q, 0, sizeof(*q));
}

bool
keyquery_fits(const struct keyquery *q, const struct keyobj *o)
{
    return (!q->has_class || q->class == o->class) &&
        (q->label == NULL || strcmp(q->label, o->label) == 0) &&
        (!q->has_id || (q->id_len == o->id_len && (q->id_len == 0 ||
            memcmp(q->id, o->id, q->id_len) == 0)));
}

void
keyquery_describe(const struct keyquery *q, char *text, size_t size)
{
    char id[2 * KEYOBJ_ID_MAX + 1] = "";

    hex_write(q->id, q->id_len, id);
    (void)snprintf(text, size, "%s%s%s%s%s%s%s",
        q->has_class ? row_of(q->class)->name : "object",
        q->label != NULL ? " with label '" : "",
        q->label != NULL ? q->label : "", q->label != NULL ? "'" : "",
        q->label != NULL && q->has_id ? " and" : "",
        q->has_id ? (q->label != NULL ? " id " : " with id ") : "", id);
}
