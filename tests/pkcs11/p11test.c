/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/pkcs11/p11test.h"

#include <string.h>

CK_BBOOL p11_true = CK_TRUE, p11_false = CK_FALSE;
CK_BYTE p11_p256[10] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
CK_BYTE p11_p384[7] = { 6, 5, 0x2b, 0x81, 0x04, 0x00, 0x22 };

static CK_SESSION_HANDLE session;

int
p11_setup_empty(void **state)
{
    fake_reset();
    *state = &session;
    return C_Initialize(NULL) == CKR_OK ? 0 : -1;
}

int
p11_setup(void **state)
{
    fake_reset();
    fake_add_token("one");
    *state = &session;
    if (C_Initialize(NULL) != CKR_OK)
        return -1;
    return C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION | CKF_RW_SESSION,
        NULL, NULL, &session) == CKR_OK ? 0 : -1;
}

int
p11_teardown(void **state)
{
    CK_RV rv = C_Finalize(NULL);

    (void)state;
    fake_reset();
    if (fake_alive != 0)
        print_error("%d structs of libscu were not given back\n", fake_alive);
    return (rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED) &&
        fake_alive == 0 ? 0 : -1;
}

CK_SESSION_HANDLE
p11_session_of(void **state)
{
    return *(CK_SESSION_HANDLE *)*state;
}

CK_SLOT_ID
p11_first_slot(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;

    assert_int_equal(C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_true(count > 0);
    return slots[0];
}

void
p11_log_in(CK_SESSION_HANDLE handle, CK_USER_TYPE user)
{
    const char *pin = user == CKU_SO ? SO_PIN : USER_PIN;

    assert_int_equal(C_Login(handle, user, STRING(pin), strlen(pin)), CKR_OK);
}

struct p11_pair
p11_make_ec(CK_SESSION_HANDLE handle, unsigned curve, bool token)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_BYTE id = 1;
    CK_BBOOL stored = token;
    CK_ATTRIBUTE public[] = {
        { CKA_EC_PARAMS, curve == 256 ? p11_p256 : p11_p384,
            curve == 256 ? sizeof(p11_p256) : sizeof(p11_p384) },
        ATTR(CKA_TOKEN, stored), ATTR(CKA_ID, id), TEXT(CKA_LABEL, "key"),
    };
    CK_ATTRIBUTE private[] = {
        ATTR(CKA_TOKEN, stored), ATTR(CKA_ID, id), TEXT(CKA_LABEL, "key"),
    };
    struct p11_pair pair;

    assert_int_equal(C_GenerateKeyPair(handle, &mechanism, public,
        COUNT(public), private, COUNT(private), &pair.public, &pair.private),
        CKR_OK);
    return pair;
}

struct p11_pair
p11_make_rsa(CK_SESSION_HANDLE handle, bool token)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN };
    CK_ULONG bits = 2048;
    CK_BYTE id = 1, e[] = { 1, 0, 1 };
    CK_BBOOL stored = token;
    CK_ATTRIBUTE public[] = {
        ATTR(CKA_MODULUS_BITS, bits), ATTR(CKA_PUBLIC_EXPONENT, e),
        ATTR(CKA_TOKEN, stored), ATTR(CKA_ID, id), TEXT(CKA_LABEL, "key"),
    };
    CK_ATTRIBUTE private[] = {
        ATTR(CKA_TOKEN, stored), ATTR(CKA_ID, id), TEXT(CKA_LABEL, "key"),
    };
    struct p11_pair pair;

    assert_int_equal(C_GenerateKeyPair(handle, &mechanism, public,
        COUNT(public), private, COUNT(private), &pair.public, &pair.private),
        CKR_OK);
    return pair;
}

CK_ULONG
p11_count(CK_SESSION_HANDLE handle, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template[] = { ATTR(CKA_CLASS, class) };
    CK_OBJECT_HANDLE found[32];
    CK_ULONG count = 0;

    assert_int_equal(C_FindObjectsInit(handle, template, 1), CKR_OK);
    assert_int_equal(C_FindObjects(handle, found, 32, &count), CKR_OK);
    assert_int_equal(C_FindObjectsFinal(handle), CKR_OK);
    return count;
}

CK_ULONG
p11_get(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *value, size_t size)
{
    CK_ATTRIBUTE a = { .type = type, .pValue = value, .ulValueLen = size };

    assert_int_equal(C_GetAttributeValue(handle, object, &a, 1), CKR_OK);
    return a.ulValueLen;
}

CK_ULONG
p11_get_ulong(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;

    assert_int_equal(p11_get(handle, object, type, &value, sizeof(value)),
        sizeof(value));
    return value;
}

CK_BBOOL
p11_get_bool(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 2;

    assert_int_equal(p11_get(handle, object, type, &value, sizeof(value)), 1);
    return value;
}
