/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/der.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Whether these octets are an OCTET STRING and nothing else. */
static bool
takes(const uint8_t *data, size_t len)
{
    struct der in = { data, len };
    struct der body;

    return der_take(&in, DER_OCTET_STRING, &body) == NULL && in.len == 0 &&
        body.p + body.len == data + len;
}

static void
take__empty(void **state)
{
    const uint8_t element[] = { 4, 0 };

    (void)state;
    assert_true(takes(element, 2));
    assert_false(takes(element, 1));
    assert_false(takes(element, 0));
    assert_false(takes(NULL, 0));
}

static void
take__other_tag(void **state)
{
    const uint8_t element[] = { 5, 0 };

    (void)state;
    assert_false(takes(element, sizeof(element)));
}

/* Each form of the length at the ends of its range. */
static void
take__length_forms(void **state)
{
    static const struct {
        size_t len;
        size_t n;
        uint8_t header[5];
        bool good;
    } cases[] = {
        { 0x7f, 1, { 0x7f }, true },
        { 0x7f, 2, { 0x81, 0x7f }, false },
        { 0x80, 2, { 0x81, 0x80 }, true },
        { 0xff, 2, { 0x81, 0xff }, true },
        { 0xff, 3, { 0x82, 0x00, 0xff }, false },
        { 0x100, 3, { 0x82, 0x01, 0x00 }, true },
        { 0x100, 4, { 0x83, 0x00, 0x01, 0x00 }, false },
        { 0x80, 1, { 0x80 }, false },
        { 0x80, 1, { 0xff }, false },
    };
    uint8_t data[0x110];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(data, 0, sizeof(data));
        data[0] = DER_OCTET_STRING;
        memcpy(data + 1, cases[i].header, cases[i].n);
        assert_int_equal(takes(data, 1 + cases[i].n + cases[i].len),
            cases[i].good);
    }
}

static void
take__length_beyond_the_end(void **state)
{
    const uint8_t huge[] = { 4, 0x82, 0xff, 0xff, 1, 2 };
    const uint8_t one_more[] = { 4, 3, 1, 2 };
    const uint8_t cut[] = { 4, 0x82, 0x01 };

    (void)state;
    assert_false(takes(huge, sizeof(huge)));
    assert_false(takes(one_more, sizeof(one_more)));
    assert_false(takes(cut, sizeof(cut)));
}

static void
take__failure_changes_nothing(void **state)
{
    const uint8_t data[] = { 4, 3, 1, 2 };
    struct der in = { data, sizeof(data) };
    struct der body = { NULL, 7 };

    (void)state;
    assert_non_null(der_take(&in, DER_OCTET_STRING, &body));
    assert_ptr_equal(in.p, data);
    assert_int_equal(in.len, sizeof(data));
    assert_null(body.p);
    assert_int_equal(body.len, 7);
}

static void
put__reads_back_at_each_length(void **state)
{
    static uint8_t room[70000], data[66000];
    static const size_t lengths[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff };

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct der_out out = { .start = room, .p = room + sizeof(room) };

        der_put(&out, data, lengths[i]);
        der_put_header(&out, DER_OCTET_STRING, lengths[i]);
        assert_false(out.overflow);
        assert_true(takes(out.p, (size_t)(room + sizeof(room) - out.p)));
    }
}

static void
put__overflow_is_kept(void **state)
{
    uint8_t room[4];
    struct der_out out = { .start = room, .p = room + sizeof(room) };

    (void)state;
    der_put(&out, "abcde", 5);
    assert_true(out.overflow);
    der_put(&out, "a", 1);
    assert_true(out.overflow);
    assert_ptr_equal(out.p, room + sizeof(room));
}

static void
put__length_of_17_bits_is_refused(void **state)
{
    uint8_t room[16];
    struct der_out out = { .start = room, .p = room + sizeof(room) };

    (void)state;
    der_put_header(&out, DER_OCTET_STRING, 0x10000);
    assert_true(out.overflow);
}

static void
put_unsigned__is_minimal(void **state)
{
    static const struct {
        uint8_t in[3];
        size_t n;
        uint8_t out[5];
        size_t len;
    } cases[] = {
        { { 0 }, 0, { 2, 1, 0 }, 3 },
        { { 0, 0, 0 }, 3, { 2, 1, 0 }, 3 },
        { { 0, 0, 1 }, 3, { 2, 1, 1 }, 3 },
        { { 0, 0x7f, 0 }, 3, { 2, 2, 0x7f, 0 }, 4 },
        { { 0, 0x80, 0 }, 3, { 2, 3, 0, 0x80, 0 }, 5 },
        { { 0xff }, 1, { 2, 2, 0, 0xff }, 4 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t room[16];
        struct der_out out = { .start = room, .p = room + sizeof(room) };

        der_put_unsigned(&out, cases[i].in, cases[i].n);
        assert_int_equal(room + sizeof(room) - out.p, cases[i].len);
        assert_memory_equal(out.p, cases[i].out, cases[i].len);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take__empty),
        cmocka_unit_test(take__other_tag),
        cmocka_unit_test(take__length_forms),
        cmocka_unit_test(take__length_beyond_the_end),
        cmocka_unit_test(take__failure_changes_nothing),
        cmocka_unit_test(put__reads_back_at_each_length),
        cmocka_unit_test(put__overflow_is_kept),
        cmocka_unit_test(put__length_of_17_bits_is_refused),
        cmocka_unit_test(put_unsigned__is_minimal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
