/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The container of evidence. */
#include "attest/verify-evidence.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int
add(struct scu_evidence *e, const char *bank, unsigned index, size_t len)
{
    static const uint8_t value[65];
    const struct scu_pcr pcr = {
        .bank = bank, .index = index, .value = value, .len = len,
    };

    return scu_evidence_add_pcr(e, &pcr);
}

static void
evidence__refuses_what_is_no_value(void **state)
{
    struct scu_evidence *e = scu_evidence_new();
    static const char *const banks[] = { "sha1", "sha256", "sha384",
        "sha512" };
    static const size_t sizes[] = { 20, 32, 48, 64 };
    struct scu_pcr pcr;

    (void)state;
    assert_int_equal(add(e, "sha256", 0, 31), SCU_E_ARG);
    assert_int_equal(add(e, "sha256", 0, 33), SCU_E_ARG);
    assert_int_equal(add(e, "sha256", 24, 32), SCU_E_ARG);
    assert_int_equal(add(e, "SHA256", 0, 32), SCU_E_ARG);
    assert_int_equal(add(e, "sha3-256", 0, 32), SCU_E_ARG);
    assert_int_equal(add(e, NULL, 0, 32), SCU_E_ARG);
    assert_false(scu_evidence_pcr_at(e, 0, &pcr));
    for (size_t b = 0; b < 4; b++)
        for (unsigned i = 0; i < 24; i++) {
            assert_int_equal(add(e, banks[b], i, sizes[b]), SCU_OK);
            assert_int_equal(add(e, banks[b], i, sizes[b]), SCU_E_ARG);
        }
    assert_true(scu_evidence_pcr_at(e, 95, &pcr));
    assert_string_equal(pcr.bank, "sha512");
    assert_int_equal(pcr.index, 23);
    assert_int_equal(pcr.len, 64);
    assert_false(scu_evidence_pcr_at(e, 96, &pcr));
    scu_evidence_free(&e);
}

static void
evidence__refuses_what_is_no_part(void **state)
{
    struct scu_evidence *e = scu_evidence_new();
    static const uint8_t data[sizeof(TPMS_ATTEST) + 1];
    size_t len = 1;

    (void)state;
    assert_null(scu_evidence_part(e, SCU_PART_ATTEST, &len));
    assert_int_equal(len, 0);
    assert_null(scu_evidence_part(e, (enum scu_evidence_part)4, &len));
    assert_int_equal(scu_evidence_set_part(e, (enum scu_evidence_part)0, data,
        1), SCU_E_ARG);
    assert_int_equal(scu_evidence_set_part(e, SCU_PART_KEY, data,
        sizeof(data)), SCU_E_ARG);
    assert_int_equal(scu_evidence_set_part(e, SCU_PART_KEY, data, 5), SCU_OK);
    assert_non_null(scu_evidence_part(e, SCU_PART_KEY, &len));
    assert_int_equal(len, 5);
    scu_evidence_free(&e);
    scu_evidence_free(&e);
    scu_evidence_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence__refuses_what_is_no_value),
        cmocka_unit_test(evidence__refuses_what_is_no_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
