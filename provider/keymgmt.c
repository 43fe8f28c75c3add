/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "gen.h"
#include "key.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

/*
 * KEYMGMT: keys as OpenSSL holds them. All but `new` and the lists of
 * parameters is the same for RSA and EC.
 */

static void *
new_rsa(void *provctx)
{
    return prov_key_new(provctx, &prov_key_rsa);
}

static void *
new_ec(void *provctx)
{
    return prov_key_new(provctx, &prov_key_ec);
}

static void
free_key(void *keydata)
{
    prov_key_unref(keydata);
}

static void *
dup_key(const void *keydata, int selection)
{
    return prov_key_dup(keydata, selection);
}

/* A reference is the address of a struct prov_key *, which we take over. */
static void *
load(const void *reference, size_t size)
{
    struct prov_key **from = NULL;
    struct prov_key *key = NULL;

    if (size != sizeof(from))
        return NULL;
    from = (struct prov_key **)(uintptr_t)reference;
    key = *from;
    *from = NULL;
    return key;
}

static int
has(const void *keydata, int selection)
{
    const struct prov_key *key = keydata;
    int want = selection & OSSL_KEYMGMT_SELECT_KEYPAIR;

    if (key == NULL)
        return 0;
    if (key->type->has_domain)
        want |= selection & OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS;
    return (key->parts & want) == want;
}

static int
match(const void *keydata1, const void *keydata2, int selection)
{
    const struct prov_key *key1 = keydata1, *key2 = keydata2;

    if (key1->type != key2->type || key1->soft == NULL ||
        key2->soft == NULL) {
        return 0;
    }
    if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0)
        return EVP_PKEY_eq(key1->soft, key2->soft) == 1;
    return EVP_PKEY_parameters_eq(key1->soft, key2->soft) == 1;
}

/* Of a key in the chip the public half: what else is, the chip knows. */
static int
validate(const void *keydata, int selection, int checktype)
{
    const struct prov_key *key = keydata;
    int parts = selection & OSSL_KEYMGMT_SELECT_KEYPAIR;
    EVP_PKEY_CTX *ctx = NULL;
    bool quick = checktype == OSSL_KEYMGMT_VALIDATE_QUICK_CHECK;
    int ok = 0;

    if (key->soft == NULL ||
        (ctx = EVP_PKEY_CTX_new_from_pkey(prov_libctx(key->prov), key->soft,
             NULL)) == NULL) {
        return 0;
    }
    if (key->chip != NULL && parts != 0)
        parts = OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
    if (parts == OSSL_KEYMGMT_SELECT_KEYPAIR) {
        ok = EVP_PKEY_pairwise_check(ctx) == 1 &&
            EVP_PKEY_private_check(ctx) == 1;
    } else if (parts == OSSL_KEYMGMT_SELECT_PRIVATE_KEY) {
        ok = EVP_PKEY_private_check(ctx) == 1;
    } else {
        ok = 1;
    }
    if (ok && (parts & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0) {
        ok = (quick ? EVP_PKEY_public_check_quick(ctx)
                    : EVP_PKEY_public_check(ctx)) == 1;
    }
    if (ok && key->type->has_domain &&
        (selection & OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS) != 0) {
        ok = (quick ? EVP_PKEY_param_check_quick(ctx)
                    : EVP_PKEY_param_check(ctx)) == 1;
    }
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static int
import(void *keydata, int selection, const OSSL_PARAM params[])
{
    return prov_key_import(keydata, selection, params);
}

/*
 * The private half of a key in the chip cannot be had. That is refused
 * without an error on the queue: it is how libcrypto finds out that an
 * operation with this key is ours.
 */
static int
export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg)
{
    const struct prov_key *key = keydata;

    if (key->soft == NULL ||
        (key->chip != NULL &&
            (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)) {
        return 0;
    }
    return EVP_PKEY_export(key->soft, selection, callback, arg);
}

static int
get_params(void *keydata, OSSL_PARAM params[])
{
    const struct prov_key *key = keydata;

    return key->soft != NULL && EVP_PKEY_get_params(key->soft, params) == 1;
}

static int
set_params(void *keydata, const OSSL_PARAM params[])
{
    struct prov_key *key = keydata;

    if (params == NULL || params->key == NULL)
        return 1;
    if (key->soft == NULL)
        return 0;
    if (key->chip != NULL &&
        OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY) !=
            NULL) {
        return prov_raise(key->prov, SCU_E_ARG,
            "the public half of a key in the chip cannot be altered");
    }
    if (EVP_PKEY_set_params(key->soft, prov_unconst(params)) != 1)
        return 0;
    prov_key_learn(key);
    return 1;
}

static const char *
rsa_operation(int operation)
{
    (void)operation;
    return prov_key_rsa.signature;
}

static const char *
ec_operation(int operation)
{
    return operation == OSSL_OP_KEYEXCH ? prov_key_ec.exchange
                                        : prov_key_ec.signature;
}

/* The default provider's parameters of keys, in both directions. */
#define RSA_PUBLIC                                   \
    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),   \
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0)
#define RSA_NUMBERED(what)                                                  \
    OSSL_PARAM_BN(what "1", NULL, 0), OSSL_PARAM_BN(what "2", NULL, 0),     \
        OSSL_PARAM_BN(what "3", NULL, 0), OSSL_PARAM_BN(what "4", NULL, 0), \
        OSSL_PARAM_BN(what "5", NULL, 0)
#define RSA_PRIVATE                                    \
    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_D, NULL, 0),     \
        RSA_NUMBERED(OSSL_PKEY_PARAM_RSA_FACTOR),      \
        RSA_NUMBERED(OSSL_PKEY_PARAM_RSA_EXPONENT),    \
        RSA_NUMBERED(OSSL_PKEY_PARAM_RSA_COEFFICIENT)
#define EC_CURVE                                                           \
    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),           \
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),      \
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, \
            NULL, 0),                                                      \
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_FIELD_TYPE, NULL, 0),    \
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_P, NULL, 0),                      \
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_A, NULL, 0),                      \
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_B, NULL, 0),                      \
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_GENERATOR, NULL, 0),    \
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_ORDER, NULL, 0),                  \
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_COFACTOR, NULL, 0),               \
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_SEED, NULL, 0)
#define EC_OTHER                                                   \
    OSSL_PARAM_int(OSSL_PKEY_PARAM_USE_COFACTOR_ECDH, NULL),       \
        OSSL_PARAM_int(OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, NULL),   \
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_GROUP_CHECK_TYPE, NULL, 0)
#define EC_PUBLIC OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0)
#define EC_PRIVATE OSSL_PARAM_BN(OSSL_PKEY_PARAM_PRIV_KEY, NULL, 0)
#define SIZES                                             \
    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),           \
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL), \
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),   \
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0)

static const OSSL_PARAM *
rsa_types(int selection)
{
    static const OSSL_PARAM public[] = { RSA_PUBLIC, OSSL_PARAM_END };
    static const OSSL_PARAM pair[] = {
        RSA_PUBLIC,
        RSA_PRIVATE,
        OSSL_PARAM_END,
    };

    if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
        return NULL;
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? pair : public;
}

static const OSSL_PARAM *
ec_types(int selection)
{
    static const OSSL_PARAM curve[] = { EC_CURVE, EC_OTHER, OSSL_PARAM_END };
    static const OSSL_PARAM public[] = {
        EC_CURVE,
        EC_OTHER,
        EC_PUBLIC,
        OSSL_PARAM_END,
    };
    static const OSSL_PARAM pair[] = {
        EC_CURVE,
        EC_OTHER,
        EC_PUBLIC,
        EC_PRIVATE,
        OSSL_PARAM_END,
    };

    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
        return pair;
    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? public : curve;
}

static const OSSL_PARAM *
rsa_gettable(void *provctx)
{
    static const OSSL_PARAM gettable[] = {
        SIZES,
        RSA_PUBLIC,
        RSA_PRIVATE,
        OSSL_PARAM_END,
    };

    (void)provctx;
    return gettable;
}

static const OSSL_PARAM *
ec_gettable(void *provctx)
{
    static const OSSL_PARAM gettable[] = {
        SIZES,
        EC_CURVE,
        EC_OTHER,
        EC_PUBLIC,
        EC_PRIVATE,
        OSSL_PARAM_int(OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, NULL),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)provctx;
    return gettable;
}

static const OSSL_PARAM *
rsa_settable(void *provctx)
{
    static const OSSL_PARAM settable[] = { OSSL_PARAM_END };

    (void)provctx;
    return settable;
}

static const OSSL_PARAM *
ec_settable(void *provctx)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
            NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_SEED, NULL, 0),
        EC_OTHER,
        OSSL_PARAM_END,
    };

    (void)provctx;
    return settable;
}

#define COMMON_FUNCTIONS                                             \
    PROV_FN(OSSL_FUNC_KEYMGMT_FREE, free_key),                       \
        PROV_FN(OSSL_FUNC_KEYMGMT_DUP, dup_key),                     \
        PROV_FN(OSSL_FUNC_KEYMGMT_LOAD, load),                       \
        PROV_FN(OSSL_FUNC_KEYMGMT_HAS, has),                         \
        PROV_FN(OSSL_FUNC_KEYMGMT_MATCH, match),                     \
        PROV_FN(OSSL_FUNC_KEYMGMT_VALIDATE, validate),               \
        PROV_FN(OSSL_FUNC_KEYMGMT_IMPORT, import),                   \
        PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT, export),                   \
        PROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),           \
        PROV_FN(OSSL_FUNC_KEYMGMT_SET_PARAMS, set_params),           \
        PROV_FN(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, prov_gen_set_params),   \
        PROV_FN(OSSL_FUNC_KEYMGMT_GEN, prov_gen),                         \
        PROV_FN(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, prov_gen_cleanup)

static const OSSL_DISPATCH rsa_functions[] = {
    COMMON_FUNCTIONS,
    PROV_FN(OSSL_FUNC_KEYMGMT_NEW, new_rsa),
    PROV_FN(OSSL_FUNC_KEYMGMT_GEN_INIT, prov_gen_init_rsa),
    PROV_FN(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, prov_gen_settable_rsa),
    PROV_FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, rsa_types),
    PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, rsa_types),
    PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, rsa_gettable),
    PROV_FN(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, rsa_settable),
    PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, rsa_operation),
    { 0, NULL },
};

static const OSSL_DISPATCH ec_functions[] = {
    COMMON_FUNCTIONS,
    PROV_FN(OSSL_FUNC_KEYMGMT_NEW, new_ec),
    PROV_FN(OSSL_FUNC_KEYMGMT_GEN_INIT, prov_gen_init_ec),
    PROV_FN(OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE, prov_gen_set_template),
    PROV_FN(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, prov_gen_settable_ec),
    PROV_FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, ec_types),
    PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, ec_types),
    PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, ec_gettable),
    PROV_FN(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, ec_settable),
    PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
    { 0, NULL },
};

const OSSL_ALGORITHM prov_keymgmt[] = {
    { PROV_NAMES_RSA, PROV_PROPERTIES, rsa_functions, "RSA keys" },
    { PROV_NAMES_EC, PROV_PROPERTIES, ec_functions, "EC keys" },
    { NULL, NULL, NULL, NULL },
};
