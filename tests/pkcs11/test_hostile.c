/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Arguments and templates that no well-meaning application passes. */
#include "attr.h"
#include "tests/pkcs11/p11test.h"

#include <limits.h>
#include <string.h>

static CK_OBJECT_CLASS data_class = CKO_DATA;
static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;

/* A data object of the session, of a template with one attribute besides. */
static CK_RV
create_with(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, void *value,
    CK_ULONG len)
{
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, data_class), { type, value, len },
    };
    CK_OBJECT_HANDLE object;

    return C_CreateObject(s, template, 2, &object);
}

static void
template__values_of_wrong_length(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    static CK_BYTE octets[P11_VALUE_MAX + 1];
    CK_ULONG huge[] = {
        CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION - 1,
        (CK_ULONG)LONG_MAX, sizeof(octets),
    };

    assert_int_equal(create_with(s, CKA_LABEL, NULL, 1),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_with(s, CKA_LABEL, NULL, 0), CKR_OK);
    for (size_t i = 0; i < COUNT(huge); i++)
        assert_int_equal(create_with(s, CKA_LABEL, octets, huge[i]),
            CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_with(s, CKA_MODIFIABLE, octets, 0),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_with(s, CKA_MODIFIABLE, octets, 4),
        CKR_ATTRIBUTE_VALUE_INVALID);
    octets[0] = 2;
    assert_int_equal(create_with(s, CKA_MODIFIABLE, octets, 1),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(create_with(s, CKA_CLASS, octets, 4),
        CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(create_with(s, CKA_KEY_TYPE, octets, 4),
        CKR_ATTRIBUTE_TYPE_INVALID);
}

static void
template__class_of_wrong_length(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ATTRIBUTE class = {
        .type = CKA_CLASS, .pValue = &data_class, .ulValueLen = 4,
    };
    CK_ATTRIBUTE type[] = {
        ATTR(CKA_CLASS, public_class), { CKA_KEY_TYPE, &public_class, 1 },
    };
    CK_OBJECT_HANDLE object;

    assert_int_equal(C_CreateObject(s, &class, 1, &object),
        CKR_ATTRIBUTE_VALUE_INVALID);
    class.pValue = NULL;
    assert_int_equal(C_CreateObject(s, &class, 1, &object),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(s, type, 2, &object),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(s, type, 1, &object),
        CKR_TEMPLATE_INCOMPLETE);
}

static void
template__there_is_none(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_OBJECT_HANDLE object, other;
    struct p11_pair pair;

    assert_int_equal(C_CreateObject(s, NULL, 1, &object), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CreateObject(s, NULL, 0, &object),
        CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(C_FindObjectsInit(s, NULL, 1), CKR_ARGUMENTS_BAD);
    p11_log_in(s, CKU_USER);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, NULL, 1, NULL, 0,
        &object, &other), CKR_ARGUMENTS_BAD);
    pair = p11_make_ec(s, 256, false);
    assert_int_equal(C_GetAttributeValue(s, pair.public, NULL, 1),
        CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SetAttributeValue(s, pair.public, NULL, 1),
        CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CopyObject(s, pair.public, NULL, 1, &object),
        CKR_ARGUMENTS_BAD);
}

static void
arguments__pointers_that_are_null(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_SHA256 };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_SLOT_ID slot = p11_first_slot();
    CK_BYTE octets[32] = { 0 };
    CK_UTF8CHAR label[32] = "label";
    CK_ULONG len = 32;

    assert_int_equal(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetSlotInfo(slot, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetTokenInfo(slot, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetSessionInfo(s, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismInfo(slot, CKM_ECDSA, NULL),
        CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismList(slot, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL),
        CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Login(s, CKU_USER, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_InitPIN(s, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SetPIN(s, NULL, 4, label, 5), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SetPIN(s, label, 5, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DigestInit(s, &mechanism), CKR_OK);
    assert_int_equal(C_Digest(s, octets, 1, octets, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DigestInit(s, &mechanism), CKR_OK);
    assert_int_equal(C_Digest(s, NULL, 1, octets, &len), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_DigestInit(s, &mechanism), CKR_OK);
    assert_int_equal(C_DigestUpdate(s, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CloseAllSessions(slot), CKR_OK);
    assert_int_equal(C_InitToken(slot, NULL, 4, label), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, NULL),
        CKR_ARGUMENTS_BAD);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL),
        CKR_ARGUMENTS_BAD);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &slot),
        CKR_ARGUMENTS_BAD);
}

/* pReserved follows the flags; NSS's header has a pointer of its own there. */
static void
initialize__reserved_is_not_null(void **state)
{
    struct {
        CK_CREATEMUTEX create;
        CK_DESTROYMUTEX destroy;
        CK_LOCKMUTEX lock;
        CK_UNLOCKMUTEX unlock;
        CK_FLAGS flags;
        void *reserved;
    } args = { .flags = CKF_OS_LOCKING_OK, .reserved = state };

    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Initialize(&args), CKR_ARGUMENTS_BAD);
    args.reserved = NULL;
    assert_int_equal(C_Initialize(&args), CKR_OK);
}

/* The first three octets are 65537; the number is another. */
static void
key_pair__exponent_that_begins_well(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ULONG bits = 2048;
    CK_BYTE longer[] = { 1, 0, 1, 0 }, padded[] = { 0, 0, 1, 0, 1 };
    CK_BYTE octets[64] = { 0 };
    CK_ATTRIBUTE public[] = {
        ATTR(CKA_MODULUS_BITS, bits), ATTR(CKA_PUBLIC_EXPONENT, longer),
    };
    CK_OBJECT_HANDLE a, b;

    p11_log_in(s, CKU_USER);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 2, NULL, 0, &a,
        &b), CKR_ATTRIBUTE_VALUE_INVALID);
    octets[0] = 1;
    public[1].pValue = octets;
    public[1].ulValueLen = sizeof(octets);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 2, NULL, 0, &a,
        &b), CKR_ATTRIBUTE_VALUE_INVALID);
    public[1].pValue = padded;
    public[1].ulValueLen = sizeof(padded);
    assert_int_equal(C_GenerateKeyPair(s, &mechanism, public, 2, NULL, 0, &a,
        &b), CKR_OK);
}

/* --- public keys of others ------------------------------------------------ */

/* A modulus that is shorter than the padding of PKCS#1. */
static void
verify__rsa_key_of_64_bits(void **state)
{
    CK_MECHANISM raw = { .mechanism = CKM_RSA_PKCS };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_KEY_TYPE rsa = CKK_RSA;
    CK_BYTE modulus[8] = { 0xc3, 1, 2, 3, 4, 5, 6, 7 }, e[] = { 1, 0, 1 };
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, public_class), ATTR(CKA_KEY_TYPE, rsa),
        ATTR(CKA_MODULUS, modulus), ATTR(CKA_PUBLIC_EXPONENT, e),
    };
    CK_OBJECT_HANDLE key;

    assert_int_equal(C_CreateObject(s, template, 4, &key), CKR_OK);
    assert_int_equal(p11_get_ulong(s, key, CKA_MODULUS_BITS), 64);
    assert_int_equal(C_VerifyInit(s, &raw, key), CKR_KEY_SIZE_RANGE);
}

static void
sign__salt_that_the_modulus_cannot_hold(void **state)
{
    CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA512, CKG_MGF1_SHA512, 190 };
    CK_MECHANISM mechanism = { CKM_RSA_PKCS_PSS, &pss, sizeof(pss) };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE data[64] = { 0 }, sig[256];
    struct p11_pair pair;
    CK_ULONG len = 256;

    p11_log_in(s, CKU_USER);
    pair = p11_make_rsa(s, false);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 64, sig, &len), CKR_OK);
    assert_int_equal(C_VerifyInit(s, &mechanism, pair.public), CKR_OK);
    assert_int_equal(C_Verify(s, data, 64, sig, len), CKR_OK);
    pss.sLen = 191;
    assert_int_equal(C_SignInit(s, &mechanism, pair.private),
        CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(C_VerifyInit(s, &mechanism, pair.public),
        CKR_MECHANISM_PARAM_INVALID);
}

/* --- reading -------------------------------------------------------------- */

static void
get_attribute__secrets_stay_secret(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE octets[64];
    CK_ATTRIBUTE value = ATTR(CKA_VALUE, octets);
    struct p11_pair pair;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, false);
    memset(octets, 0x5a, sizeof(octets));
    assert_int_equal(C_GetAttributeValue(s, pair.private, &value, 1),
        CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(value.ulValueLen, CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; i < sizeof(octets); i++)
        assert_int_equal(octets[i], 0x5a);
    value.pValue = NULL;
    assert_int_equal(C_GetAttributeValue(s, pair.private, &value, 1),
        CKR_ATTRIBUTE_SENSITIVE);
}

/* A template to search for may hold anything; nothing is what matches it. */
static void
find__hostile_templates(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE octets[4] = { 0 };
    CK_ATTRIBUTE templates[] = {
        { CKA_LABEL, NULL, 3 }, { CKA_LABEL, octets, 0 },
        { CKA_TOKEN, octets, CK_UNAVAILABLE_INFORMATION },
        { CKA_CLASS, NULL, sizeof(CK_ULONG) }, { CKA_VALUE, octets, 4 },
    };
    CK_OBJECT_HANDLE found;
    CK_ULONG n;

    p11_log_in(s, CKU_USER);
    (void)p11_make_ec(s, 256, true);
    for (size_t i = 0; i < COUNT(templates); i++) {
        assert_int_equal(C_FindObjectsInit(s, &templates[i], 1), CKR_OK);
        assert_int_equal(C_FindObjects(s, NULL, 1, &n), CKR_ARGUMENTS_BAD);
        assert_int_equal(C_FindObjects(s, &found, 1, NULL),
            CKR_ARGUMENTS_BAD);
        assert_int_equal(C_FindObjects(s, &found, 1, &n), CKR_OK);
        assert_int_equal(n, 0);
        assert_int_equal(C_FindObjectsFinal(s), CKR_OK);
    }
    assert_int_equal(C_FindObjects(s, &found, 1, &n),
        CKR_OPERATION_NOT_INITIALIZED);
}

static void
handles__of_nothing(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_MECHANISM mechanism = { .mechanism = CKM_SHA256 };
    CK_ULONG n;

    for (CK_ULONG h = 0; h < 3; h++) {
        CK_SESSION_HANDLE bad = h == 0 ? 0 : h == 1 ? s + 1 : ~0UL;

        assert_int_equal(C_DigestInit(bad, &mechanism),
            CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_CloseSession(bad), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_FindObjectsInit(bad, NULL, 0),
            CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_Login(bad, CKU_USER, STRING(USER_PIN), 7),
            CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_GetObjectSize(s, bad + 77, &n),
            CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(C_DestroyObject(s, bad + 77),
            CKR_OBJECT_HANDLE_INVALID);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        P11_TEST(template__values_of_wrong_length),
        P11_TEST(template__class_of_wrong_length),
        P11_TEST(template__there_is_none),
        P11_TEST(arguments__pointers_that_are_null),
        P11_TEST(initialize__reserved_is_not_null),
        P11_TEST(key_pair__exponent_that_begins_well),
        P11_TEST(verify__rsa_key_of_64_bits),
        P11_TEST(sign__salt_that_the_modulus_cannot_hold),
        P11_TEST(get_attribute__secrets_stay_secret),
        P11_TEST(find__hostile_templates),
        P11_TEST(handles__of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
