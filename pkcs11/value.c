/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Values of attributes, and the keys behind objects. */
#include "crypto.h"
#include "object-private.h"

#include <openssl/evp.h>
#include <string.h>

/* --- where values are ----------------------------------------------------- */

static bool
stored_ulong(const struct scu_object *stored, CK_ATTRIBUTE_TYPE type,
    CK_ULONG *value)
{
    size_t len = 0;
    const uint8_t *data = scu_object_attribute(stored, type, &len);

    return data != NULL && p11_ulong_decode(data, len, value);
}

/* The type of a key whose row does not say it. */
static CK_ULONG
type_of_key(struct scu_object *stored)
{
    struct scu_public public = { 0 };
    struct scu_key *key = NULL;

    if (scu_object_key(stored, &key) != SCU_OK)
        return CK_UNAVAILABLE_INFORMATION;
    scu_key_public(key, &public);
    scu_key_free(&key);
    return public.kind == SCU_KIND_EC ? CKK_EC : CKK_RSA;
}

/*
 * Rows of other doors may hold less than ours: a private one that does not say
 * what it is, is a private key.
 */
unsigned
p11_stored_kind(struct scu_object *stored)
{
    CK_ULONG class = CKO_PRIVATE_KEY, type = 0;

    if (!stored_ulong(stored, CKA_CLASS, &class) &&
        !scu_object_is_private(stored))
        return 0;
    if (class == CKO_CERTIFICATE) {
        if (!stored_ulong(stored, CKA_CERTIFICATE_TYPE, &type))
            type = CKC_X_509;
    } else if (class == CKO_PRIVATE_KEY || class == CKO_PUBLIC_KEY) {
        if (!stored_ulong(stored, CKA_KEY_TYPE, &type))
            type = type_of_key(stored);
    }
    return p11_kind_of(class, type);
}

/* As the store has it: from the row, or from the entry itself. */
static const uint8_t *
find_octets(const struct p11_object *object, CK_ATTRIBUTE_TYPE type,
    size_t *len)
{
    const struct scu_attribute *own = attrs_find(&object->own, type);

    *len = 0;
    if (own != NULL) {
        *len = own->len;
        return own->value;
    }
    return object->stored == NULL ? NULL :
        scu_object_attribute(object->stored, type, len);
}

/* --- computed ones -------------------------------------------------------- */

static int
obtain_key(struct p11_object *object)
{
    if (object->key != NULL || object->stored == NULL)
        return object->key != NULL ? SCU_OK : SCU_E_USAGE;
    return scu_object_key(object->stored, &object->key);
}

static void
gather_parts(const struct p11_object *object, struct keyattrs_parts *parts)
{
    *parts = (struct keyattrs_parts){
        .kind = object->kind & P11_EC ? SCU_KIND_EC : SCU_KIND_RSA,
    };
    parts->params = find_octets(object, CKA_EC_PARAMS, &parts->params_len);
    parts->point = find_octets(object, CKA_EC_POINT, &parts->point_len);
    parts->modulus = find_octets(object, CKA_MODULUS, &parts->modulus_len);
    parts->exponent = find_octets(object, CKA_PUBLIC_EXPONENT,
        &parts->exponent_len);
}

static CK_ULONG
count_bits(const uint8_t *data, size_t len)
{
    CK_ULONG bits = 8 * len;

    while (len > 0 && *data == 0) {
        bits -= 8;
        data++;
        len--;
    }
    for (unsigned mask = 0x80; len > 0 && (*data & mask) == 0; mask >>= 1)
        bits--;
    return bits;
}

/* What an application may read of a key but nobody stored. */
static CK_RV
complete(struct p11_object *object)
{
    uint8_t spki[KEYATTRS_SPKI_MAX];
    struct keyattrs_parts parts;
    CK_RV rv = CKR_OK;
    size_t len;

    if (object->completed || (object->kind & P11_KEYS) == 0)
        return CKR_OK;
    if (object->kind & P11_PRIVATE) {
        int rc = obtain_key(object);

        if (rc != SCU_OK)
            return p11_failed("C_GetAttributeValue", rc);
        rv = p11_public_attrs(object->key, &object->own);
    }
    gather_parts(object, &parts);
    if (rv == CKR_OK && parts.kind == SCU_KIND_RSA)
        rv = p11_attrs_set_ulong(&object->own, CKA_MODULUS_BITS,
            count_bits(parts.modulus, parts.modulus_len));
    len = keyattrs_spki(&parts, spki, sizeof(spki));
    if (rv == CKR_OK && len > 0)
        rv = p11_attrs_set(&object->own, CKA_PUBLIC_KEY_INFO, spki, len);
    object->completed = rv == CKR_OK;
    return rv;
}

/* --- values --------------------------------------------------------------- */

static CK_RV
give_number(struct p11_value *value, enum p11_format format, CK_ULONG number)
{
    if (format == P11_BOOL) {
        value->flag = number != 0 ? CK_TRUE : CK_FALSE;
        value->data = &value->flag;
        value->len = sizeof(value->flag);
        return CKR_OK;
    }
    value->number = number;
    value->data = &value->number;
    value->len = sizeof(value->number);
    return CKR_OK;
}

static CK_RV
give_found(const struct p11_object *object, const struct p11_rule *rule,
    struct p11_value *value)
{
    size_t len;
    const uint8_t *data = find_octets(object, rule->type, &len);
    CK_ULONG number = rule->value;

    if (rule->format == P11_BOOL && data != NULL && len == 1)
        number = data[0];
    else if (rule->format == P11_ULONG && data != NULL)
        (void)p11_ulong_decode(data, len, &number);
    if (rule->format == P11_BOOL || rule->format == P11_ULONG)
        return give_number(value, rule->format, number);
    value->data = len > 0 ? data : NULL;
    value->len = len;
    return CKR_OK;
}

CK_RV
p11_object_value(struct p11_object *object, CK_ATTRIBUTE_TYPE type,
    struct p11_value *value)
{
    const struct p11_rule *rule = p11_rule_find(object->kind, type);
    CK_RV rv;

    if (rule == NULL)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (rule->may & P11_SECRET)
        return CKR_ATTRIBUTE_SENSITIVE;
    if (rule->may & P11_FIXED)
        return give_number(value, rule->format, rule->value);
    switch (type) {
    case CKA_CLASS:
        return give_number(value, P11_ULONG, p11_kind_class(object->kind));
    case CKA_KEY_TYPE:
    case CKA_CERTIFICATE_TYPE:
        return give_number(value, P11_ULONG, p11_kind_type(object->kind));
    case CKA_TOKEN:
        return give_number(value, P11_BOOL, object->stored != NULL);
    case CKA_PRIVATE:
        return give_number(value, P11_BOOL, object->private);
    case CKA_COPYABLE: /* a key is in the token once */
        if (object->stored != NULL && (object->kind & P11_PRIVATE) != 0)
            return give_number(value, P11_BOOL, CK_FALSE);
        break;
    default:
        break;
    }
    rv = rule->may & P11_COMPUTED ? complete(object) : CKR_OK;
    return rv == CKR_OK ? give_found(object, rule, value) : rv;
}

bool
p11_object_says(struct p11_object *object, CK_ATTRIBUTE_TYPE type)
{
    struct p11_value value = { 0 };

    return p11_object_value(object, type, &value) == CKR_OK && value.flag;
}

/* --- keys ----------------------------------------------------------------- */

CK_RV
p11_object_sign_key(const char *function, struct p11_object *object,
    struct scu_key **key)
{
    int rc;

    if ((object->kind & P11_PRIVATE) == 0)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!p11_object_says(object, CKA_SIGN))
        return p11_refuse(CKR_KEY_FUNCTION_NOT_PERMITTED,
            "%s: CKA_SIGN of the key is false", function);
    rc = obtain_key(object);
    if (rc != SCU_OK) {
        CK_RV rv = p11_failed(function, rc);

        return rc == SCU_E_NOT_FOUND ? CKR_KEY_HANDLE_INVALID : rv;
    }
    if (!scu_key_can_sign(object->key))
        return p11_refuse(CKR_KEY_FUNCTION_NOT_PERMITTED,
            "%s: the chip does not sign with this key", function);
    *key = scu_key_ref(object->key);
    return CKR_OK;
}

CK_RV
p11_object_public_key(struct p11_object *object, EVP_PKEY **key)
{
    struct keyattrs_parts parts;

    if ((object->kind & P11_PUBLIC) == 0)
        return CKR_KEY_TYPE_INCONSISTENT;
    if (!p11_object_says(object, CKA_VERIFY))
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    gather_parts(object, &parts);
    *key = p11_pkey(&parts);
    return *key != NULL ? CKR_OK : CKR_KEY_HANDLE_INVALID;
}
