/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * The verifier: genuine evidence with one thing changed. What the signature
 * covers is signed anew, so that the check behind it is reached.
 */
#include "tests/tss-backend/attest/forge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Signs anew and wants that refusal, also where the key is the expected. */
static void
refused(struct forge *f, enum scu_verdict_reason reason, const char *name)
{
    struct scu_verdict verdict;
    char *pem = NULL;

    forge_sign(f);
    pem = forge_pem(f);
    assert_int_equal(forge_verdict(f, pem, &verdict), reason);
    assert_string_equal(verdict.name, name);
    if (reason < SCU_VERDICT_NOT_COVERED)
        assert_int_equal(verdict.reset_count, 0);
    assert_int_equal(forge_verdict(f, NULL, &verdict), reason);
    free(pem);
}

/* --- each reason --------------------------------------------------------- */

static void
verify__wrong_magic(void **state)
{
    struct forge *f = *state;

    f->attest.magic = 0xff544348;
    refused(f, SCU_VERDICT_MAGIC, "wrong-magic");
}

static void
verify__wrong_type(void **state)
{
    struct forge *f = *state;

    f->attest.type = TPM2_ST_ATTEST_TIME;
    refused(f, SCU_VERDICT_TYPE, "wrong-type");
}

static void
verify__unknown_type(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->evidence->parts[SCU_PART_ATTEST - 1].data[4] = 0x12;
    forge_sign_octets(f);
    assert_int_equal(forge_verdict(f, NULL, &verdict), SCU_VERDICT_TYPE);
}

static void
verify__sha1_signature(void **state)
{
    struct forge *f = *state;

    f->hash = TPM2_ALG_SHA1;
    refused(f, SCU_VERDICT_ALGORITHM, "algorithm");
}

static void
verify__scheme_is_not_the_keys(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->hash = TPM2_ALG_SHA384;
    forge_sign_octets(f);
    assert_int_equal(forge_verdict(f, NULL, &verdict),
        SCU_VERDICT_ALGORITHM);
}

static void
verify__sha1_name(void **state)
{
    struct forge *f = *state;

    f->public.nameAlg = TPM2_ALG_SHA1;
    refused(f, SCU_VERDICT_ALGORITHM, "algorithm");
}

static void
verify__unknown_curve(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->public.parameters.eccDetail.curveID = TPM2_ECC_NIST_P521;
    forge_sign(f);
    assert_int_equal(forge_verdict(f, NULL, &verdict),
        SCU_VERDICT_ALGORITHM);
}

static void
verify__point_not_on_curve(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->public.unique.ecc.y.buffer[7] ^= 1;
    forge_sign(f);
    assert_int_equal(forge_verdict(f, NULL, &verdict), SCU_VERDICT_MALFORMED);
}

static void
verify__short_rsa(void **state)
{
    struct scu_verdict verdict;
    struct forge f;

    (void)state;
    forge_init(&f, "RSA-1024");
    forge_sign(&f);
    assert_int_equal(forge_verdict(&f, NULL, &verdict),
        SCU_VERDICT_ALGORITHM);
    forge_clear(&f);
}

static void
verify__rsa_modulus_shorter_than_it_says(void **state)
{
    struct scu_verdict verdict;
    struct forge f;

    (void)state;
    forge_init(&f, "RSA-2048");
    f.public.unique.rsa.size--;
    forge_sign(&f);
    assert_int_equal(forge_verdict(&f, NULL, &verdict),
        SCU_VERDICT_ALGORITHM);
    forge_clear(&f);
}

static void
unrestricted(struct forge *f, TPMA_OBJECT change)
{
    f->public.objectAttributes ^= change;
    refused(f, SCU_VERDICT_UNRESTRICTED, "unrestricted-signer");
    f->public.objectAttributes ^= change;
}

static void
verify__unrestricted_signer(void **state)
{
    unrestricted(*state, TPMA_OBJECT_RESTRICTED);
}

static void
verify__key_that_is_not_fixed(void **state)
{
    unrestricted(*state, TPMA_OBJECT_FIXEDTPM);
}

static void
verify__key_that_does_not_sign(void **state)
{
    unrestricted(*state, TPMA_OBJECT_SIGN_ENCRYPT);
}

static void
verify__key_that_decrypts(void **state)
{
    unrestricted(*state, TPMA_OBJECT_DECRYPT);
}

static void
verify__other_key(void **state)
{
    struct scu_verdict verdict;
    struct forge other;
    char *pem;

    forge_init(&other, "P-256");
    forge_sign(&other);
    pem = forge_pem(&other);
    assert_int_equal(forge_verdict(*state, pem, &verdict),
        SCU_VERDICT_OTHER_KEY);
    assert_string_equal(verdict.name, "other-key");
    free(pem);
    forge_clear(&other);
}

static void
verify__key_shown_did_not_sign(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;
    struct forge other;
    char *pem = forge_pem(f);

    forge_init(&other, "P-256");
    EVP_PKEY_free(f->key);
    f->key = other.key;
    other.key = NULL;
    forge_sign_octets(f);
    assert_int_equal(forge_verdict(f, pem, &verdict), SCU_VERDICT_SIGNATURE);
    assert_string_equal(verdict.name, "bad-signature");
    free(pem);
    forge_clear(&other);
}

static void
verify__quote_altered(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->evidence->parts[SCU_PART_ATTEST - 1].data[70] ^= 1;
    assert_int_equal(forge_verdict(f, NULL, &verdict),
        SCU_VERDICT_SIGNATURE);
}

/* Not covered by the signature, but by the signer's qualified Name. */
static void
verify__attributes_of_the_key_altered(void **state)
{
    struct forge *f = *state;

    f->keep_signer = true;
    f->public.objectAttributes ^= TPMA_OBJECT_NODA;
    refused(f, SCU_VERDICT_SIGNER, "other-signer");
}

static void
verify__other_nonce(void **state)
{
    struct forge *f = *state;

    f->attest.extraData.buffer[19] ^= 1;
    refused(f, SCU_VERDICT_NONCE, "other-nonce");
}

static void
verify__shorter_nonce(void **state)
{
    struct forge *f = *state;

    f->attest.extraData.size--;
    refused(f, SCU_VERDICT_NONCE, "other-nonce");
}

static void
verify__no_nonce(void **state)
{
    struct forge *f = *state;

    f->attest.extraData.size = 0;
    refused(f, SCU_VERDICT_NONCE, "other-nonce");
}

/* --- PCRs ---------------------------------------------------------------- */

static void
verify__hidden_bank(void **state)
{
    struct forge *f = *state;
    TPML_PCR_SELECTION *list = &f->attest.attested.quote.pcrSelect;

    list->count = 2;
    list->pcrSelections[1] = (TPMS_PCR_SELECTION) {
        .hash = TPM2_ALG_SHA384, .sizeofSelect = 3, .pcrSelect = { 1 },
    };
    refused(f, SCU_VERDICT_HIDDEN_BANK, "hidden-bank");
}

static void
verify__hidden_bank_of_an_unknown_hash(void **state)
{
    struct forge *f = *state;
    TPML_PCR_SELECTION *list = &f->attest.attested.quote.pcrSelect;

    list->count = 2;
    list->pcrSelections[1] = (TPMS_PCR_SELECTION) {
        .hash = TPM2_ALG_SM3_256, .sizeofSelect = 3, .pcrSelect = { 0, 0, 1 },
    };
    refused(f, SCU_VERDICT_HIDDEN_BANK, "hidden-bank");
}

static void
verify__value_missing(void **state)
{
    struct forge *f = *state;

    f->attest.attested.quote.pcrSelect.pcrSelections[0].pcrSelect[1] = 1;
    refused(f, SCU_VERDICT_SELECTION, "selection");
}

static void
verify__value_missing_above_23(void **state)
{
    struct forge *f = *state;
    TPMS_PCR_SELECTION *bank =
        &f->attest.attested.quote.pcrSelect.pcrSelections[0];

    bank->sizeofSelect = 4;
    bank->pcrSelect[3] = 0x80;
    refused(f, SCU_VERDICT_SELECTION, "selection");
}

static void
verify__bank_named_twice(void **state)
{
    struct forge *f = *state;
    TPML_PCR_SELECTION *list = &f->attest.attested.quote.pcrSelect;

    list->count = 2;
    list->pcrSelections[1] = list->pcrSelections[0];
    refused(f, SCU_VERDICT_SELECTION, "selection");
}

static void
verify__no_pcr_at_all(void **state)
{
    struct forge *f = *state;

    f->attest.attested.quote.pcrSelect.count = 0;
    f->evidence->n_values = 0;
    refused(f, SCU_VERDICT_SELECTION, "selection");
}

static void
verify__value_outside_the_selection(void **state)
{
    struct forge *f = *state;

    forge_add_value(f, "sha256", 16, 32);
    refused(f, SCU_VERDICT_EXTRA_VALUE, "extra-value");
}

static void
verify__value_of_a_bank_outside_the_selection(void **state)
{
    struct forge *f = *state;

    forge_add_value(f, "sha1", 0, 20);
    refused(f, SCU_VERDICT_EXTRA_VALUE, "extra-value");
}

static void
verify__value_changed(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->evidence->values[3].value[31] ^= 1;
    assert_int_equal(forge_verdict(f, NULL, &verdict), SCU_VERDICT_DIGEST);
    assert_string_equal(verdict.name, "other-values");
}

/* A value of PCR 16, which anybody can reset, shown as that of PCR 0. */
static void
verify__value_relabelled(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;

    f->evidence->values[0].index = 16;
    assert_int_equal(forge_verdict(f, NULL, &verdict),
        SCU_VERDICT_SELECTION);
    f->evidence->values[0].index = 1;
    f->evidence->values[1].index = 0;
    assert_int_equal(forge_verdict(f, NULL, &verdict), SCU_VERDICT_DIGEST);
}

static void
verify__digest_of_another_size(void **state)
{
    struct forge *f = *state;

    f->keep_digest = true;
    f->attest.attested.quote.pcrDigest.size = 20;
    refused(f, SCU_VERDICT_DIGEST, "other-values");
}

static enum scu_verdict_reason
asked_for(const struct forge *f, const char *pcrs)
{
    const struct scu_expected expected = {
        .nonce = forge_nonce, .nonce_len = sizeof(forge_nonce), .pcrs = pcrs,
    };
    struct scu_verdict verdict;

    assert_int_equal(scu_evidence_verify(f->evidence, &expected, &verdict),
        SCU_OK);
    return verdict.reason;
}

static void
verify__pcrs_asked_for(void **state)
{
    struct forge *f = *state;

    assert_int_equal(asked_for(f, "sha256:0-7"), SCU_VERDICT_UNVOUCHED);
    assert_int_equal(asked_for(f, "sha256:3"), SCU_VERDICT_UNVOUCHED);
    assert_int_equal(asked_for(f, "sha256:8"), SCU_VERDICT_NOT_COVERED);
    assert_int_equal(asked_for(f, "sha256:0-7+sha1:0"),
        SCU_VERDICT_NOT_COVERED);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, forge_setup, forge_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verify__wrong_magic),
        TEST(verify__wrong_type),
        TEST(verify__unknown_type),
        TEST(verify__sha1_signature),
        TEST(verify__scheme_is_not_the_keys),
        TEST(verify__sha1_name),
        TEST(verify__unknown_curve),
        TEST(verify__point_not_on_curve),
        TEST(verify__short_rsa),
        TEST(verify__rsa_modulus_shorter_than_it_says),
        TEST(verify__unrestricted_signer),
        TEST(verify__key_that_is_not_fixed),
        TEST(verify__key_that_does_not_sign),
        TEST(verify__key_that_decrypts),
        TEST(verify__other_key),
        TEST(verify__key_shown_did_not_sign),
        TEST(verify__quote_altered),
        TEST(verify__attributes_of_the_key_altered),
        TEST(verify__other_nonce),
        TEST(verify__shorter_nonce),
        TEST(verify__no_nonce),
        TEST(verify__hidden_bank),
        TEST(verify__hidden_bank_of_an_unknown_hash),
        TEST(verify__value_missing),
        TEST(verify__value_missing_above_23),
        TEST(verify__bank_named_twice),
        TEST(verify__no_pcr_at_all),
        TEST(verify__value_outside_the_selection),
        TEST(verify__value_of_a_bank_outside_the_selection),
        TEST(verify__value_changed),
        TEST(verify__value_relabelled),
        TEST(verify__digest_of_another_size),
        TEST(verify__pcrs_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
