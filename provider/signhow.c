/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "signctx.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

/* Defined by OpenSSL 3.1. */
#ifndef RSA_PSS_SALTLEN_AUTO_DIGEST_MAX
#define RSA_PSS_SALTLEN_AUTO_DIGEST_MAX (-4)
#endif

void
prov_sign_how_free(struct sign_how *how)
{
    EVP_MD_free(how->digest);
    EVP_MD_free(how->mgf1);
    memset(how, 0, sizeof(*how));
}

static bool
get_text(EVP_PKEY_CTX *ops, const char *name, char *text, size_t size)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(name, text, size),
        OSSL_PARAM_construct_end(),
    };

    text[0] = '\0';
    return EVP_PKEY_CTX_get_params(ops, params) == 1;
}

static bool
get_int(EVP_PKEY_CTX *ops, const char *name, int *value)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(name, value),
        OSSL_PARAM_construct_end(),
    };

    return EVP_PKEY_CTX_get_params(ops, params) == 1;
}

static bool
get_digest(const struct sign_ctx *ctx, const char *param, EVP_MD **digest)
{
    char name[64];

    *digest = NULL;
    if (!get_text(ctx->ops, param, name, sizeof(name)))
        return false;
    if (name[0] == '\0')
        return true;
    *digest = EVP_MD_fetch(prov_libctx(ctx->prov), name, NULL);
    return *digest != NULL;
}

bool
prov_sign_how(const struct sign_ctx *ctx, struct sign_how *how)
{
    memset(how, 0, sizeof(*how));
    if (!get_digest(ctx, OSSL_SIGNATURE_PARAM_DIGEST, &how->digest))
        return false;
    if (ctx->key->type->kind == SCU_KIND_EC)
        return true;
    if (!get_int(ctx->ops, OSSL_SIGNATURE_PARAM_PAD_MODE, &how->pad) ||
        (how->pad == RSA_PKCS1_PSS_PADDING &&
            (!get_int(ctx->ops, OSSL_SIGNATURE_PARAM_PSS_SALTLEN,
                 &how->salt) ||
                !get_digest(ctx, OSSL_SIGNATURE_PARAM_MGF1_DIGEST,
                    &how->mgf1)))) {
        prov_sign_how_free(how);
        return false;
    }
    return true;
}

static int
salt_of_scu(int salt)
{
    switch (salt) {
    case RSA_PSS_SALTLEN_AUTO:
    case RSA_PSS_SALTLEN_MAX:
        return SCU_SALT_MAX;
    case RSA_PSS_SALTLEN_DIGEST:
    /* The digest's length, unless the key is too short for it; ours is not. */
    case RSA_PSS_SALTLEN_AUTO_DIGEST_MAX:
        return SCU_SALT_DIGEST;
    default:
        return salt;
    }
}

/* "RSASSA" with SHA-256 is "RSASSA-SHA256"; NULL where libscu has not that. */
static const struct scu_scheme *
find_scheme(const char *family, const EVP_MD *digest)
{
    size_t len = strlen(family);
    const struct scu_scheme *scheme = NULL;
    const char *name = NULL, *hash = NULL;

    for (size_t i = 0; (scheme = scu_scheme_at(i)) != NULL; i++) {
        hash = scu_scheme_hash(scheme);
        name = scu_scheme_name(scheme);
        if (hash != NULL && strncmp(name, family, len) == 0 &&
            name[len] == '-' && EVP_MD_is_a(digest, hash)) {
            return scheme;
        }
    }
    return NULL;
}

/*
 * DigestInfo (RFC 8017, 9.2) of a digest for which libscu has no row, at *der,
 * to be freed by OPENSSL_free(). Its length, or 0.
 */
static size_t
digest_info(const EVP_MD *digest, const unsigned char *tbs, size_t tbs_len,
    unsigned char **der)
{
    X509_SIG *info = X509_SIG_new();
    X509_ALGOR *algorithm = NULL;
    ASN1_OCTET_STRING *octets = NULL;
    int len = 0;

    *der = NULL;
    if (info != NULL && EVP_MD_get_type(digest) != NID_undef &&
        tbs_len == (size_t)EVP_MD_get_size(digest)) {
        X509_SIG_getm(info, &algorithm, &octets);
        if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(digest)),
                V_ASN1_NULL, NULL) == 1 &&
            ASN1_OCTET_STRING_set(octets, tbs, (int)tbs_len) == 1) {
            len = i2d_X509_SIG(info, der);
        }
    }
    X509_SIG_free(info);
    return len > 0 ? (size_t)len : 0;
}

/* What to ask libscu for; info is to be freed by the caller. */
struct request {
    const struct scu_scheme *scheme;
    const unsigned char *tbs;
    size_t tbs_len;
    int salt;
    unsigned char *info;
};

static bool
choose_ec(const struct sign_how *how, struct request *request)
{
    if (how->digest != NULL)
        request->scheme = find_scheme("ECDSA", how->digest);
    if (request->scheme == NULL)
        request->scheme = scu_scheme_by_name("ECDSA");
    return request->scheme != NULL;
}

/* TLS 1.0 and 1.1 sign MD5 and SHA-1 together, without a DigestInfo. */
static bool
choose_pkcs1(const struct sign_how *how, struct request *request)
{
    if (how->digest != NULL && !EVP_MD_is_a(how->digest, "MD5-SHA1")) {
        request->scheme = find_scheme("RSASSA", how->digest);
        if (request->scheme != NULL)
            return true;
        request->tbs_len = digest_info(how->digest, request->tbs,
            request->tbs_len, &request->info);
        request->tbs = request->info;
    }
    request->scheme = scu_scheme_by_name("RSASSA");
    return request->scheme != NULL && request->tbs_len > 0;
}

static bool
choose_pss(const struct sign_how *how, struct request *request)
{
    if (how->digest != NULL && how->mgf1 != NULL &&
        EVP_MD_is_a(how->mgf1, EVP_MD_get0_name(how->digest))) {
        request->scheme = find_scheme("RSAPSS", how->digest);
    }
    request->salt = salt_of_scu(how->salt);
    return request->scheme != NULL;
}

static bool
choose(const struct sign_ctx *ctx, const struct sign_how *how,
    struct request *request)
{
    if (ctx->key->type->kind == SCU_KIND_EC)
        return choose_ec(how, request);
    if (how->pad == RSA_PKCS1_PADDING)
        return choose_pkcs1(how, request);
    return how->pad == RSA_PKCS1_PSS_PADDING && choose_pss(how, request);
}

bool
prov_sign_on_chip(const struct sign_ctx *ctx, unsigned char *sig,
    size_t *sig_len, size_t size, const unsigned char *tbs, size_t tbs_len)
{
    struct request request = { .tbs = tbs, .tbs_len = tbs_len };
    struct sign_how how = { 0 };
    int rc = SCU_E_UNSUPPORTED;

    if (sig == NULL) {
        *sig_len = scu_key_signature_size(ctx->key->chip);
        return true;
    }
    if (!prov_sign_how(ctx, &how))
        return false;
    if (!choose(ctx, &how, &request)) {
        prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "a key in the chip does not sign with this padding and digest");
        goto out;
    }
    *sig_len = size;
    rc = scu_key_sign(ctx->key->chip, request.scheme, request.salt,
        request.tbs, request.tbs_len, sig, sig_len);
    if (rc != SCU_OK)
        prov_raise_scu(ctx->prov, rc);
out:
    OPENSSL_free(request.info);
    prov_sign_how_free(&how);
    return rc == SCU_OK;
}

/* The mask generation function MGF1 with its digest (RFC 4055, 2.2). */
static X509_ALGOR *
mgf1_algorithm(const EVP_MD *digest)
{
    X509_ALGOR *hash = X509_ALGOR_new(), *mgf1 = X509_ALGOR_new();
    ASN1_STRING *packed = NULL;

    if (hash != NULL && mgf1 != NULL) {
        X509_ALGOR_set_md(hash, digest);
        packed = ASN1_item_pack(hash, ASN1_ITEM_rptr(X509_ALGOR), NULL);
    }
    if (packed == NULL ||
        X509_ALGOR_set0(mgf1, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE,
            packed) != 1) {
        ASN1_STRING_free(packed);
        X509_ALGOR_free(mgf1);
        mgf1 = NULL;
    }
    X509_ALGOR_free(hash);
    return mgf1;
}

static long
salt_octets(const struct sign_ctx *ctx, const struct sign_how *how)
{
    long digest = EVP_MD_get_size(how->digest);
    long bits = EVP_PKEY_get_bits(ctx->key->soft);

    switch (salt_of_scu(how->salt)) {
    case SCU_SALT_DIGEST:
        return digest;
    case SCU_SALT_MAX: /* RFC 8017, 9.1.1: emLen - hLen - 2 */
        return (bits - 1 + 7) / 8 - digest - 2;
    default:
        return how->salt;
    }
}

/* What is the default value (SHA-1, 20 octets of salt) is left out. */
static ASN1_STRING *
pss_parameters(const struct sign_ctx *ctx, const struct sign_how *how)
{
    RSA_PSS_PARAMS *pss = RSA_PSS_PARAMS_new();
    ASN1_STRING *packed = NULL;
    long salt = salt_octets(ctx, how);
    bool ok = pss != NULL && salt >= 0;

    if (ok && EVP_MD_get_type(how->digest) != NID_sha1) {
        pss->hashAlgorithm = X509_ALGOR_new();
        ok = pss->hashAlgorithm != NULL;
        if (ok)
            X509_ALGOR_set_md(pss->hashAlgorithm, how->digest);
    }
    if (ok && EVP_MD_get_type(how->mgf1) != NID_sha1) {
        pss->maskGenAlgorithm = mgf1_algorithm(how->mgf1);
        ok = pss->maskGenAlgorithm != NULL;
    }
    if (ok && salt != 20) {
        pss->saltLength = ASN1_INTEGER_new();
        ok = pss->saltLength != NULL &&
            ASN1_INTEGER_set(pss->saltLength, salt) == 1;
    }
    if (ok)
        packed = ASN1_item_pack(pss, ASN1_ITEM_rptr(RSA_PSS_PARAMS), NULL);
    RSA_PSS_PARAMS_free(pss);
    return packed;
}

static bool
set_algorithm(const struct sign_ctx *ctx, const struct sign_how *how,
    X509_ALGOR *algorithm)
{
    const struct key_type *type = ctx->key->type;
    ASN1_STRING *pss = NULL;
    int nid = NID_undef;

    if (how->digest == NULL)
        return false;
    if (how->pad == RSA_PKCS1_PSS_PADDING) {
        pss = pss_parameters(ctx, how);
        if (pss == NULL ||
            X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss),
                V_ASN1_SEQUENCE, pss) != 1) {
            ASN1_STRING_free(pss);
            return false;
        }
        return true;
    }
    if (type->kind == SCU_KIND_RSA && how->pad != RSA_PKCS1_PADDING)
        return false;
    return OBJ_find_sigid_by_algs(&nid, EVP_MD_get_type(how->digest),
               type->nid) == 1 &&
        X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid),
            type->kind == SCU_KIND_RSA ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) == 1;
}

size_t
prov_sign_algorithm_id(const struct sign_ctx *ctx, unsigned char **der)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();
    struct sign_how how = { 0 };
    int len = 0;

    *der = NULL;
    if (algorithm != NULL && prov_sign_how(ctx, &how) &&
        set_algorithm(ctx, &how, algorithm)) {
        len = i2d_X509_ALGOR(algorithm, der);
    }
    prov_sign_how_free(&how);
    X509_ALGOR_free(algorithm);
    return len > 0 ? (size_t)len : 0;
}
