/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "victim.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

/* What is right, told by libcrypto from what was known before. */

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *
ec_key(const uint8_t point[64])
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    uint8_t octets[65] = { 4 };

    memcpy(octets + 1, point, 64);
    (void)OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
        "P-256", 0);
    (void)OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
        octets, sizeof(octets));
    return from_params("EC", build);
}

static EVP_PKEY *
rsa_key(const uint8_t n[256])
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n, 256, NULL);
    EVP_PKEY *key;

    (void)OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus);
    (void)OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, 65537);
    key = from_params("RSA", build);
    BN_free(modulus);
    return key;
}

static bool
verifies(EVP_PKEY *key, int padding, const uint8_t digest[32],
    const uint8_t *sig, size_t len)
{
    EVP_PKEY_CTX *ctx = key == NULL ? NULL :
        EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
        (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, padding) == 1) &&
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
        (padding != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) == 1) &&
        EVP_PKEY_verify(ctx, sig, len, digest, 32) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

bool
judge_ec(const uint8_t point[64], const uint8_t digest[32],
    const uint8_t *sig, size_t len)
{
    return verifies(ec_key(point), 0, digest, sig, len);
}

bool
judge_rsa(const uint8_t n[256], bool pss, const uint8_t digest[32],
    const uint8_t *sig, size_t len)
{
    return verifies(rsa_key(n), pss ? RSA_PKCS1_PSS_PADDING :
        RSA_PKCS1_PADDING, digest, sig, len);
}

bool
judge_point(const struct scu_key *key, uint8_t point[64])
{
    struct scu_public public;

    scu_key_public(key, &public);
    if (public.kind != SCU_KIND_EC || public.xy_len != 32)
        return false;
    memcpy(point, public.x, 32);
    memcpy(point + 32, public.y, 32);
    return true;
}

bool
judge_modulus(const struct scu_key *key, uint8_t n[256])
{
    struct scu_public public;

    scu_key_public(key, &public);
    if (public.kind != SCU_KIND_RSA || public.n_len != 256)
        return false;
    memcpy(n, public.n, 256);
    return true;
}

EVP_PKEY *
judge_new_key(uint8_t point[64])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t octets[65];
    size_t len = 0;

    if (key == NULL || EVP_PKEY_get_octet_string_param(key,
            OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets), &len) != 1 ||
        len != sizeof(octets)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    memcpy(point, octets + 1, 64);
    return key;
}

bool
judge_ecdh(EVP_PKEY *own, const uint8_t point[64], uint8_t secret[32])
{
    EVP_PKEY *peer = ec_key(point);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t len = 32;
    bool ok = peer != NULL && ctx != NULL &&
        EVP_PKEY_derive_init(ctx) == 1 &&
        EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
        EVP_PKEY_derive(ctx, secret, &len) == 1 && len == 32;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return ok;
}
