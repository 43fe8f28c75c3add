/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The engine: signatures, verification, digests, and the rule of buffers. */
#include "tests/pkcs11/p11test.h"

#include <string.h>

static CK_BYTE data[1000] = "some data to be signed";

/* As the mechanism wants it: raw ones take a digest or less. */
static CK_ULONG
length_for(CK_MECHANISM_TYPE type)
{
    return type == CKM_ECDSA || type == CKM_RSA_PKCS ||
        type == CKM_RSA_PKCS_PSS ? 32 : sizeof(data);
}

/* Signs at once, verifies in parts; signs in parts, verifies at once. */
static void
round_trip(CK_SESSION_HANDLE s, struct p11_pair pair, CK_MECHANISM *mechanism,
    CK_ULONG size)
{
    CK_ULONG len = 512, n = length_for(mechanism->mechanism);
    CK_BYTE sig[512];

    assert_int_equal(C_SignInit(s, mechanism, pair.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, n, sig, &len), CKR_OK);
    assert_int_equal(len, size);
    assert_int_equal(C_VerifyInit(s, mechanism, pair.public), CKR_OK);
    assert_int_equal(C_VerifyUpdate(s, data, 7), CKR_OK);
    assert_int_equal(C_VerifyUpdate(s, data + 7, n - 7), CKR_OK);
    assert_int_equal(C_VerifyFinal(s, sig, len), CKR_OK);

    len = 512;
    assert_int_equal(C_SignInit(s, mechanism, pair.private), CKR_OK);
    assert_int_equal(C_SignUpdate(s, data, n - 1), CKR_OK);
    assert_int_equal(C_SignUpdate(s, data + n - 1, 1), CKR_OK);
    assert_int_equal(C_SignFinal(s, sig, &len), CKR_OK);
    assert_int_equal(C_VerifyInit(s, mechanism, pair.public), CKR_OK);
    assert_int_equal(C_Verify(s, data, n, sig, len), CKR_OK);

    sig[len - 1] ^= 1;
    assert_int_equal(C_VerifyInit(s, mechanism, pair.public), CKR_OK);
    assert_int_equal(C_Verify(s, data, n, sig, len), CKR_SIGNATURE_INVALID);
    assert_int_equal(C_VerifyInit(s, mechanism, pair.public), CKR_OK);
    assert_int_equal(C_Verify(s, data, n, sig, len - 1),
        CKR_SIGNATURE_LEN_RANGE);
}

static void
sign__all_of_ecdsa(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {
        CKM_ECDSA, CKM_ECDSA_SHA1, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384,
        CKM_ECDSA_SHA512,
    };
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair p256, p384;

    p11_log_in(s, CKU_USER);
    p256 = p11_make_ec(s, 256, true);
    p384 = p11_make_ec(s, 384, true);
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_MECHANISM mechanism = { .mechanism = types[i] };

        round_trip(s, p256, &mechanism, 64);
        round_trip(s, p384, &mechanism, 96);
    }
}

static void
sign__all_of_rsa(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {
        CKM_RSA_PKCS, CKM_SHA1_RSA_PKCS, CKM_SHA256_RSA_PKCS,
        CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS,
    };
    static const CK_MECHANISM_TYPE pss_types[] = {
        CKM_RSA_PKCS_PSS, CKM_SHA1_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS,
        CKM_SHA384_RSA_PKCS_PSS, CKM_SHA512_RSA_PKCS_PSS,
    };
    static const CK_RSA_PKCS_PSS_PARAMS pss[] = {
        { CKM_SHA256, CKG_MGF1_SHA256, 20 }, { CKM_SHA_1, CKG_MGF1_SHA1, 20 },
        { CKM_SHA256, CKG_MGF1_SHA256, 32 }, { CKM_SHA384, CKG_MGF1_SHA384, 0 },
        { CKM_SHA512, CKG_MGF1_SHA512, 64 },
    };
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair pair;

    p11_log_in(s, CKU_USER);
    pair = p11_make_rsa(s, true);
    for (size_t i = 0; i < COUNT(types); i++) {
        CK_RSA_PKCS_PSS_PARAMS parameters = pss[i];
        CK_MECHANISM mechanism = { .mechanism = types[i] };
        CK_MECHANISM pss_mechanism = {
            pss_types[i], &parameters, sizeof(parameters),
        };

        round_trip(s, pair, &mechanism, 256);
        round_trip(s, pair, &pss_mechanism, 256);
    }
}

static void
sign__buffer_rule(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA_SHA256 };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE sig[64] = { 0 };
    struct p11_pair pair;
    CK_ULONG len = 0;
    unsigned before;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    before = fake_chip_calls;
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 10, NULL, &len), CKR_OK);
    assert_int_equal(len, 64);
    len = 63;
    assert_int_equal(C_Sign(s, data, 10, sig, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 64);
    assert_int_equal(fake_chip_calls, before);
    assert_int_equal(C_Sign(s, data, 10, sig, &len), CKR_OK);
    assert_int_equal(fake_chip_calls, before + 1);
    assert_int_equal(C_Sign(s, data, 10, sig, &len),
        CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_SignUpdate(s, data, 10), CKR_OK);
    assert_int_equal(C_SignFinal(s, NULL, &len), CKR_OK);
    assert_int_equal(C_SignFinal(s, sig, &len), CKR_OK);
    assert_int_equal(C_VerifyInit(s, &mechanism, pair.public), CKR_OK);
    assert_int_equal(C_Verify(s, data, 10, sig, len), CKR_OK);
}

static void
sign__whole_after_parts(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA_SHA256 };
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair pair;
    CK_BYTE sig[64];
    CK_ULONG len = 64;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private),
        CKR_OPERATION_ACTIVE);
    assert_int_equal(C_SignUpdate(s, data, 10), CKR_OK);
    assert_int_equal(C_Sign(s, data, 10, sig, &len), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_SignFinal(s, sig, &len),
        CKR_OPERATION_NOT_INITIALIZED);
}

static void
sign__raw_data_of_bad_length(void **state)
{
    CK_RSA_PKCS_PSS_PARAMS params = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
    CK_MECHANISM raw = { .mechanism = CKM_RSA_PKCS };
    CK_MECHANISM pss = { CKM_RSA_PKCS_PSS, &params, sizeof(params) };
    CK_MECHANISM ecdsa = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair rsa, ec;
    CK_BYTE sig[256];
    CK_ULONG len = 256;

    p11_log_in(s, CKU_USER);
    rsa = p11_make_rsa(s, true);
    ec = p11_make_ec(s, 256, true);
    assert_int_equal(C_SignInit(s, &raw, rsa.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 246, sig, &len), CKR_DATA_LEN_RANGE);
    assert_int_equal(C_SignInit(s, &raw, rsa.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 245, sig, &len), CKR_OK);
    assert_int_equal(C_SignInit(s, &raw, rsa.private), CKR_OK);
    assert_int_equal(C_SignUpdate(s, data, sizeof(data)), CKR_DATA_LEN_RANGE);
    assert_int_equal(C_SignInit(s, &pss, rsa.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 31, sig, &len), CKR_DATA_LEN_RANGE);
    assert_int_equal(C_SignInit(s, &ecdsa, ec.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 0, sig, &len), CKR_DATA_LEN_RANGE);
}

static void
sign__key_of_other_type(void **state)
{
    CK_MECHANISM ecdsa = { .mechanism = CKM_ECDSA };
    CK_MECHANISM rsa = { .mechanism = CKM_SHA256_RSA_PKCS };
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair pair;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(C_SignInit(s, &rsa, pair.private),
        CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(C_SignInit(s, &ecdsa, pair.public),
        CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(C_SignInit(s, &ecdsa, 4711), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(C_VerifyInit(s, &rsa, pair.public),
        CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(C_VerifyInit(s, &ecdsa, pair.private),
        CKR_KEY_TYPE_INCONSISTENT);
}

static void
sign__error_of_the_chip(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair pair;
    CK_BYTE sig[64];
    CK_ULONG len = 64;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    fake_fail("scu_key_sign", SCU_E_NO_CHIP);
    fake_log_lines = 0;
    assert_int_equal(C_Sign(s, data, 32, sig, &len), CKR_DEVICE_REMOVED);
    assert_int_equal(fake_log_lines, 1);
    assert_non_null(strstr(fake_log, "C_Sign: no chip answers"));
    assert_non_null(strstr(fake_log, "told to fail"));
    assert_int_equal(C_Sign(s, data, 32, sig, &len),
        CKR_OPERATION_NOT_INITIALIZED);
}

static void
sign__logout_ends_it(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair pair;
    CK_BYTE sig[64];
    CK_ULONG len = 64;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_Logout(s), CKR_OK);
    assert_int_equal(C_Sign(s, data, 32, sig, &len),
        CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private),
        CKR_KEY_HANDLE_INVALID);
}

static void
sign_init__no_mechanism_gives_up(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_SHA256 };
    CK_SESSION_HANDLE s = p11_session_of(state);

    assert_int_equal(C_DigestInit(s, &mechanism), CKR_OK);
    assert_int_equal(C_DigestInit(s, NULL), CKR_OK);
    assert_int_equal(C_DigestInit(s, &mechanism), CKR_OK);
    assert_int_equal(C_SessionCancel(s, CKF_DIGEST), CKR_OK);
    assert_int_equal(C_DigestUpdate(s, data, 1),
        CKR_OPERATION_NOT_INITIALIZED);
}

/* SHA-256 of "abc", FIPS 180-4. */
static const CK_BYTE abc_digest[32] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde,
    0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
    0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};

static void
digest__without_login_and_chip(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_SHA256 };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE abc[] = "abc", out[32];
    CK_ULONG len = 31;

    assert_int_equal(C_DigestInit(s, &mechanism), CKR_OK);
    assert_int_equal(C_Digest(s, abc, 3, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(C_Digest(s, abc, 3, out, &len), CKR_OK);
    assert_memory_equal(out, abc_digest, 32);
    assert_int_equal(C_DigestInit(s, &mechanism), CKR_OK);
    assert_int_equal(C_DigestUpdate(s, abc, 1), CKR_OK);
    assert_int_equal(C_DigestUpdate(s, abc + 1, 2), CKR_OK);
    assert_int_equal(C_DigestFinal(s, NULL, &len), CKR_OK);
    assert_int_equal(C_DigestFinal(s, out, &len), CKR_OK);
    assert_memory_equal(out, abc_digest, 32);
    assert_int_equal(fake_chip_calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        P11_TEST(sign__all_of_ecdsa),
        P11_TEST(sign__all_of_rsa),
        P11_TEST(sign__buffer_rule),
        P11_TEST(sign__whole_after_parts),
        P11_TEST(sign__raw_data_of_bad_length),
        P11_TEST(sign__key_of_other_type),
        P11_TEST(sign__error_of_the_chip),
        P11_TEST(sign__logout_ends_it),
        P11_TEST(sign_init__no_mechanism_gives_up),
        P11_TEST(digest__without_login_and_chip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
