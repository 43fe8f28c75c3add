/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Key pairs: their templates, attributes, and where they live. */
#include "tests/pkcs11/p11test.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static void
key_pair__attributes_of_ec(void **state)
{
    static const CK_ATTRIBUTE_TYPE yes[] = {
        CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE,
        CKA_NEVER_EXTRACTABLE, CKA_LOCAL, CKA_SIGN,
    };
    static const CK_ATTRIBUTE_TYPE no[] = {
        CKA_EXTRACTABLE, CKA_ALWAYS_AUTHENTICATE, CKA_DERIVE, CKA_UNWRAP,
        CKA_DECRYPT, CKA_SIGN_RECOVER,
    };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE a[512], b[512];
    struct p11_pair pair;
    CK_ULONG len;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 384, true);
    for (size_t i = 0; i < COUNT(yes); i++)
        assert_int_equal(p11_get_bool(s, pair.private, yes[i]), CK_TRUE);
    for (size_t i = 0; i < COUNT(no); i++)
        assert_int_equal(p11_get_bool(s, pair.private, no[i]), CK_FALSE);
    assert_int_equal(p11_get_ulong(s, pair.private, CKA_KEY_GEN_MECHANISM),
        CKM_EC_KEY_PAIR_GEN);
    assert_int_equal(p11_get_ulong(s, pair.private, CKA_KEY_TYPE), CKK_EC);
    assert_int_equal(p11_get_bool(s, pair.public, CKA_PRIVATE), CK_FALSE);
    assert_int_equal(p11_get_bool(s, pair.public, CKA_VERIFY), CK_TRUE);
    assert_int_equal(p11_get(s, pair.public, CKA_EC_PARAMS, a, sizeof(a)), 7);
    assert_memory_equal(a, p11_p384, 7);
    len = p11_get(s, pair.public, CKA_EC_POINT, a, sizeof(a));
    assert_int_equal(len, 99);
    assert_int_equal(a[0], 4);
    assert_int_equal(a[1], 97);
    assert_int_equal(p11_get(s, pair.private, CKA_EC_POINT, b, sizeof(b)), len);
    assert_memory_equal(a, b, len);
    len = p11_get(s, pair.public, CKA_PUBLIC_KEY_INFO, a, sizeof(a));
    assert_int_equal(p11_get(s, pair.private, CKA_PUBLIC_KEY_INFO, b,
        sizeof(b)), len);
    assert_memory_equal(a, b, len);
}

static void
key_pair__public_key_info_is_one(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair pairs[3];

    p11_log_in(s, CKU_USER);
    pairs[0] = p11_make_ec(s, 256, true);
    pairs[1] = p11_make_ec(s, 384, true);
    pairs[2] = p11_make_rsa(s, true);
    for (size_t i = 0; i < 3; i++) {
        CK_BYTE der[1024], *again = NULL;
        CK_ULONG len = p11_get(s, pairs[i].public, CKA_PUBLIC_KEY_INFO, der,
            sizeof(der));
        const uint8_t *p = der;
        EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)len);

        assert_non_null(key);
        assert_int_equal(i2d_PUBKEY(key, &again), len);
        assert_memory_equal(again, der, len);
        OPENSSL_free(again);
        EVP_PKEY_free(key);
    }
}

static void
key_pair__attributes_of_rsa(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE modulus[512], e[8];
    CK_ATTRIBUTE secret = { .type = CKA_PRIVATE_EXPONENT };
    struct p11_pair pair;

    p11_log_in(s, CKU_USER);
    pair = p11_make_rsa(s, true);
    assert_int_equal(p11_get_ulong(s, pair.public, CKA_MODULUS_BITS), 2048);
    assert_int_equal(p11_get(s, pair.public, CKA_MODULUS, modulus,
        sizeof(modulus)), 256);
    assert_int_equal(p11_get(s, pair.private, CKA_PUBLIC_EXPONENT, e,
        sizeof(e)), 3);
    assert_memory_equal(e, "\1\0\1", 3);
    assert_int_equal(C_GetAttributeValue(s, pair.private, &secret, 1),
        CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(secret.ulValueLen, CK_UNAVAILABLE_INFORMATION);
}

static void
key_pair__id_is_one(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ATTRIBUTE public[] = {
        ATTR(CKA_EC_PARAMS, p11_p256), TEXT(CKA_ID, "mine"),
    };
    CK_OBJECT_HANDLE a, b;
    CK_BYTE id[64], other[64];
    CK_ULONG len;

    p11_log_in(s, CKU_USER);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 2, NULL, 0, &a,
        &b), CKR_OK);
    assert_int_equal(p11_get(s, b, CKA_ID, id, sizeof(id)), 4);
    assert_memory_equal(id, "mine", 4);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 1, NULL, 0, &a,
        &b), CKR_OK);
    len = p11_get(s, a, CKA_ID, id, sizeof(id));
    assert_int_equal(len, 20);
    assert_int_equal(p11_get(s, b, CKA_ID, other, sizeof(other)), len);
    assert_memory_equal(id, other, len);
}

static CK_RV
generate_ec(CK_SESSION_HANDLE s, CK_ATTRIBUTE *public, CK_ULONG n,
    CK_ATTRIBUTE *private, CK_ULONG m)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_OBJECT_HANDLE a, b;

    return C_GenerateKeyPair(s, &mechanism, public, n, private, m, &a, &b);
}

static void
key_pair__templates_refused(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE secp256k1[] = { 6, 5, 0x2b, 0x81, 4, 0, 10 };
    CK_KEY_TYPE rsa = CKK_RSA;
    CK_ATTRIBUTE params[] = { ATTR(CKA_EC_PARAMS, p11_p256) };
    CK_ATTRIBUTE curve[] = { ATTR(CKA_EC_PARAMS, secp256k1) };
    CK_ATTRIBUTE type[] = { params[0], ATTR(CKA_KEY_TYPE, rsa) };
    CK_ATTRIBUTE twice[] = { params[0], params[0] };
    CK_ATTRIBUTE unknown[] = { params[0], ATTR(CKA_PRIME, rsa) };
    CK_ATTRIBUTE public[] = { ATTR(CKA_PRIVATE, p11_false) };
    CK_ATTRIBUTE open[] = { ATTR(CKA_EXTRACTABLE, p11_true) };
    CK_ATTRIBUTE wish[] = { ATTR(CKA_DERIVE, p11_true) };
    CK_ATTRIBUTE length[] = { ATTR(CKA_SIGN, rsa) };

    assert_int_equal(generate_ec(s, params, 1, NULL, 0),
        CKR_USER_NOT_LOGGED_IN);
    p11_log_in(s, CKU_USER);
    assert_int_equal(generate_ec(s, NULL, 0, NULL, 0),
        CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(generate_ec(s, curve, 1, NULL, 0),
        CKR_CURVE_NOT_SUPPORTED);
    assert_int_equal(generate_ec(s, type, 2, NULL, 0),
        CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(generate_ec(s, twice, 2, NULL, 0),
        CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(generate_ec(s, unknown, 2, NULL, 0),
        CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(generate_ec(s, params, 1, public, 1),
        CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(generate_ec(s, params, 1, open, 1),
        CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(generate_ec(s, params, 1, length, 1),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate_ec(s, params, 1, wish, 1), CKR_OK);
}

static void
key_pair__rsa_sizes(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ULONG bits = 1024;
    CK_BYTE three = 3;
    CK_ATTRIBUTE public[] = {
        ATTR(CKA_MODULUS_BITS, bits), ATTR(CKA_PUBLIC_EXPONENT, three),
    };
    CK_OBJECT_HANDLE a, b;

    p11_log_in(s, CKU_USER);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 1, NULL, 0, &a,
        &b), CKR_KEY_SIZE_RANGE);
    bits = 2048;
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 2, NULL, 0, &a,
        &b), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 1, NULL, 0, &a,
        &b), CKR_OK);
}

/* Half a pair does not stay. */
static void
key_pair__store_refuses_the_public_half(void **state)
{
    CK_ATTRIBUTE token = ATTR(CKA_TOKEN, p11_true);
    CK_ATTRIBUTE public[] = { ATTR(CKA_EC_PARAMS, p11_p256), token };
    CK_SESSION_HANDLE s = p11_session_of(state);

    p11_log_in(s, CKU_USER);
    fake_fail("scu_object_create", SCU_E_DISK_FULL);
    assert_int_equal(generate_ec(s, public, 2, &token, 1), CKR_DEVICE_MEMORY);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 0);
    assert_int_equal(p11_count(s, CKO_PUBLIC_KEY), 0);
}

static void
key_pair__of_a_session(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state), reader;
    CK_BYTE data[32] = { 0 }, sig[64];
    CK_ULONG len = 64;
    struct p11_pair pair;

    p11_log_in(s, CKU_USER);
    assert_int_equal(C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION, NULL,
        NULL, &reader), CKR_OK);
    pair = p11_make_ec(reader, 256, false);
    assert_int_equal(p11_get_bool(s, pair.private, CKA_TOKEN), CK_FALSE);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 1);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 32, sig, &len), CKR_OK);
    assert_int_equal(C_VerifyInit(s, &mechanism, pair.public), CKR_OK);
    assert_int_equal(C_Verify(s, data, 32, sig, len), CKR_OK);
    assert_int_equal(C_CloseSession(reader), CKR_OK);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 0);
}

/* Java makes keys of the session first, and keeps them by copying. */
static void
key_pair__of_a_session_is_kept_as_a_copy(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state), maker;
    CK_BYTE data[32] = { 0 }, sig[64], id[8];
    CK_ATTRIBUTE keep[] = {
        ATTR(CKA_TOKEN, p11_true), TEXT(CKA_ID, "kept"),
    };
    CK_ATTRIBUTE open[] = { ATTR(CKA_PRIVATE, p11_false) };
    CK_OBJECT_HANDLE kept, again;
    struct p11_pair pair;
    CK_ULONG len = 64;

    p11_log_in(s, CKU_USER);
    assert_int_equal(C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION, NULL,
        NULL, &maker), CKR_OK);
    pair = p11_make_ec(maker, 256, false);
    assert_int_equal(p11_get_bool(s, pair.private, CKA_COPYABLE), CK_TRUE);
    assert_int_equal(C_CopyObject(maker, pair.private, keep, 2, &kept),
        CKR_SESSION_READ_ONLY);
    assert_int_equal(C_CopyObject(s, pair.private, open, 1, &kept),
        CKR_TEMPLATE_INCONSISTENT);
    fake_fail("scu_object_adopt", SCU_E_DISK_FULL);
    assert_int_equal(C_CopyObject(s, pair.private, keep, 2, &kept),
        CKR_DEVICE_MEMORY);
    assert_int_equal(C_CopyObject(s, pair.private, keep, 2, &kept), CKR_OK);
    assert_int_equal(C_CopyObject(s, pair.private, NULL, 0, &again), CKR_OK);
    assert_int_equal(C_CloseSession(maker), CKR_OK);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 2);
    assert_int_equal(p11_get_bool(s, kept, CKA_TOKEN), CK_TRUE);
    assert_int_equal(p11_get_bool(s, kept, CKA_COPYABLE), CK_FALSE);
    assert_int_equal(p11_get_bool(s, kept, CKA_NEVER_EXTRACTABLE), CK_TRUE);
    assert_int_equal(p11_get_bool(s, again, CKA_TOKEN), CK_FALSE);
    assert_int_equal(p11_get(s, kept, CKA_ID, id, sizeof(id)), 4);
    assert_int_equal(C_CopyObject(s, kept, NULL, 0, &again),
        CKR_ACTION_PROHIBITED);
    assert_int_equal(C_SignInit(s, &mechanism, kept), CKR_OK);
    assert_int_equal(C_Sign(s, data, 32, sig, &len), CKR_OK);
}

/* A row of another door: a key and a label. */
static void
key_pair__row_of_another_door(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE data[32] = { 0 }, sig[64];
    CK_OBJECT_HANDLE key;
    CK_ULONG len = 64, n;

    fake_add_bare_key("P-256");
    p11_log_in(s, CKU_USER);
    assert_int_equal(C_FindObjectsInit(s, NULL, 0), CKR_OK);
    assert_int_equal(C_FindObjects(s, &key, 1, &n), CKR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(C_FindObjectsFinal(s), CKR_OK);
    assert_int_equal(p11_get_ulong(s, key, CKA_CLASS), CKO_PRIVATE_KEY);
    assert_int_equal(p11_get_ulong(s, key, CKA_KEY_TYPE), CKK_EC);
    assert_int_equal(p11_get_bool(s, key, CKA_LOCAL), CK_FALSE);
    assert_int_equal(C_SignInit(s, &mechanism, key), CKR_OK);
    assert_int_equal(C_Sign(s, data, 32, sig, &len), CKR_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        P11_TEST(key_pair__attributes_of_ec),
        P11_TEST(key_pair__public_key_info_is_one),
        P11_TEST(key_pair__attributes_of_rsa),
        P11_TEST(key_pair__id_is_one),
        P11_TEST(key_pair__templates_refused),
        P11_TEST(key_pair__rsa_sizes),
        P11_TEST(key_pair__store_refuses_the_public_half),
        P11_TEST(key_pair__of_a_session),
        P11_TEST(key_pair__of_a_session_is_kept_as_a_copy),
        P11_TEST(key_pair__row_of_another_door),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
