/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>

/*
 * ASYM_CIPHER: RSA encryption with anybody's public half, and decryption with
 * software keys, both by the default provider. Keys in the chip do not decrypt
 * yet, and say so.
 */
struct cipher_ctx {
    struct prov_ctx *prov;
    EVP_PKEY_CTX *ops;
};

static void *
newctx(void *provctx)
{
    struct cipher_ctx *ctx = calloc(1, sizeof(*ctx));

    if (ctx != NULL)
        ctx->prov = prov_ref(provctx);
    return ctx;
}

static void
freectx(void *vctx)
{
    struct cipher_ctx *ctx = vctx;

    if (ctx == NULL)
        return;
    EVP_PKEY_CTX_free(ctx->ops);
    prov_unref(ctx->prov);
    free(ctx);
}

static void *
dupctx(void *vctx)
{
    const struct cipher_ctx *from = vctx;
    struct cipher_ctx *to = newctx(from->prov);

    if (to != NULL && from->ops != NULL &&
        (to->ops = EVP_PKEY_CTX_dup(from->ops)) == NULL) {
        freectx(to);
        to = NULL;
    }
    return to;
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    const struct cipher_ctx *ctx = vctx;

    if (params == NULL || params->key == NULL)
        return 1;
    return ctx->ops != NULL && EVP_PKEY_CTX_set_params(ctx->ops, params) == 1;
}

static int
get_ctx_params(void *vctx, OSSL_PARAM params[])
{
    const struct cipher_ctx *ctx = vctx;

    return ctx->ops != NULL && EVP_PKEY_CTX_get_params(ctx->ops, params) == 1;
}

static int
init(struct cipher_ctx *ctx, const struct prov_key *key,
    int (*evp_init)(EVP_PKEY_CTX *), const OSSL_PARAM params[])
{
    OSSL_LIB_CTX *libctx = prov_libctx(ctx->prov);

    if (libctx == NULL || key == NULL || key->soft == NULL)
        return 0;
    EVP_PKEY_CTX_free(ctx->ops);
    ctx->ops = EVP_PKEY_CTX_new_from_pkey(libctx, key->soft, NULL);
    return ctx->ops != NULL && evp_init(ctx->ops) == 1 &&
        set_ctx_params(ctx, params);
}

static int
encrypt_init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
    return init(vctx, vkey, EVP_PKEY_encrypt_init, params);
}

static int
decrypt_init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
    struct cipher_ctx *ctx = vctx;
    const struct prov_key *key = vkey;

    if (key != NULL && key->chip != NULL) {
        return prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "decryption by a key in the chip: use the key for signatures");
    }
    return init(ctx, key, EVP_PKEY_decrypt_init, params);
}

static int
encrypt(void *vctx, unsigned char *out, size_t *out_len, size_t size,
    const unsigned char *in, size_t in_len)
{
    const struct cipher_ctx *ctx = vctx;

    *out_len = size;
    return ctx->ops != NULL &&
        EVP_PKEY_encrypt(ctx->ops, out, out_len, in, in_len) == 1;
}

static int
decrypt(void *vctx, unsigned char *out, size_t *out_len, size_t size,
    const unsigned char *in, size_t in_len)
{
    const struct cipher_ctx *ctx = vctx;

    *out_len = size;
    return ctx->ops != NULL &&
        EVP_PKEY_decrypt(ctx->ops, out, out_len, in, in_len) == 1;
}

static const OSSL_PARAM known[] = {
    OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST_PROPS, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST_PROPS, NULL, 0),
    OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
    OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL),
    OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION, NULL),
    OSSL_PARAM_END,
};

/* What the default provider of this OpenSSL has, we have. */
static const OSSL_PARAM *
gettable_ctx_params(void *vctx, void *provctx)
{
    const struct cipher_ctx *ctx = vctx;

    (void)provctx;
    return ctx != NULL && ctx->ops != NULL
        ? EVP_PKEY_CTX_gettable_params(ctx->ops)
        : known;
}

static const OSSL_PARAM *
settable_ctx_params(void *vctx, void *provctx)
{
    const struct cipher_ctx *ctx = vctx;

    (void)provctx;
    return ctx != NULL && ctx->ops != NULL
        ? EVP_PKEY_CTX_settable_params(ctx->ops)
        : known;
}

static const OSSL_DISPATCH rsa_functions[] = {
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_NEWCTX, newctx),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_FREECTX, freectx),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_DUPCTX, dupctx),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT, encrypt_init),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_ENCRYPT, encrypt),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, decrypt_init),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_ctx_params),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, settable_ctx_params),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, get_ctx_params),
    PROV_FN(OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, gettable_ctx_params),
    { 0, NULL },
};

const OSSL_ALGORITHM prov_asym_cipher[] = {
    { PROV_NAMES_RSA, PROV_PROPERTIES, rsa_functions, "RSA encryption" },
    { NULL, NULL, NULL, NULL },
};
