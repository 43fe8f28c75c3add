/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/*
 * KEYEXCH: ECDH. Software keys derive in ops, the default provider's context.
 * A key in the chip has its shared secret from there, and what belongs to the
 * key derivation function (ANSI X9.63, as CMS wants it) here.
 */
#define MAX_SECRET 66 /* P-521 */

struct kdf {
    bool x963;
    char digest[64];
    unsigned char *ukm;
    size_t ukm_len;
    size_t out_len;
};

struct exch_ctx {
    struct prov_ctx *prov;
    struct prov_key *key;
    struct prov_key *peer;
    EVP_PKEY_CTX *ops; /* NULL for keys in the chip */
    struct kdf kdf;    /* of keys in the chip */
};

static void
reset(struct exch_ctx *ctx)
{
    EVP_PKEY_CTX_free(ctx->ops);
    prov_key_unref(ctx->peer);
    prov_key_unref(ctx->key);
    OPENSSL_clear_free(ctx->kdf.ukm, ctx->kdf.ukm_len);
    ctx->ops = NULL;
    ctx->peer = NULL;
    ctx->key = NULL;
    memset(&ctx->kdf, 0, sizeof(ctx->kdf));
}

static void *
newctx(void *provctx)
{
    struct exch_ctx *ctx = calloc(1, sizeof(*ctx));

    if (ctx != NULL)
        ctx->prov = prov_ref(provctx);
    return ctx;
}

static void
freectx(void *vctx)
{
    struct exch_ctx *ctx = vctx;

    if (ctx == NULL)
        return;
    reset(ctx);
    prov_unref(ctx->prov);
    free(ctx);
}

static void *
dupctx(void *vctx)
{
    const struct exch_ctx *from = vctx;
    struct exch_ctx *to = newctx(from->prov);
    bool ok = to != NULL;

    if (!ok)
        return NULL;
    to->key = from->key != NULL ? prov_key_ref(from->key) : NULL;
    to->peer = from->peer != NULL ? prov_key_ref(from->peer) : NULL;
    to->kdf = from->kdf;
    to->kdf.ukm = NULL;
    to->kdf.ukm_len = 0;
    if (from->ops != NULL)
        ok = (to->ops = EVP_PKEY_CTX_dup(from->ops)) != NULL;
    if (ok && from->kdf.ukm_len > 0) {
        to->kdf.ukm = OPENSSL_memdup(from->kdf.ukm, from->kdf.ukm_len);
        ok = to->kdf.ukm != NULL;
        to->kdf.ukm_len = ok ? from->kdf.ukm_len : 0;
    }
    if (!ok) {
        freectx(to);
        to = NULL;
    }
    return to;
}

static bool
set_kdf_type(struct exch_ctx *ctx, const OSSL_PARAM *param)
{
    const char *type = NULL;

    if (!OSSL_PARAM_get_utf8_string_ptr(param, &type))
        return false;
    ctx->kdf.x963 = strcmp(type, OSSL_KDF_NAME_X963KDF) == 0;
    return ctx->kdf.x963 || type[0] == '\0' ||
        prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "key derivation function %s after ECDH", type);
}

static bool
set_ukm(struct kdf *kdf, const OSSL_PARAM *param)
{
    void *ukm = NULL;
    size_t len = 0;

    if (!OSSL_PARAM_get_octet_string(param, &ukm, 0, &len))
        return false;
    OPENSSL_clear_free(kdf->ukm, kdf->ukm_len);
    kdf->ukm = ukm;
    kdf->ukm_len = len;
    return true;
}

static bool
set_chip_params(struct exch_ctx *ctx, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p = NULL;
    char *digest = ctx->kdf.digest;
    int cofactor = 0;

    p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_TYPE);
    if (p != NULL && !set_kdf_type(ctx, p))
        return false;
    p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_DIGEST);
    if (p != NULL &&
        !OSSL_PARAM_get_utf8_string(p, &digest, sizeof(ctx->kdf.digest))) {
        return false;
    }
    p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_OUTLEN);
    if (p != NULL && !OSSL_PARAM_get_size_t(p, &ctx->kdf.out_len))
        return false;
    p = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_UKM);
    if (p != NULL && !set_ukm(&ctx->kdf, p))
        return false;
    /* The chip's curves have cofactor 1: each mode gives the same. */
    p = OSSL_PARAM_locate_const(params,
        OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE);
    return p == NULL ||
        (OSSL_PARAM_get_int(p, &cofactor) && cofactor >= -1 && cofactor <= 1);
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    struct exch_ctx *ctx = vctx;

    if (params == NULL || params->key == NULL)
        return 1;
    if (ctx->ops != NULL)
        return EVP_PKEY_CTX_set_params(ctx->ops, params) == 1;
    return ctx->key != NULL && set_chip_params(ctx, params);
}

static int
get_ctx_params(void *vctx, OSSL_PARAM params[])
{
    const struct exch_ctx *ctx = vctx;
    OSSL_PARAM *p = NULL;

    if (ctx->ops != NULL)
        return EVP_PKEY_CTX_get_params(ctx->ops, params) == 1;
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_TYPE);
    if (p != NULL &&
        !OSSL_PARAM_set_utf8_string(p,
            ctx->kdf.x963 ? OSSL_KDF_NAME_X963KDF : "")) {
        return 0;
    }
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_DIGEST);
    if (p != NULL && !OSSL_PARAM_set_utf8_string(p, ctx->kdf.digest))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_OUTLEN);
    if (p != NULL && !OSSL_PARAM_set_size_t(p, ctx->kdf.out_len))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_UKM);
    if (p != NULL &&
        !OSSL_PARAM_set_octet_ptr(p, ctx->kdf.ukm, ctx->kdf.ukm_len)) {
        return 0;
    }
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE);
    return p == NULL || OSSL_PARAM_set_int(p, 0);
}

static int
init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
    struct exch_ctx *ctx = vctx;
    struct prov_key *key = vkey;
    OSSL_LIB_CTX *libctx = prov_libctx(ctx->prov);

    if (libctx == NULL || key == NULL || key->soft == NULL)
        return 0;
    reset(ctx);
    ctx->key = prov_key_ref(key);
    if (key->chip == NULL) {
        ctx->ops = EVP_PKEY_CTX_new_from_pkey(libctx, key->soft, NULL);
        if (ctx->ops == NULL || EVP_PKEY_derive_init(ctx->ops) != 1)
            return 0;
    }
    return set_ctx_params(ctx, params);
}

static int
set_peer(void *vctx, void *vpeer)
{
    struct exch_ctx *ctx = vctx;
    struct prov_key *peer = vpeer;

    if (ctx->key == NULL || peer == NULL || peer->soft == NULL)
        return 0;
    if (ctx->ops != NULL)
        return EVP_PKEY_derive_set_peer(ctx->ops, peer->soft) == 1;
    if (EVP_PKEY_parameters_eq(ctx->key->soft, peer->soft) != 1) {
        return prov_raise(ctx->prov, SCU_E_ARG,
            "the peer's key is on another curve");
    }
    prov_key_unref(ctx->peer);
    ctx->peer = prov_key_ref(peer);
    return 1;
}

/* A coordinate of the peer's point, big endian, padded to len octets. */
static bool
coordinate(const struct prov_key *peer, const char *name, uint8_t *out,
    size_t len)
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(peer->soft, name, &number) == 1 &&
        BN_bn2binpad(number, out, (int)len) == (int)len;

    BN_free(number);
    return ok;
}

static bool
chip_secret(const struct exch_ctx *ctx, uint8_t *secret, size_t *len)
{
    size_t size = ((size_t)EVP_PKEY_get_bits(ctx->key->soft) + 7) / 8;
    uint8_t x[MAX_SECRET], y[MAX_SECRET];
    int rc = 0;

    if (ctx->peer == NULL || size > MAX_SECRET ||
        !coordinate(ctx->peer, OSSL_PKEY_PARAM_EC_PUB_X, x, size) ||
        !coordinate(ctx->peer, OSSL_PKEY_PARAM_EC_PUB_Y, y, size)) {
        return prov_raise(ctx->prov, SCU_E_ARG, "no usable key of the peer");
    }
    rc = scu_key_ecdh(ctx->key->chip, x, y, size, secret, len);
    return rc == SCU_OK || prov_raise_scu(ctx->prov, rc);
}

static bool
run_kdf(struct exch_ctx *ctx, uint8_t *secret, size_t len,
    unsigned char *out, size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(prov_libctx(ctx->prov), OSSL_KDF_NAME_X963KDF,
        NULL);
    EVP_KDF_CTX *run = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
            ctx->kdf.digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, ctx->kdf.ukm,
            ctx->kdf.ukm_len),
        OSSL_PARAM_construct_end(),
    };
    bool ok = run != NULL && EVP_KDF_derive(run, out, size, params) == 1;

    EVP_KDF_CTX_free(run);
    EVP_KDF_free(kdf);
    return ok;
}

static int
derive(void *vctx, unsigned char *out, size_t *out_len, size_t size)
{
    struct exch_ctx *ctx = vctx;
    uint8_t secret[MAX_SECRET];
    size_t len = sizeof(secret), want = 0;
    int ok = 0;

    if (ctx->key == NULL)
        return 0;
    if (ctx->ops != NULL) {
        *out_len = size;
        return EVP_PKEY_derive(ctx->ops, out, out_len) == 1;
    }
    want = ctx->kdf.x963 ? ctx->kdf.out_len
                         : ((size_t)EVP_PKEY_get_bits(ctx->key->soft) + 7) / 8;
    if (out == NULL) {
        *out_len = want;
        return 1;
    }
    if (size < want) {
        return prov_raise(ctx->prov, SCU_E_SIZE, "%zu octets are derived",
            want);
    }
    if (chip_secret(ctx, secret, &len)) {
        if (ctx->kdf.x963) {
            ok = run_kdf(ctx, secret, len, out, want);
        } else if (len == want) {
            memcpy(out, secret, len);
            ok = 1;
        }
    }
    *out_len = ok ? want : 0;
    explicit_bzero(secret, sizeof(secret));
    return ok;
}

static const OSSL_PARAM known[] = {
    OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
    OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST_PROPS, NULL, 0),
    OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
    OSSL_PARAM_octet_string(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
    OSSL_PARAM_END,
};

/* The one difference: the UKM is got as a pointer. */
static const OSSL_PARAM known_gettable[] = {
    OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
    OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
    OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
    OSSL_PARAM_DEFN(OSSL_EXCHANGE_PARAM_KDF_UKM, OSSL_PARAM_OCTET_PTR, NULL,
        0),
    OSSL_PARAM_END,
};

static const OSSL_PARAM *
settable_ctx_params(void *vctx, void *provctx)
{
    (void)vctx;
    (void)provctx;
    return known;
}

static const OSSL_PARAM *
gettable_ctx_params(void *vctx, void *provctx)
{
    (void)vctx;
    (void)provctx;
    return known_gettable;
}

static const OSSL_DISPATCH ecdh_functions[] = {
    PROV_FN(OSSL_FUNC_KEYEXCH_NEWCTX, newctx),
    PROV_FN(OSSL_FUNC_KEYEXCH_FREECTX, freectx),
    PROV_FN(OSSL_FUNC_KEYEXCH_DUPCTX, dupctx),
    PROV_FN(OSSL_FUNC_KEYEXCH_INIT, init),
    PROV_FN(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),
    PROV_FN(OSSL_FUNC_KEYEXCH_DERIVE, derive),
    PROV_FN(OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS, set_ctx_params),
    PROV_FN(OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS, settable_ctx_params),
    PROV_FN(OSSL_FUNC_KEYEXCH_GET_CTX_PARAMS, get_ctx_params),
    PROV_FN(OSSL_FUNC_KEYEXCH_GETTABLE_CTX_PARAMS, gettable_ctx_params),
    { 0, NULL },
};

const OSSL_ALGORITHM prov_keyexch[] = {
    { "ECDH", PROV_PROPERTIES, ecdh_functions, "ECDH" },
    { NULL, NULL, NULL, NULL },
};
