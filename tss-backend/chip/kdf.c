/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/error.h"
#include "chip/crypto-private.h"
#include "chip/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

/* Keys from secrets and from passwords; not on the way of a command. */

#define SCRYPT_MAX_MEMORY (64U * 1024 * 1024)
#define SCRYPT_MAX_P 16

int
crypto_hkdf(struct crypto *crypto, struct bytes key, const char *info,
    uint8_t *out)
{
    static const uint8_t no_salt[CRYPTO_SHA256_SIZE];
    static const uint8_t first = 1;
    uint8_t prk[CRYPTO_SHA256_SIZE];
    const struct bytes parts[] = {
        { info, strlen(info) },
        { &first, sizeof(first) },
    };
    int rc = crypto_hmac(crypto,
        (struct bytes){ no_salt, sizeof(no_salt) }, &key, 1, prk);

    if (rc == SCU_OK)
        rc = crypto_hmac(crypto, (struct bytes){ prk, sizeof(prk) }, parts,
            2, out);
    explicit_bzero(prk, sizeof(prk));
    return rc;
}

static int
check_cost(const struct crypto_cost *cost)
{
    if (cost->n < 2 || (cost->n & (cost->n - 1)) != 0 || cost->r == 0 ||
        cost->p == 0 || cost->p > SCRYPT_MAX_P ||
        cost->r > SCRYPT_MAX_MEMORY / 128 / cost->n)
        return err_set(SCU_E_UNSUPPORTED, "scrypt with n %u, r %u, p %u",
            cost->n, cost->r, cost->p);
    return SCU_OK;
}

/* OSSL_PARAM wants what it only reads as if it would write it. */
static OSSL_PARAM
octets(const char *key, struct bytes value)
{
    OSSL_PARAM param = OSSL_PARAM_construct_octet_string(key, NULL,
        value.len);

    memcpy(&param.data, &value.data, sizeof(param.data));
    return param;
}

int
crypto_scrypt(struct crypto *crypto, struct bytes password,
    struct bytes salt, const struct crypto_cost *cost, uint8_t *out,
    size_t len)
{
    EVP_KDF *kdf = NULL;
    EVP_KDF_CTX *ctx = NULL;
    uint64_t n = cost->n;
    uint32_t r = cost->r, p = cost->p;
    /* libcrypto's own bound is lower than ours. */
    uint64_t memory = 2 * (uint64_t)SCRYPT_MAX_MEMORY;
    const OSSL_PARAM params[] = {
        octets(OSSL_KDF_PARAM_PASSWORD, password),
        octets(OSSL_KDF_PARAM_SALT, salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end(),
    };
    int rc = check_cost(cost);

    if (rc != SCU_OK)
        return rc;
    kdf = EVP_KDF_fetch(crypto->lib, "SCRYPT", NULL);
    if (kdf != NULL)
        ctx = EVP_KDF_CTX_new(kdf);
    if (ctx == NULL || EVP_KDF_derive(ctx, out, len, params) != 1)
        rc = crypto_failed("scrypt");
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return rc;
}
