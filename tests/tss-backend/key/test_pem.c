/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#define BEGIN "-----BEGIN TSS2 PRIVATE KEY-----\n"
#define END "-----END TSS2 PRIVATE KEY-----\n"
#define BODY "c29tZXRoaW5n\n" /* "something" */

static void
assert_something(const char *text)
{
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(pem_decode(text, strlen(text), &der, &len), SCU_OK);
    assert_int_equal(len, 9);
    assert_memory_equal(der, "something", 9);
    free(der);
}

/* Refused, nothing handed out, and no line in the caller's error queue. */
static void
assert_refused(const char *text, size_t text_len)
{
    uint8_t *der = (uint8_t *)&text;
    size_t len = 1;

    ERR_clear_error();
    assert_int_equal(pem_decode(text, text_len, &der, &len), SCU_E_KEYFILE);
    assert_null(der);
    assert_int_equal(len, 0);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
decode__plain(void **state)
{
    (void)state;
    assert_something(BEGIN BODY END);
}

static void
decode__carriage_returns(void **state)
{
    (void)state;
    assert_something("-----BEGIN TSS2 PRIVATE KEY-----\r\nc29tZXRoaW5n\r\n"
        "-----END TSS2 PRIVATE KEY-----\r\n");
}

static void
decode__no_newline_at_the_end(void **state)
{
    (void)state;
    assert_something(BEGIN BODY "-----END TSS2 PRIVATE KEY-----");
}

static void
decode__text_and_other_blocks_around(void **state)
{
    (void)state;
    assert_something("my key\n\n-----BEGIN CERTIFICATE-----\nAAAA\n"
        "-----END CERTIFICATE-----\n" BEGIN BODY END "the end\n");
}

static void
decode__damaged_block_before(void **state)
{
    (void)state;
    assert_something("-----BEGIN CERTIFICATE-----\n!!\n" BEGIN BODY END);
}

static void
decode__first_of_two(void **state)
{
    (void)state;
    assert_something(BEGIN BODY END BEGIN "AAAA\n" END);
}

static void
decode__label_within_a_line_is_text(void **state)
{
    static const char text[] = "x" BEGIN BODY END;

    (void)state;
    assert_refused(text, strlen(text));
    assert_something("x" BEGIN BEGIN BODY END);
}

static void
decode__no_block(void **state)
{
    (void)state;
    assert_refused("", 0);
    assert_refused("\0\0\0", 3);
    assert_refused("-----BEGIN PRIVATE KEY-----\n", 28);
}

static void
decode__cut_off_at_each_octet(void **state)
{
    static const char text[] = BEGIN BODY
        "-----END TSS2 PRIVATE KEY-----";

    (void)state;
    for (size_t len = 0; len < strlen(text); len++)
        assert_refused(text, len);
}

static void
decode__junk_in_base64(void **state)
{
    static const char text[] = BEGIN "c29t*XRoaW5n\n" END;

    (void)state;
    assert_refused(text, strlen(text));
}

static void
decode__end_of_another_label(void **state)
{
    static const char text[] = BEGIN BODY "-----END PRIVATE KEY-----\n";

    (void)state;
    assert_refused(text, strlen(text));
}

static void
decode__header_lines_are_refused(void **state)
{
    static const char text[] = BEGIN "Proc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,00\n\n" BODY END;

    (void)state;
    assert_refused(text, strlen(text));
    assert_non_null(strstr(scu_error_detail(), "header"));
}

static void
encode__decodes_again(void **state)
{
    uint8_t data[300], *der = NULL;
    char *text = NULL;
    size_t len = 0, der_len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    assert_int_equal(pem_encode(data, sizeof(data), &text, &len), SCU_OK);
    assert_int_equal(strlen(text), len);
    assert_memory_equal(text, BEGIN, strlen(BEGIN));
    assert_string_equal(text + len - strlen(END), END);
    assert_int_equal(pem_decode(text, len, &der, &der_len), SCU_OK);
    assert_int_equal(der_len, sizeof(data));
    assert_memory_equal(der, data, sizeof(data));
    free(der);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode__plain),
        cmocka_unit_test(decode__carriage_returns),
        cmocka_unit_test(decode__no_newline_at_the_end),
        cmocka_unit_test(decode__text_and_other_blocks_around),
        cmocka_unit_test(decode__damaged_block_before),
        cmocka_unit_test(decode__first_of_two),
        cmocka_unit_test(decode__label_within_a_line_is_text),
        cmocka_unit_test(decode__no_block),
        cmocka_unit_test(decode__cut_off_at_each_octet),
        cmocka_unit_test(decode__junk_in_base64),
        cmocka_unit_test(decode__end_of_another_label),
        cmocka_unit_test(decode__header_lines_are_refused),
        cmocka_unit_test(encode__decodes_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
