/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/crypto.h"
#include "key/psscheck.h"
#include "key/rsapad.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define K 256

static const char *const hashes[] = { "SHA1", "SHA256", "SHA384", "SHA512" };

static EVP_PKEY *rsa; /* a software key: libcrypto is the judge */

static int
make_key(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(8 * K);
    return rsa == NULL ? -1 : 0;
}

static int
free_key(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    return 0;
}

static const struct key_hash *
hash_by_name(const char *padding, const char *name)
{
    char scheme[32];

    (void)snprintf(scheme, sizeof(scheme), "%s-%s", padding, name);
    return scu_scheme_by_name(scheme)->hash;
}

/* The raw private operation, as the chip does it. */
static void
private_raw(const uint8_t *em, uint8_t *sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, rsa, NULL);
    size_t len = K;

    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, em, K), 1);
    assert_int_equal(len, K);
    EVP_PKEY_CTX_free(ctx);
}

/* 1 where libcrypto takes the signature; salt < 0: PKCS#1 1.5. */
static int
verifies(const char *md, int salt, const uint8_t *digest, size_t len,
    const uint8_t *sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, rsa, NULL);
    int ok;

    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
        salt < 0 ? RSA_PKCS1_PADDING : RSA_PKCS1_PSS_PADDING), 1);
    if (md != NULL)
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx,
            EVP_get_digestbyname(md)), 1);
    if (salt >= 0)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt), 1);
    ok = EVP_PKEY_verify(ctx, sig, K, digest, len);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static void
pkcs1__libcrypto_verifies_each_hash(void **state)
{
    uint8_t digest[64], em[K], sig[K];

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct key_hash *hash = hash_by_name("RSASSA", hashes[i]);
        size_t len = crypto_hash_size(hash->id);

        memset(digest, (int)(0xa0 + i), sizeof(digest));
        assert_int_equal(rsapad_pkcs1(hash, digest, len, em, K), SCU_OK);
        private_raw(em, sig);
        assert_int_equal(verifies(hashes[i], -1, digest, len, sig), 1);
    }
}

static void
pkcs1__plain_data_without_digest_info(void **state)
{
    const uint8_t data[36] = { 1, 2, 3 };
    uint8_t em[K], sig[K];

    (void)state;
    assert_int_equal(rsapad_pkcs1(NULL, data, sizeof(data), em, K), SCU_OK);
    private_raw(em, sig);
    assert_int_equal(verifies(NULL, -1, data, sizeof(data), sig), 1);
}

static void
pkcs1__longest_data_keeps_eight_octets_of_padding(void **state)
{
    uint8_t data[K] = { 0 }, em[K];

    (void)state;
    assert_int_equal(rsapad_pkcs1(NULL, data, K - 11, em, K), SCU_OK);
    assert_int_equal(em[9], 0xff);
    assert_int_equal(em[10], 0);
    assert_int_equal(rsapad_pkcs1(NULL, data, K - 10, em, K), SCU_E_ARG);
    assert_int_equal(rsapad_pkcs1(NULL, data, K, em, K), SCU_E_ARG);
    assert_int_equal(rsapad_pkcs1(NULL, data, 0, em, 10), SCU_E_ARG);
}

static void
pss__libcrypto_verifies_each_hash_and_salt(void **state)
{
    static const int salts[] = { 0, 1, 20, SCU_SALT_DIGEST, SCU_SALT_MAX };
    uint8_t digest[64], em[K], sig[K];
    size_t salt = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct key_hash *hash = hash_by_name("RSAPSS", hashes[i]);
        size_t len = crypto_hash_size(hash->id);

        memset(digest, (int)(0xb0 + i), sizeof(digest));
        for (size_t j = 0; j < sizeof(salts) / sizeof(salts[0]); j++) {
            assert_int_equal(rsapad_salt_len(hash, salts[j], K, &salt),
                SCU_OK);
            assert_int_equal(rsapad_pss(NULL, hash, digest, salt, em, K),
                SCU_OK);
            private_raw(em, sig);
            assert_int_equal(verifies(hashes[i], (int)salt, digest, len, sig),
                1);
        }
    }
}

static void
pss__two_paddings_differ(void **state)
{
    const struct key_hash *hash = hash_by_name("RSAPSS", "SHA256");
    const uint8_t digest[32] = { 7 };
    uint8_t a[K], b[K];

    (void)state;
    assert_int_equal(rsapad_pss(NULL, hash, digest, 32, a, K), SCU_OK);
    assert_int_equal(rsapad_pss(NULL, hash, digest, 32, b, K), SCU_OK);
    assert_memory_not_equal(a, b, K);
}

static void
salt_len__bounds(void **state)
{
    const struct key_hash *hash = hash_by_name("RSAPSS", "SHA512");
    size_t len = 0;

    (void)state;
    assert_int_equal(rsapad_salt_len(hash, SCU_SALT_DIGEST, K, &len), SCU_OK);
    assert_int_equal(len, 64);
    assert_int_equal(rsapad_salt_len(hash, SCU_SALT_MAX, K, &len), SCU_OK);
    assert_int_equal(len, K - 66);
    assert_int_equal(rsapad_salt_len(hash, K - 66, K, &len), SCU_OK);
    assert_int_equal(rsapad_salt_len(hash, K - 65, K, &len), SCU_E_ARG);
    assert_int_equal(rsapad_salt_len(hash, INT32_MAX, K, &len), SCU_E_ARG);
    assert_int_equal(rsapad_salt_len(hash, -3, K, &len), SCU_E_ARG);
    /* 1024 bits and SHA-512: the digest fits, a salt as long does not. */
    assert_int_equal(rsapad_salt_len(hash, SCU_SALT_DIGEST, 128, &len),
        SCU_E_ARG);
    assert_int_equal(rsapad_salt_len(hash, SCU_SALT_MAX, 65, &len),
        SCU_E_ARG);
}

static void
pss__too_long_a_salt_is_refused(void **state)
{
    const struct key_hash *hash = hash_by_name("RSAPSS", "SHA256");
    const uint8_t digest[32] = { 7 };
    uint8_t em[K];

    (void)state;
    assert_int_equal(rsapad_pss(NULL, hash, digest, K - 33, em, K),
        SCU_E_ARG);
    assert_int_equal(rsapad_pss(NULL, hash, digest, SIZE_MAX, em, K),
        SCU_E_ARG);
    assert_int_equal(rsapad_pss(NULL, hash, digest, 0, em, 33), SCU_E_ARG);
}

/* The check of what a chip padded: the right length, and no other. */
static void
psscheck__tells_salt_lengths_apart(void **state)
{
    const struct key_hash *hash = hash_by_name("RSAPSS", "SHA256");
    const uint8_t digest[32] = { 7 };
    uint8_t em[K], sig[K];
    TPMT_PUBLIC public = {
        .type = TPM2_ALG_RSA,
        .parameters.rsaDetail.keyBits = 8 * K,
        .unique.rsa.size = K,
    };
    struct pss_claim claim = { .hash = hash, .digest = digest, .sig = sig };
    struct crypto *crypto = crypto_new();
    BIGNUM *modulus = NULL;

    (void)state;
    assert_int_equal(EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_N,
        &modulus), 1);
    assert_int_equal(BN_bn2binpad(modulus, public.unique.rsa.buffer, K), K);
    BN_free(modulus);
    assert_int_equal(rsapad_pss(NULL, hash, digest, 20, em, K), SCU_OK);
    private_raw(em, sig);
    claim.salt_len = 20;
    assert_int_equal(psscheck(crypto, &public, &claim), SCU_OK);
    claim.salt_len = 32;
    assert_int_equal(psscheck(crypto, &public, &claim), SCU_E_UNSUPPORTED);
    claim.salt_len = 0;
    assert_int_equal(psscheck(crypto, &public, &claim), SCU_E_UNSUPPORTED);
    crypto_free(&crypto);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pkcs1__libcrypto_verifies_each_hash),
        cmocka_unit_test(pkcs1__plain_data_without_digest_info),
        cmocka_unit_test(pkcs1__longest_data_keeps_eight_octets_of_padding),
        cmocka_unit_test(pss__libcrypto_verifies_each_hash_and_salt),
        cmocka_unit_test(pss__two_paddings_differ),
        cmocka_unit_test(salt_len__bounds),
        cmocka_unit_test(pss__too_long_a_salt_is_refused),
        cmocka_unit_test(psscheck__tells_salt_lengths_apart),
    };

    return cmocka_run_group_tests(tests, make_key, free_key);
}
