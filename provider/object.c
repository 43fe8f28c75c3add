/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Objects of tokens, as OpenSSL takes them. */
#include "object.h"
#include "attrs.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/store.h>
#include <string.h>

static const struct {
    struct prov_kind_row row;
    enum attr_class class;
} kinds[] = {
    { { PROV_KIND_CERT, URI_CERT, OSSL_STORE_INFO_CERT, "certificate" },
        ATTR_CLASS_CERTIFICATE },
    { { PROV_KIND_PUBLIC, URI_PUBLIC, OSSL_STORE_INFO_PUBKEY, "public key" },
        ATTR_CLASS_PUBLIC_KEY },
    { { PROV_KIND_PRIVATE, URI_PRIVATE, OSSL_STORE_INFO_PKEY, "private key" },
        ATTR_CLASS_PRIVATE_KEY },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct prov_kind_row *
prov_kind_at(size_t index)
{
    return index < KINDS ? &kinds[index].row : NULL;
}

/* --- what an object is ---------------------------------------------------- */

static bool
get_number(const struct scu_object *object, uint64_t type, uint64_t *number)
{
    size_t len = 0;
    const uint8_t *data = scu_object_attribute(object, type, &len);

    *number = 0;
    return data != NULL && attrs_decode(data, len, number);
}

/* A private object that does not say what it is, is a private key. */
unsigned
prov_object_kind(const struct scu_object *object)
{
    uint64_t class = ATTR_CLASS_PRIVATE_KEY;

    if (!get_number(object, ATTR_CLASS, &class)) {
        if (!scu_object_is_private(object))
            return 0;
        class = ATTR_CLASS_PRIVATE_KEY;
    }
    for (size_t i = 0; i < KINDS; i++) {
        if ((uint64_t)kinds[i].class == class)
            return kinds[i].row.kind;
    }
    return 0;
}

/* An attribute that is not there is an empty one. */
static bool
has_octets(const struct scu_object *object, uint64_t type, const void *want,
    size_t want_len)
{
    size_t len = 0;
    const uint8_t *data = scu_object_attribute(object, type, &len);

    return len == want_len && (len == 0 || memcmp(data, want, len) == 0);
}

bool
prov_object_matches(const struct scu_object *object, const struct uri *uri,
    unsigned want)
{
    return (prov_object_kind(object) & want) != 0 &&
        (uri->object == NULL ||
            has_octets(object, ATTR_LABEL, uri->object,
                strlen(uri->object))) &&
        (uri->id == NULL ||
            has_octets(object, ATTR_ID, uri->id, uri->id_len));
}

/* --- public keys ---------------------------------------------------------- */

/* ATTR_EC_PARAMS is the OBJECT IDENTIFIER of a curve in DER. */
static bool
push_curve(OSSL_PARAM_BLD *bld, const struct scu_object *object)
{
    size_t len = 0;
    const uint8_t *at = scu_object_attribute(object, ATTR_EC_PARAMS, &len);
    ASN1_OBJECT *oid = NULL;
    const char *name = NULL;

    if (at != NULL && len <= LONG_MAX)
        oid = d2i_ASN1_OBJECT(NULL, &at, (long)len);
    if (oid != NULL && OBJ_obj2nid(oid) != NID_undef)
        name = OBJ_nid2sn(OBJ_obj2nid(oid));
    ASN1_OBJECT_free(oid);
    return name != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, name,
            0) == 1;
}

/*
 * ATTR_EC_POINT is DER of an OCTET STRING; *point, which is to be freed, lends
 * its octets to bld.
 */
static bool
push_point(OSSL_PARAM_BLD *bld, const struct scu_object *object,
    ASN1_OCTET_STRING **point)
{
    size_t len = 0;
    const uint8_t *at = scu_object_attribute(object, ATTR_EC_POINT, &len);
    int size = 0;

    if (at == NULL || len > LONG_MAX)
        return false;
    *point = d2i_ASN1_OCTET_STRING(NULL, &at, (long)len);
    size = *point == NULL ? 0 : ASN1_STRING_length(*point);
    return size > 0 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
            ASN1_STRING_get0_data(*point), (size_t)size) == 1;
}

static BIGNUM *
get_bn(const struct scu_object *object, uint64_t type)
{
    size_t len = 0;
    const uint8_t *data = scu_object_attribute(object, type, &len);

    return data == NULL || len > INT_MAX ? NULL :
        BN_bin2bn(data, (int)len, NULL);
}

/* The attributes of a public key as parameters; NULL where they are none. */
static OSSL_PARAM *
public_params(const struct scu_object *object, const struct key_type *type)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    ASN1_OCTET_STRING *point = NULL;
    OSSL_PARAM *params = NULL;
    BIGNUM *n = NULL, *e = NULL;
    bool ok = false;

    if (bld != NULL && type->kind == SCU_KIND_EC) {
        ok = push_curve(bld, object) && push_point(bld, object, &point);
    } else if (bld != NULL) {
        n = get_bn(object, ATTR_MODULUS);
        e = get_bn(object, ATTR_PUBLIC_EXPONENT);
        ok = n != NULL && e != NULL &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1;
    }
    if (ok)
        params = OSSL_PARAM_BLD_to_param(bld);
    BN_free(n);
    BN_free(e);
    ASN1_OCTET_STRING_free(point);
    OSSL_PARAM_BLD_free(bld);
    return params;
}

static struct prov_key *
make_public(struct prov_ctx *prov, const struct scu_object *object)
{
    const struct key_type *type = &prov_key_rsa;
    struct prov_key *key = NULL;
    OSSL_PARAM *params = NULL;
    uint64_t number = ATTR_KEY_RSA;

    if (get_number(object, ATTR_KEY_TYPE, &number) && number == ATTR_KEY_EC)
        type = &prov_key_ec;
    params = public_params(object, type);
    if (params != NULL && (number == ATTR_KEY_RSA || number == ATTR_KEY_EC))
        key = prov_key_new(prov, type);
    if (key == NULL || !prov_key_import(key, EVP_PKEY_PUBLIC_KEY, params)) {
        prov_raise(prov, SCU_E_UNSUPPORTED,
            "object %llu of the token is no public key that is understood",
            (unsigned long long)scu_object_id(object));
        prov_key_unref(key);
        key = NULL;
    }
    OSSL_PARAM_free(params);
    return key;
}

/* --- delivery ------------------------------------------------------------- */

static struct prov_key *
make_private(struct prov_ctx *prov, struct scu_object *object,
    struct prov_login *login)
{
    struct scu_key *chip = NULL;
    struct prov_key *key = NULL;
    int rc = scu_object_key(object, &chip);

    if (rc != SCU_OK) {
        prov_raise_scu(prov, rc);
        return NULL;
    }
    key = prov_key_from_chip(prov, &chip);
    if (key != NULL) {
        key->login = prov_login_ref(login);
        key->no_sign = has_octets(object, ATTR_SIGN, "", 1);
    }
    scu_key_free(&chip);
    return key;
}

static int
deliver_certificate(struct prov_ctx *prov, const struct scu_object *object,
    OSSL_CALLBACK *callback, void *arg)
{
    size_t len = 0;
    const uint8_t *der = scu_object_attribute(object, ATTR_VALUE, &len);
    int type = OSSL_OBJECT_CERT;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA,
            (uint8_t *)(uintptr_t)der, len),
        OSSL_PARAM_construct_end(),
    };

    return (der != NULL && callback(params, arg)) ||
        prov_raise(prov, SCU_E_UNSUPPORTED,
            "object %llu of the token is no certificate that is understood",
            (unsigned long long)scu_object_id(object));
}

int
prov_object_deliver(struct prov_ctx *prov, struct scu_object *object,
    struct prov_login *login, OSSL_CALLBACK *callback, void *arg)
{
    struct prov_key *key = NULL;
    int ok = 0;

    switch (prov_object_kind(object)) {
    case PROV_KIND_CERT:
        return deliver_certificate(prov, object, callback, arg);
    case PROV_KIND_PUBLIC:
        key = make_public(prov, object);
        break;
    default:
        key = make_private(prov, object, login);
        break;
    }
    /* Whoever takes the key nulls our pointer. */
    ok = key != NULL && prov_key_deliver(&key, callback, arg);
    prov_key_unref(key);
    return ok;
}
