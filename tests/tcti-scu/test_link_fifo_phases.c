/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "fifo-fixture.h"
#include "model-clock.h"
#include "tcti.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <cmocka.h>

/* What befalls the chip or its host in each phase of an exchange. */
#define PHASES 400 /* accesses of an exchange, octets of the FIFO counted */

/* A failure is told once; the next command works, and none ran twice. */
static void
recovers(struct fixture *f, unsigned executed)
{
    TSS2_RC rc = exchange(f, 1);

    if (rc != TSS2_RC_SUCCESS)
        assert_true(rc == TSS2_TCTI_RC_IO_ERROR
            || rc == TSS2_TCTI_RC_MALFORMED_RESPONSE);
    assert_true(f->model.counts.executed - executed <= 1);
    f->model.knobs.reset_after = f->model.knobs.seize_after = 0;
    f->model.active = f->model.active == MODEL_LOCALITIES - 1 ? -1 :
        f->model.active;
    works(f);
    assert_true(f->model.counts.executed - executed <= 2);
}

static void
reset__in_each_phase(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (unsigned n = 1; n < PHASES; n++) {
        f->model.knobs.reset_after = n;
        recovers(f, f->model.counts.executed);
    }
}

static void
seized__in_each_phase(void **state)
{
    struct fixture *f = *state;

    with_items(f, "retries=0");
    start(f);
    for (unsigned n = 3; n < PHASES; n += 7) {
        f->model.knobs.seize_after = n;
        recovers(f, f->model.counts.executed);
    }
}

/* Whoever asks is told which of them it was. */
static void
receive__says_what_happened(void **state)
{
    struct fixture *f = *state;
    struct model_knobs then = { .seize_after = 2 };

    start(f);
    f->then = &then;
    capture_start();
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("holds or took its locality");
    f->model.active = -1;
    then = (struct model_knobs) { .reset_after = 2 };
    capture_start();
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("it was reset meanwhile");
    f->then = NULL;
    works(f);
}

/* --- the host slept, and the chip was without power ---------------------- */

static void
suspend(struct fixture *f)
{
    model_reset(&f->model);
    f->model.knobs.floating = 0xff;
    f->model.knobs.access_reads = 7; /* until it is awake again */
}

static void
suspend__between_commands(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (int i = 0; i < 3; i++) {
        suspend(f);
        works(f);
        works(f);
    }
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 3), TSS2_RC_SUCCESS);
    suspend(f);
    works(f);
    assert_int_equal(f->model.active, 3);
}

static void
suspend__while_a_command_runs(void **state)
{
    struct fixture *f = *state;
    uint8_t response[TPM_MESSAGE_MAX];
    size_t size = sizeof(response);

    start(f);
    f->model.knobs.execution_us = 3600000000u;
    assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, 0),
        TSS2_TCTI_RC_TRY_AGAIN);
    suspend(f);
    f->model.knobs.execution_us = 0;
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, -1),
        TSS2_TCTI_RC_IO_ERROR);
    works(f);
}

/* As it has the same node again, it is not even noticed. */
static void
unplugged__and_back(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->model.knobs.error = ENODEV;
    model_reset(&f->model);
    works(f);
    f->model.knobs.dead = true;
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    f->model.knobs.dead = false;
    model_reset(&f->model);
    works(f);
}

/* --- signals ------------------------------------------------------------- */

static volatile sig_atomic_t signals;

static void
count(int number)
{
    (void)number;
    signals++;
}

static void
ring(long us)
{
    const struct itimerval timer = { { 0, us }, { 0, us } };
    struct sigaction action = { .sa_handler = count }; /* no SA_RESTART */

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void
receive__interrupted_by_signals(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.execution_us = 20000;
    f->model.knobs.invalid_reads = 3;
    model_clock_real = true;
    signals = 0;
    ring(500);
    start(f);
    end(f);
    with_items(f, "irq=/dev/null:5");
    start(f);
    works(f);
    ring(0);
    assert_true(signals > 0);
}

static void
exchange__interrupted_messages(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (unsigned n = 0; n < 40; n++) {
        f->model.knobs.error = EINTR;
        f->model.knobs.error_after = n;
        works(f);
    }
}

/* --- cancelling ---------------------------------------------------------- */

static void
cancel__reaches_the_chip(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->model.knobs.execution_us = 3600000000u;
    for (unsigned n = 1; n < 4; n++) {
        assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
        assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
        assert_int_equal(f->model.counts.cancelled, n);
        assert_int_not_equal(f->model.state, MODEL_EXECUTION);
        assert_int_not_equal(f->model.state, MODEL_COMPLETION);
    }
    f->model.knobs.execution_us = 0;
    works(f);
}

/* The answer is there already: it is dropped, not taken for the next one's. */
static void
cancel__too_late(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    works(f);
}

static void
end__cancels_what_runs(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->model.knobs.execution_us = 3600000000u;
    assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
    end(f);
    assert_int_equal(f->model.counts.cancelled, 1);
    assert_int_equal(f->model.active, -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(reset__in_each_phase),
        BOTH(seized__in_each_phase),
        BOTH(receive__says_what_happened),
        BOTH(suspend__between_commands),
        BOTH(suspend__while_a_command_runs),
        BOTH(unplugged__and_back),
        BOTH(receive__interrupted_by_signals),
        BOTH(exchange__interrupted_messages),
        BOTH(cancel__reaches_the_chip),
        BOTH(cancel__too_late),
        BOTH(end__cancels_what_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
