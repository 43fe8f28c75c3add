/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "durations.h"
#include "response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tpm2_types.h>
#include <cmocka.h>

static void
put_header(struct response *r, uint32_t size)
{
    const uint8_t header[TPM_HEADER_LEN] = {
        0x80, 0x01, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
        (uint8_t)(size >> 8), (uint8_t)size, 0, 0, 0, 0,
    };

    memcpy(r->data, header, sizeof(header));
}

static void
response_grow__octet_by_octet(void **state)
{
    struct response r = { 0 };

    (void)state;
    put_header(&r, 12);
    for (size_t i = 0; i < 12; i++) {
        assert_false(response_complete(&r));
        assert_int_equal(response_room(&r), i < 6 ? TPM_MESSAGE_MAX - i
                                                   : 12 - i);
        assert_int_equal(response_grow(&r, 1), TSS2_RC_SUCCESS);
    }
    assert_true(response_complete(&r));
    assert_int_equal(response_room(&r), 0);
}

static void
response_grow__sizes_at_the_bounds(void **state)
{
    struct response r = { 0 };

    (void)state;
    put_header(&r, 10);
    assert_int_equal(response_grow(&r, 10), TSS2_RC_SUCCESS);
    assert_true(response_complete(&r));
    response_clear(&r);
    put_header(&r, 4096);
    assert_int_equal(response_grow(&r, 4096), TSS2_RC_SUCCESS);
    assert_true(response_complete(&r));
}

static void
response_grow__sizes_out_of_bounds(void **state)
{
    static const uint32_t sizes[] = { 0, 3, 6, 9, 4097, 0x80000000,
        UINT32_MAX };
    struct response r = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        put_header(&r, sizes[i]);
        capture_start();
        assert_int_equal(response_grow(&r, 6),
            TSS2_TCTI_RC_MALFORMED_RESPONSE);
        capture_expect("which cannot be");
        assert_false(response_complete(&r));
        response_clear(&r);
    }
}

static void
response_grow__more_than_announced(void **state)
{
    struct response r = { 0 };

    (void)state;
    put_header(&r, 10);
    capture_start();
    assert_int_equal(response_grow(&r, 11), TSS2_TCTI_RC_MALFORMED_RESPONSE);
    capture_expect("more than the 10 octets");
    assert_false(response_complete(&r));
}

static void
response_clear__wipes(void **state)
{
    struct response r = { 0 };
    const uint8_t zero[10] = { 0 };

    (void)state;
    put_header(&r, 10);
    assert_int_equal(response_grow(&r, 10), TSS2_RC_SUCCESS);
    response_clear(&r);
    assert_int_equal(r.have, 0);
    assert_int_equal(r.size, 0);
    assert_memory_equal(r.data, zero, sizeof(zero));
}

static void
duration_of__by_command_code(void **state)
{
    (void)state;
    assert_int_equal(duration_of(TPM2_CC_GetCapability), 750);
    assert_int_equal(duration_of(TPM2_CC_GetRandom), 2000);
    assert_int_equal(duration_of(TPM2_CC_CreatePrimary), 300000);
    assert_int_equal(duration_of(TPM2_CC_Sign), 120000);
    assert_int_equal(duration_of(0x20000001), 120000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(response_grow__octet_by_octet),
        cmocka_unit_test(response_grow__sizes_at_the_bounds),
        cmocka_unit_test(response_grow__sizes_out_of_bounds),
        cmocka_unit_test(response_grow__more_than_announced),
        cmocka_unit_test(response_clear__wipes),
        cmocka_unit_test(duration_of__by_command_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
