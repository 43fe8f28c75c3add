/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The verifier, without a chip: what holds, and what is not well-formed. */
#include "tests/tss-backend/attest/forge.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- what holds ---------------------------------------------------------- */

static void
good(const char *alg, TPMI_ALG_SIG_SCHEME scheme, TPMI_ALG_HASH hash)
{
    struct scu_verdict verdict;
    struct forge f;
    char *pem;

    forge_init(&f, alg);
    if (scheme != 0)
        f.scheme = scheme;
    f.hash = hash;
    forge_sign(&f);
    pem = forge_pem(&f);
    assert_int_equal(forge_verdict(&f, pem, &verdict), SCU_VERDICT_OK);
    assert_string_equal(verdict.name, "ok");
    assert_int_equal(verdict.clock_ms, 123456);
    assert_int_equal(verdict.reset_count, 7);
    assert_int_equal(verdict.restart_count, 2);
    assert_true(verdict.clock_safe);
    assert_true(verdict.firmware == 0x2020011100120000);
    assert_int_equal(strlen(verdict.key_name), 2 * 34);
    free(pem);
    forge_clear(&f);
}

static void
verify__every_algorithm(void **state)
{
    (void)state;
    good("P-256", 0, TPM2_ALG_SHA256);
    good("P-256", 0, TPM2_ALG_SHA512);
    good("P-384", 0, TPM2_ALG_SHA384);
    good("RSA-2048", TPM2_ALG_RSASSA, TPM2_ALG_SHA256);
    good("RSA-2048", TPM2_ALG_RSAPSS, TPM2_ALG_SHA256);
    good("RSA-3072", TPM2_ALG_RSAPSS, TPM2_ALG_SHA384);
}

static void
verify__no_expected_key_is_not_ok(void **state)
{
    struct scu_verdict verdict;

    assert_int_equal(forge_verdict(*state, NULL, &verdict),
        SCU_VERDICT_UNVOUCHED);
    assert_string_equal(verdict.name, "unvouched");
    assert_int_equal(verdict.reset_count, 7);
}

static void
verify__two_banks_in_the_order_of_the_quote(void **state)
{
    struct forge *f = *state;
    TPML_PCR_SELECTION *list = &f->attest.attested.quote.pcrSelect;
    struct scu_verdict verdict;
    char *pem = NULL;

    /* The digest of the fixture has sha256 first, as the values stand. */
    list->count = 2;
    list->pcrSelections[1] = (TPMS_PCR_SELECTION) {
        .hash = TPM2_ALG_SHA1, .sizeofSelect = 3, .pcrSelect = { 0x10 },
    };
    forge_add_value(f, "sha1", 4, 20);
    forge_sign(f);
    pem = forge_pem(f);
    assert_int_equal(forge_verdict(f, pem, &verdict), SCU_VERDICT_OK);
    list->pcrSelections[2] = list->pcrSelections[0];
    list->pcrSelections[0] = list->pcrSelections[1];
    list->pcrSelections[1] = list->pcrSelections[2];
    forge_sign(f);
    assert_int_equal(forge_verdict(f, pem, &verdict), SCU_VERDICT_DIGEST);
    free(pem);
}

static void
verify__order_of_the_values_does_not_matter(void **state)
{
    struct forge *f = *state;
    struct verify_value first = f->evidence->values[0];
    struct scu_verdict verdict;

    f->evidence->values[0] = f->evidence->values[5];
    f->evidence->values[5] = first;
    assert_int_equal(forge_verdict(f, NULL, &verdict),
        SCU_VERDICT_UNVOUCHED);
}

static void
verify__empty_entry_of_a_bank_covers_nothing(void **state)
{
    struct forge *f = *state;
    TPML_PCR_SELECTION *list = &f->attest.attested.quote.pcrSelect;

    list->count = 2;
    list->pcrSelections[1] = (TPMS_PCR_SELECTION) {
        .hash = TPM2_ALG_SHA384, .sizeofSelect = 3,
    };
    forge_sign(f);
    struct scu_verdict verdict;
    assert_int_equal(forge_verdict(f, NULL, &verdict),
        SCU_VERDICT_UNVOUCHED);
}

static void
verify__leaves_no_errors_of_libcrypto(void **state)
{
    struct scu_verdict verdict;

    forge_flip(*state, SCU_PART_SIGNATURE, 20);
    assert_int_equal(forge_verdict(*state, NULL, &verdict),
        SCU_VERDICT_SIGNATURE);
    assert_int_equal(ERR_peek_error(), 0);
}

/* --- shape --------------------------------------------------------------- */

static const enum scu_evidence_part parts[] = {
    SCU_PART_ATTEST, SCU_PART_SIGNATURE, SCU_PART_KEY,
};

static void
verify__truncated_at_every_octet(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;
    uint8_t copy[sizeof(TPMS_ATTEST)];
    size_t len = 0;

    for (size_t i = 0; i < 3; i++) {
        memcpy(copy, scu_evidence_part(f->evidence, parts[i], &len),
            sizeof(f->evidence->parts[0].data));
        assert_true(len > 60);
        for (size_t n = 0; n < len; n++) {
            assert_int_equal(scu_evidence_set_part(f->evidence, parts[i],
                copy, n), SCU_OK);
            assert_int_equal(forge_verdict(f, NULL, &verdict),
                SCU_VERDICT_TRUNCATED);
            assert_string_equal(verdict.name, "truncated");
        }
        assert_int_equal(scu_evidence_set_part(f->evidence, parts[i], copy,
            len), SCU_OK);
    }
    assert_int_equal(forge_verdict(f, NULL, &verdict), SCU_VERDICT_UNVOUCHED);
}

static void
verify__trailing_octet_of_each_part(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    for (size_t i = 0; i < 3; i++) {
        f->evidence->parts[parts[i] - 1].len++;
        assert_int_equal(forge_verdict(f, NULL, &verdict),
            SCU_VERDICT_TRAILING);
        assert_string_equal(verdict.name, "trailing-octets");
        f->evidence->parts[parts[i] - 1].len--;
    }
}

static void
verify__trailing_octet_that_is_signed(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->evidence->parts[SCU_PART_ATTEST - 1].len++;
    forge_sign_octets(f);
    assert_int_equal(forge_verdict(f, NULL, &verdict), SCU_VERDICT_TRAILING);
}

static void
verify__unknown_selector_is_malformed(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    forge_flip(f, SCU_PART_KEY, 1);
    assert_int_equal(forge_verdict(f, NULL, &verdict), SCU_VERDICT_MALFORMED);
    assert_string_equal(verdict.name, "malformed");
}

/* Any octet of the quote, the key or a value: never as if nothing was. */
static void
verify__every_octet_flipped_is_refused(void **state)
{
    struct forge *f = *state;
    char *pem = forge_pem(f);
    struct scu_verdict verdict;
    size_t len = 0;

    for (size_t i = 0; i < 3; i++) {
        (void)scu_evidence_part(f->evidence, parts[i], &len);
        for (size_t n = 0; n < len; n++) {
            forge_flip(f, parts[i], n);
            assert_int_not_equal(forge_verdict(f, pem, &verdict),
                SCU_VERDICT_OK);
            assert_int_not_equal(verdict.reason, SCU_VERDICT_UNVOUCHED);
            forge_flip(f, parts[i], n);
        }
    }
    assert_int_equal(forge_verdict(f, pem, &verdict), SCU_VERDICT_OK);
    free(pem);
}

/* --- what cannot be checked ---------------------------------------------- */

static void
unchecked(const struct forge *f, const struct scu_expected *expected)
{
    struct scu_verdict verdict;

    assert_int_equal(scu_evidence_verify(f->evidence, expected, &verdict),
        SCU_E_ARG);
    assert_int_not_equal(verdict.reason, SCU_VERDICT_OK);
    assert_true(scu_error_detail()[0] != '\0');
}

static void
verify__bad_expectations_are_errors(void **state)
{
    static const uint8_t nonce[33];
    static const char key[] = "-----BEGIN PUBLIC KEY-----\nAAAA\n"
        "-----END PUBLIC KEY-----\n";
    struct scu_expected expected = { .nonce = nonce, .nonce_len = 7 };

    unchecked(*state, &expected);
    expected.nonce_len = 33;
    unchecked(*state, &expected);
    expected.nonce = NULL;
    expected.nonce_len = 0;
    unchecked(*state, &expected);
    expected.nonce = nonce;
    expected.nonce_len = 20;
    expected.pcrs = "sha256";
    unchecked(*state, &expected);
    expected.pcrs = NULL;
    expected.key_pem = key;
    expected.key_pem_len = sizeof(key) - 1;
    unchecked(*state, &expected);
    expected.key_pem_len = 0;
    unchecked(*state, &expected);
}

static void
verify__empty_evidence(void **state)
{
    struct scu_evidence *e = scu_evidence_new();
    const struct scu_expected expected = {
        .nonce = forge_nonce, .nonce_len = sizeof(forge_nonce),
    };
    struct scu_verdict verdict;
    char *pem = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(scu_evidence_verify(e, &expected, &verdict), SCU_OK);
    assert_int_equal(verdict.reason, SCU_VERDICT_TRUNCATED);
    assert_int_equal(scu_evidence_key_pem(e, &pem, &len), SCU_E_ARG);
    assert_null(pem);
    scu_evidence_free(&e);
    assert_null(e);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, forge_setup, forge_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verify__every_algorithm),
        TEST(verify__no_expected_key_is_not_ok),
        TEST(verify__two_banks_in_the_order_of_the_quote),
        TEST(verify__order_of_the_values_does_not_matter),
        TEST(verify__empty_entry_of_a_bank_covers_nothing),
        TEST(verify__leaves_no_errors_of_libcrypto),
        TEST(verify__truncated_at_every_octet),
        TEST(verify__trailing_octet_of_each_part),
        TEST(verify__trailing_octet_that_is_signed),
        TEST(verify__unknown_selector_is_malformed),
        TEST(verify__every_octet_flipped_is_refused),
        TEST(verify__bad_expectations_are_errors),
        TEST(verify__empty_evidence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
