/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridge-fixture.h"
#include "bridgecontrol.h"

#include <poll.h>
#include <scu/link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* The control channel, and this project's own link over a bridge. */

static const uint8_t chip_cancel[4] = { 0, 0, 0, 9 };

/* --- the parser --------------------------------------------------------------- */

static void
control_parse__knows_how_long_requests_are(void **state)
{
    static const struct { uint8_t number, len; } known[] = {
        { 1, 4 }, { 2, 8 }, { 3, 4 }, { 5, 5 }, { 9, 4 }, { 14, 4 },
    };
    struct control_request r;

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const uint8_t data[CONTROL_REQUEST_MAX] = {
            0, 0, 0, known[i].number };

        for (size_t len = 0; len < known[i].len; len++) {
            assert_false(control_parse(data, len, &r));
            assert_int_equal(r.need, len < 4 ? 4 : known[i].len);
        }
        assert_true(control_parse(data, known[i].len, &r));
        assert_int_equal(r.need, known[i].len);
        assert_false(r.last);
        assert_int_equal(wire_get32(r.answer), 0);
    }
}

static void
control_parse__unknown_requests_are_the_last(void **state)
{
    static const uint32_t unknown[] = {
        0, 4, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18, 19, 0x105, 0x5000000,
        UINT32_MAX,
    };
    struct control_request r;
    uint8_t data[4];

    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        wire_put32(data, unknown[i]);
        assert_true(control_parse(data, sizeof(data), &r));
        assert_true(r.last);
        assert_int_equal(r.action, CONTROL_SAY);
        assert_int_equal(r.answer_len, 4);
        assert_int_equal(wire_get32(r.answer), CONTROL_UNKNOWN);
    }
}

static void
control_parse__localities(void **state)
{
    struct control_request r;
    uint8_t data[5] = { 0, 0, 0, 5 };

    (void)state;
    for (unsigned n = 0; n <= UINT8_MAX; n++) {
        data[4] = (uint8_t)n;
        assert_true(control_parse(data, sizeof(data), &r));
        assert_int_equal(r.action, n <= 4 ? CONTROL_LOCALITY : CONTROL_SAY);
        assert_int_equal(wire_get32(r.answer),
            n <= 4 ? 0 : CONTROL_BAD_LOCALITY);
        assert_true(r.locality <= 4);
    }
}

static void
control_parse__capabilities_are_what_it_does(void **state)
{
    static const uint8_t data[4] = { 0, 0, 0, 1 };
    struct control_request r;

    (void)state;
    assert_true(control_parse(data, sizeof(data), &r));
    assert_int_equal(r.answer_len, 8);
    assert_int_equal(wire_get32(r.answer + 4), 0x42b);
}

/* --- requests --------------------------------------------------------------------- */

static void
request__one_after_another_on_a_connection(void **state)
{
    static const uint8_t all[] = { 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3,
        0, 0, 0, 14, 0, 0, 0, 5, 7, 0, 0, 0, 9 };
    struct fixture *f = *state;
    int fd = control_client(f), client = data_client(f);

    for (size_t i = 0; i < sizeof(all); i++)
        give(fd, all + i, 1);
    expect_result(fd, 0);
    expect_result(fd, 0);
    expect_result(fd, 0);
    expect_result(fd, CONTROL_BAD_LOCALITY);
    expect_result(fd, 0);
    assert_true(said(f, "asked to reset the chip, which is not done"));
    good_exchange(f, client, 1); /* nothing was ended by all that */
    (void)close(fd);
    (void)close(client);
}

/* What follows is not understood: it might be anything. */
static void
request__unknown_one_ends_the_connection(void **state)
{
    static const uint8_t data[] = { 0, 0, 0, 0x10, 0, 0, 0, 9, 1, 2, 3 };
    struct fixture *f = *state;
    int fd = control_client(f);

    give(fd, data, sizeof(data));
    expect_result(fd, CONTROL_UNKNOWN);
    expect_closed(fd);
    assert_true(said(f, "control command 0x10"));
}

static void
request__half_one_is_closed_in_time(void **state)
{
    static const uint8_t data[] = { 0, 0, 0, 5 };
    struct fixture *f = *state;
    int fd = control_client(f), client = data_client(f);

    give(fd, data, sizeof(data));
    good_exchange(f, client, 1);
    expect_closed(fd);
    (void)close(client);
}

static void
request__locality_waits_for_the_command_before_it(void **state)
{
    static const uint8_t two[5] = { 0, 0, 0, 5, 2 }, zero[5] = { 0, 0, 0, 5 };
    struct fixture *f = *state;
    int fd = control_client(f), client = data_client(f);
    int chip;

    give_command(client, 1);
    chip = chip_expect(f, 1);
    give(fd, two, sizeof(two));
    chip_answer(chip, 1);
    expect_answer(client, 1);
    chip_control_expect(f, two, sizeof(two), 0); /* the link tries it */
    chip_control_expect(f, zero, sizeof(zero), 0);
    expect_result(fd, 0);
    give_command(client, 2);
    chip_control_expect(f, two, sizeof(two), 0);
    chip = chip_expect(f, 2);
    chip_answer(chip, 2);
    chip_control_expect(f, zero, sizeof(zero), 0);
    expect_answer(client, 2);
    (void)close(fd);
    (void)close(client);
}

static void
request__locality_that_the_chip_refuses(void **state)
{
    static const uint8_t four[5] = { 0, 0, 0, 5, 4 };
    struct fixture *f = *state;
    int fd = control_client(f), client = data_client(f);

    give(fd, four, sizeof(four));
    chip_control_expect(f, four, sizeof(four), 0x3d);
    expect_result(fd, CONTROL_FAILED);
    good_exchange(f, client, 1);
    (void)close(fd);
    (void)close(client);
}

/* --- cancel ------------------------------------------------------------------------ */

static void
cancel__own_commands_at_the_chip_and_before_it(void **state)
{
    static const uint8_t stop[4] = { 0, 0, 0, 14 };
    struct fixture *f = *state;
    int fd = control_client(f), a = data_client(f), b = data_client(f);
    int chip;

    good_exchange(f, b, 3);
    give_command(a, 1);
    chip = chip_expect(f, 1);
    give_command(b, 2);
    give(fd, stop, sizeof(stop));
    expect_result(fd, 0); /* so B's command was seen, too */
    give(fd, chip_cancel, sizeof(chip_cancel));
    chip_control_expect(f, chip_cancel, sizeof(chip_cancel), 0);
    expect_result(fd, 0);
    expect_cancelled(a);
    expect_cancelled(b);
    expect_closed(chip);
    good_exchange(f, b, 4);
    (void)close(fd);
    (void)close(a);
    (void)close(b);
}

static void
cancel__one_that_the_chip_does_not_cancel_goes_on(void **state)
{
    struct fixture *f = *state;
    int fd = control_client(f), a = data_client(f);
    int chip;

    give_command(a, 1);
    chip = chip_expect(f, 1);
    give(fd, chip_cancel, sizeof(chip_cancel));
    chip_control_expect(f, chip_cancel, sizeof(chip_cancel), 9);
    expect_result(fd, CONTROL_FAILED);
    chip_answer(chip, 1);
    expect_answer(a, 1);
    (void)close(fd);
    (void)close(a);
}

/* A process whose command 9 is at the chip; it exits with 0 if it got that. */
static pid_t
other_process(struct fixture *f, int *chip, bool cancelled)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = data_client(f);

        give_command(fd, 9);
        if (cancelled)
            expect_cancelled(fd);
        else
            expect_answer(fd, 9);
        _exit(0);
    }
    *chip = chip_expect(f, 9);
    return pid;
}

static void
expect_success(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
cancel__spares_another_process(void **state)
{
    struct fixture *f = *state;
    int own = data_client(f), fd = control_client(f);
    int chip = -1;
    pid_t pid = other_process(f, &chip, false);

    give(fd, chip_cancel, sizeof(chip_cancel));
    expect_result(fd, 0);
    chip_answer(chip, 9);
    expect_success(pid);
    good_exchange(f, own, 1);
    (void)close(own);
    (void)close(fd);
}

static void
cancel__hits_what_runs_where_nothing_is_the_senders(void **state)
{
    struct fixture *f = *state;
    int fd = control_client(f);
    int chip = -1;
    pid_t pid = other_process(f, &chip, true);

    give(fd, chip_cancel, sizeof(chip_cancel));
    chip_control_expect(f, chip_cancel, sizeof(chip_cancel), 0);
    expect_result(fd, 0);
    expect_success(pid);
    expect_closed(chip);
    (void)close(fd);
}

/* --- our own link -------------------------------------------------------------------- */

/* go is readable when the command is at the chip. */
static int
own_link(const struct fixture *f, int go)
{
    uint8_t command[12], answer[12], data[SCU_LINK_MESSAGE_MAX];
    struct scu_chip_options options = { 0 };
    struct scu_link *link = NULL;
    char tcti[96];
    size_t len = 0;
    int rc;

    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s", f->path);
    options.tcti = tcti;
    make_command(command, 1);
    if ((rc = scu_link_open(&options, &link)) != SCU_OK ||
        (rc = scu_link_send(link, command, sizeof(command))) != SCU_OK ||
        (rc = scu_link_receive(link, 0, data, sizeof(data), &len)) != SCU_OK)
        return rc;
    if (len != 0 || scu_link_fd(link) < 0)
        return 1;
    await(go, POLLIN);
    if ((rc = scu_link_cancel(link)) != SCU_OK)
        return rc;
    make_command(command, 2);
    make_answer(answer, 2);
    if ((rc = scu_link_send(link, command, sizeof(command))) != SCU_OK ||
        (rc = scu_link_receive(link, -1, data, sizeof(data), &len)) != SCU_OK)
        return rc;
    scu_link_free(&link);
    return len == sizeof(answer) && memcmp(data, answer, len) == 0 ? 0 : 2;
}

static void
own_link__cancels_over_the_bridge(void **state)
{
    struct fixture *f = *state;
    int go[2] = { -1, -1 };
    int chip;
    pid_t pid;

    assert_int_equal(pipe(go), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(own_link(f, go[0]) == 0 ? 0 : 1);
    chip = chip_expect(f, 1);
    assert_int_equal(write(go[1], "", 1), 1);
    chip_control_expect(f, chip_cancel, sizeof(chip_cancel), 0);
    expect_closed(chip);
    chip_answer(chip_expect(f, 2), 2);
    expect_success(pid);
    (void)close(go[0]);
    (void)close(go[1]);
}

#define BRIDGE_TEST(t) \
    cmocka_unit_test_setup_teardown(t, bridge_setup, bridge_teardown)
#define QUICK_TEST(t) \
    cmocka_unit_test_setup_teardown(t, bridge_setup_quick, bridge_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_parse__knows_how_long_requests_are),
        cmocka_unit_test(control_parse__unknown_requests_are_the_last),
        cmocka_unit_test(control_parse__localities),
        cmocka_unit_test(control_parse__capabilities_are_what_it_does),
        BRIDGE_TEST(request__one_after_another_on_a_connection),
        BRIDGE_TEST(request__unknown_one_ends_the_connection),
        QUICK_TEST(request__half_one_is_closed_in_time),
        BRIDGE_TEST(request__locality_waits_for_the_command_before_it),
        BRIDGE_TEST(request__locality_that_the_chip_refuses),
        BRIDGE_TEST(cancel__own_commands_at_the_chip_and_before_it),
        BRIDGE_TEST(cancel__one_that_the_chip_does_not_cancel_goes_on),
        BRIDGE_TEST(cancel__spares_another_process),
        BRIDGE_TEST(cancel__hits_what_runs_where_nothing_is_the_senders),
        BRIDGE_TEST(own_link__cancels_over_the_bridge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
