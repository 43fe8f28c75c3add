/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Objects, their attributes, searches. */
#include "tests/pkcs11/p11test.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static CK_OBJECT_CLASS data_class = CKO_DATA;
static CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE;
static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;

static CK_OBJECT_HANDLE
make_data(CK_SESSION_HANDLE s, CK_BBOOL *token, CK_BBOOL *private)
{
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, data_class), ATTR(CKA_TOKEN, *token),
        ATTR(CKA_PRIVATE, *private), TEXT(CKA_LABEL, "note"),
        TEXT(CKA_VALUE, "text"),
    };
    CK_OBJECT_HANDLE object = 0;

    assert_int_equal(C_CreateObject(s, template, COUNT(template), &object),
        CKR_OK);
    return object;
}

/* --- visibility, handles -------------------------------------------------- */

static void
find__private_ones_after_login(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct p11_pair pair;
    CK_ULONG class;
    CK_ATTRIBUTE a = ATTR(CKA_CLASS, class);

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 1);
    assert_int_equal(C_Logout(s), CKR_OK);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 0);
    assert_int_equal(p11_count(s, CKO_PUBLIC_KEY), 1);
    assert_int_equal(C_GetAttributeValue(s, pair.private, &a, 1),
        CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(p11_get_ulong(s, pair.public, CKA_CLASS),
        CKO_PUBLIC_KEY);
}

static void
find__handles_stay(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ATTRIBUTE label = TEXT(CKA_LABEL, "key");
    CK_OBJECT_HANDLE found[4];
    struct p11_pair pair;
    CK_ULONG n;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(C_FindObjectsInit(s, &label, 1), CKR_OK);
    assert_int_equal(C_FindObjectsInit(s, &label, 1), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_FindObjects(s, found, 1, &n), CKR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(C_FindObjects(s, found + 1, 3, &n), CKR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(C_FindObjects(s, found + 2, 2, &n), CKR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(C_FindObjectsFinal(s), CKR_OK);
    assert_true((found[0] == pair.private && found[1] == pair.public) ||
        (found[1] == pair.private && found[0] == pair.public));
    assert_int_equal(C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED);
}

static void
find__no_match(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ATTRIBUTE other = TEXT(CKA_LABEL, "kez");
    CK_ATTRIBUTE shorter = TEXT(CKA_LABEL, "ke");
    CK_ATTRIBUTE unknown = TEXT(CKA_VENDOR_DEFINED, "key");
    CK_ATTRIBUTE *all[] = { &other, &shorter, &unknown };
    CK_OBJECT_HANDLE found;
    CK_ULONG n;

    p11_log_in(s, CKU_USER);
    (void)p11_make_ec(s, 256, true);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(C_FindObjectsInit(s, all[i], 1), CKR_OK);
        assert_int_equal(C_FindObjects(s, &found, 1, &n), CKR_OK);
        assert_int_equal(n, 0);
        assert_int_equal(C_FindObjectsFinal(s), CKR_OK);
    }
}

/* --- other objects -------------------------------------------------------- */

static void
create__data_in_token_and_session(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state), second;
    CK_OBJECT_HANDLE stored, own;
    CK_BYTE value[8];

    p11_log_in(s, CKU_USER);
    stored = make_data(s, &p11_true, &p11_false);
    assert_int_equal(C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION, NULL,
        NULL, &second), CKR_OK);
    own = make_data(second, &p11_false, &p11_true);
    assert_int_equal(p11_count(s, CKO_DATA), 2);
    assert_int_equal(p11_get(s, stored, CKA_VALUE, value, sizeof(value)), 4);
    assert_memory_equal(value, "text", 4);
    assert_int_equal(p11_get(s, stored, CKA_APPLICATION, NULL, 0), 0);
    assert_int_equal(p11_get_bool(s, own, CKA_PRIVATE), CK_TRUE);
    assert_int_equal(C_CloseSession(second), CKR_OK);
    assert_int_equal(p11_count(s, CKO_DATA), 1);
    assert_int_equal(C_DestroyObject(s, stored), CKR_OK);
    assert_int_equal(C_DestroyObject(s, stored), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(p11_count(s, CKO_DATA), 0);
}

static void
create__refused(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state), reader;
    CK_OBJECT_CLASS private = CKO_PRIVATE_KEY, secret = CKO_SECRET_KEY;
    CK_CERTIFICATE_TYPE x509 = CKC_X_509;
    CK_KEY_TYPE ec = CKK_EC;
    CK_BYTE junk[] = "junk";
    CK_ATTRIBUTE nothing[] = { TEXT(CKA_LABEL, "x") };
    CK_ATTRIBUTE token[] = {
        ATTR(CKA_CLASS, data_class), ATTR(CKA_TOKEN, p11_true),
    };
    CK_ATTRIBUTE key[] = { ATTR(CKA_CLASS, private), ATTR(CKA_KEY_TYPE, ec) };
    CK_ATTRIBUTE aes[] = { ATTR(CKA_CLASS, secret), ATTR(CKA_KEY_TYPE, ec) };
    CK_ATTRIBUTE certificate[] = {
        ATTR(CKA_CLASS, certificate_class), ATTR(CKA_CERTIFICATE_TYPE, x509),
        ATTR(CKA_VALUE, junk),
    };
    CK_ATTRIBUTE public[] = {
        ATTR(CKA_CLASS, public_class), ATTR(CKA_KEY_TYPE, ec),
        ATTR(CKA_EC_PARAMS, p11_p256), ATTR(CKA_EC_POINT, junk),
    };
    CK_OBJECT_HANDLE object;

    assert_int_equal(C_CreateObject(s, nothing, 1, &object),
        CKR_TEMPLATE_INCOMPLETE);
    fake_log_lines = 0;
    assert_int_equal(C_CreateObject(s, token, 2, &object),
        CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(fake_log_lines, 1);
    assert_int_equal(C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION, NULL,
        NULL, &reader), CKR_OK);
    assert_int_equal(C_CreateObject(reader, token, 2, &object),
        CKR_SESSION_READ_ONLY);
    assert_int_equal(C_CreateObject(s, key, 2, &object),
        CKR_TEMPLATE_INCONSISTENT);
    assert_int_equal(C_CreateObject(s, aes, 2, &object),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(s, certificate, 2, &object),
        CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(C_CreateObject(s, certificate, 3, &object),
        CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(s, public, 3, &object),
        CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(C_CreateObject(s, public, 4, &object),
        CKR_ATTRIBUTE_VALUE_INVALID);
}

/* A self-signed certificate; its length. */
static CK_ULONG
make_certificate(CK_BYTE *der)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    int len;

    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 4711), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
        MBSTRING_ASC, (const uint8_t *)"x", 1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    len = i2d_X509(x, &der);
    X509_free(x);
    EVP_PKEY_free(key);
    return (CK_ULONG)len;
}

static void
create__certificate_completes_itself(void **state)
{
    static const CK_BYTE serial[] = { 2, 2, 0x12, 0x67 };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_CERTIFICATE_TYPE x509 = CKC_X_509;
    CK_BYTE der[1024], out[256], *p = der;
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, certificate_class), ATTR(CKA_CERTIFICATE_TYPE, x509),
        ATTR(CKA_TOKEN, p11_true),
        { CKA_VALUE, der, make_certificate(p) },
    };
    CK_OBJECT_HANDLE object;
    CK_ULONG size = 0;

    p11_log_in(s, CKU_USER);
    assert_int_equal(C_CreateObject(s, template, COUNT(template), &object),
        CKR_OK);
    assert_int_equal(p11_get(s, object, CKA_SERIAL_NUMBER, out, sizeof(out)),
        sizeof(serial));
    assert_memory_equal(out, serial, sizeof(serial));
    assert_int_equal(p11_get(s, object, CKA_SUBJECT, out, sizeof(out)), 14);
    assert_int_equal(p11_get(s, object, CKA_ISSUER, out, sizeof(out)), 14);
    assert_int_equal(p11_get_ulong(s, object, CKA_CERTIFICATE_TYPE),
        CKC_X_509);
    assert_int_equal(C_GetObjectSize(s, object, &size), CKR_OK);
    assert_true(size > template[3].ulValueLen);
}

static void
create__public_key_verifies(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_KEY_TYPE ec = CKK_EC;
    CK_BYTE data[32] = { 0 }, sig[64], point[67];
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, public_class), ATTR(CKA_KEY_TYPE, ec),
        ATTR(CKA_EC_PARAMS, p11_p256), ATTR(CKA_EC_POINT, point),
    };
    CK_OBJECT_HANDLE copy;
    struct p11_pair pair;
    CK_ULONG len = 64;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(p11_get(s, pair.public, CKA_EC_POINT, point, 67), 67);
    assert_int_equal(C_CreateObject(s, template, 4, &copy), CKR_OK);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 32, sig, &len), CKR_OK);
    assert_int_equal(C_VerifyInit(s, &mechanism, copy), CKR_OK);
    assert_int_equal(C_Verify(s, data, 32, sig, len), CKR_OK);
}

/* --- changing, copying ---------------------------------------------------- */

static void
set_attribute__label_and_the_rest(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ATTRIBUTE label = TEXT(CKA_LABEL, "renamed");
    CK_ATTRIBUTE sign = ATTR(CKA_SIGN, p11_false);
    CK_ATTRIBUTE secret = TEXT(CKA_VALUE, "x");
    struct p11_pair pair;
    CK_BYTE out[16];

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    assert_int_equal(C_SetAttributeValue(s, pair.private, &label, 1), CKR_OK);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 1);
    assert_int_equal(p11_get(s, pair.private, CKA_LABEL, out, sizeof(out)), 7);
    assert_memory_equal(out, "renamed", 7);
    assert_int_equal(C_SetAttributeValue(s, pair.private, &sign, 1),
        CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(C_SetAttributeValue(s, pair.private, &secret, 1),
        CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(C_SetAttributeValue(s, pair.public, &secret, 1),
        CKR_ATTRIBUTE_TYPE_INVALID);
}

static void
set_attribute__not_modifiable(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, data_class), ATTR(CKA_MODIFIABLE, p11_false),
        ATTR(CKA_DESTROYABLE, p11_false), ATTR(CKA_COPYABLE, p11_false),
    };
    CK_ATTRIBUTE label = TEXT(CKA_LABEL, "x");
    CK_OBJECT_HANDLE object, copy;

    assert_int_equal(C_CreateObject(s, template, 4, &object), CKR_OK);
    assert_int_equal(C_SetAttributeValue(s, object, &label, 1),
        CKR_ACTION_PROHIBITED);
    assert_int_equal(C_DestroyObject(s, object), CKR_ACTION_PROHIBITED);
    assert_int_equal(C_CopyObject(s, object, NULL, 0, &copy),
        CKR_ACTION_PROHIBITED);
}

static void
copy__into_the_token(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_ATTRIBUTE token[] = {
        ATTR(CKA_TOKEN, p11_true), TEXT(CKA_LABEL, "copy"),
    };
    CK_OBJECT_HANDLE object, copy;
    CK_BYTE out[16];

    p11_log_in(s, CKU_USER);
    object = make_data(s, &p11_false, &p11_false);
    assert_int_equal(C_CopyObject(s, object, token, 2, &copy), CKR_OK);
    assert_int_equal(p11_get_bool(s, copy, CKA_TOKEN), CK_TRUE);
    assert_int_equal(p11_get(s, copy, CKA_LABEL, out, sizeof(out)), 4);
    assert_int_equal(p11_get(s, copy, CKA_VALUE, out, sizeof(out)), 4);
    object = p11_make_ec(s, 256, true).private;
    assert_int_equal(C_CopyObject(s, object, NULL, 0, &copy),
        CKR_ACTION_PROHIBITED);
}

static void
get_attribute__each_is_answered(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE small[1], label[8];
    CK_ATTRIBUTE template[] = {
        { CKA_VALUE, small, sizeof(small) }, { CKA_MODULUS, small, 1 },
        { CKA_LABEL, label, sizeof(label) }, { CKA_APPLICATION, NULL, 7 },
    };
    CK_OBJECT_HANDLE object = make_data(s, &p11_false, &p11_false);
    CK_RV rv = C_GetAttributeValue(s, object, template, 4);

    assert_true(rv == CKR_BUFFER_TOO_SMALL ||
        rv == CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(template[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(template[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(template[2].ulValueLen, 4);
    assert_int_equal(template[3].ulValueLen, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        P11_TEST(find__private_ones_after_login),
        P11_TEST(find__handles_stay),
        P11_TEST(find__no_match),
        P11_TEST(create__data_in_token_and_session),
        P11_TEST(create__refused),
        P11_TEST(create__certificate_completes_itself),
        P11_TEST(create__public_key_verifies),
        P11_TEST(set_attribute__label_and_the_rest),
        P11_TEST(set_attribute__not_modifiable),
        P11_TEST(copy__into_the_token),
        P11_TEST(get_attribute__each_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
