/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "page.h"
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The tests' own codec against the page; the link's has the same test. */

static void
crc__page(void **state)
{
    (void)state;
    assert_int_equal(wire_crc((const uint8_t *)"123456789", 9), 0xcbf43926);
    assert_int_equal(wire_crc(NULL, 0), 0);
}

static void
cobs__page(void **state)
{
    struct page_vector vectors[12];
    size_t n = page_cobs(vectors, 12), got;
    uint8_t out[PAGE_MAX];

    (void)state;
    assert_int_equal(n, 9);
    assert_int_equal(vectors[n - 1].plain_len, 255);
    for (size_t i = 0; i < n; i++) {
        const struct page_vector *v = &vectors[i];

        assert_int_equal(wire_stuff(v->plain, v->plain_len, out),
            v->encoded_len);
        assert_memory_equal(out, v->encoded, v->encoded_len);
        assert_true(wire_unstuff(v->encoded, v->encoded_len, out, &got));
        assert_int_equal(got, v->plain_len);
        assert_memory_equal(out, v->plain, got);
    }
}

static void
cobs__longest(void **state)
{
    struct wire_frame frame = { .type = 2, .epoch = UINT64_MAX,
        .number = 0xffff, .len = WIRE_PAYLOAD };
    struct wire_frame back;
    uint8_t out[WIRE_LINE];
    size_t len;

    (void)state;
    memset(frame.payload, 0xff, sizeof(frame.payload));
    len = wire_write(&frame, out);
    assert_true(len <= WIRE_LINE);
    assert_true(wire_read(out + 1, len - 2, &back));
    assert_int_equal(back.len, frame.len);
    assert_memory_equal(back.payload, frame.payload, frame.len);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc__page),
        cmocka_unit_test(cobs__page),
        cmocka_unit_test(cobs__longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
