/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

const struct key_type prov_key_rsa = {
    .kind = SCU_KIND_RSA,
    .name = "RSA",
    .nid = NID_rsaEncryption,
    .has_domain = false,
    .public_param = OSSL_PKEY_PARAM_RSA_N,
    .private_param = OSSL_PKEY_PARAM_RSA_D,
    .signature = "RSA",
    .exchange = NULL,
    .cipher = "RSA",
};

const struct key_type prov_key_ec = {
    .kind = SCU_KIND_EC,
    .name = "EC",
    .nid = NID_X9_62_id_ecPublicKey,
    .has_domain = true,
    .public_param = OSSL_PKEY_PARAM_PUB_KEY,
    .private_param = OSSL_PKEY_PARAM_PRIV_KEY,
    .signature = "ECDSA",
    .exchange = "ECDH",
    .cipher = NULL,
};

/* The longest coordinate of a curve that a chip may have (P-521). */
#define MAX_COORDINATE 66

struct prov_key *
prov_key_new(struct prov_ctx *prov, const struct key_type *type)
{
    struct prov_key *key = calloc(1, sizeof(*key));

    if (key == NULL) {
        prov_raise(prov, SCU_E_MEMORY, "a key");
        return NULL;
    }
    key->prov = prov_ref(prov);
    key->type = type;
    atomic_init(&key->refs, 1);
    return key;
}

struct prov_key *
prov_key_ref(struct prov_key *key)
{
    atomic_fetch_add(&key->refs, 1);
    return key;
}

void
prov_key_unref(struct prov_key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->refs, 1) != 1)
        return;
    scu_key_free(&key->chip);
    prov_login_unref(key->login);
    EVP_PKEY_free(key->soft);
    prov_unref(key->prov);
    free(key);
}

void
prov_key_learn(struct prov_key *key)
{
    OSSL_PARAM *params = NULL;

    key->parts = 0;
    if (key->soft == NULL)
        return;
    if (key->type->has_domain)
        key->parts |= OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS;
    ERR_set_mark();
    if (EVP_PKEY_todata(key->soft, EVP_PKEY_KEYPAIR, &params) == 1) {
        if (OSSL_PARAM_locate(params, key->type->public_param) != NULL)
            key->parts |= OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
        if (OSSL_PARAM_locate(params, key->type->private_param) != NULL)
            key->parts |= OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
    }
    ERR_pop_to_mark();
    OSSL_PARAM_free(params);
    if (key->chip != NULL)
        key->parts |= OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
}

static EVP_PKEY *
soft_from_params(struct prov_key *key, int selection,
    const OSSL_PARAM params[])
{
    OSSL_LIB_CTX *libctx = prov_libctx(key->prov);
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *soft = NULL;

    if (libctx != NULL &&
        (ctx = EVP_PKEY_CTX_new_from_name(libctx, key->type->name, NULL)) !=
            NULL &&
        EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &soft, selection, prov_unconst(params)) != 1) {
        EVP_PKEY_free(soft);
        soft = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return soft;
}

bool
prov_key_import(struct prov_key *key, int selection,
    const OSSL_PARAM params[])
{
    OSSL_PARAM *old = NULL, *merged = NULL;
    EVP_PKEY *soft = NULL;

    if (key->chip != NULL) {
        return prov_raise(key->prov, SCU_E_ARG,
            "a key in the chip cannot be altered");
    }
    if (key->soft == NULL) {
        soft = soft_from_params(key, selection, params);
    } else if (EVP_PKEY_todata(key->soft, EVP_PKEY_KEYPAIR, &old) == 1 &&
        (merged = OSSL_PARAM_merge(old, params)) != NULL) {
        /* Parameters that a bare public key was lacking, or the reverse. */
        soft = soft_from_params(key, selection | key->parts, merged);
    }
    /* merged is one array; its values are those of old and params. */
    OPENSSL_free(merged);
    OSSL_PARAM_free(old);
    if (soft == NULL)
        return false;
    EVP_PKEY_free(key->soft);
    key->soft = soft;
    prov_key_learn(key);
    return true;
}

static bool
push_ec(OSSL_PARAM_BLD *bld, const struct scu_key *key,
    const struct scu_public *public, uint8_t *point)
{
    const struct scu_alg *alg = scu_key_alg(key);

    if (alg == NULL || public->xy_len > MAX_COORDINATE)
        return false;
    /* SEC 1, 2.3.3: uncompressed. */
    point[0] = 0x04;
    memcpy(point + 1, public->x, public->xy_len);
    memcpy(point + 1 + public->xy_len, public->y, public->xy_len);
    return OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
               scu_alg_group(alg), 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
            1 + 2 * public->xy_len) == 1;
}

/* The public half as parameters; the caller frees by OSSL_PARAM_free(). */
static OSSL_PARAM *
params_from_chip(const struct scu_key *key, const struct scu_public *public)
{
    uint8_t point[1 + 2 * MAX_COORDINATE];
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    BIGNUM *n = NULL;
    bool ok = false;

    if (bld != NULL && public->kind == SCU_KIND_EC) {
        ok = push_ec(bld, key, public, point);
    } else if (bld != NULL && public->n_len <= INT_MAX) {
        n = BN_bin2bn(public->n, (int)public->n_len, NULL);
        ok = n != NULL &&
            OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
            OSSL_PARAM_BLD_push_uint32(bld, OSSL_PKEY_PARAM_RSA_E,
                public->e) == 1;
    }
    if (ok)
        params = OSSL_PARAM_BLD_to_param(bld);
    BN_free(n);
    OSSL_PARAM_BLD_free(bld);
    return params;
}

struct prov_key *
prov_key_from_chip(struct prov_ctx *prov, struct scu_key **chip)
{
    struct scu_public public = { 0 };
    struct prov_key *key = NULL;
    OSSL_PARAM *params = NULL;

    scu_key_public(*chip, &public);
    key = prov_key_new(prov,
        public.kind == SCU_KIND_EC ? &prov_key_ec : &prov_key_rsa);
    if (key == NULL)
        return NULL;
    params = params_from_chip(*chip, &public);
    if (params == NULL ||
        !prov_key_import(key, EVP_PKEY_PUBLIC_KEY, params)) {
        prov_raise(prov, SCU_E_KEYFILE,
            "the public half is no valid key of its curve or size: the key "
            "file was damaged");
        prov_key_unref(key);
        key = NULL;
    } else {
        key->chip = *chip;
        key->parts |= OSSL_KEYMGMT_SELECT_PRIVATE_KEY;
        *chip = NULL;
    }
    OSSL_PARAM_free(params);
    return key;
}

static bool
copy_parts(struct prov_key *to, const struct prov_key *from, int selection)
{
    OSSL_PARAM *params = NULL;
    bool ok = false;

    if (EVP_PKEY_todata(from->soft, selection, &params) == 1)
        ok = prov_key_import(to, selection, params);
    OSSL_PARAM_free(params);
    return ok;
}

struct prov_key *
prov_key_dup(const struct prov_key *from, int selection)
{
    struct prov_key *to = prov_key_new(from->prov, from->type);
    bool ok = true;

    if (to == NULL)
        return NULL;
    to->ephemeral = from->ephemeral;
    if ((selection & from->parts & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) {
        ok = (to->soft = EVP_PKEY_dup(from->soft)) != NULL;
        to->parts = from->parts;
        if (from->chip != NULL)
            to->chip = scu_key_ref(from->chip);
        to->no_sign = from->no_sign;
        if (from->login != NULL)
            to->login = prov_login_ref(from->login);
    } else if ((selection & from->parts) != 0) {
        ok = copy_parts(to, from,
            selection & ~OSSL_KEYMGMT_SELECT_PRIVATE_KEY);
    }
    if (!ok) {
        prov_key_unref(to);
        to = NULL;
    }
    return to;
}

/* --- to OpenSSL ----------------------------------------------------------- */

int
prov_key_deliver(struct prov_key **key, OSSL_CALLBACK *callback, void *arg)
{
    int type = OSSL_OBJECT_PKEY;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type),
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
            (char *)(uintptr_t)(*key)->type->name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, key,
            sizeof(*key)),
        OSSL_PARAM_construct_end(),
    };

    return callback(params, arg);
}

int
prov_key_export_object(struct prov_ctx *prov, const void *reference,
    size_t size, OSSL_CALLBACK *callback, void *arg)
{
    const struct prov_key *key = NULL;

    if (size != sizeof(key))
        return 0;
    memcpy(&key, reference, sizeof(key));
    if (key == NULL || key->soft == NULL)
        return 0;
    if (key->chip != NULL) {
        return prov_raise(prov, SCU_E_UNSUPPORTED,
            "a key in the chip is used by provider scu only");
    }
    return EVP_PKEY_export(key->soft, EVP_PKEY_KEYPAIR, callback, arg);
}
