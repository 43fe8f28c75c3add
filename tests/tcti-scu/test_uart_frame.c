/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "page.h"
#include "uart-frame.h"
#include "wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The link's codec against the page, and against the tests' own. */

/* Feeds octets; how many sound frames came, the last at *frame. */
static size_t
feed(struct uart_decoder *decoder, const uint8_t *data, size_t len,
    struct uart_frame *frame)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += uart_decode(decoder, data[i], frame);
    return n;
}

static void
crc__page(void **state)
{
    (void)state;
    assert_int_equal(uart_crc((const uint8_t *)"123456789", 9), 0xcbf43926);
    assert_int_equal(uart_crc(NULL, 0), 0);
}

/* The codec knows whole frames only: what the page has in it is in these. */
static void
cobs__page(void **state)
{
    static struct uart_decoder decoder;
    struct page_vector vectors[12];
    size_t n = page_cobs(vectors, 12);
    uint8_t ours[UART_LINE_MAX], theirs[WIRE_LINE];
    struct wire_frame wire;
    struct uart_frame back;

    (void)state;
    assert_true(n >= 9);
    for (size_t i = 0; i < n; i++) {
        const struct page_vector *v = &vectors[i];
        const struct uart_frame frame = { .type = UART_COMMAND,
            .epoch = 0x0102030405060708, .number = 0x0102,
            .payload = v->plain, .len = v->plain_len };

        wire.type = frame.type;
        wire.epoch = frame.epoch;
        wire.number = frame.number;
        wire.len = frame.len;
        memcpy(wire.payload, v->plain, v->plain_len);
        assert_int_equal(uart_encode(&frame, ours), wire_write(&wire, theirs));
        assert_memory_equal(ours, theirs, wire_write(&wire, theirs));
        assert_int_equal(feed(&decoder, ours, uart_encode(&frame, ours),
            &back), 1);
        assert_int_equal(back.len, v->plain_len);
        assert_memory_equal(back.payload, v->plain, back.len);
    }
}

static void
exchange__page(void **state)
{
    static const char *const names[] = { "HELLO", "WELCOME", "COMMAND 1",
        "WORKING 1", "RESPONSE 1", "POLL 1", "CANCEL 1", "UNKNOWN 1",
        "UNKNOWN 2" };
    static const uint8_t types[] = { UART_HELLO, UART_WELCOME, UART_COMMAND,
        UART_WORKING, UART_RESPONSE, UART_POLL, UART_CANCEL, UART_UNKNOWN,
        UART_UNKNOWN };
    static struct uart_decoder decoder;
    uint8_t line[UART_LINE_MAX], again[UART_LINE_MAX];
    struct uart_frame frame;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(types); i++) {
        len = page_frame(names[i], line, sizeof(line));
        assert_int_equal(feed(&decoder, line, len, &frame), 1);
        assert_int_equal(frame.type, types[i]);
        assert_int_equal(frame.epoch, 0x0102030405060708);
        assert_int_equal(frame.number, i < 2 ? 0 : i == 8 ? 2 : 1);
        assert_int_equal(uart_encode(&frame, again), len);
        assert_memory_equal(again, line, len);
    }
    assert_int_equal(decoder.damaged, 0);
}

/* All lengths, and contents with few and many zeros. */
static void
frame__both_codecs_agree(void **state)
{
    static uint8_t payload[UART_PAYLOAD_MAX];
    static struct uart_decoder decoder;
    uint8_t ours[UART_LINE_MAX], theirs[WIRE_LINE];
    struct wire_frame wire = { .type = WIRE_RESPONSE, .epoch = 0x0100000000ff };
    struct uart_frame frame = { .type = UART_RESPONSE, .epoch = wire.epoch,
        .payload = payload };
    size_t len;

    (void)state;
    for (unsigned n = 0; n <= UART_PAYLOAD_MAX; n += n < 1100 ? 1 : 37) {
        for (size_t i = 0; i < n; i++)
            payload[i] = (uint8_t)(n % 3 == 0 ? 0xff
                : (i * 7 + n) % (n % 3 == 1 ? 256 : 3));
        wire.number = frame.number = (uint16_t)n;
        wire.len = frame.len = n;
        memcpy(wire.payload, payload, n);
        len = uart_encode(&frame, ours);
        assert_int_equal(len, wire_write(&wire, theirs));
        assert_memory_equal(ours, theirs, len);
        assert_int_equal(feed(&decoder, ours, len, &frame), 1);
        assert_int_equal(frame.len, n);
        assert_memory_equal(frame.payload, payload, n);
        frame.payload = payload;
    }
}

static void
decode__damaged(void **state)
{
    static struct uart_decoder decoder;
    uint8_t good[UART_LINE_MAX], bad[UART_LINE_MAX];
    struct uart_frame frame;
    size_t len = page_frame("COMMAND 1", good, sizeof(good));

    (void)state;
    for (size_t bit = 8; bit < 8 * (len - 1); bit++) {
        memcpy(bad, good, len);
        bad[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(feed(&decoder, bad, len, &frame), 0);
    }
    for (size_t cut = 2; cut < len - 1; cut++) {
        assert_int_equal(feed(&decoder, good, cut, &frame), 0);
        assert_int_equal(feed(&decoder, good + len - 1, 1, &frame), 0);
    }
    assert_int_equal(feed(&decoder, good, len, &frame), 1);
    assert_true(decoder.damaged >= 8 * (len - 2));
}

static void
decode__one_zero_between_frames(void **state)
{
    static struct uart_decoder decoder;
    uint8_t line[UART_LINE_MAX];
    struct uart_frame frame;
    size_t len = page_frame("COMMAND 1", line, sizeof(line));

    (void)state;
    assert_int_equal(feed(&decoder, line, len, &frame), 1);
    assert_int_equal(feed(&decoder, line + 1, len - 1, &frame), 1);
    assert_int_equal(feed(&decoder, line + 1, len - 1, &frame), 1);
    assert_int_equal(decoder.damaged, 0);
}

static void
decode__too_long_is_dropped(void **state)
{
    static struct uart_decoder decoder;
    uint8_t line[UART_LINE_MAX], octet = 0x55;
    struct uart_frame frame;
    size_t len = page_frame("COMMAND 1", line, sizeof(line));

    (void)state;
    for (size_t i = 0; i < 3 * (size_t)UART_LINE_MAX; i++)
        assert_int_equal(feed(&decoder, &octet, 1, &frame), 0);
    assert_int_equal(feed(&decoder, line, len, &frame), 1);
    assert_int_equal(decoder.damaged, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc__page),
        cmocka_unit_test(cobs__page),
        cmocka_unit_test(exchange__page),
        cmocka_unit_test(frame__both_codecs_agree),
        cmocka_unit_test(decode__damaged),
        cmocka_unit_test(decode__one_zero_between_frames),
        cmocka_unit_test(decode__too_long_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
