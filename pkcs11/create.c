/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Making objects without a private key, and copying all kinds. */
#include "crypto.h"
#include "make.h"

#include <openssl/evp.h>

/* --- making --------------------------------------------------------------- */

CK_RV
p11_may_make(const struct p11_session *session, const struct p11_template *t)
{
    if (t->token && !session->writes)
        return CKR_SESSION_READ_ONLY;
    if (t->token && session->slot->token == NULL)
        return CKR_TOKEN_NOT_RECOGNIZED;
    if (t->private && !p11_slot_logged_in(session->slot, SCU_USER_NORMAL))
        return CKR_USER_NOT_LOGGED_IN;
    return CKR_OK;
}

/* What the object is, as the store writes it down. */
CK_RV
p11_set_kind(struct p11_template *t)
{
    CK_RV rv = p11_attrs_set_ulong(&t->attrs, CKA_CLASS,
        p11_kind_class(t->kind));

    if (rv == CKR_OK && t->kind != P11_DATA)
        rv = p11_attrs_set_ulong(&t->attrs,
            t->kind == P11_CERTIFICATE ? CKA_CERTIFICATE_TYPE : CKA_KEY_TYPE,
            p11_kind_type(t->kind));
    return rv;
}

static CK_RV
find_kind(const CK_ATTRIBUTE *attributes, CK_ULONG count, unsigned *kind)
{
    CK_ULONG class = 0, type = 0;
    CK_RV rv;

    if (attributes == NULL && count > 0)
        return CKR_ARGUMENTS_BAD;
    rv = p11_template_ulong(attributes, count, CKA_CLASS, &class);
    if (rv == CKR_OK && class != CKO_DATA)
        rv = p11_template_ulong(attributes, count, class == CKO_CERTIFICATE ?
            CKA_CERTIFICATE_TYPE : CKA_KEY_TYPE, &type);
    if (rv != CKR_OK)
        return rv;
    *kind = p11_kind_of(class, type);
    if (*kind == 0)
        return p11_refuse(CKR_ATTRIBUTE_VALUE_INVALID, "no objects of class "
            "0x%lx and type 0x%lx", class, type);
    if (*kind & P11_PRIVATE)
        return p11_refuse(CKR_TEMPLATE_INCONSISTENT, "private keys are made "
            "in the chip (C_GenerateKeyPair); `scu key import` brings others "
            "in");
    return CKR_OK;
}

/* The parts of a public key in a template make a key. */
static CK_RV
check_public(const struct p11_template *t)
{
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_EC_PARAMS, CKA_EC_POINT, CKA_MODULUS, CKA_PUBLIC_EXPONENT,
    };
    static const struct scu_attribute none;
    const struct scu_attribute *a[4];
    struct keyattrs_parts parts;
    EVP_PKEY *key;

    for (size_t i = 0; i < 4; i++) {
        a[i] = attrs_find(&t->attrs, types[i]);
        if (a[i] == NULL)
            a[i] = &none;
    }
    parts = (struct keyattrs_parts){
        .kind = t->kind == P11_EC_PUBLIC ? SCU_KIND_EC : SCU_KIND_RSA,
        .params = a[0]->value, .params_len = a[0]->len,
        .point = a[1]->value, .point_len = a[1]->len,
        .modulus = a[2]->value, .modulus_len = a[2]->len,
        .exponent = a[3]->value, .exponent_len = a[3]->len,
    };
    key = p11_pkey(&parts);
    EVP_PKEY_free(key);
    return key != NULL ? CKR_OK : p11_refuse(CKR_ATTRIBUTE_VALUE_INVALID,
        "the attributes are none of a public key");
}

/* What is made of a template: a key is that of another object, or NULL. */
struct made {
    const char *function;
    struct p11_template *t;
    struct scu_key *key;
};

/* Stores an object, or makes it one of the session. */
static CK_RV
make(const struct made *m, struct p11_session *session,
    CK_OBJECT_HANDLE *handle)
{
    struct p11_template *t = m->t;
    struct scu_object *stored = NULL;
    CK_RV rv = p11_may_make(session, t);
    int rc;

    if (rv != CKR_OK)
        return rv;
    if (!t->token)
        return p11_object_add_own(session, t, m->key == NULL ? NULL :
            scu_key_ref(m->key), handle);
    if (m->key != NULL)
        rc = scu_object_adopt(session->slot->token, m->key, t->attrs.item,
            t->attrs.count, &stored);
    else
        rc = scu_object_create(session->slot->token,
            t->private ? SCU_OBJECT_PRIVATE : SCU_OBJECT_PUBLIC,
            t->attrs.item, t->attrs.count, &stored);
    if (rc != SCU_OK)
        return p11_token_failed(m->function, rc);
    rv = p11_object_add_stored(session->slot, stored, handle);
    scu_object_free(&stored);
    return rv;
}

static CK_RV
create(struct p11_session *session, const CK_ATTRIBUTE *attributes,
    CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    struct p11_template t = { 0 };
    const struct made m = { .function = "C_CreateObject", .t = &t };
    CK_RV rv = find_kind(attributes, count, &t.kind);

    if (rv == CKR_OK)
        rv = p11_template_read(&t, P11_CREATE, attributes, count);
    if (rv == CKR_OK && t.kind == P11_CERTIFICATE)
        rv = p11_certificate_attrs(&t.attrs);
    else if (rv == CKR_OK && (t.kind & P11_PUBLIC))
        rv = check_public(&t);
    if (rv == CKR_OK)
        rv = p11_set_kind(&t);
    if (rv == CKR_OK)
        rv = make(&m, session, handle);
    p11_template_clear(&t);
    return rv;
}

CK_RV
C_CreateObject(CK_SESSION_HANDLE handle, CK_ATTRIBUTE_PTR template,
    CK_ULONG count, CK_OBJECT_HANDLE_PTR object)
{
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    rv = object == NULL ? CKR_ARGUMENTS_BAD :
        create(session, template, count, object);
    p11_leave();
    return rv;
}

/* --- copying -------------------------------------------------------------- */

/* All that is written down of an object but what is computed. */
static CK_RV
copy_attrs(struct p11_object *object, struct attrs *attrs)
{
    const struct p11_rule *rule;
    struct scu_object *stored = p11_object_stored(object);
    const struct attrs *own = p11_object_own(object);
    struct scu_attribute a;
    CK_RV rv = CKR_OK;

    for (size_t i = 0; rv == CKR_OK; i++) {
        if (stored != NULL && !scu_object_attribute_at(stored, i, &a))
            break;
        if (stored == NULL && i == own->count)
            break;
        if (stored == NULL)
            a = own->item[i];
        rule = p11_rule_find(p11_object_kind(object), a.type);
        if (rule == NULL || (rule->may & P11_COMPUTED) == 0)
            rv = p11_attrs_set(attrs, a.type, a.value, a.len);
    }
    return rv;
}

static CK_RV
copy(struct p11_session *session, struct p11_object *object,
    const CK_ATTRIBUTE *changes, CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    struct p11_template t = {
        .kind = p11_object_kind(object),
        .token = p11_object_stored(object) != NULL,
        .private = p11_object_is_private(object),
    };
    const struct made m = {
        .function = "C_CopyObject", .t = &t,
        .key = p11_object_own_key(object),
    };
    bool private = t.private;
    CK_RV rv = copy_attrs(object, &t.attrs);

    if (rv == CKR_OK)
        rv = p11_template_read(&t, P11_COPY, changes, count);
    /* What was private stays so. */
    if (rv == CKR_OK && private && !t.private)
        rv = CKR_TEMPLATE_INCONSISTENT;
    if (rv == CKR_OK)
        rv = p11_set_kind(&t);
    if (rv == CKR_OK)
        rv = make(&m, session, handle);
    p11_template_clear(&t);
    return rv;
}

CK_RV
C_CopyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE which,
    CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_OBJECT_HANDLE_PTR new)
{
    struct p11_session *session;
    struct p11_object *object;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    object = p11_object_find(session, which);
    if (object == NULL)
        rv = CKR_OBJECT_HANDLE_INVALID;
    else if (new == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (!p11_object_says(object, CKA_COPYABLE))
        rv = CKR_ACTION_PROHIBITED;
    else
        rv = copy(session, object, template, count, new);
    p11_leave();
    return rv;
}
