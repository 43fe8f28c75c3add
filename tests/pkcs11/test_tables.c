/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The tables: errors, hashes, mechanisms, attribute rules. */
#include "attr.h"
#include "keyattrs.h"
#include "mech.h"
#include "tests/pkcs11/p11test.h"

static void
p11_rv__each_error_has_its_image(void **state)
{
    (void)state;
#define CHECK(name, value, ckr, exit, text) \
    assert_int_equal(p11_rv(SCU_E_##name), CKR_##ckr);
    SCU_ERROR_LIST(CHECK)
#undef CHECK
    assert_int_equal(p11_rv(SCU_OK), CKR_OK);
    assert_int_equal(p11_rv(-9999), CKR_FUNCTION_FAILED);
}

static void
p11_mech_at__each_is_one_row(void **state)
{
    const struct p11_mech *mech;

    (void)state;
    for (size_t i = 0; (mech = p11_mech_at(i)) != NULL; i++)
        assert_ptr_equal(p11_mech_find(mech->type), mech);
    assert_null(p11_mech_find(CKM_AES_CBC));
}

static void
p11_mech_at__each_signs_by_a_scheme(void **state)
{
    const struct p11_mech *mech;

    (void)state;
    for (size_t i = 0; (mech = p11_mech_at(i)) != NULL; i++) {
        if ((mech->flags & CKF_SIGN) == 0)
            assert_null(mech->scheme);
        else if (!mech->pss)
            assert_non_null(scu_scheme_by_name(mech->scheme));
        if (mech->flags & CKF_DIGEST)
            assert_non_null(mech->hash);
    }
}

static void
p11_mech_info__sizes_are_those_of_keys(void **state)
{
    CK_MECHANISM_INFO info;

    (void)state;
    p11_mech_info(p11_mech_find(CKM_ECDSA), &info);
    assert_int_equal(info.ulMinKeySize, 256);
    assert_int_equal(info.ulMaxKeySize, 384);
    p11_mech_info(p11_mech_find(CKM_RSA_PKCS), &info);
    assert_int_equal(info.ulMinKeySize, 2048);
    assert_int_equal(info.ulMaxKeySize, 3072);
    p11_mech_info(p11_mech_find(CKM_SHA256), &info);
    assert_int_equal(info.ulMaxKeySize, 0);
    assert_int_equal(info.flags, CKF_DIGEST);
}

static CK_RV
read_pss(CK_MECHANISM_TYPE type, CK_RSA_PKCS_PSS_PARAMS *pss, size_t len)
{
    CK_MECHANISM mechanism = { type, pss, len };
    struct p11_way way;

    return p11_way_read(&mechanism, CKF_SIGN, &way);
}

static void
p11_way_read__pss_parameters(void **state)
{
    CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };

    (void)state;
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, &pss, sizeof(pss)), CKR_OK);
    assert_int_equal(read_pss(CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof(pss)),
        CKR_OK);
    assert_int_equal(read_pss(CKM_SHA384_RSA_PKCS_PSS, &pss, sizeof(pss)),
        CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, &pss, sizeof(pss) - 1),
        CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, NULL, sizeof(pss)),
        CKR_MECHANISM_PARAM_INVALID);
    pss.mgf = CKG_MGF1_SHA1;
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, &pss, sizeof(pss)),
        CKR_MECHANISM_PARAM_INVALID);
    pss.mgf = CKG_MGF1_SHA256;
    pss.sLen = ~0UL;
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, &pss, sizeof(pss)),
        CKR_MECHANISM_PARAM_INVALID);
    pss.sLen = 32;
    pss.hashAlg = CKM_MD5;
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, &pss, sizeof(pss)),
        CKR_MECHANISM_PARAM_INVALID);
}

static void
p11_way_read__parameter_too_many(void **state)
{
    CK_BYTE octet = 0;
    CK_MECHANISM mechanism = { CKM_ECDSA, &octet, 1 };
    struct p11_way way;

    (void)state;
    assert_int_equal(p11_way_read(&mechanism, CKF_SIGN, &way),
        CKR_MECHANISM_PARAM_INVALID);
}

static void
p11_way_read__other_use(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_SHA256 };
    struct p11_way way;

    (void)state;
    assert_int_equal(p11_way_read(&mechanism, CKF_SIGN, &way),
        CKR_MECHANISM_INVALID);
    mechanism.mechanism = CKM_ECDSA;
    assert_int_equal(p11_way_read(&mechanism, CKF_DIGEST, &way),
        CKR_MECHANISM_INVALID);
}

static void
p11_rule_find__each_rule_is_reached(void **state)
{
    static const unsigned kinds[] = {
        P11_DATA, P11_CERTIFICATE, P11_EC_PUBLIC, P11_RSA_PUBLIC,
        P11_EC_PRIVATE, P11_RSA_PRIVATE,
    };
    const struct p11_rule *rule;

    (void)state;
    for (size_t i = 0; (rule = p11_rule_at(i)) != NULL; i++) {
        assert_int_not_equal(rule->kinds, 0);
        for (size_t k = 0; k < COUNT(kinds); k++)
            if (rule->kinds & kinds[k])
                assert_ptr_equal(p11_rule_find(kinds[k], rule->type), rule);
    }
}

static void
p11_rule_find__nothing_of_a_private_key_is_readable(void **state)
{
    static const CK_ATTRIBUTE_TYPE secret[] = {
        CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1,
        CKA_EXPONENT_2, CKA_COEFFICIENT,
    };

    (void)state;
    for (size_t i = 0; i < COUNT(secret); i++)
        assert_int_equal(p11_rule_find(P11_RSA_PRIVATE, secret[i])->may,
            P11_SECRET);
    assert_int_equal(p11_rule_find(P11_EC_PRIVATE, CKA_VALUE)->may,
        P11_SECRET);
}

static void
p11_kind_of__round_trip(void **state)
{
    (void)state;
    for (unsigned kind = 1; kind <= P11_RSA_PRIVATE; kind <<= 1)
        assert_int_equal(p11_kind_of(p11_kind_class(kind),
            p11_kind_type(kind)), kind);
    assert_int_equal(p11_kind_of(CKO_SECRET_KEY, CKK_AES), 0);
    assert_int_equal(p11_kind_of(CKO_PUBLIC_KEY, CKK_DSA), 0);
    assert_int_equal(p11_kind_of(CKO_CERTIFICATE, CKC_X_509_ATTR_CERT), 0);
}

static void
p11_attrs_set_ulong__octets_are_big_endian(void **state)
{
    static const uint8_t octets[8] = { 0, 0, 0, 0, 1, 2, 3, 4 };
    struct attrs attrs = { 0 };
    const struct scu_attribute *a;
    CK_ULONG value = 0;

    (void)state;
    assert_int_equal(p11_attrs_set_ulong(&attrs, CKA_CLASS, 0x01020304),
        CKR_OK);
    a = attrs_find(&attrs, CKA_CLASS);
    assert_int_equal(a->len, 8);
    assert_memory_equal(a->value, octets, 8);
    assert_true(p11_ulong_decode(a->value, a->len, &value));
    assert_int_equal(value, 0x01020304);
    assert_false(p11_ulong_decode(a->value, 7, &value));
    assert_int_equal(p11_attrs_set_ulong(&attrs, CKA_CLASS,
        CK_UNAVAILABLE_INFORMATION), CKR_OK);
    assert_int_equal(attrs.count, 1);
    a = attrs_find(&attrs, CKA_CLASS);
    assert_true(p11_ulong_decode(a->value, a->len, &value));
    assert_int_equal(value, CK_UNAVAILABLE_INFORMATION);
    attrs_clear(&attrs);
}

/* What other doors write without the headers of PKCS#11. */
static void
attrs__numbers_are_those_of_pkcs11(void **state)
{
    static const struct {
        unsigned long ours, theirs;
    } rows[] = {
        { ATTR_CLASS, CKA_CLASS },
        { ATTR_LABEL, CKA_LABEL },
        { ATTR_VALUE, CKA_VALUE },
        { ATTR_CERTIFICATE_TYPE, CKA_CERTIFICATE_TYPE },
        { ATTR_KEY_TYPE, CKA_KEY_TYPE },
        { ATTR_ID, CKA_ID },
        { ATTR_SIGN, CKA_SIGN },
        { ATTR_MODULUS, CKA_MODULUS },
        { ATTR_MODULUS_BITS, CKA_MODULUS_BITS },
        { ATTR_PUBLIC_EXPONENT, CKA_PUBLIC_EXPONENT },
        { ATTR_LOCAL, CKA_LOCAL },
        { ATTR_NEVER_EXTRACTABLE, CKA_NEVER_EXTRACTABLE },
        { ATTR_ALWAYS_SENSITIVE, CKA_ALWAYS_SENSITIVE },
        { ATTR_KEY_GEN_MECHANISM, CKA_KEY_GEN_MECHANISM },
        { ATTR_EC_PARAMS, CKA_EC_PARAMS },
        { ATTR_EC_POINT, CKA_EC_POINT },
        { ATTR_CLASS_DATA, CKO_DATA },
        { ATTR_CLASS_CERTIFICATE, CKO_CERTIFICATE },
        { ATTR_CLASS_PUBLIC_KEY, CKO_PUBLIC_KEY },
        { ATTR_CLASS_PRIVATE_KEY, CKO_PRIVATE_KEY },
        { ATTR_KEY_RSA, CKK_RSA },
        { ATTR_KEY_EC, CKK_EC },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(rows[i].ours, rows[i].theirs);
}

static void
keyattrs__mechanisms_are_those_of_pkcs11(void **state)
{
    static const struct {
        enum scu_kind kind;
        CK_ULONG mechanism;
    } rows[] = {
        { SCU_KIND_EC, CKM_EC_KEY_PAIR_GEN },
        { SCU_KIND_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct scu_attribute *a;
        struct attrs attrs = { 0 };
        CK_ULONG mechanism = 1;

        assert_int_equal(keyattrs_set_origin(&attrs, ATTR_CLASS_PUBLIC_KEY,
            rows[i].kind, KEYATTRS_GENERATED), SCU_OK);
        a = attrs_find(&attrs, CKA_KEY_GEN_MECHANISM);
        assert_non_null(a);
        assert_true(p11_ulong_decode(a->value, a->len, &mechanism));
        assert_int_equal(mechanism, rows[i].mechanism);
        attrs_clear(&attrs);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attrs__numbers_are_those_of_pkcs11),
        cmocka_unit_test(keyattrs__mechanisms_are_those_of_pkcs11),
        cmocka_unit_test(p11_rv__each_error_has_its_image),
        cmocka_unit_test(p11_mech_at__each_is_one_row),
        cmocka_unit_test(p11_mech_at__each_signs_by_a_scheme),
        cmocka_unit_test(p11_mech_info__sizes_are_those_of_keys),
        cmocka_unit_test(p11_way_read__pss_parameters),
        cmocka_unit_test(p11_way_read__parameter_too_many),
        cmocka_unit_test(p11_way_read__other_use),
        cmocka_unit_test(p11_rule_find__each_rule_is_reached),
        cmocka_unit_test(p11_rule_find__nothing_of_a_private_key_is_readable),
        cmocka_unit_test(p11_kind_of__round_trip),
        cmocka_unit_test(p11_attrs_set_ulong__octets_are_big_endian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
