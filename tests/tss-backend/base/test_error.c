/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/bytes.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <tss2/tss2_tpm2_types.h>

#include <cmocka.h>

static const int codes[] = {
#define CODE(NAME, VALUE, CKR, EXIT, TEXT) SCU_E_##NAME,
    SCU_ERROR_LIST(CODE)
#undef CODE
};
#define CODES (sizeof(codes) / sizeof(codes[0]))

static void
list__is_in_order_and_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        assert_int_equal(codes[i], -(int)(i + 1));
        assert_int_equal(strncmp(scu_error_name(codes[i]), "SCU_E_", 6), 0);
        assert_true(strlen(scu_error_text(codes[i])) > 10);
        assert_in_range(scu_error_exit(codes[i]), 1, 7);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(scu_error_name(codes[i]),
                scu_error_name(codes[j]));
    }
    assert_int_equal(scu_error_exit(SCU_OK), 0);
    assert_string_equal(scu_error_name(-1000), "SCU_E_UNKNOWN");
    assert_int_equal(scu_error_exit(-1000), 1);
}

static void
tss__codes_have_images(void **state)
{
    static const struct {
        TSS2_RC tss;
        int rc;
    } rows[] = {
        { 0, SCU_OK },
        { 0x98e, SCU_E_AUTH },   /* session 1: authorisation failure */
        { 0x9a2, SCU_E_AUTH },   /* session 1: wrong HMAC */
        { 0x12f, SCU_E_LOCKED }, /* PIN index at its limit */
        { 0x921, SCU_E_LOCKED },
        { 0x1df, SCU_E_FOREIGN_KEY }, /* parameter 1: integrity */
        { 0x18b, SCU_E_NOT_FOUND },   /* handle 1 */
        { 0x902, SCU_E_SLOTS },
        { 0x903, SCU_E_SLOTS },
        { 0x910, SCU_E_LOST },
        { 0x918, SCU_E_LOST },
        { 0x922, SCU_E_BUSY },
        { 0x2e6, SCU_E_UNSUPPORTED }, /* parameter 2: curve */
        { 0x101, SCU_E_CHIP },
        { 0xa000a, SCU_E_IO },
        { 0xa0008, SCU_E_NO_CHIP },
        { 0xa000b, SCU_E_CONF },
        { 0x8000b, SCU_E_INTERNAL }, /* a bad value that is no setting */
        { 0xb0902, SCU_E_SLOTS },    /* said by a resource manager */
        { 0xc0143, SCU_E_UNSUPPORTED },
        { 0x80001, SCU_E_INTERNAL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(err_of_tss(rows[i].tss), rows[i].rc);
    assert_int_equal(err_tss(0x9a2, "TPM2_Load"), SCU_E_AUTH);
    assert_non_null(strstr(scu_error_detail(), "TPM2_Load: "));
    assert_non_null(strstr(scu_error_detail(), "(0x9a2)"));
}

static void
prefix__stands_in_front(void **state)
{
    (void)state;
    assert_int_equal(err_set(SCU_E_FILE, "no such thing"), SCU_E_FILE);
    assert_int_equal(err_prefix(SCU_E_FILE, "%s: ", "key.pem"), SCU_E_FILE);
    assert_string_equal(scu_error_detail(), "key.pem: no such thing");
}

static void
b2_set__refuses_oversize(void **state)
{
    uint8_t buffer[4] = { 9, 9, 9, 9 };
    uint16_t size = 3;

    (void)state;
    assert_int_equal(b2_set(&size, buffer, 4, "12345", 5), SCU_E_ARG);
    assert_int_equal(size, 3);
    assert_int_equal(buffer[0], 9);
    assert_int_equal(b2_set(&size, buffer, 4, "1234", 4), SCU_OK);
    assert_int_equal(size, 4);
    assert_int_equal(b2_set(&size, buffer, 4, NULL, 0), SCU_OK);
    assert_int_equal(size, 0);
}

static void
hex__round_trip_and_refusals(void **state)
{
    uint8_t data[3];
    char text[7];
    size_t len = 0;

    (void)state;
    assert_int_equal(hex_decode("00fFa5", data, 3, &len), SCU_OK);
    assert_int_equal(len, 3);
    hex_encode(data, 3, text);
    assert_string_equal(text, "00ffa5");
    assert_int_equal(hex_decode("", data, 3, &len), SCU_OK);
    assert_int_equal(len, 0);
    assert_int_equal(hex_decode("0", data, 3, &len), SCU_E_ARG);
    assert_int_equal(hex_decode("0g", data, 3, &len), SCU_E_ARG);
    assert_int_equal(hex_decode("00112233", data, 3, &len), SCU_E_ARG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list__is_in_order_and_unique),
        cmocka_unit_test(tss__codes_have_images),
        cmocka_unit_test(prefix__stands_in_front),
        cmocka_unit_test(b2_set__refuses_oversize),
        cmocka_unit_test(hex__round_trip_and_refusals),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
