/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/verify-pcrsel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
is(const TPML_PCR_SELECTION *list, uint32_t i, TPMI_ALG_HASH hash,
    uint32_t bits)
{
    const TPMS_PCR_SELECTION *bank = &list->pcrSelections[i];

    assert_true(i < list->count);
    assert_int_equal(bank->hash, hash);
    assert_int_equal(bank->sizeofSelect, 3);
    assert_int_equal(bank->pcrSelect[0] | bank->pcrSelect[1] << 8 |
        bank->pcrSelect[2] << 16, bits);
}

static void
read__one_bank(void **state)
{
    TPML_PCR_SELECTION list;

    (void)state;
    assert_int_equal(pcrsel_read("sha256:0-7", &list), SCU_OK);
    assert_int_equal(list.count, 1);
    is(&list, 0, TPM2_ALG_SHA256, 0xff);
    assert_int_equal(pcrsel_read("sha384:23", &list), SCU_OK);
    is(&list, 0, TPM2_ALG_SHA384, 0x800000);
    assert_int_equal(pcrsel_read("sha512:0-23", &list), SCU_OK);
    is(&list, 0, TPM2_ALG_SHA512, 0xffffff);
    assert_int_equal(pcrsel_read("sha256:14,0-2,07", &list), SCU_OK);
    is(&list, 0, TPM2_ALG_SHA256, 0x4087);
}

static void
read__banks_keep_their_order(void **state)
{
    TPML_PCR_SELECTION list;

    (void)state;
    assert_int_equal(pcrsel_read("sha256:0,2,7+sha1:4+sha512:1+sha384:2",
        &list), SCU_OK);
    assert_int_equal(list.count, 4);
    is(&list, 0, TPM2_ALG_SHA256, 0x85);
    is(&list, 1, TPM2_ALG_SHA1, 0x10);
    is(&list, 2, TPM2_ALG_SHA512, 2);
    is(&list, 3, TPM2_ALG_SHA384, 4);
}

static void
read__refuses_all_else(void **state)
{
    static const char *const bad[] = {
        "", "sha256", "sha256:", ":0", "sha256:24", "sha256:0-24",
        "sha256:7-0", "sha256:0,", "sha256:,0", "sha256:0-", "sha256:-1",
        "sha256:0+", "+sha256:0", "sha256:0++sha1:0", "sha256:0,0",
        "sha256:0-3,2", "sha256:0+sha256:1", "sha256: 0", "sha256:0 ",
        "SHA256:0", "sha3:0", "sha:0", "sha2560:0", "sha256:000",
        "sha256:0x1", "sha256:99999999999999999999", "sha256:0;sha1:0",
        "sha256:0:1", "sha256:0\n",
    };
    TPML_PCR_SELECTION list;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(pcrsel_read(bad[i], &list), SCU_E_ARG);
        assert_non_null(strstr(scu_error_detail(), "sha256:0-7"));
    }
}

static void
has__looks_no_further_than_its_size(void **state)
{
    const TPMS_PCR_SELECTION bank = {
        .sizeofSelect = 1, .pcrSelect = { 2, 0xff, 0xff, 0xff },
    };
    const TPMS_PCR_SELECTION long_one = {
        .sizeofSelect = 255, .pcrSelect = { 0 },
    };

    (void)state;
    assert_true(pcrsel_has(&bank, 1));
    assert_false(pcrsel_has(&bank, 0));
    assert_false(pcrsel_has(&bank, 8));
    assert_true(pcrsel_any(&bank));
    assert_false(pcrsel_has(&long_one, 2000));
    assert_false(pcrsel_any(&long_one));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__one_bank),
        cmocka_unit_test(read__banks_keep_their_order),
        cmocka_unit_test(read__refuses_all_else),
        cmocka_unit_test(has__looks_no_further_than_its_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
