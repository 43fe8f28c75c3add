/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "deadline.h"
#include "uart-fixture.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <cmocka.h>

/* The contract of a TCTI on a sound line. */

static void
init_fails(struct fixture *f, const char *more, TSS2_RC rc, const char *part)
{
    TSS2_TCTI_CONTEXT *context;

    capture_start();
    assert_int_equal(uart_init(f, more, &context), rc);
    capture_expect(part);
}

static void
init__sends_no_command(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_int_equal(hold(f)->chip.counts.hellos, 1);
    assert_int_equal(f->view->chip.counts.commands, 0);
    let(f);
    works(f);
    works(f);
    assert_int_equal(started(f), 2);
    assert_int_equal(hold(f)->chip.counts.hellos, 1);
    let(f);
}

static void
init__no_device(void **state)
{
    struct fixture *f = *state;

    line_unplug(f->line);
    init_fails(f, "", TSS2_TCTI_RC_NO_CONNECTION, "plugged in?");
}

static void
init__nobody_answers(void **state)
{
    struct fixture *f = *state;

    hold(f)->to_chip.lose_frames = 1000000;
    let(f);
    init_fails(f, "", TSS2_TCTI_RC_NO_CONNECTION, "nobody answers");
}

static void
init__malformed_baud(void **state)
{
    struct fixture *f = *state;

    init_fails(f, ",baud=9601", TSS2_TCTI_RC_BAD_VALUE, "baud=9601");
    init_fails(f, ",baud=1", TSS2_TCTI_RC_BAD_VALUE, "baud=1");
}

static bool
another_version(void *user, struct connector *c, const struct wire_frame *frame)
{
    (void)user;
    if (frame->type != WIRE_HELLO)
        return false;
    connector_say(c, WIRE_WELCOME, (const uint8_t[]) { 2, 0x10, 0 }, 3);
    return true;
}

static void
init__another_version(void **state)
{
    struct fixture *f = *state;

    hold(f)->chip.hook = another_version;
    let(f);
    init_fails(f, "", TSS2_TCTI_RC_NO_CONNECTION, "another version");
}

static void
receive__size_query_and_short_buffer(void **state)
{
    struct fixture *f = *state;
    uint8_t response[100];
    size_t size = 0;

    start(f);
    assert_int_equal(hold(f)->counts.lost, 0);
    f->tpm.response_len = 100;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(size, 100);
    size = 99;
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, -1),
        TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
    assert_int_equal(size, 100);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, 0),
        TSS2_RC_SUCCESS);
    assert_int_equal(response[13], f->tag);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, 0),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    works(f);
}

static void
receive__timeouts(void **state)
{
    struct fixture *f = *state;
    int64_t before;

    start(f);
    hold(f)->chip.working_ms = 20;
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    before = deadline_now();
    for (int i = 0; i < 10; i++)
        assert_int_equal(receive(f, 0), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(deadline_now() - before < 500);
    before = deadline_now();
    assert_int_equal(receive(f, 90), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(deadline_now() - before >= 90);
    wait_started(f, 1);
    (void)hold(f);
    f->tpm.takes_us = 0;
    let(f);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
    assert_int_equal(started(f), 1);
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int signal)
{
    alarms += signal == SIGALRM;
}

static void
receive__signals_do_not_shorten_it(void **state)
{
    const struct itimerval often = { { 0, 3000 }, { 0, 3000 } };
    const struct itimerval never = { { 0, 0 }, { 0, 0 } };
    struct sigaction action = { .sa_handler = on_alarm };
    struct fixture *f = *state;
    int64_t before;

    start(f);
    (void)hold(f);
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    before = deadline_now();
    assert_int_equal(receive(f, 100), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(deadline_now() - before >= 100);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_true(alarms > 0);
}

static void
receive__longest_messages(void **state)
{
    static uint8_t response[4096];
    struct fixture *f = *state;
    size_t size = sizeof(response);

    start(f);
    (void)hold(f);
    f->tpm.response_len = 4096;
    let(f);
    assert_int_equal(transmit_len(f, f->context, 4096), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(size, 4096);
    assert_int_equal(response[13], f->tag);
}

static void
states__bad_sequence(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(transmit(f), TSS2_TCTI_RC_BAD_SEQUENCE);
    f->tag--;
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 1),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(Tss2_Tcti_MakeSticky(f->context, NULL, 0),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

static void
works_in(struct fixture *f, uint8_t locality)
{
    works(f);
    (void)hold(f);
    assert_int_equal(f->tpm.locality, locality);
    let(f);
}

static void
locality__goes_with_each_command(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(uart_init(f, ",locality=3", &f->context),
        TSS2_RC_SUCCESS);
    works_in(f, 3);
    for (uint8_t i = 0; i <= 4; i++) {
        assert_int_equal(Tss2_Tcti_SetLocality(f->context, i),
            TSS2_RC_SUCCESS);
        works_in(f, i);
    }
    capture_start();
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 5),
        TSS2_TCTI_RC_BAD_VALUE);
    capture_expect("locality 5");
}

/* --- cancel -------------------------------------------------------------------- */

static void
cancel__reaches_the_chip(void **state)
{
    struct fixture *f = *state;

    start(f);
    (void)hold(f);
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    wait_started(f, 1);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    (void)hold(f);
    assert_int_equal(f->tpm.canceled, 1);
    assert_false(f->tpm.running);
    f->tpm.takes_us = 0;
    let(f);
    works(f);
    assert_int_equal(started(f), 2);
}

static void
cancel__drops_a_response_that_was_there(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;

    start(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    works(f);
}

/* It is lost three times. */
static void
cancel__is_sent_again(void **state)
{
    struct fixture *f = *state;

    start(f);
    hold(f)->plan[WIRE_CANCEL].lose = 3;
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    wait_started(f, 1);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    (void)hold(f);
    assert_int_equal(f->tpm.canceled, 1);
    f->tpm.takes_us = 0;
    let(f);
    works(f);
}

/* The command never gets there: nothing is to be cancelled, or to run. */
static void
cancel__of_a_command_that_was_lost(void **state)
{
    struct fixture *f = *state;

    start(f);
    hold(f)->plan[WIRE_COMMAND].lose = 1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_int_equal(started(f), 0);
    works(f);
    assert_int_equal(started(f), 1);
}

/* Cancelled before the epoch is begun. */
static void
cancel__while_greeting(void **state)
{
    struct fixture *f = *state;

    start(f);
    connector_restart(&hold(f)->chip);
    f->view->plan[WIRE_WELCOME].lose = 2;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 150), TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_int_equal(started(f), 0);
    works(f);
    assert_int_equal(started(f), 1);
}

/* A chip that cannot cancel holds nobody up: a new epoch ends the command. */
static void
cancel__deaf_chip(void **state)
{
    struct fixture *f = *state;
    int64_t before;

    start(f);
    hold(f)->chip.working_ms = 20;
    f->tpm.takes_us = -1;
    f->tpm.deaf = true;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    wait_started(f, 1);
    before = deadline_now();
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_true(deadline_now() - before < 10000);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 50), TSS2_TCTI_RC_TRY_AGAIN);
    (void)hold(f);
    f->tpm.takes_us = 0;
    let(f);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
    assert_int_equal(started(f), 2);
}

static void
finalize__cancels(void **state)
{
    struct fixture *f = *state;

    start(f);
    (void)hold(f);
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    wait_started(f, 1);
    uart_end(&f->context);
    (void)hold(f);
    assert_int_equal(f->tpm.canceled, 1);
    f->tpm.takes_us = 0;
    let(f);
}

/* --- poll handles ----------------------------------------------------------------- */

static int
poll_once(struct fixture *f, int timeout)
{
    TSS2_TCTI_POLL_HANDLE handle[1];
    size_t n = 1;

    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(n, 1);
    return poll(handle, 1, timeout);
}

/* As a program does that has other things to wait for. */
static void
receive_by_poll(struct fixture *f)
{
    TSS2_RC rc;

    for (int i = 0; i < 200; i++) {
        assert_int_equal(poll_once(f, 10000), 1);
        rc = receive(f, 0);
        if (rc != TSS2_TCTI_RC_TRY_AGAIN) {
            assert_int_equal(rc, TSS2_RC_SUCCESS);
            return;
        }
    }
    fail_msg("200 times readable, and no response");
}

static void
poll__says_when_there_is_work(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_int_equal(poll_once(f, 0), 0);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    receive_by_poll(f);
    assert_int_equal(poll_once(f, 0), 0);
}

static void
poll__when_frames_are_lost(void **state)
{
    static const uint8_t types[] = {
        WIRE_COMMAND, WIRE_WORKING, WIRE_RESPONSE, WIRE_POLL, WIRE_HELLO,
    };
    struct fixture *f = *state;

    start(f);
    for (size_t i = 0; i < sizeof(types); i++) {
        hold(f)->plan[types[i]].lose = 2;
        f->view->plan[WIRE_RESPONSE].lose = 1;
        let(f);
        assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
        receive_by_poll(f);
    }
}

/* Who keeps the handle from the first time on does not spin either. */
static void
poll__the_handle_stays_good(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_POLL_HANDLE handle[1];
    size_t n = 1;
    unsigned wakes = 0;
    TSS2_RC rc;

    start(f);
    (void)hold(f);
    f->tpm.takes_us = 700000;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, handle, &n),
        TSS2_RC_SUCCESS);
    do {
        assert_int_equal(poll(handle, 1, 10000), 1);
        wakes++;
    } while ((rc = receive(f, 0)) == TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(rc, TSS2_RC_SUCCESS);
    assert_in_range(wakes, 2, 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UART_TEST(init__sends_no_command),
        UART_TEST(init__no_device),
        UART_TEST(init__nobody_answers),
        UART_TEST(init__malformed_baud),
        UART_TEST(init__another_version),
        UART_TEST(receive__size_query_and_short_buffer),
        UART_TEST(receive__timeouts),
        UART_TEST(receive__signals_do_not_shorten_it),
        UART_TEST(receive__longest_messages),
        UART_TEST(states__bad_sequence),
        UART_TEST(locality__goes_with_each_command),
        UART_TEST(cancel__reaches_the_chip),
        UART_TEST(cancel__drops_a_response_that_was_there),
        UART_TEST(cancel__is_sent_again),
        UART_TEST(cancel__of_a_command_that_was_lost),
        UART_TEST(cancel__while_greeting),
        UART_TEST(cancel__deaf_chip),
        UART_TEST(finalize__cancels),
        UART_TEST(poll__says_when_there_is_work),
        UART_TEST(poll__when_frames_are_lost),
        UART_TEST(poll__the_handle_stays_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
