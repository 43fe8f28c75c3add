/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridge-fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* The data channel: clients that are slow, hostile or gone, and a chip that
 * fails. */

static void
serve__several_clients_by_turns(void **state)
{
    struct fixture *f = *state;
    int a = data_client(f), b = data_client(f), c = data_client(f);
    uint16_t second = 0, third = 0;
    int chip;

    good_exchange(f, b, 5);
    good_exchange(f, c, 6);
    give_command(a, 1);
    chip = chip_expect(f, 1);
    give_command(b, 2);
    give_command(c, 3);
    chip_answer(chip, 1);
    expect_answer(a, 1);
    chip = chip_take(f, &second);
    /* A comes again, but behind those who waited. */
    give_command(a, 4);
    chip_answer(chip, second);
    expect_answer(second == 2 ? b : c, second);
    chip = chip_take(f, &third);
    assert_int_equal(second + third, 5);
    chip_answer(chip, third);
    expect_answer(third == 2 ? b : c, third);
    chip_answer(chip_expect(f, 4), 4);
    expect_answer(a, 4);
    (void)close(a);
    (void)close(b);
    (void)close(c);
}

static void
serve__octet_by_octet(void **state)
{
    struct fixture *f = *state;
    int fd = data_client(f);
    uint8_t data[12];

    make_command(data, 7);
    for (size_t i = 0; i < sizeof(data); i++)
        give(fd, data + i, 1);
    chip_answer(chip_expect(f, 7), 7);
    expect_answer(fd, 7);
    (void)close(fd);
}

static void
serve__commands_sent_at_once_one_after_another(void **state)
{
    struct fixture *f = *state;
    int fd = data_client(f);
    uint8_t data[24];

    make_command(data, 1);
    make_command(data + 12, 2);
    give(fd, data, sizeof(data));
    chip_answer(chip_expect(f, 1), 1);
    chip_answer(chip_expect(f, 2), 2);
    expect_answer(fd, 1);
    expect_answer(fd, 2);
    (void)close(fd);
}

static void
serve__client_that_has_finished_sending(void **state)
{
    struct fixture *f = *state;
    int fd = data_client(f);

    give_command(fd, 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    chip_answer(chip_expect(f, 1), 1);
    expect_answer(fd, 1);
    expect_closed(fd);
}

static void
serve__half_command_holds_up_nobody(void **state)
{
    struct fixture *f = *state;
    int half = data_client(f), whole = data_client(f);
    uint8_t data[12];

    make_command(data, 1);
    give(half, data, 11);
    good_exchange(f, whole, 2);
    give(half, data + 11, 1);
    chip_answer(chip_expect(f, 1), 1);
    expect_answer(half, 1);
    (void)close(half);
    (void)close(whole);
}

static void
serve__half_command_is_closed_in_time(void **state)
{
    struct fixture *f = *state;
    int idle = data_client(f), header = data_client(f), half = data_client(f);
    uint8_t data[12];

    make_command(data, 1);
    give(header, data, 1);
    give(half, data, 11);
    expect_closed(header);
    expect_closed(half);
    assert_true(said(f, "the rest of a command did not come in time"));
    good_exchange(f, idle, 2); /* who sent nothing is no such client */
    (void)close(idle);
}

static void
serve__client_that_ends_within_a_command(void **state)
{
    struct fixture *f = *state;
    int half = data_client(f), whole = data_client(f);
    uint8_t data[12];

    make_command(data, 1);
    give(half, data, 11);
    (void)close(half);
    good_exchange(f, whole, 2);
    (void)close(whole);
}

static void
refuse_length(struct fixture *f, uint32_t length)
{
    const uint8_t data[12] = { 0x80, 1, (uint8_t)(length >> 24),
        (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length,
        0, 0, 1, 0x7b, 0, 8 };
    int fd = data_client(f), other;

    give(fd, data, sizeof(data));
    expect_closed(fd);
    assert_true(said(f, "a command has 10 to 4096 octets"));
    other = data_client(f);
    good_exchange(f, other, 1);
    (void)close(other);
}

static void
serve__impossible_lengths_are_refused(void **state)
{
    static const uint32_t lengths[] = { 0, 9, 4097, 0x80000000, UINT32_MAX };

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        refuse_length(*state, lengths[i]);
}

static void
serve__what_a_browser_says_is_refused(void **state)
{
    static const char text[] = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    int fd = data_client(*state);

    give(fd, text, strlen(text));
    expect_closed(fd);
}

static void
serve__command_of_a_client_that_went_is_not_begun(void **state)
{
    struct fixture *f = *state;
    int a = data_client(f), gone = data_client(f), c = data_client(f);
    int chip;

    give_command(a, 1);
    chip = chip_expect(f, 1);
    give_command(gone, 2);
    (void)close(gone);
    give_command(c, 3);
    chip_answer(chip, 1);
    expect_answer(a, 1);
    chip_answer(chip_expect(f, 3), 3);
    expect_answer(c, 3);
    (void)close(a);
    (void)close(c);
}

static void
serve__command_of_a_client_that_goes_is_cancelled(void **state)
{
    static const uint8_t cancel[4] = { 0, 0, 0, 9 };
    struct fixture *f = *state;
    int gone = data_client(f), other = data_client(f);
    int chip;

    give_command(gone, 1);
    chip = chip_expect(f, 1);
    give_command(other, 2);
    (void)close(gone);
    chip_control_expect(f, cancel, sizeof(cancel), 0);
    expect_closed(chip);
    chip_answer(chip_expect(f, 2), 2);
    expect_answer(other, 2);
    (void)close(other);
}

static void
serve__answer_is_dropped_where_the_chip_does_not_cancel(void **state)
{
    static const uint8_t cancel[4] = { 0, 0, 0, 9 };
    struct fixture *f = *state;
    int gone = data_client(f), other = data_client(f);
    int chip;

    give_command(gone, 1);
    chip = chip_expect(f, 1);
    (void)close(gone);
    chip_control_expect(f, cancel, sizeof(cancel), 9);
    give_command(other, 2);
    chip_answer(chip, 1);
    chip_answer(chip_expect(f, 2), 2);
    expect_answer(other, 2);
    (void)close(other);
}

static void
serve__failing_link_closes_the_connection(void **state)
{
    struct fixture *f = *state;
    int fd = data_client(f), other = data_client(f);

    give_command(fd, 1);
    (void)close(chip_expect(f, 1)); /* the chip went */
    expect_closed(fd);
    assert_true(said(f, "gave no whole response"));
    good_exchange(f, other, 2);
    (void)close(other);
}

static void
serve__impossible_answer_closes_the_connection(void **state)
{
    static const uint8_t answer[10] = { 0x80, 1, 0xff, 0xff, 0xff, 0xff };
    struct fixture *f = *state;
    int fd = data_client(f), other = data_client(f);
    int chip;

    give_command(fd, 1);
    chip = chip_expect(f, 1);
    give(chip, answer, sizeof(answer));
    (void)close(chip);
    expect_closed(fd);
    good_exchange(f, other, 2);
    (void)close(other);
}

/* Long answers to short commands, until no more of them leave the bridge. */
static void
serve__client_that_takes_no_answers_is_closed(void **state)
{
    static uint8_t answer[4096] = { 0x80, 1, 0, 0, 0x10, 0 };
    static uint8_t commands[12 * 512];
    struct fixture *f = *state;
    int fd = data_client(f), other;
    struct pollfd p[2] = {
        { .fd = f->chip_data, .events = POLLIN }, { .fd = fd },
    };
    uint16_t number;
    int chip;

    for (size_t i = 0; i < sizeof(commands); i += 12)
        make_command(commands + i, 1);
    give(fd, commands, sizeof(commands));
    for (;;) {
        assert_true(poll(p, 2, 60000) > 0);
        if ((p[1].revents & (POLLHUP | POLLERR)) != 0)
            break;
        if ((p[0].revents & POLLIN) == 0)
            continue;
        chip = chip_take(f, &number);
        give(chip, answer, sizeof(answer));
        (void)close(chip);
    }
    assert_true(said(f, "it does not take its answer"));
    (void)close(fd);
    other = data_client(f);
    good_exchange(f, other, 2);
    (void)close(other);
}

static void
serve__one_more_client_takes_the_place_of_the_idlest(void **state)
{
    struct fixture *f = *state;
    int clients[65];
    size_t n = sizeof(clients) / sizeof(clients[0]);

    for (size_t i = 0; i + 1 < n; i++) {
        clients[i] = data_client(f);
        good_exchange(f, clients[i], (uint16_t)i);
    }
    good_exchange(f, clients[0], 100);
    clients[n - 1] = data_client(f);
    good_exchange(f, clients[n - 1], 101);
    expect_closed(clients[1]);
    good_exchange(f, clients[0], 102);
    for (size_t i = 0; i < n; i++)
        if (i != 1)
            (void)close(clients[i]);
}

static void
serve__all_busy_leaves_newcomers_waiting(void **state)
{
    struct fixture *f = *state;
    int clients[64], late;
    uint16_t number = 0;
    uint8_t data[12];
    int chip;

    for (size_t i = 0; i < 64; i++) {
        clients[i] = data_client(f);
        give_command(clients[i], (uint16_t)i);
    }
    late = data_client(f);
    give_command(late, 100);
    for (size_t i = 0; i < 65; i++) {
        chip = chip_take(f, &number);
        assert_true(number < 64 || number == 100);
        chip_answer(chip, number);
        make_answer(data, number);
        expect_octets(number == 100 ? late : clients[number], data, 12);
        if (number < 64)
            (void)close(clients[number]);
    }
    (void)close(late);
}

static void
serve__ends_within_a_command(void **state)
{
    struct fixture *f = *state;
    int fd = data_client(f);
    int chip;

    give_command(fd, 1);
    chip = chip_expect(f, 1);
    assert_int_equal(kill(f->bridge, SIGTERM), 0);
    expect_closed(fd);
    expect_closed(chip);
}

#define BRIDGE_TEST(t) \
    cmocka_unit_test_setup_teardown(t, bridge_setup, bridge_teardown)
#define QUICK_TEST(t) \
    cmocka_unit_test_setup_teardown(t, bridge_setup_quick, bridge_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BRIDGE_TEST(serve__several_clients_by_turns),
        BRIDGE_TEST(serve__octet_by_octet),
        BRIDGE_TEST(serve__commands_sent_at_once_one_after_another),
        BRIDGE_TEST(serve__client_that_has_finished_sending),
        BRIDGE_TEST(serve__half_command_holds_up_nobody),
        QUICK_TEST(serve__half_command_is_closed_in_time),
        BRIDGE_TEST(serve__client_that_ends_within_a_command),
        BRIDGE_TEST(serve__impossible_lengths_are_refused),
        BRIDGE_TEST(serve__what_a_browser_says_is_refused),
        BRIDGE_TEST(serve__command_of_a_client_that_went_is_not_begun),
        BRIDGE_TEST(serve__command_of_a_client_that_goes_is_cancelled),
        BRIDGE_TEST(serve__answer_is_dropped_where_the_chip_does_not_cancel),
        BRIDGE_TEST(serve__failing_link_closes_the_connection),
        BRIDGE_TEST(serve__impossible_answer_closes_the_connection),
        QUICK_TEST(serve__client_that_takes_no_answers_is_closed),
        BRIDGE_TEST(serve__one_more_client_takes_the_place_of_the_idlest),
        BRIDGE_TEST(serve__all_busy_leaves_newcomers_waiting),
        BRIDGE_TEST(serve__ends_within_a_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
