/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "signctx.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

/*
 * SIGNATURE: one set of functions for RSA and ECDSA, signing and verifying.
 * A message is hashed here, in software; what is signed is its digest, in one
 * command.
 */

/* Where neither caller nor key name one; also what get_params() says. */
#define DEFAULT_DIGEST "SHA256"

static void
reset(struct sign_ctx *ctx)
{
    EVP_MD_CTX_free(ctx->message);
    EVP_PKEY_CTX_free(ctx->ops);
    prov_key_unref(ctx->key);
    ctx->message = NULL;
    ctx->ops = NULL;
    ctx->key = NULL;
    ctx->on_chip = false;
}

static void *
newctx(void *provctx, const char *properties)
{
    struct sign_ctx *ctx = calloc(1, sizeof(*ctx));

    (void)properties;
    if (ctx != NULL)
        ctx->prov = prov_ref(provctx);
    return ctx;
}

static void
freectx(void *vctx)
{
    struct sign_ctx *ctx = vctx;

    if (ctx == NULL)
        return;
    reset(ctx);
    prov_unref(ctx->prov);
    free(ctx);
}

static void *
dupctx(void *vctx)
{
    const struct sign_ctx *from = vctx;
    struct sign_ctx *to = newctx(from->prov, NULL);
    bool ok = to != NULL;

    if (ok && from->key != NULL) {
        to->key = prov_key_ref(from->key);
        to->on_chip = from->on_chip;
        ok = (to->ops = EVP_PKEY_CTX_dup(from->ops)) != NULL;
    }
    if (ok && from->message != NULL) {
        ok = (to->message = EVP_MD_CTX_new()) != NULL &&
            EVP_MD_CTX_copy_ex(to->message, from->message) == 1;
    }
    if (!ok) {
        freectx(to);
        to = NULL;
    }
    return to;
}

static int
set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
    struct sign_ctx *ctx = vctx;
    const OSSL_PARAM *digest = NULL;
    const char *name = NULL;

    if (params == NULL || params->key == NULL)
        return 1;
    if (ctx->ops == NULL)
        return 0;
    digest = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
    if (digest != NULL && ctx->message != NULL &&
        (!OSSL_PARAM_get_utf8_string_ptr(digest, &name) ||
            !EVP_MD_is_a(EVP_MD_CTX_get0_md(ctx->message), name))) {
        return prov_raise(ctx->prov, SCU_E_ARG,
            "the digest cannot be changed once hashing has begun");
    }
    return EVP_PKEY_CTX_set_params(ctx->ops, params) == 1;
}

/* key is NULL when a context is used again with the key that it has. */
static int
init(struct sign_ctx *ctx, struct prov_key *key, int operation,
    const OSSL_PARAM params[])
{
    OSSL_LIB_CTX *libctx = prov_libctx(ctx->prov);
    struct prov_key *use = key != NULL ? key : ctx->key;
    bool on_chip = false;
    int rc = 0;

    if (libctx == NULL || use == NULL || use->soft == NULL)
        return 0;
    if (operation == EVP_PKEY_OP_SIGN && use->no_sign) {
        return prov_raise(ctx->prov, SCU_E_USAGE,
            "the key does not sign: its token says so (CKA_SIGN is false)");
    }
    use = prov_key_ref(use);
    reset(ctx);
    ctx->key = use;
    on_chip = operation == EVP_PKEY_OP_SIGN && use->chip != NULL;
    ctx->ops = EVP_PKEY_CTX_new_from_pkey(libctx, use->soft, NULL);
    if (ctx->ops == NULL)
        return 0;
    if (operation == EVP_PKEY_OP_SIGN && !on_chip) {
        rc = EVP_PKEY_sign_init(ctx->ops);
    } else if (operation == EVP_PKEY_OP_VERIFYRECOVER) {
        rc = EVP_PKEY_verify_recover_init(ctx->ops);
    } else {
        rc = EVP_PKEY_verify_init(ctx->ops);
    }
    ctx->on_chip = on_chip;
    return rc == 1 && set_ctx_params(ctx, params);
}

static int
sign_init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
    return init(vctx, vkey, EVP_PKEY_OP_SIGN, params);
}

static int
verify_init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
    return init(vctx, vkey, EVP_PKEY_OP_VERIFY, params);
}

static int
verify_recover_init(void *vctx, void *vkey, const OSSL_PARAM params[])
{
    return init(vctx, vkey, EVP_PKEY_OP_VERIFYRECOVER, params);
}

static int
sign(void *vctx, unsigned char *sig, size_t *sig_len, size_t size,
    const unsigned char *tbs, size_t tbs_len)
{
    const struct sign_ctx *ctx = vctx;

    if (ctx->ops == NULL)
        return 0;
    if (ctx->on_chip)
        return prov_sign_on_chip(ctx, sig, sig_len, size, tbs, tbs_len);
    *sig_len = size;
    return EVP_PKEY_sign(ctx->ops, sig, sig_len, tbs, tbs_len) == 1;
}

static int
verify(void *vctx, const unsigned char *sig, size_t sig_len,
    const unsigned char *tbs, size_t tbs_len)
{
    const struct sign_ctx *ctx = vctx;

    return ctx->ops != NULL &&
        EVP_PKEY_verify(ctx->ops, sig, sig_len, tbs, tbs_len) == 1;
}

static int
verify_recover(void *vctx, unsigned char *out, size_t *len, size_t size,
    const unsigned char *sig, size_t sig_len)
{
    const struct sign_ctx *ctx = vctx;

    *len = size;
    return ctx->ops != NULL &&
        EVP_PKEY_verify_recover(ctx->ops, out, len, sig, sig_len) == 1;
}

/* --- a message instead of a digest ------------------------------------- */

static int
digest_init(struct sign_ctx *ctx, const char *name, struct prov_key *key,
    int operation, const OSSL_PARAM params[])
{
    OSSL_PARAM digest[] = { OSSL_PARAM_END, OSSL_PARAM_END };
    EVP_MD *md = NULL;
    int ok = 0;

    if (!init(ctx, key, operation, NULL))
        return 0;
    if (name == NULL || name[0] == '\0')
        name = DEFAULT_DIGEST;
    md = EVP_MD_fetch(prov_libctx(ctx->prov), name, NULL);
    if (md == NULL)
        return 0;
    digest[0] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
        (char *)(uintptr_t)EVP_MD_get0_name(md), 0);
    ok = EVP_PKEY_CTX_set_params(ctx->ops, digest) == 1 &&
        (ctx->message = EVP_MD_CTX_new()) != NULL &&
        EVP_DigestInit_ex2(ctx->message, md, NULL) == 1 &&
        set_ctx_params(ctx, params);
    EVP_MD_free(md);
    return ok;
}

static int
digest_sign_init(void *vctx, const char *name, void *vkey,
    const OSSL_PARAM params[])
{
    return digest_init(vctx, name, vkey, EVP_PKEY_OP_SIGN, params);
}

static int
digest_verify_init(void *vctx, const char *name, void *vkey,
    const OSSL_PARAM params[])
{
    return digest_init(vctx, name, vkey, EVP_PKEY_OP_VERIFY, params);
}

static int
digest_update(void *vctx, const unsigned char *data, size_t len)
{
    const struct sign_ctx *ctx = vctx;

    return ctx->message != NULL &&
        EVP_DigestUpdate(ctx->message, data, len) == 1;
}

static int
digest_sign_final(void *vctx, unsigned char *sig, size_t *sig_len, size_t size)
{
    struct sign_ctx *ctx = vctx;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (ctx->message == NULL)
        return 0;
    if (sig == NULL) {
        return sign(ctx, NULL, sig_len, 0, NULL,
            (size_t)EVP_MD_CTX_get_size(ctx->message));
    }
    return EVP_DigestFinal_ex(ctx->message, digest, &len) == 1 &&
        sign(ctx, sig, sig_len, size, digest, len);
}

static int
digest_sign(void *vctx, unsigned char *sig, size_t *sig_len, size_t size,
    const unsigned char *data, size_t len)
{
    if (sig != NULL && !digest_update(vctx, data, len))
        return 0;
    return digest_sign_final(vctx, sig, sig_len, size);
}

static int
digest_verify_final(void *vctx, const unsigned char *sig, size_t sig_len)
{
    struct sign_ctx *ctx = vctx;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    return ctx->message != NULL &&
        EVP_DigestFinal_ex(ctx->message, digest, &len) == 1 &&
        verify(ctx, sig, sig_len, digest, len);
}

static int
digest_verify(void *vctx, const unsigned char *sig, size_t sig_len,
    const unsigned char *data, size_t len)
{
    return digest_update(vctx, data, len) &&
        digest_verify_final(vctx, sig, sig_len);
}

/* --- parameters -------------------------------------------------------- */

/* The AlgorithmIdentifier is ours, so that PSS has its parameters in it. */
static int
get_ctx_params(void *vctx, OSSL_PARAM params[])
{
    const struct sign_ctx *ctx = vctx;
    OSSL_PARAM *id = NULL;
    unsigned char *der = NULL;
    size_t len = 0;
    int ok = 0;

    if (ctx->ops == NULL)
        return 0;
    id = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
    if (id != params || params[1].key != NULL) {
        if (EVP_PKEY_CTX_get_params(ctx->ops, params) != 1)
            return 0;
    }
    if (id == NULL)
        return 1;
    len = prov_sign_algorithm_id(ctx, &der);
    ok = OSSL_PARAM_set_octet_string(id, der, len);
    OPENSSL_free(der);
    return ok;
}

static const OSSL_PARAM known[] = {
    OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
    OSSL_PARAM_size_t(OSSL_SIGNATURE_PARAM_DIGEST_SIZE, NULL),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES, NULL, 0),
    OSSL_PARAM_END,
};

static const OSSL_PARAM *
gettable_ctx_params(void *vctx, void *provctx)
{
    (void)vctx;
    (void)provctx;
    return known;
}

/* What the default provider of this OpenSSL takes, we take. */
static const OSSL_PARAM *
settable_ctx_params(void *vctx, void *provctx)
{
    const struct sign_ctx *ctx = vctx;

    (void)provctx;
    return ctx != NULL && ctx->ops != NULL
        ? EVP_PKEY_CTX_settable_params(ctx->ops)
        : known;
}

static int
get_ctx_md_params(void *vctx, OSSL_PARAM params[])
{
    const struct sign_ctx *ctx = vctx;

    return ctx->message != NULL &&
        EVP_MD_CTX_get_params(ctx->message, params) == 1;
}

static const OSSL_PARAM *
gettable_ctx_md_params(void *vctx)
{
    const struct sign_ctx *ctx = vctx;

    return ctx->message != NULL ? EVP_MD_CTX_gettable_params(ctx->message)
                                : NULL;
}

static int
set_ctx_md_params(void *vctx, const OSSL_PARAM params[])
{
    const struct sign_ctx *ctx = vctx;

    return ctx->message != NULL &&
        EVP_MD_CTX_set_params(ctx->message, params) == 1;
}

static const OSSL_PARAM *
settable_ctx_md_params(void *vctx)
{
    const struct sign_ctx *ctx = vctx;

    return ctx->message != NULL ? EVP_MD_CTX_settable_params(ctx->message)
                                : NULL;
}

#define COMMON_FUNCTIONS                                                     \
    PROV_FN(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),                             \
        PROV_FN(OSSL_FUNC_SIGNATURE_FREECTX, freectx),                       \
        PROV_FN(OSSL_FUNC_SIGNATURE_DUPCTX, dupctx),                         \
        PROV_FN(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_init),                   \
        PROV_FN(OSSL_FUNC_SIGNATURE_SIGN, sign),                             \
        PROV_FN(OSSL_FUNC_SIGNATURE_VERIFY_INIT, verify_init),               \
        PROV_FN(OSSL_FUNC_SIGNATURE_VERIFY, verify),                         \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_sign_init),     \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_update),      \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_sign_final),   \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, digest_sign),               \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, digest_verify_init), \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, digest_update),    \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL,                     \
            digest_verify_final),                                            \
        PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, digest_verify),           \
        PROV_FN(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, get_ctx_params),         \
        PROV_FN(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,                     \
            gettable_ctx_params),                                            \
        PROV_FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_ctx_params),         \
        PROV_FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS,                     \
            settable_ctx_params),                                            \
        PROV_FN(OSSL_FUNC_SIGNATURE_GET_CTX_MD_PARAMS, get_ctx_md_params),   \
        PROV_FN(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_MD_PARAMS,                  \
            gettable_ctx_md_params),                                         \
        PROV_FN(OSSL_FUNC_SIGNATURE_SET_CTX_MD_PARAMS, set_ctx_md_params),   \
        PROV_FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_MD_PARAMS,                  \
            settable_ctx_md_params)

static const OSSL_DISPATCH rsa_functions[] = {
    COMMON_FUNCTIONS,
    PROV_FN(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER_INIT, verify_recover_init),
    PROV_FN(OSSL_FUNC_SIGNATURE_VERIFY_RECOVER, verify_recover),
    { 0, NULL },
};

static const OSSL_DISPATCH ecdsa_functions[] = {
    COMMON_FUNCTIONS,
    { 0, NULL },
};

const OSSL_ALGORITHM prov_signature[] = {
    { PROV_NAMES_RSA, PROV_PROPERTIES, rsa_functions, "RSA signatures" },
    { "ECDSA", PROV_PROPERTIES, ecdsa_functions, "ECDSA signatures" },
    { NULL, NULL, NULL, NULL },
};
