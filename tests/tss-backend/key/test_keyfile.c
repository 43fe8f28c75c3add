/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/keyfile.h"
#include "key/pem.h"
#include "keyfiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/asn1.h>

/* --- what is read ---------------------------------------------------------*/

static void
read_parts(const struct keyfile_parts *parts, struct keyfile *file)
{
    struct blob der;

    assemble(parts, &der);
    if (keyfile_read(der.data, der.len, file) != SCU_OK)
        fail_msg("%s", scu_error_detail());
}

static void
read__minimal(void **state)
{
    struct keyfile file;

    (void)state;
    read_parts(&keyfile_good, &file);
    assert_true(file.empty_auth);
    assert_false(file.policy);
    assert_false(file.rsa_parent);
    assert_int_equal(file.parent, TPM2_RH_OWNER);
    assert_int_equal(file.public.publicArea.type, TPM2_ALG_ECC);
    assert_int_equal(file.public.publicArea.unique.ecc.x.size, 32);
    assert_int_equal(file.private.size, 4);
    assert_memory_equal(file.private.buffer, "\xde\xad\xbe\xef", 4);
    assert_int_equal(file.kept_len, 0);
    keyfile_clear(&file);
}

static void
read__empty_auth_absent_or_false_is_a_password(void **state)
{
    struct keyfile_parts parts = keyfile_good;
    const uint8_t no = 0;
    struct keyfile file;

    (void)state;
    parts.empty_auth = (struct element){ &no, 1 };
    read_parts(&parts, &file);
    assert_false(file.empty_auth);
    keyfile_clear(&file);
    parts.empty_auth.data = NULL;
    read_parts(&parts, &file);
    assert_false(file.empty_auth);
    keyfile_clear(&file);
}

static void
read__any_nonzero_boolean_is_true(void **state)
{
    struct keyfile_parts parts = keyfile_good;
    struct keyfile file;

    (void)state;
    for (unsigned value = 1; value < 0x100; value++) {
        const uint8_t octet = (uint8_t)value;

        parts.empty_auth = (struct element){ &octet, 1 };
        parts.rsa_parent = (struct element){ &octet, 1 };
        read_parts(&parts, &file);
        assert_true(file.empty_auth);
        assert_true(file.rsa_parent);
        keyfile_clear(&file);
    }
}

static void
read__each_optional_element_alone(void **state)
{
    struct keyfile_parts all, parts;
    struct keyfile file;

    (void)state;
    with_all_options(&all);
    for (int i = 0; i < 5; i++) {
        parts = keyfile_good;
        parts.policy.data = i == 0 ? all.policy.data : NULL;
        parts.policy.len = all.policy.len;
        parts.secret.data = i == 1 ? all.secret.data : NULL;
        parts.secret.len = all.secret.len;
        parts.auth_policy.data = i == 2 ? all.auth_policy.data : NULL;
        parts.auth_policy.len = all.auth_policy.len;
        parts.description.data = i == 3 ? all.description.data : NULL;
        parts.description.len = all.description.len;
        parts.rsa_parent.data = i == 4 ? all.rsa_parent.data : NULL;
        parts.rsa_parent.len = all.rsa_parent.len;
        read_parts(&parts, &file);
        assert_int_equal(file.policy, i == 0 || i == 2);
        assert_int_equal(file.rsa_parent, i == 4);
        keyfile_clear(&file);
    }
}

static void
read__all_optional_elements_and_writes_them_back(void **state)
{
    struct keyfile_parts parts;
    struct blob der;
    struct keyfile file;
    uint8_t *again = NULL;
    size_t len = 0;

    (void)state;
    with_all_options(&parts);
    assemble(&parts, &der);
    assert_int_equal(keyfile_read(der.data, der.len, &file), SCU_OK);
    assert_int_equal(keyfile_write(&file, &again, &len), SCU_OK);
    /* But for the booleans, which are DER now. */
    assert_int_equal(len, der.len);
    for (size_t i = 0; i + 2 < len; i++)
        if (again[i] == 0x01 && again[i + 1] == 0x01 && again[i + 2] == 0xff)
            again[i + 2] = 0x01;
    assert_memory_equal(again, der.data, len);
    free(again);
    keyfile_clear(&file);
}

static void
read__parents(void **state)
{
    static const struct {
        size_t len;
        uint8_t octets[6];
        TPM2_HANDLE parent; /* 0: refused */
    } cases[] = {
        { 4, { 0x40, 0x00, 0x00, 0x01 }, TPM2_RH_OWNER },
        { 4, { 0x40, 0x00, 0x00, 0x07 }, TPM2_RH_NULL },
        { 4, { 0x40, 0x00, 0x00, 0x0b }, TPM2_RH_ENDORSEMENT },
        { 5, { 0x00, 0x81, 0x00, 0x00, 0x01 }, 0x81000001 },
        { 5, { 0x00, 0x81, 0xff, 0xff, 0xff }, 0x81ffffff },
        /* from a writer whose long has 32 bits */
        { 4, { 0x81, 0x00, 0x00, 0x01 }, 0x81000001 },
        { 4, { 0x40, 0x00, 0x00, 0x0c }, 0 },
        { 4, { 0x40, 0x00, 0x00, 0x09 }, 0 },
        { 5, { 0x00, 0x80, 0x00, 0x00, 0x00 }, 0 },
        { 5, { 0x00, 0x40, 0x00, 0x00, 0x01 }, 0 },
        { 6, { 0x00, 0x00, 0x81, 0x00, 0x00, 0x01 }, 0 },
        { 5, { 0x01, 0x81, 0x00, 0x00, 0x01 }, 0 },
        { 1, { 0x00 }, 0 },
        { 0, { 0x00 }, 0 },
    };
    struct keyfile_parts parts = keyfile_good;
    struct keyfile file;
    struct blob der;
    int rc;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        parts.parent = (struct element){ cases[i].octets, cases[i].len };
        assemble(&parts, &der);
        rc = keyfile_read(der.data, der.len, &file);
        assert_int_equal(rc, cases[i].parent != 0 ? SCU_OK : SCU_E_KEYFILE);
        if (rc == SCU_OK)
            assert_int_equal(file.parent, cases[i].parent);
        keyfile_clear(&file);
    }
}

/* --- what others wrote ----------------------------------------------------*/

static void
read_peer(const char *name, struct keyfile *file)
{
    size_t len = 0, der_len = 0;
    char *text = read_data(name, &len);
    uint8_t *der = NULL;

    assert_int_equal(pem_decode(text, len, &der, &der_len), SCU_OK);
    if (keyfile_read(der, der_len, file) != SCU_OK)
        fail_msg("%s: %s", name, scu_error_detail());
    free(der);
    free(text);
}

static void
peers__tpm2_openssl(void **state)
{
    struct keyfile file;

    (void)state;
    read_peer("tpm2-openssl-p256.pem", &file);
    assert_true(file.empty_auth);
    assert_int_equal(file.parent, TPM2_RH_OWNER);
    keyfile_clear(&file);
    read_peer("tpm2-openssl-p384-password.pem", &file);
    assert_false(file.empty_auth);
    assert_int_equal(file.public.publicArea.parameters.eccDetail.curveID,
        TPM2_ECC_NIST_P384);
    keyfile_clear(&file);
    read_peer("tpm2-openssl-rsa2048.pem", &file);
    assert_int_equal(file.public.publicArea.unique.rsa.size, 256);
    keyfile_clear(&file);
}

static void
peers__tpm2_tools(void **state)
{
    struct keyfile file;

    (void)state;
    read_peer("tpm2-tools-p256.pem", &file);
    assert_int_equal(file.parent, 0x81000001);
    /* tpm2-tools before 5.7.1 writes emptyAuth the wrong way round. */
    assert_false(file.empty_auth);
    keyfile_clear(&file);
    read_peer("tpm2-tools-p256-password.pem", &file);
    assert_true(file.empty_auth);
    keyfile_clear(&file);
}

/* --- what is written ------------------------------------------------------*/

static void
write__equals_der_made_by_hand(void **state)
{
    struct keyfile_parts parts = keyfile_good;
    const uint8_t no = 0;
    struct keyfile file;
    struct blob expected;
    uint8_t *der = NULL;
    size_t len = 0;

    (void)state;
    read_parts(&keyfile_good, &file);
    assert_int_equal(keyfile_write(&file, &der, &len), SCU_OK);
    assemble(&keyfile_good, &expected);
    assert_int_equal(len, expected.len);
    assert_memory_equal(der, expected.data, len);
    free(der);
    /* With a password: FALSE, not left out; a persistent parent. */
    file.empty_auth = false;
    file.parent = 0x81000001;
    parts.empty_auth.data = &no;
    parts.parent = (struct element){ "\0\x81\0\0\1", 5 };
    assert_int_equal(keyfile_write(&file, &der, &len), SCU_OK);
    assemble(&parts, &expected);
    assert_int_equal(len, expected.len);
    assert_memory_equal(der, expected.data, len);
    free(der);
    keyfile_clear(&file);
}

static void
write__libcrypto_parses_it(void **state)
{
    struct keyfile_parts parts;
    struct keyfile file;
    const unsigned char *p;
    ASN1_TYPE *type;
    uint8_t *der = NULL;
    size_t len = 0;

    (void)state;
    with_all_options(&parts);
    read_parts(&parts, &file);
    assert_int_equal(keyfile_write(&file, &der, &len), SCU_OK);
    p = der;
    type = d2i_ASN1_TYPE(NULL, &p, (long)len);
    assert_non_null(type);
    assert_ptr_equal(p, der + len);
    assert_int_equal(ASN1_TYPE_get(type), V_ASN1_SEQUENCE);
    ASN1_TYPE_free(type);
    free(der);
    keyfile_clear(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__minimal),
        cmocka_unit_test(read__empty_auth_absent_or_false_is_a_password),
        cmocka_unit_test(read__any_nonzero_boolean_is_true),
        cmocka_unit_test(read__each_optional_element_alone),
        cmocka_unit_test(read__all_optional_elements_and_writes_them_back),
        cmocka_unit_test(read__parents),
        cmocka_unit_test(peers__tpm2_openssl),
        cmocka_unit_test(peers__tpm2_tools),
        cmocka_unit_test(write__equals_der_made_by_hand),
        cmocka_unit_test(write__libcrypto_parses_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
