/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "deadline.h"
#include "uart-fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* A faulty line, and ends that start anew; the fixture's end counts twice. */

static struct line_plan *
plan(struct fixture *f, uint8_t type)
{
    return &f->view->plan[type];
}

static unsigned
commands(struct fixture *f)
{
    unsigned n = hold(f)->chip.counts.commands;

    let(f);
    return n;
}

/* --- frames that are lost, doubled, late -------------------------------------- */

static const uint8_t all_types[] = {
    WIRE_HELLO, WIRE_COMMAND, WIRE_POLL, WIRE_WELCOME, WIRE_WORKING,
    WIRE_RESPONSE, WIRE_UNKNOWN,
};

/* Each type, up to three times; POLL and UNKNOWN come after a lost COMMAND. */
static void
lost__each_type(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;

    start(f);
    for (size_t i = 0; i < sizeof(all_types); i++) {
        for (unsigned times = 1; times <= 3; times += 2) {
            (void)hold(f);
            plan(f, WIRE_COMMAND)->lose = 1;
            plan(f, all_types[i])->lose = times;
            let(f);
            works(f);
            assert_int_equal(started(f), ++n);
        }
    }
}

static void
doubled__each_type(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;

    start(f);
    for (size_t i = 0; i < sizeof(all_types); i++) {
        (void)hold(f);
        plan(f, WIRE_COMMAND)->lose = all_types[i] != WIRE_COMMAND;
        plan(f, all_types[i])->twice = 3;
        let(f);
        works(f);
        works(f);
        n += 2;
        assert_int_equal(started(f), n);
    }
}

/* Later than what the host then sends, and than what follows it. */
static void
late__each_type(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;

    start(f);
    for (size_t i = 0; i < sizeof(all_types); i++) {
        for (unsigned ms = 70; ms <= 350; ms += 140) {
            (void)hold(f);
            plan(f, WIRE_COMMAND)->lose = all_types[i] != WIRE_COMMAND;
            plan(f, all_types[i])->late_ms = ms;
            f->tpm.takes_us = 250000;
            let(f);
            works(f);
            (void)hold(f);
            f->tpm.takes_us = 0;
            let(f);
            works(f);
            n += 2;
            assert_int_equal(started(f), n);
        }
    }
}

/* UNKNOWN to the first POLL comes when the command has been heard of. */
static void
late__unknown_changes_nothing(void **state)
{
    struct fixture *f = *state;

    start(f);
    (void)hold(f);
    plan(f, WIRE_COMMAND)->lose = 1;
    plan(f, WIRE_UNKNOWN)->late_ms = 250;
    f->tpm.takes_us = 600000;
    let(f);
    works(f);
    assert_int_equal(started(f), 1);
    assert_int_equal(hold(f)->counts.late, 1);
    let(f);
}

static void
late__everything(void **state)
{
    struct fixture *f = *state;

    hold(f)->delay_ms = 120; /* longer than the host waits before it asks */
    let(f);
    start(f);
    for (int i = 0; i < 4; i++)
        works(f);
    assert_int_equal(started(f), 4);
}

/* --- octets ----------------------------------------------------------------------- */

static void
octets__noise_between_frames(void **state)
{
    uint8_t noise[9000];
    struct fixture *f = *state;

    start(f);
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)(i * 31 % 251 + (i % 2000 != 0));
    for (int i = 0; i < 5; i++) {
        line_noise(f->line, noise, 100 + (size_t)i * 2000);
        works(f);
    }
    assert_int_equal(started(f), 5);
}

static void
octets__damaged(void **state)
{
    struct fixture *f = *state;

    start(f);
    (void)hold(f);
    f->view->to_chip = f->view->to_host = (struct line_faults) {
        .lose_octets = 1000, .flip_octets = 1000, .add_octets = 1000,
    };
    let(f);
    for (int i = 0; i < 40; i++)
        works(f);
    assert_int_equal(started(f), 40);
    assert_true(hold(f)->counts.damaged > 0);
    let(f);
}

/* --- the chip starts anew ----------------------------------------------------------- */

static void
restart__between_commands(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (int i = 0; i < 3; i++) {
        works(f);
        connector_restart(&hold(f)->chip);
        let(f);
    }
    works(f);
    assert_int_equal(started(f), 4);
}

static void
restart__while_it_executes(void **state)
{
    struct fixture *f = *state;

    start(f);
    (void)hold(f);
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 20), TSS2_TCTI_RC_TRY_AGAIN);
    wait_started(f, 1);
    connector_restart(&hold(f)->chip);
    f->tpm.takes_us = 0;
    let(f);
    receive_fails(f, TSS2_TCTI_RC_IO_ERROR, "started anew");
    works(f);
    assert_int_equal(started(f), 2);
}

/* It executed, and nothing of it reached the host: that must be an error. */
static void
restart__after_an_unheard_command(void **state)
{
    struct fixture *f = *state;

    start(f);
    (void)hold(f);
    plan(f, WIRE_WORKING)->lose = plan(f, WIRE_RESPONSE)->lose = 100;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    wait_started(f, 1);
    connector_restart(&hold(f)->chip);
    plan(f, WIRE_WORKING)->lose = plan(f, WIRE_RESPONSE)->lose = 0;
    let(f);
    receive_fails(f, TSS2_TCTI_RC_IO_ERROR, "started anew");
    works(f);
    assert_int_equal(started(f), 2);
}

/* After WELCOME, before COMMAND: nothing was executed, and it is sent again. */
static bool
restarts_once(void *user, struct connector *c, const struct wire_frame *frame)
{
    unsigned *left = user;

    if (frame->type != WIRE_COMMAND || *left == 0)
        return false;
    (*left)--;
    connector_restart(c);
    return false;
}

static void
restart__before_the_command(void **state)
{
    struct fixture *f = *state;
    unsigned left = 3;

    start(f);
    hold(f)->chip.hook = restarts_once;
    f->view->chip.hook_user = &left;
    let(f);
    works(f);
    assert_int_equal(started(f), 1);
    (void)hold(f);
    assert_int_equal(left, 0);
    let(f);
}

/* --- others on the line ---------------------------------------------------------------- */

/* Also where the first COMMAND in the stale epoch is lost. */
static void
epochs__change_over_with_losses(void **state)
{
    static const uint8_t types[] = {
        WIRE_COMMAND, WIRE_UNKNOWN, WIRE_HELLO, WIRE_WELCOME,
    };
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *other;

    start(f);
    assert_int_equal(uart_init(f, ",timeout=100", &other), TSS2_RC_SUCCESS);
    for (size_t i = 0; i < sizeof(types); i++) {
        for (int j = 0; j < 2; j++) {
            (void)hold(f);
            plan(f, types[i])->lose = 1;
            let(f);
            works(f);
            (void)hold(f);
            plan(f, types[i])->lose = 1;
            let(f);
            assert_int_equal(transmit_len(f, other, COMMAND_MIN),
                TSS2_RC_SUCCESS);
            assert_int_equal(receive_on(f, other, -1), TSS2_RC_SUCCESS);
        }
    }
    uart_end(&other);
    assert_int_equal(started(f), 16);
}

/* Its process is killed; the next HELLO ends what executes. */
static void
host__killed_in_mid_command(void **state)
{
    struct fixture *f = *state;
    pid_t pid;

    (void)hold(f);
    f->tpm.takes_us = -1;
    let(f);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        f->tag = 1000;
        if (uart_init(f, "", &f->context) != TSS2_RC_SUCCESS)
            _exit(1);
        (void)transmit(f);
        (void)receive(f, -1);
        _exit(1);
    }
    wait_started(f, 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    start(f);
    (void)hold(f);
    assert_int_equal(f->tpm.canceled, 1);
    f->tpm.takes_us = 0;
    let(f);
    works(f);
    assert_int_equal(started(f), 2);
}

/* --- unplugged ---------------------------------------------------------------------------- */

static void
unplug__while_idle(void **state)
{
    struct fixture *f = *state;

    start(f);
    works(f);
    line_unplug(f->line);
    transmit_fails(f, TSS2_TCTI_RC_IO_ERROR, "plugged in?");
    transmit_fails(f, TSS2_TCTI_RC_IO_ERROR, "plugged in?");
    line_plug(f->line);
    works(f);
    line_unplug(f->line);
    line_plug(f->line);
    works(f);
    assert_int_equal(started(f), 3);
}

static void
unplug__in_mid_command(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (unsigned i = 0; i < 3; i++) {
        (void)hold(f);
        f->tpm.takes_us = -1;
        let(f);
        assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
        wait_started(f, 2 * i + 1);
        line_unplug(f->line);
        receive_fails(f, TSS2_TCTI_RC_IO_ERROR, "the line is gone");
        line_plug(f->line);
        (void)hold(f);
        f->tpm.takes_us = 0;
        let(f);
        works(f);
    }
    assert_int_equal(started(f), 6);
}

static void
unplug__then_end(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    line_unplug(f->line);
    uart_end(&f->context);
}

/* The wire is cut, the device stays: silence. */
static void
silence__in_mid_command(void **state)
{
    struct fixture *f = *state;
    int64_t before;

    start(f);
    (void)hold(f);
    f->view->to_chip.lose_frames = 1000000;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    before = deadline_now();
    receive_fails(f, TSS2_TCTI_RC_IO_ERROR, "");
    assert_true(deadline_now() - before < 8000);
    (void)hold(f);
    f->view->to_chip.lose_frames = 0;
    let(f);
    works(f);
    assert_true(commands(f) >= 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UART_TEST(lost__each_type),
        UART_TEST(doubled__each_type),
        UART_TEST(late__each_type),
        UART_TEST(late__unknown_changes_nothing),
        UART_TEST(late__everything),
        UART_TEST(octets__noise_between_frames),
        UART_TEST(octets__damaged),
        UART_TEST(restart__between_commands),
        UART_TEST(restart__while_it_executes),
        UART_TEST(restart__after_an_unheard_command),
        UART_TEST(restart__before_the_command),
        UART_TEST(epochs__change_over_with_losses),
        UART_TEST(host__killed_in_mid_command),
        UART_TEST(unplug__while_idle),
        UART_TEST(unplug__in_mid_command),
        UART_TEST(unplug__then_end),
        UART_TEST(silence__in_mid_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
