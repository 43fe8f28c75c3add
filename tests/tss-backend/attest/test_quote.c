/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Quotes of simulated chips, held against the verifier. */
#include "attest/verify.h"
#include "tests/tss-backend/attest/ekcert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>

#include <cmocka.h>

static const uint8_t nonce[32] = "a nonce, thirty-two octets long";

static enum scu_verdict_reason
look(const struct scu_evidence *e, size_t nonce_len, const char *pem,
    struct scu_verdict *verdict)
{
    const struct scu_expected expected = {
        .nonce = nonce, .nonce_len = nonce_len, .key_pem = pem,
        .key_pem_len = pem == NULL ? 0 : strlen(pem),
    };

    assert_int_equal(scu_evidence_verify(e, &expected, verdict), SCU_OK);
    return verdict->reason;
}

static struct scu_evidence *
take(struct scu_chip *chip, size_t nonce_len, const char *pcrs)
{
    struct scu_evidence *e = NULL;
    int rc = scu_quote(chip, nonce, nonce_len, pcrs, &e);

    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s\n", scu_error_detail());
    assert_int_equal(rc, SCU_OK);
    return e;
}

static char *
key_of(const struct scu_evidence *e)
{
    char *pem = NULL;
    size_t len = 0;

    assert_int_equal(scu_evidence_key_pem(e, &pem, &len), SCU_OK);
    return pem;
}

/* TPM2_PCR_Extend from outside. */
static void
extend(const struct provisioned *p, TPMI_DH_PCR pcr)
{
    const TSS2L_SYS_AUTH_COMMAND auth = {
        .count = 1, .auths = { { .sessionHandle = TPM2_RH_PW } },
    };
    const TPML_DIGEST_VALUES digests = {
        .count = 1, .digests = { { .hashAlg = TPM2_ALG_SHA256 } },
    };
    TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
    size_t size = Tss2_Sys_GetContextSize(0);
    TSS2_SYS_CONTEXT *sys = calloc(1, size);
    TSS2L_SYS_AUTH_RESPONSE answer = { 0 };
    TSS2_TCTI_CONTEXT *tcti = NULL;
    char conf[256];

    (void)snprintf(conf, sizeof(conf), "swtpm:path=%s", sim_socket(p->sim));
    assert_int_equal(Tss2_TctiLdr_Initialize(conf, &tcti), 0);
    assert_int_equal(Tss2_Sys_Initialize(sys, size, tcti, &abi), 0);
    assert_int_equal(Tss2_Sys_PCR_Extend(sys, pcr, &auth, &digests, &answer),
        0);
    Tss2_Sys_Finalize(sys);
    free(sys);
    Tss2_TctiLdr_Finalize(&tcti);
}

static void
quote__verifies(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = take(p->chip, 20, "sha256:0-7");
    char *pem = key_of(e);
    struct scu_provision_report pins;
    struct scu_verdict verdict;
    struct scu_pcr pcr;

    assert_int_equal(look(e, 20, pem, &verdict), SCU_VERDICT_OK);
    assert_int_equal(scu_provision_read(p->chip, &pins), SCU_OK);
    assert_string_equal(verdict.key_name, pins.attestation_name);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(scu_evidence_pcr_at(e, i, &pcr));
        assert_string_equal(pcr.bank, "sha256");
        assert_int_equal(pcr.index, i);
        assert_int_equal(pcr.len, 32);
    }
    assert_false(scu_evidence_pcr_at(e, 8, &pcr));
    assert_int_equal(look(e, 19, pem, &verdict), SCU_VERDICT_NONCE);
    assert_int_equal(look(e, 20, NULL, &verdict), SCU_VERDICT_UNVOUCHED);
    free(pem);
    scu_evidence_free(&e);
}

/* The counters are not obscured: those that the clock shows. */
static void
quote__counters_are_the_chips(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = take(p->chip, 20, "sha256:0");
    struct scu_chip_info info;
    struct scu_verdict verdict;

    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    (void)look(e, 20, NULL, &verdict);
    assert_int_equal(verdict.reset_count, info.reset_count);
    assert_int_equal(verdict.restart_count, info.restart_count);
    assert_true(verdict.firmware == info.firmware);
    assert_true(verdict.clock_ms <= info.clock_ms);
    scu_evidence_free(&e);
}

/* More than one answer of PCR_Read, several banks, any order. */
static void
quote__all_banks(void **state)
{
    struct provisioned *p = *state;
    static const char *const selections[] = {
        "sha256:0-23", "sha256:0-23+sha1:0-23", "sha1:3+sha256:9,2,21",
        "sha384:0-23+sha1:1+sha512:17-23+sha256:0-23",
    };
    struct scu_verdict verdict;
    struct scu_pcr pcr;

    for (size_t i = 0; i < 4; i++) {
        struct scu_evidence *e = take(p->chip, 8, selections[i]);

        assert_int_equal(look(e, 8, NULL, &verdict), SCU_VERDICT_UNVOUCHED);
        if (i == 3)
            assert_true(scu_evidence_pcr_at(e, 24 + 1 + 7 + 24 - 1, &pcr));
        scu_evidence_free(&e);
    }
}

static void
quote__every_nonce_length(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = NULL;
    struct scu_verdict verdict;

    for (size_t len = 8; len <= 32; len++) {
        e = take(p->chip, len, "sha256:0");
        assert_int_equal(look(e, len, NULL, &verdict), SCU_VERDICT_UNVOUCHED);
        scu_evidence_free(&e);
    }
    assert_int_equal(scu_quote(p->chip, nonce, 7, "sha256:0", &e), SCU_E_ARG);
    assert_int_equal(scu_quote(p->chip, nonce, 33, "sha256:0", &e),
        SCU_E_ARG);
    assert_int_equal(scu_quote(p->chip, NULL, 8, "sha256:0", &e), SCU_E_ARG);
    assert_int_equal(scu_quote(p->chip, nonce, 8, "sha256:", &e), SCU_E_ARG);
    assert_int_equal(scu_quote(p->chip, nonce, 8, NULL, &e), SCU_E_ARG);
    assert_null(e);
}

static void
quote__extend_shows(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *before = take(p->chip, 20, "sha256:16,17");
    struct scu_evidence *after = NULL;
    struct scu_verdict verdict;
    struct scu_pcr a, b;

    extend(p, 16);
    after = take(p->chip, 20, "sha256:16,17");
    assert_int_equal(look(after, 20, NULL, &verdict), SCU_VERDICT_UNVOUCHED);
    assert_true(scu_evidence_pcr_at(before, 0, &a));
    assert_true(scu_evidence_pcr_at(after, 0, &b));
    assert_memory_not_equal(a.value, b.value, 32);
    assert_true(scu_evidence_pcr_at(before, 1, &a));
    assert_true(scu_evidence_pcr_at(after, 1, &b));
    assert_memory_equal(a.value, b.value, 32);

    /* Old values with the new quote. */
    after->values[0] = before->values[0];
    assert_int_equal(look(after, 20, NULL, &verdict), SCU_VERDICT_DIGEST);
    scu_evidence_free(&before);
    scu_evidence_free(&after);
}

static void
quote__other_chip_is_another_key(void **state)
{
    struct provisioned *p = *state, *other = NULL;
    struct scu_evidence *mine = take(p->chip, 20, "sha256:0");
    struct scu_evidence *its = NULL;
    struct scu_verdict verdict;
    char *pem = key_of(mine);

    assert_int_equal(provisioned_setup((void **)&other), 0);
    its = take(other->chip, 20, "sha256:0");
    assert_int_equal(look(its, 20, pem, &verdict), SCU_VERDICT_OTHER_KEY);
    /* Its quote under the name of the expected key. */
    its->parts[SCU_PART_KEY - 1] = mine->parts[SCU_PART_KEY - 1];
    assert_int_equal(look(its, 20, pem, &verdict), SCU_VERDICT_SIGNATURE);
    (void)provisioned_teardown((void **)&other);
    free(pem);
    scu_evidence_free(&mine);
    scu_evidence_free(&its);
}

static void
quote__reboot_counts(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *before = take(p->chip, 20, "sha256:0");
    struct scu_evidence *after = NULL;
    struct scu_verdict was, is;
    char *pem = key_of(before);

    (void)look(before, 20, pem, &was);
    assert_int_equal(sim_restart(p->sim), 0);
    after = take(p->chip, 20, "sha256:0");
    assert_int_equal(look(after, 20, pem, &is), SCU_VERDICT_OK);
    assert_int_equal(is.reset_count, was.reset_count + 1);
    assert_false(is.clock_safe);
    free(pem);
    scu_evidence_free(&before);
    scu_evidence_free(&after);
}

static void
quote__leaves_nothing_in_the_chip(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = take(p->chip, 20, "sha256:0-23");

    scu_chip_free(&p->chip);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 0);
    scu_evidence_free(&e);
}

static void
quote__unprovisioned(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = NULL;

    assert_int_equal(scu_quote(p->chip, nonce, 20, "sha256:0", &e),
        SCU_E_UNPROVISIONED);
    assert_null(e);
    assert_non_null(strstr(scu_error_detail(), "scu provision"));
}

static void
quote__attestation_key_gone(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = NULL;

    provisioned_evict(p, 0x81010002, p->state);
    assert_int_equal(scu_quote(p->chip, nonce, 20, "sha256:0", &e),
        SCU_E_UNPROVISIONED);
    assert_non_null(strstr(scu_error_detail(), "0x81010002"));
    assert_non_null(strstr(scu_error_detail(), "scu provision"));
}

/* A chip whose pins name another key than the one that stands there. */
static void
quote__attestation_key_replaced(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = NULL;
    struct pins pins;

    assert_int_equal(pins_read(p->state, &pins), SCU_OK);
    pins.attestation.publicArea.unique.ecc.x.buffer[5] ^= 1;
    assert_int_equal(pins_write(p->state, &pins), SCU_OK);
    assert_int_equal(scu_quote(p->chip, nonce, 20, "sha256:0", &e),
        SCU_E_OTHER_CHIP);
    assert_non_null(strstr(scu_error_detail(), "attestation key"));
    assert_null(e);
}

static void
quote__pins_without_attestation_key(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *e = NULL;
    struct pins pins;

    assert_int_equal(pins_read(p->state, &pins), SCU_OK);
    pins.attestation_handle = 0;
    assert_int_equal(pins_write(p->state, &pins), SCU_OK);
    assert_int_equal(scu_quote(p->chip, nonce, 20, "sha256:0", &e),
        SCU_E_UNPROVISIONED);
    assert_null(e);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quote__verifies),
        TEST(quote__counters_are_the_chips),
        TEST(quote__all_banks),
        TEST(quote__every_nonce_length),
        TEST(quote__extend_shows),
        TEST(quote__other_chip_is_another_key),
        TEST(quote__reboot_counts),
        TEST(quote__leaves_nothing_in_the_chip),
        cmocka_unit_test_setup_teardown(quote__unprovisioned,
            unprovisioned_setup, provisioned_teardown),
        TEST(quote__attestation_key_gone),
        TEST(quote__attestation_key_replaced),
        TEST(quote__pins_without_attestation_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
