/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/error.h"
#include "chip/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int
setup(void **state)
{
    struct crypto *c = crypto_new();

    *state = c;
    return c == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    struct crypto *c = *state;

    crypto_free(&c);
    return c == NULL ? 0 : -1;
}

static void
expect_hex(const void *data, size_t len, const char *hex)
{
    char text[256];

    assert_true(2 * len < sizeof(text));
    hex_encode(data, len, text);
    assert_string_equal(text, hex);
}

/* FIPS 180-4 examples: "abc" in parts. */
static void
hash__known_answer(void **state)
{
    const struct bytes parts[] = { { "a", 1 }, { NULL, 0 }, { "bc", 2 } };
    uint8_t out[CRYPTO_MAX_DIGEST];

    assert_int_equal(crypto_hash(*state, TPM2_ALG_SHA256, parts, 3, out), 0);
    expect_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223"
        "b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(crypto_hash(*state, TPM2_ALG_SHA1, parts, 3, out), 0);
    expect_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void
hash__unknown_is_refused(void **state)
{
    uint8_t out[CRYPTO_MAX_DIGEST];

    assert_int_equal(crypto_hash(*state, TPM2_ALG_SM3_256, NULL, 0, out),
        SCU_E_UNSUPPORTED);
    assert_int_equal(crypto_hash_size(TPM2_ALG_SM3_256), 0);
    assert_null(crypto_hash_name(TPM2_ALG_SM3_256));
}

/* RFC 4231, test case 2; twice, so that a key does not stay. */
static void
hmac__known_answer(void **state)
{
    const struct bytes parts[] = { { "what do ya want ", 16 },
        { "for nothing?", 12 } };
    uint8_t out[CRYPTO_SHA256_SIZE];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(crypto_hmac(*state, (struct bytes){ "other", 5 },
            parts, 2, out), 0);
        assert_int_equal(crypto_hmac(*state, (struct bytes){ "Jefe", 4 },
            parts, 2, out), 0);
        expect_hex(out, sizeof(out), "5bdcc146bf60754e6a042426089575c7"
            "5a003f089d2739839dec58b964ec3843");
    }
}

/* NIST SP 800-38A, F.3.13, first segments; the length need not fit blocks. */
static void
cfb__known_answer(void **state)
{
    uint8_t key[16], iv[16], data[32];
    size_t n = 0;

    assert_int_equal(hex_decode("2b7e151628aed2a6abf7158809cf4f3c", key,
        sizeof(key), &n), 0);
    assert_int_equal(hex_decode("000102030405060708090a0b0c0d0e0f", iv,
        sizeof(iv), &n), 0);
    assert_int_equal(hex_decode("6bc1bee22e409f96e93d7e117393172a"
        "ae2d8a571e03ac9c9eb76fac45af8e51", data, sizeof(data), &n), 0);
    assert_int_equal(crypto_cfb(*state, key, iv, true, data, 27), 0);
    expect_hex(data, 27, "3b3fd92eb72dad20333449f8e83cfb4a"
        "c8a64537a0b3a93fcde3cd");
    assert_int_equal(crypto_cfb(*state, key, iv, false, data, 27), 0);
    expect_hex(data, 16, "6bc1bee22e409f96e93d7e117393172a");
}

/* KDFa is one HMAC per 32 octets, counter first: computed here by hand. */
static void
kdfa__is_hmac_with_counter(void **state)
{
    const struct bytes key = { "key", 3 }, u = { "uu", 2 }, v = { "v", 1 };
    uint8_t out[64], block[32];
    const struct bytes first[] = { { "\0\0\0\1" "ATH\0" "uuv" "\0\0\2\0",
        15 } };
    const struct bytes second[] = { { "\0\0\0\2" "ATH\0" "uuv" "\0\0\2\0",
        15 } };

    assert_int_equal(crypto_kdfa(*state, key, "ATH", u, v, 512, out), 0);
    assert_int_equal(crypto_hmac(*state, key, first, 1, block), 0);
    assert_memory_equal(out, block, 32);
    assert_int_equal(crypto_hmac(*state, key, second, 1, block), 0);
    assert_memory_equal(out + 32, block, 32);
    assert_int_equal(crypto_kdfa(*state, key, "ATH", u, v, 520, out),
        SCU_E_ARG);
    assert_int_equal(crypto_kdfa(*state, key, "ATH", u, v, 7, out),
        SCU_E_ARG);
}

static void
salt__junk_point_is_refused(void **state)
{
    TPMT_PUBLIC key = {
        .type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256,
        .parameters.eccDetail.curveID = TPM2_ECC_NIST_P256,
        .unique.ecc = { .x = { .size = 32, .buffer = { 1 } },
            .y = { .size = 32, .buffer = { 2 } } },
    };
    TPM2B_ENCRYPTED_SECRET secret;
    uint8_t salt[CRYPTO_MAX_DIGEST];
    size_t len = sizeof(salt);

    assert_int_equal(crypto_salt(*state, &key, salt, &len, &secret),
        SCU_E_OTHER_CHIP);
    len = 16;
    assert_int_equal(crypto_salt(*state, &key, salt, &len, &secret),
        SCU_E_UNSUPPORTED);
    len = sizeof(salt);
    key.unique.ecc.x.size = 33;
    assert_int_equal(crypto_salt(*state, &key, salt, &len, &secret),
        SCU_E_OTHER_CHIP);
    key.parameters.eccDetail.curveID = TPM2_ECC_BN_P256;
    assert_int_equal(crypto_salt(*state, &key, salt, &len, &secret),
        SCU_E_UNSUPPORTED);
    key.type = TPM2_ALG_KEYEDHASH;
    assert_int_equal(crypto_salt(*state, &key, salt, &len, &secret),
        SCU_E_UNSUPPORTED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__known_answer),
        cmocka_unit_test(hash__unknown_is_refused),
        cmocka_unit_test(hmac__known_answer),
        cmocka_unit_test(cfb__known_answer),
        cmocka_unit_test(kdfa__is_hmac_with_counter),
        cmocka_unit_test(salt__junk_point_is_refused),
    };

    return cmocka_run_group_tests_name("crypto", tests, setup, teardown);
}
