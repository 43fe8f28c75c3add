/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/keyfile.h"

#include "key/der.h"
#include "key/public.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

/* TCG's arc of key files, 2.23.133.10.1; one more octet names the type. */
static const uint8_t oid_arc[] = { 0x67, 0x81, 0x05, 0x0a, 0x01 };

#define OID_LOADABLE 3

enum field {
    FIELD_TYPE,
    FIELD_EMPTY_AUTH,
    FIELD_POLICY,
    FIELD_SECRET,
    FIELD_AUTH_POLICY,
    FIELD_DESCRIPTION,
    FIELD_RSA_PARENT,
    FIELD_PARENT,
    FIELD_PUBLIC,
    FIELD_PRIVATE,
    N_FIELDS,
};

/* The elements in their order. */
static const struct field_row {
    const char *name;
    uint8_t tag;
    uint8_t explicit; /* the tag around that of an optional one, else 0 */
} rows[N_FIELDS] = {
    [FIELD_TYPE] = { "type", DER_OID, 0 },
    [FIELD_EMPTY_AUTH] = { "emptyAuth", DER_BOOLEAN, DER_EXPLICIT + 0 },
    [FIELD_POLICY] = { "policy", DER_SEQUENCE, DER_EXPLICIT + 1 },
    [FIELD_SECRET] = { "secret", DER_OCTET_STRING, DER_EXPLICIT + 2 },
    [FIELD_AUTH_POLICY] = { "authPolicy", DER_SEQUENCE, DER_EXPLICIT + 3 },
    [FIELD_DESCRIPTION] = { "description", DER_UTF8_STRING,
        DER_EXPLICIT + 4 },
    [FIELD_RSA_PARENT] = { "rsaParent", DER_BOOLEAN, DER_EXPLICIT + 5 },
    [FIELD_PARENT] = { "parent", DER_INTEGER, 0 },
    [FIELD_PUBLIC] = { "pubkey", DER_OCTET_STRING, 0 },
    [FIELD_PRIVATE] = { "privkey", DER_OCTET_STRING, 0 },
};

/* A file taken apart: each element's contents; p NULL: not there. */
struct parts {
    const uint8_t *file;
    struct der field[N_FIELDS];
    struct der kept; /* from [1] to [4] */
};

static int
fail(const struct parts *parts, const uint8_t *at, const char *name,
    const char *wrong)
{
    return err_set(SCU_E_KEYFILE, "octet %zu, %s: %s",
        (size_t)(at - parts->file), name, wrong);
}

static int
take_field(struct parts *parts, enum field field, struct der *in)
{
    const struct field_row *row = &rows[field];
    const uint8_t *at = in->p;
    struct der outer;
    const char *wrong;

    if (row->explicit == 0) {
        wrong = der_take(in, row->tag, &parts->field[field]);
        return wrong == NULL ? SCU_OK : fail(parts, at, row->name, wrong);
    }
    if (!der_next_is(in, row->explicit))
        return SCU_OK;
    wrong = der_take(in, row->explicit, &outer);
    if (wrong == NULL) {
        at = outer.p;
        wrong = der_take(&outer, row->tag, &parts->field[field]);
    }
    if (wrong == NULL && outer.len > 0) {
        at = outer.p;
        wrong = "more than one element";
    }
    return wrong == NULL ? SCU_OK : fail(parts, at, row->name, wrong);
}

static int
take_apart(const uint8_t *der, size_t len, struct parts *parts)
{
    struct der in = { .p = der, .len = len };
    struct der body;
    const char *wrong;
    int rc;

    parts->file = der;
    if ((wrong = der_take(&in, DER_SEQUENCE, &body)) != NULL)
        return fail(parts, der, "TPMKey", wrong);
    if (in.len > 0)
        return fail(parts, in.p, "TPMKey", "something stands behind it");
    for (enum field field = 0; field < N_FIELDS; field++) {
        if (field == FIELD_POLICY)
            parts->kept.p = body.p;
        if (field == FIELD_RSA_PARENT)
            parts->kept.len = (size_t)(body.p - parts->kept.p);
        if ((rc = take_field(parts, field, &body)) != SCU_OK)
            return rc;
    }
    if (body.len > 0)
        return fail(parts, body.p, "TPMKey", "unknown element at its end");
    return SCU_OK;
}

static int
check_type(const struct parts *parts)
{
    static const char *const names[] = {
        [3] = "loadable key",
        [4] = "importable key",
        [5] = "sealed data",
    };
    const struct der *type = &parts->field[FIELD_TYPE];
    unsigned last;

    if (type->len != sizeof(oid_arc) + 1 ||
        memcmp(type->p, oid_arc, sizeof(oid_arc)) != 0)
        return fail(parts, type->p, "type", "not that of a TPM 2.0 key file");
    last = type->p[sizeof(oid_arc)];
    if (last == OID_LOADABLE)
        return SCU_OK;
    if (last < sizeof(names) / sizeof(names[0]) && names[last] != NULL)
        return err_set(SCU_E_UNSUPPORTED, "the file holds an object of type "
            "\"%s\"; only \"%s\" is supported", names[last],
            names[OID_LOADABLE]);
    return err_set(SCU_E_UNSUPPORTED, "the file holds an object of unknown "
        "type 2.23.133.10.1.%u", last);
}

/* DER has ff for TRUE; some writers put 01, so any non-zero octet is. */
static int
read_boolean(const struct parts *parts, enum field field, bool *value)
{
    const struct der *body = &parts->field[field];

    *value = false;
    if (body->p == NULL)
        return SCU_OK;
    if (body->len != 1)
        return fail(parts, body->p, rows[field].name,
            "a BOOLEAN has one octet");
    *value = body->p[0] != 0;
    return SCU_OK;
}

/*
 * 00 81 xx xx xx, or 40 00 00 0x. Writers whose long has 32 bits put a
 * persistent handle without the leading zero: a negative number, but there is
 * nothing else that it could mean.
 */
static int
read_parent(const struct parts *parts, TPM2_HANDLE *parent)
{
    struct der body = parts->field[FIELD_PARENT];
    char wrong[64];
    uint32_t value = 0;

    if (body.len == 5 && body.p[0] == 0 && (body.p[1] & 0x80) != 0) {
        body.p++;
        body.len--;
    }
    if (body.len == 0 || body.len > sizeof(value))
        return fail(parts, body.p, "parent", "not a 32-bit handle");
    for (size_t i = 0; i < body.len; i++)
        value = value << 8 | body.p[i];
    *parent = value;
    if (value >> TPM2_HR_SHIFT == TPM2_HT_PERSISTENT ||
        value == TPM2_RH_OWNER || value == TPM2_RH_ENDORSEMENT ||
        value == TPM2_RH_NULL)
        return SCU_OK;
    (void)snprintf(wrong, sizeof(wrong), "0x%08x is neither a persistent "
        "key nor a hierarchy", value);
    return fail(parts, body.p, "parent", wrong);
}

static int
read_public(const struct parts *parts, TPM2B_PUBLIC *public)
{
    const struct der *body = &parts->field[FIELD_PUBLIC];
    int rc = public_read(body->p, body->len, public);

    if (rc == SCU_OK)
        return SCU_OK;
    return err_prefix(rc, "octet %zu, pubkey: ",
        (size_t)(body->p - parts->file));
}

static int
read_private(const struct parts *parts, bool stored, struct keyfile *file)
{
    const struct der *body = &parts->field[FIELD_PRIVATE];
    TPM2B_PRIVATE *private = &file->private;
    size_t done = 0;

    if (stored && body->len == 2 && memcmp(body->p, "\0\0", 2) == 0 &&
        file->parent >> TPM2_HR_SHIFT == TPM2_HT_PERSISTENT) {
        file->in_chip = true;
        return SCU_OK;
    }
    if (body->len <= 2 ||
        Tss2_MU_TPM2B_PRIVATE_Unmarshal(body->p, body->len, &done, private)
            != TSS2_RC_SUCCESS || done != body->len)
        return fail(parts, body->p, "privkey", "not a TPM2B_PRIVATE");
    return SCU_OK;
}

static int
keep(const struct parts *parts, struct keyfile *file)
{
    file->policy = parts->field[FIELD_POLICY].p != NULL ||
        parts->field[FIELD_AUTH_POLICY].p != NULL;
    if (parts->kept.len == 0)
        return SCU_OK;
    file->kept = malloc(parts->kept.len);
    if (file->kept == NULL)
        return err_memory();
    memcpy(file->kept, parts->kept.p, parts->kept.len);
    file->kept_len = parts->kept.len;
    return SCU_OK;
}

static int
read_file(const uint8_t *der, size_t len, bool stored, struct keyfile *file)
{
    struct parts parts = { 0 };
    int rc;

    memset(file, 0, sizeof(*file));
    if (len == 0 || len > KEYFILE_MAX)
        return err_set(SCU_E_KEYFILE, "a key file has 1 to %d octets, not "
            "%zu", KEYFILE_MAX, len);
    if ((rc = take_apart(der, len, &parts)) != SCU_OK ||
        (rc = check_type(&parts)) != SCU_OK ||
        (rc = read_boolean(&parts, FIELD_EMPTY_AUTH, &file->empty_auth))
            != SCU_OK ||
        (rc = read_boolean(&parts, FIELD_RSA_PARENT, &file->rsa_parent))
            != SCU_OK ||
        (rc = read_parent(&parts, &file->parent)) != SCU_OK ||
        (rc = read_public(&parts, &file->public)) != SCU_OK ||
        (rc = read_private(&parts, stored, file)) != SCU_OK ||
        (rc = keep(&parts, file)) != SCU_OK)
        keyfile_clear(file);
    return rc;
}

int
keyfile_read(const uint8_t *der, size_t len, struct keyfile *file)
{
    return read_file(der, len, false, file);
}

int
keyfile_read_stored(const uint8_t *der, size_t len, struct keyfile *file)
{
    return read_file(der, len, true, file);
}

void
keyfile_clear(struct keyfile *file)
{
    free(file->kept);
    memset(file, 0, sizeof(*file));
}

/* --- writing --------------------------------------------------------------*/

static void
put_boolean(struct der_out *out, enum field field, bool value)
{
    uint8_t octet = value ? 0xff : 0;

    der_put(out, &octet, 1);
    der_put_header(out, DER_BOOLEAN, 1);
    der_put_header(out, rows[field].explicit, 3);
}

static int
put_blobs(const struct keyfile *file, struct der_out *out)
{
    uint8_t blob[sizeof(file->private) + sizeof(file->public)];
    size_t len = 0;

    if (Tss2_MU_TPM2B_PRIVATE_Marshal(&file->private, blob, sizeof(blob),
            &len) != TSS2_RC_SUCCESS)
        return err_set(SCU_E_INTERNAL, "cannot marshal the private area");
    der_put(out, blob, len);
    der_put_header(out, DER_OCTET_STRING, len);
    len = 0;
    if (Tss2_MU_TPM2B_PUBLIC_Marshal(&file->public, blob, sizeof(blob),
            &len) != TSS2_RC_SUCCESS)
        return err_set(SCU_E_INTERNAL, "cannot marshal the public area");
    der_put(out, blob, len);
    der_put_header(out, DER_OCTET_STRING, len);
    return SCU_OK;
}

/* From its last element to its first. emptyAuth is written in both cases:
 * there are readers that take its absence for TRUE. */
static int
put_file(const struct keyfile *file, struct der_out *out)
{
    const uint8_t *end = out->p;
    const uint8_t parent[] = {
        (uint8_t)(file->parent >> 24),
        (uint8_t)(file->parent >> 16),
        (uint8_t)(file->parent >> 8),
        (uint8_t)file->parent,
    };
    const uint8_t loadable = OID_LOADABLE;
    int rc;

    if ((rc = put_blobs(file, out)) != SCU_OK)
        return rc;
    der_put_unsigned(out, parent, sizeof(parent));
    if (file->rsa_parent)
        put_boolean(out, FIELD_RSA_PARENT, true);
    der_put(out, file->kept, file->kept_len);
    put_boolean(out, FIELD_EMPTY_AUTH, file->empty_auth);
    der_put(out, &loadable, 1);
    der_put(out, oid_arc, sizeof(oid_arc));
    der_put_header(out, DER_OID, sizeof(oid_arc) + 1);
    der_put_header(out, DER_SEQUENCE, (size_t)(end - out->p));
    return SCU_OK;
}

int
keyfile_write(const struct keyfile *file, uint8_t **der, size_t *len)
{
    /* All that is not kept has fewer octets than the structures. */
    size_t room = sizeof(*file) + 64 + file->kept_len;
    struct der_out out = { 0 };
    int rc;

    *der = NULL;
    *len = 0;
    out.start = malloc(room);
    if (out.start == NULL)
        return err_memory();
    out.p = out.start + room;
    rc = put_file(file, &out);
    if (rc == SCU_OK && out.overflow)
        rc = err_set(SCU_E_KEYFILE, "the key file would be too long");
    if (rc != SCU_OK) {
        free(out.start);
        return rc;
    }
    *len = (size_t)(out.start + room - out.p);
    memmove(out.start, out.p, *len);
    *der = out.start;
    return SCU_OK;
}
