/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uri.h"

#include <errno.h>
#include <p11-kit/uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    enum uri_type type;
    CK_OBJECT_CLASS class;
} classes[] = {
    { URI_PUBLIC, CKO_PUBLIC_KEY },
    { URI_PRIVATE, CKO_PRIVATE_KEY },
    { URI_CERT, CKO_CERTIFICATE },
    { URI_DATA, CKO_DATA },
    { URI_SECRET_KEY, CKO_SECRET_KEY },
};
#define N_CLASSES (sizeof(classes) / sizeof(classes[0]))

static const struct {
    int code;
    const char *text;
} refusals[] = {
    { P11_KIT_URI_BAD_SCHEME, "it does not begin with \"" URI_SCHEME "\"" },
    { P11_KIT_URI_BAD_ENCODING, "a value has a bad %XX" },
    { P11_KIT_URI_BAD_SYNTAX, "it is not of the form "
        "\"pkcs11:token=LABEL;object=LABEL?pin-source=file:PATH\"" },
    { P11_KIT_URI_BAD_VERSION, "its library-version is none" },
};

static int
refuse(int rc, const char *text, char *why, size_t size)
{
    (void)snprintf(why, size, "%s%s", rc == -EINVAL ? "not a usable PKCS#11 "
        "URI: " : "", text);
    return rc;
}

static int
refuse_code(int code, char *why, size_t size)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (refusals[i].code == code)
            return refuse(-EINVAL, refusals[i].text, why, size);
    return refuse(-ENOMEM, "out of memory on the host", why, size);
}

/* --- what p11-kit lets pass -------------------------------------------------*/

/*
 * p11-kit takes the last of two values, stops at an empty part, cuts a value
 * at a zero octet, drops blanks, and passes over what it does not know in a
 * query. The URI would then mean something else than it says: any token, or
 * another PIN.
 */
#define UNKNOWN "it has an attribute or a type that is not known, or a " \
    "value longer than PKCS#11 has it (token label: 32 octets, serial: 16)"

/* Names of attributes; those of one number are the same. */
static const struct attribute_name {
    const char *name;
    unsigned number;
    bool in_query;
} names[] = {
    { "token", 0, false },
    { "serial", 1, false },
    { "manufacturer", 2, false },
    { "model", 3, false },
    { "object", 4, false },
    { "id", 5, false },
    { "type", 6, false },
    { "object-type", 6, false },
    { "objecttype", 6, false },
    { "library-manufacturer", 7, false },
    { "library-description", 8, false },
    { "library-version", 9, false },
    { "slot-manufacturer", 10, false },
    { "slot-description", 11, false },
    { "slot-id", 12, false },
    { "module-name", 13, true },
    { "module-path", 14, true },
    { "pin-value", 15, true },
    { "pin-source", 16, true },
    { "pinfile", 16, true },
};
#define ID 5

static const struct attribute_name *
find_name(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i].name) == len &&
            memcmp(names[i].name, text, len) == 0)
            return &names[i];
    return NULL;
}

/* Why one part, "name=value" of len octets, is none; or NULL. */
static const char *
check_part(const char *part, size_t len, bool query, uint32_t *seen)
{
    size_t end = strcspn(part, "=");
    const struct attribute_name *name = find_name(part, end < len ? end : len);
    uint32_t bit = name == NULL ? 0 : UINT32_C(1) << name->number;

    if (len == 0)
        return "it has an empty part: a ; or & too many";
    /* What else is not known in the path, p11-kit says. */
    if (query && (name == NULL || !name->in_query))
        return UNKNOWN;
    if ((*seen & bit) != 0)
        return "it has the same attribute twice";
    *seen |= bit;
    if ((name == NULL || name->number != ID) &&
        memmem(part, len, "%00", 3) != NULL)
        return "a value has a zero octet";
    return NULL;
}

/* A path or a query, of len octets: nothing, or parts with something in
 * each. */
static const char *
check_parts(const char *text, size_t len, bool query, uint32_t *seen)
{
    const char *end = text + len, *why = NULL;

    while (len > 0 && why == NULL && text <= end) {
        size_t part = strcspn(text, query ? "&" : ";?");

        why = check_part(text, part, query, seen);
        text += part + 1;
    }
    return why;
}

static const char *
check_text(const char *text)
{
    const char *path = text + strlen(URI_SCHEME);
    size_t len = strcspn(path, "?");
    uint32_t seen = 0;
    const char *why = check_parts(path, len, false, &seen);

    if (strpbrk(text, " \t\n\v\f\r") != NULL)
        return "it has a blank in it: write %20";
    if (why == NULL && path[len] == '?')
        why = check_parts(path + len + 1, strlen(path + len + 1), true, &seen);
    return why;
}

/* --- reading ---------------------------------------------------------------*/

/* A copy of what is there; 0 or -ENOMEM. */
static int
copy(char **out, const char *in)
{
    if (in == NULL)
        return 0;
    *out = strdup(in);
    return *out == NULL ? -ENOMEM : 0;
}

/*
 * Fields of fixed size are padded by blanks; all zero where the URI does not
 * say.
 */
static int
copy_padded(char **out, const unsigned char *in, size_t size)
{
    if (in[0] == '\0')
        return 0;
    while (size > 0 && in[size - 1] == ' ')
        size--;
    *out = calloc(1, size + 1);
    if (*out == NULL)
        return -ENOMEM;
    memcpy(*out, in, size);
    return strlen(*out) == size ? 0 : -EINVAL;
}

static int
take_token(struct uri *uri, P11KitUri *from)
{
    const CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(from);
    int rc;

    rc = copy_padded(&uri->token, info->label, sizeof(info->label));
    if (rc == 0)
        rc = copy_padded(&uri->serial, info->serialNumber,
            sizeof(info->serialNumber));
    if (rc == 0)
        rc = copy_padded(&uri->manufacturer, info->manufacturerID,
            sizeof(info->manufacturerID));
    if (rc == 0)
        rc = copy_padded(&uri->model, info->model, sizeof(info->model));
    return rc;
}

static int
take_class(struct uri *uri, const CK_ATTRIBUTE *class)
{
    CK_OBJECT_CLASS value;

    if (class == NULL)
        return 0;
    if (class->ulValueLen != sizeof(value))
        return -EINVAL;
    memcpy(&value, class->pValue, sizeof(value));
    for (size_t i = 0; i < N_CLASSES; i++)
        if (classes[i].class == value)
            uri->type = classes[i].type;
    return uri->type == URI_ANY ? -EINVAL : 0;
}

static int
take_object(struct uri *uri, P11KitUri *from)
{
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(from, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(from, CKA_ID);

    if (label != NULL) {
        uri->object = calloc(1, label->ulValueLen + 1);
        if (uri->object == NULL)
            return -ENOMEM;
        if (label->ulValueLen > 0)
            memcpy(uri->object, label->pValue, label->ulValueLen);
        if (strlen(uri->object) != label->ulValueLen)
            return -EINVAL;
    }
    if (id != NULL) {
        uri->id = calloc(1, id->ulValueLen + 1);
        if (uri->id == NULL)
            return -ENOMEM;
        if (id->ulValueLen > 0)
            memcpy(uri->id, id->pValue, id->ulValueLen);
        uri->id_len = id->ulValueLen;
    }
    return take_class(uri, p11_kit_uri_get_attribute(from, CKA_CLASS));
}

static int
take_slot(struct uri *uri, P11KitUri *from)
{
    const CK_SLOT_INFO *slot = p11_kit_uri_get_slot_info(from);
    CK_SLOT_ID id = p11_kit_uri_get_slot_id(from);
    int rc;

    uri->has_slot_id = id != (CK_SLOT_ID)-1;
    uri->slot_id = uri->has_slot_id ? id : 0;
    rc = copy_padded(&uri->slot_description, slot->slotDescription,
        sizeof(slot->slotDescription));
    return rc != 0 ? rc : copy_padded(&uri->slot_manufacturer,
        slot->manufacturerID, sizeof(slot->manufacturerID));
}

static int
take_library(struct uri *uri, P11KitUri *from)
{
    const CK_INFO *info = p11_kit_uri_get_module_info(from);
    int rc;

    /* Of 255.255: the URI does not say. */
    if (info->libraryVersion.major != (CK_BYTE)-1 ||
        info->libraryVersion.minor != (CK_BYTE)-1)
        return -EINVAL;
    rc = copy_padded(&uri->library_description, info->libraryDescription,
        sizeof(info->libraryDescription));
    if (rc == 0)
        rc = copy_padded(&uri->library_manufacturer, info->manufacturerID,
            sizeof(info->manufacturerID));
    if (rc == 0)
        rc = copy(&uri->module_name, p11_kit_uri_get_module_name(from));
    if (rc == 0)
        rc = copy(&uri->module_path, p11_kit_uri_get_module_path(from));
    return rc;
}

static int
take_pin(struct uri *uri, P11KitUri *from)
{
    int rc = copy(&uri->pin_value, p11_kit_uri_get_pin_value(from));

    return rc != 0 ? rc :
        copy(&uri->pin_source, p11_kit_uri_get_pin_source(from));
}

static const struct {
    int (*take)(struct uri *uri, P11KitUri *from);
    const char *what;
} parts[] = {
    { take_token, "a value of the token has a zero octet" },
    { take_object, "its type is not known, or its label has a zero octet" },
    { take_slot, "a value of the slot has a zero octet" },
    { take_library, "leave out library-version" },
    { take_pin, "" },
};

static int
take(struct uri *uri, P11KitUri *from, char *why, size_t size)
{
    int rc;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        rc = parts[i].take(uri, from);
        if (rc == -ENOMEM)
            return refuse(rc, "out of memory on the host", why, size);
        if (rc != 0)
            return refuse(rc, parts[i].what, why, size);
    }
    if (p11_kit_uri_any_unrecognized(from))
        return refuse(-EINVAL, UNKNOWN, why, size);
    return 0;
}

/* p11-kit frees its copy of the PIN as it is. */
static void
wipe(P11KitUri *from)
{
    const char *pin = from == NULL ? NULL : p11_kit_uri_get_pin_value(from);
    char *writable;

    if (pin == NULL)
        return;
    memcpy(&writable, &pin, sizeof(writable));
    explicit_bzero(writable, strlen(writable));
}

bool
uri_is(const char *text)
{
    return text != NULL &&
        strncasecmp(text, URI_SCHEME, strlen(URI_SCHEME)) == 0;
}

int
uri_parse(const char *text, struct uri **uri, char *why, size_t why_size)
{
    const char *bad = uri_is(text) ? check_text(text) : NULL;
    P11KitUri *from = NULL;
    struct uri *u = NULL;
    int rc = -ENOMEM, code;

    *uri = NULL;
    if (bad != NULL)
        return refuse(-EINVAL, bad, why, why_size);
    (void)refuse(-ENOMEM, "out of memory on the host", why, why_size);
    u = calloc(1, sizeof(*u));
    from = p11_kit_uri_new();
    if (u == NULL || from == NULL)
        goto out;
    code = uri_is(text) ?
        p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, from) :
        P11_KIT_URI_BAD_SCHEME;
    rc = code != P11_KIT_URI_OK ? refuse_code(code, why, why_size) :
        take(u, from, why, why_size);
    if (rc != 0)
        goto out;
    why[0] = '\0';
    *uri = u;
    u = NULL;
out:
    wipe(from);
    p11_kit_uri_free(from);
    uri_free(&u);
    return rc;
}

void
uri_free(struct uri **uri)
{
    struct uri *u = uri == NULL ? NULL : *uri;

    if (u == NULL)
        return;
    *uri = NULL;
    if (u->pin_value != NULL)
        explicit_bzero(u->pin_value, strlen(u->pin_value));
    free(u->pin_value);
    free(u->pin_source);
    free(u->token);
    free(u->serial);
    free(u->manufacturer);
    free(u->model);
    free(u->object);
    free(u->id);
    free(u->library_manufacturer);
    free(u->library_description);
    free(u->slot_manufacturer);
    free(u->slot_description);
    free(u->module_name);
    free(u->module_path);
    free(u);
}

bool
uri_allows(const char *field, const char *value)
{
    size_t len = strlen(value);

    while (len > 0 && value[len - 1] == ' ')
        len--;
    return field == NULL ||
        (strlen(field) == len && memcmp(field, value, len) == 0);
}

const char *
uri_pin_path(const char *pin_source)
{
    static const char scheme[] = "file:";
    const char *path = pin_source + strlen(scheme);

    if (strncasecmp(pin_source, scheme, strlen(scheme)) != 0)
        return NULL;
    if (strncmp(path, "///", 3) == 0)
        path += 2;
    return path[0] == '/' && path[1] != '/' ? path : NULL;
}

/* --- writing ---------------------------------------------------------------*/

static bool
put_padded(unsigned char *out, size_t size, const char *in)
{
    size_t len = in == NULL ? 0 : strlen(in);

    if (in == NULL)
        return true;
    if (len > size)
        return false;
    memset(out, ' ', size);
    memcpy(out, in, len);
    return true;
}

static bool
put_token(const struct uri *uri, P11KitUri *to)
{
    CK_TOKEN_INFO *info = p11_kit_uri_get_token_info(to);

    return put_padded(info->label, sizeof(info->label), uri->token) &&
        put_padded(info->serialNumber, sizeof(info->serialNumber),
            uri->serial) &&
        put_padded(info->manufacturerID, sizeof(info->manufacturerID),
            uri->manufacturer) &&
        put_padded(info->model, sizeof(info->model), uri->model);
}

/* p11-kit copies the value. */
static bool
put_attribute(P11KitUri *to, CK_ATTRIBUTE_TYPE type, void *value, size_t len)
{
    CK_ATTRIBUTE attribute = {
        .type = type,
        .pValue = value,
        .ulValueLen = len,
    };

    return value == NULL ||
        p11_kit_uri_set_attribute(to, &attribute) == P11_KIT_URI_OK;
}

static bool
put_object(const struct uri *uri, P11KitUri *to)
{
    CK_OBJECT_CLASS class = 0;
    void *type = NULL;

    for (size_t i = 0; i < N_CLASSES; i++) {
        if (uri->type == classes[i].type) {
            class = classes[i].class;
            type = &class;
        }
    }
    return put_attribute(to, CKA_LABEL, uri->object,
        uri->object == NULL ? 0 : strlen(uri->object)) &&
        put_attribute(to, CKA_ID, uri->id, uri->id_len) &&
        put_attribute(to, CKA_CLASS, type, sizeof(class));
}

char *
uri_write(const struct uri *uri)
{
    P11KitUri *to = p11_kit_uri_new();
    char *text = NULL;

    if (to != NULL && put_token(uri, to) && put_object(uri, to) &&
        p11_kit_uri_format(to, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) !=
        P11_KIT_URI_OK)
        text = NULL;
    p11_kit_uri_free(to);
    return text;
}
