/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/crypto.h"
#include "key/alg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

static void
algs__names_are_unique_and_lead_back(void **state)
{
    size_t n = 0;

    (void)state;
    for (const struct scu_alg *a; (a = scu_alg_at(n)) != NULL; n++) {
        assert_ptr_equal(scu_alg_by_name(scu_alg_name(a)), a);
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(scu_alg_name(scu_alg_at(i)),
                scu_alg_name(a));
    }
    assert_int_equal(n, 4);
    assert_null(scu_alg_at(n));
    assert_null(scu_alg_at(SIZE_MAX));
}

static void
algs__columns_agree(void **state)
{
    (void)state;
    for (size_t i = 0; scu_alg_at(i) != NULL; i++) {
        const struct scu_alg *a = scu_alg_at(i);

        assert_int_equal(a->size, a->bits / 8);
        assert_int_equal(scu_alg_bits(a), a->bits);
        assert_int_equal(a->kind == SCU_KIND_EC, a->group != NULL);
        assert_int_equal(a->kind == SCU_KIND_EC, a->curve != 0);
        assert_ptr_equal(scu_alg_group(a), a->group);
        assert_int_equal(scu_alg_kind(a), a->kind);
        if (a->group != NULL)
            assert_int_not_equal(OBJ_sn2nid(a->group), NID_undef);
    }
}

static void
alg_of_public__finds_each_row(void **state)
{
    TPMT_PUBLIC public = { 0 };

    (void)state;
    for (size_t i = 0; scu_alg_at(i) != NULL; i++) {
        const struct scu_alg *a = scu_alg_at(i);

        memset(&public, 0, sizeof(public));
        if (a->kind == SCU_KIND_EC) {
            public.type = TPM2_ALG_ECC;
            public.parameters.eccDetail.curveID = a->curve;
        } else {
            public.type = TPM2_ALG_RSA;
            public.parameters.rsaDetail.keyBits = a->bits;
        }
        assert_ptr_equal(alg_of_public(&public), a);
    }
}

static void
alg_of_public__others_have_none(void **state)
{
    TPMT_PUBLIC public = { .type = TPM2_ALG_KEYEDHASH };

    (void)state;
    assert_null(alg_of_public(&public));
    public.type = TPM2_ALG_RSA;
    public.parameters.rsaDetail.keyBits = 4096;
    assert_null(alg_of_public(&public));
    memset(&public, 0, sizeof(public));
    public.type = TPM2_ALG_ECC;
    assert_null(alg_of_public(&public));
    public.parameters.eccDetail.curveID = TPM2_ECC_BN_P256;
    assert_null(alg_of_public(&public));
}

static void
by_name__unknown_is_null(void **state)
{
    (void)state;
    assert_null(scu_alg_by_name("P-257"));
    assert_null(scu_alg_by_name(""));
    assert_null(scu_alg_by_name(NULL));
    assert_null(scu_scheme_by_name("RSASSA-MD5"));
    assert_null(scu_scheme_by_name("ecdsa"));
    assert_null(scu_scheme_by_name(NULL));
}

static void
schemes__names_are_unique_and_lead_back(void **state)
{
    size_t n = 0;

    (void)state;
    for (const struct scu_scheme *s; (s = scu_scheme_at(n)) != NULL; n++) {
        assert_ptr_equal(scu_scheme_by_name(scu_scheme_name(s)), s);
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(scu_scheme_name(scu_scheme_at(i)),
                scu_scheme_name(s));
    }
    assert_int_equal(n, 14);
    assert_null(scu_scheme_at(n));
}

/* The name says padding and hash; the columns say the same. */
static void
schemes__columns_agree_with_their_name(void **state)
{
    static const struct {
        const char *name;
        enum scu_kind kind;
        TPMI_ALG_SIG_SCHEME tpm;
    } paddings[] = {
        { "ECDSA", SCU_KIND_EC, TPM2_ALG_ECDSA },
        { "RSASSA", SCU_KIND_RSA, TPM2_ALG_RSASSA },
        { "RSAPSS", SCU_KIND_RSA, TPM2_ALG_RSAPSS },
    };

    (void)state;
    for (size_t i = 0; scu_scheme_at(i) != NULL; i++) {
        const struct scu_scheme *s = scu_scheme_at(i);
        const char *dash = strchr(s->name, '-');
        size_t p = 0;

        while (strncmp(s->name, paddings[p].name, 6) != 0 &&
            strncmp(s->name, "ECDSA", 5) != 0)
            p++;
        assert_true(p < 3);
        assert_int_equal(s->kind, paddings[p].kind);
        assert_int_equal(s->tpm, paddings[p].tpm);
        assert_int_equal(dash != NULL, s->hash != NULL);
        if (dash == NULL)
            continue;
        EVP_MD *named = EVP_MD_fetch(NULL, dash + 1, NULL);
        EVP_MD *row = EVP_MD_fetch(NULL, scu_scheme_hash(s), NULL);

        assert_non_null(named);
        assert_non_null(row);
        assert_string_equal(EVP_MD_get0_name(named), EVP_MD_get0_name(row));
        EVP_MD_free(named);
        EVP_MD_free(row);
    }
}

static void
schemes__oid_is_the_hash_s(void **state)
{
    (void)state;
    for (size_t i = 0; scu_scheme_at(i) != NULL; i++) {
        const struct key_hash *h = scu_scheme_at(i)->hash;
        EVP_MD *md;
        const ASN1_OBJECT *oid;

        if (h == NULL) {
            assert_null(scu_scheme_hash(scu_scheme_at(i)));
            continue;
        }
        md = EVP_MD_fetch(NULL, crypto_hash_name(h->id), NULL);
        assert_non_null(md);
        assert_int_equal((size_t)EVP_MD_get_size(md),
            crypto_hash_size(h->id));
        oid = OBJ_nid2obj(EVP_MD_get_type(md));
        assert_int_equal(OBJ_length(oid), h->oid_len);
        assert_memory_equal(OBJ_get0_data(oid), h->oid, h->oid_len);
        EVP_MD_free(md);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(algs__names_are_unique_and_lead_back),
        cmocka_unit_test(algs__columns_agree),
        cmocka_unit_test(alg_of_public__finds_each_row),
        cmocka_unit_test(alg_of_public__others_have_none),
        cmocka_unit_test(by_name__unknown_is_null),
        cmocka_unit_test(schemes__names_are_unique_and_lead_back),
        cmocka_unit_test(schemes__columns_agree_with_their_name),
        cmocka_unit_test(schemes__oid_is_the_hash_s),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
