/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "connector-fixture.h"
#include "page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/*
 * The chip's end that the tests of the link stand on, against the page that
 * it was written from: each row of the tables, without a line or a clock.
 */

/* --- the worked exchange ------------------------------------------------------ */

static size_t
exchange_part(struct fixture *f, const char *name)
{
    uint8_t octets[WIRE_LINE];
    size_t len = page_frame(name, octets, sizeof(octets));

    f->line_len = f->n_said = 0;
    connector_take(&f->chip, octets, len, f->now);
    return len;
}

static size_t
expect_part(const struct fixture *f, size_t at, const char *name)
{
    uint8_t octets[WIRE_LINE];
    size_t len = page_frame(name, octets, sizeof(octets));

    assert_true(at + len <= f->line_len);
    assert_memory_equal(f->line + at, octets, len);
    return at + len;
}

static void
exchange__page(void **state)
{
    struct fixture *f = *state;
    size_t at;

    (void)exchange_part(f, "COMMAND 1");
    assert_int_equal(expect_part(f, 0, "UNKNOWN 1"), f->line_len);
    (void)exchange_part(f, "HELLO");
    assert_int_equal(expect_part(f, 0, "WELCOME"), f->line_len);
    (void)exchange_part(f, "COMMAND 1");
    assert_int_equal(f->starts, 1);
    assert_int_equal(f->locality, 0);
    assert_int_equal(f->command_len, sizeof(command));
    assert_memory_equal(f->command, command, sizeof(command));
    at = expect_part(f, 0, "WORKING 1");
    assert_int_equal(expect_part(f, at, "RESPONSE 1"), f->line_len);
    (void)exchange_part(f, "POLL 1");
    assert_int_equal(expect_part(f, 0, "RESPONSE 1"), f->line_len);
    (void)exchange_part(f, "CANCEL 1");
    assert_int_equal(expect_part(f, 0, "RESPONSE 1"), f->line_len);
    give(f, WIRE_POLL, EPOCH, 2, NULL, 0);
    assert_int_equal(expect_part(f, 0, "UNKNOWN 2"), f->line_len);
    assert_int_equal(f->starts, 1);
}

/* --- what is dropped ---------------------------------------------------------- */

static void
frame__damaged_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct wire_frame frame = { .type = WIRE_HELLO, .epoch = EPOCH, .len = 3,
        .payload = { 1, 0x10, 0 } };
    uint8_t good[WIRE_LINE], bad[WIRE_LINE];
    size_t len = wire_write(&frame, good);

    for (size_t bit = 8; bit < 8 * (len - 1); bit++) {
        memcpy(bad, good, len);
        bad[bit / 8] ^= (uint8_t)(1U << bit % 8);
        connector_take(&f->chip, bad, len, 0);
    }
    for (size_t cut = 1; cut < len - 1; cut++) {
        connector_take(&f->chip, good, cut, 0);
        connector_take(&f->chip, good + len - 1, 1, 0);
    }
    assert_int_equal(f->n_said, 0);
    assert_false(f->chip.has_epoch);
    connector_take(&f->chip, good, len, 0);
    only(f, WIRE_WELCOME, 0);
}

static void
frame__too_long_is_dropped(void **state)
{
    struct fixture *f = *state;
    static const uint8_t noise[3 * WIRE_LINE] = { [0] = 0 };
    uint8_t octet = 0x55;

    connector_take(&f->chip, noise, sizeof(noise), 0); /* zeros */
    for (size_t i = 0; i < 3 * (size_t)WIRE_LINE; i++)
        connector_take(&f->chip, &octet, 1, 0);
    hello(f, EPOCH);
    only(f, WIRE_WELCOME, 0);
}

static void
frame__unknown_type_is_dropped(void **state)
{
    struct fixture *f = *state;

    hello(f, EPOCH);
    for (unsigned type = 0; type < 256; type++) {
        if (type >= WIRE_HELLO && type <= WIRE_CANCEL)
            continue;
        give(f, (uint8_t)type, EPOCH, 1, command, sizeof(command));
        assert_int_equal(f->n_said, 0);
    }
}

/* --- HELLO ---------------------------------------------------------------------- */

static void
hello__another_version(void **state)
{
    struct fixture *f = *state;

    give(f, WIRE_HELLO, EPOCH, 0, (const uint8_t[]) { 2, 0x10, 0, 9, 9 }, 5);
    only(f, WIRE_WELCOME, 0);
    assert_int_equal(f->said[0].payload[0], 1);
    assert_false(f->chip.has_epoch);
}

static void
hello__epoch_zero_or_no_payload(void **state)
{
    struct fixture *f = *state;

    hello(f, 0);
    assert_int_equal(f->n_said, 0);
    give(f, WIRE_HELLO, EPOCH, 0, NULL, 0);
    assert_int_equal(f->n_said, 0);
    assert_false(f->chip.has_epoch);
}

static void
hello__the_same_changes_nothing(void **state)
{
    struct fixture *f = *state;

    under_way(f);
    hello(f, EPOCH);
    only(f, WIRE_WELCOME, 0);
    assert_int_equal(f->cancels, 0);
    finish(f);
    only(f, WIRE_RESPONSE, 1);
}

static void
hello__another_ends_what_executes(void **state)
{
    struct fixture *f = *state;

    under_way(f);
    assert_int_equal(f->locality, 3);
    hello(f, OTHER);
    only(f, WIRE_WELCOME, 0);
    assert_int_equal(f->cancels, 1);
    send_command(f, OTHER, 1); /* the TPM is still busy with the old one */
    only(f, WIRE_WORKING, 1);
    assert_int_equal(f->starts, 1);
    finish(f);
    assert_int_equal(f->n_said, 0); /* the old response is nobody's */
    assert_int_equal(f->starts, 2);
    connector_tick(&f->chip, f->now);
    only(f, WIRE_RESPONSE, 1);
}

static void
hello__another_ends_what_waits(void **state)
{
    struct fixture *f = *state;

    under_way(f);
    hello(f, OTHER);
    send_command(f, OTHER, 1);
    hello(f, EPOCH);
    finish(f);
    connector_tick(&f->chip, f->now);
    assert_int_equal(f->starts, 1);
    assert_int_equal(f->n_said, 0);
    assert_false(connector_busy(&f->chip));
}

/* --- COMMAND, POLL, CANCEL ---------------------------------------------------- */

static void
others__no_or_another_epoch(void **state)
{
    static const uint8_t types[] = { WIRE_COMMAND, WIRE_POLL, WIRE_CANCEL };
    struct fixture *f = *state;

    for (int known = 0; known < 2; known++) {
        for (size_t i = 0; i < sizeof(types); i++) {
            give(f, types[i], OTHER, 1, command, sizeof(command));
            only(f, WIRE_UNKNOWN, 1);
            assert_int_equal(f->chip.frame.epoch, OTHER);
        }
        hello(f, EPOCH);
    }
    assert_int_equal(f->starts, 0);
}

static void
others__nothing_taken_yet(void **state)
{
    struct fixture *f = *state;

    hello(f, EPOCH);
    for (uint16_t number = 0; number < 3; number++) {
        give(f, WIRE_POLL, EPOCH, number, NULL, 0);
        only(f, WIRE_UNKNOWN, number);
        give(f, WIRE_CANCEL, EPOCH, number, NULL, 0);
        only(f, WIRE_UNKNOWN, number);
    }
    send_command(f, EPOCH, 0);
    only(f, WIRE_UNKNOWN, 0);
    send_command(f, EPOCH, 2);
    only(f, WIRE_UNKNOWN, 2);
    assert_int_equal(f->starts, 0);
}

static void
command__executes_once(void **state)
{
    struct fixture *f = *state;

    hello(f, EPOCH);
    send_command(f, EPOCH, 1);
    assert_int_equal(f->n_said, 2);
    said(f, 0, WIRE_WORKING, 1);
    said(f, 1, WIRE_RESPONSE, 1);
    send_command(f, EPOCH, 1);
    only(f, WIRE_RESPONSE, 1);
    send_command(f, EPOCH, 3);
    only(f, WIRE_UNKNOWN, 3);
    assert_int_equal(f->starts, 1);
    send_command(f, EPOCH, 2);
    said(f, 1, WIRE_RESPONSE, 2);
    send_command(f, EPOCH, 1);
    only(f, WIRE_UNKNOWN, 1);
    give(f, WIRE_POLL, EPOCH, 1, NULL, 0);
    only(f, WIRE_UNKNOWN, 1);
    assert_int_equal(f->starts, 2);
}

static void
command__numbers_go_around(void **state)
{
    struct fixture *f = *state;

    hello(f, EPOCH);
    for (unsigned i = 1; i <= 65537; i++)
        send_command(f, EPOCH, (uint16_t)i);
    assert_int_equal(f->starts, 65537);
    said(f, 1, WIRE_RESPONSE, 1);
}

static void
command__while_one_executes(void **state)
{
    struct fixture *f = *state;

    under_way(f);
    send_command(f, EPOCH, 2);
    only(f, WIRE_UNKNOWN, 2);
    send_command(f, EPOCH, 1);
    only(f, WIRE_WORKING, 1);
    give(f, WIRE_POLL, EPOCH, 1, NULL, 0);
    only(f, WIRE_WORKING, 1);
    give(f, WIRE_POLL, EPOCH, 2, NULL, 0);
    only(f, WIRE_UNKNOWN, 2);
    finish(f);
    only(f, WIRE_RESPONSE, 1);
    assert_int_equal(f->starts, 1);
}

static void
command__that_cannot_be(void **state)
{
    struct fixture *f = *state;
    uint8_t payload[WIRE_PAYLOAD] = { 5 };

    f->chip.longest = 1024;
    hello(f, EPOCH);
    assert_int_equal(f->said[0].payload[1] << 8 | f->said[0].payload[2], 1024);
    give(f, WIRE_COMMAND, EPOCH, 1, payload, 11);
    only(f, WIRE_UNKNOWN, 1);
    payload[0] = 0;
    give(f, WIRE_COMMAND, EPOCH, 1, payload, 10);
    only(f, WIRE_UNKNOWN, 1);
    give(f, WIRE_COMMAND, EPOCH, 1, payload, 1026);
    only(f, WIRE_UNKNOWN, 1);
    assert_int_equal(f->starts, 0);
    give(f, WIRE_COMMAND, EPOCH, 1, payload, 1025);
    said(f, 0, WIRE_WORKING, 1);
    assert_int_equal(f->command_len, 1024);
}

static void
cancel__reaches_the_tpm(void **state)
{
    struct fixture *f = *state;

    under_way(f);
    give(f, WIRE_CANCEL, EPOCH, 1, NULL, 0);
    assert_int_equal(f->n_said, 0);
    assert_int_equal(f->cancels, 1);
    give(f, WIRE_CANCEL, EPOCH, 2, NULL, 0);
    only(f, WIRE_UNKNOWN, 2);
    finish(f);
    only(f, WIRE_RESPONSE, 1);
    give(f, WIRE_CANCEL, EPOCH, 1, NULL, 0);
    only(f, WIRE_RESPONSE, 1);
    assert_int_equal(f->cancels, 1);
}

static void
cancel__of_one_that_waits(void **state)
{
    struct fixture *f = *state;

    under_way(f);
    hello(f, OTHER);
    send_command(f, OTHER, 1);
    give(f, WIRE_CANCEL, OTHER, 1, NULL, 0);
    assert_int_equal(f->n_said, 1);
    assert_int_equal(f->said[0].type, WIRE_RESPONSE);
    assert_int_equal(f->said[0].len, 10);
    assert_int_equal(f->said[0].payload[8], 0x09); /* TPM_RC_CANCELED */
    assert_int_equal(f->said[0].payload[9], 0x09);
    finish(f);
    assert_int_equal(f->starts, 1);
}

static void
working__by_itself(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;

    under_way(f);
    for (f->now = 1; f->now <= 2000; f->now++) {
        f->n_said = 0;
        connector_tick(&f->chip, f->now);
        n += f->n_said != 0 && f->said[0].type == WIRE_WORKING;
    }
    assert_int_equal(n, 10);
}

static void
restart__forgets(void **state)
{
    struct fixture *f = *state;

    under_way(f);
    connector_restart(&f->chip);
    give(f, WIRE_POLL, EPOCH, 1, NULL, 0);
    only(f, WIRE_UNKNOWN, 1);
    finish(f);
    assert_int_equal(f->n_said, 0);
    hello(f, EPOCH);
    send_command(f, EPOCH, 1);
    said(f, 1, WIRE_RESPONSE, 1);
    assert_int_equal(f->starts, 2);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exchange__page),
        TEST(frame__damaged_is_dropped),
        TEST(frame__too_long_is_dropped),
        TEST(frame__unknown_type_is_dropped),
        TEST(hello__another_version),
        TEST(hello__epoch_zero_or_no_payload),
        TEST(hello__the_same_changes_nothing),
        TEST(hello__another_ends_what_executes),
        TEST(hello__another_ends_what_waits),
        TEST(others__no_or_another_epoch),
        TEST(others__nothing_taken_yet),
        TEST(command__executes_once),
        TEST(command__numbers_go_around),
        TEST(command__while_one_executes),
        TEST(command__that_cannot_be),
        TEST(cancel__reaches_the_tpm),
        TEST(cancel__of_one_that_waits),
        TEST(working__by_itself),
        TEST(restart__forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
