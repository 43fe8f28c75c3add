/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "fifo-fixture.h"
#include "tcti.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define IRQ "irq=/dev/null:5"
#define GLOBAL 0x80000000u
#define SLOW_US 20000

/* A link whose line has shown that it can be relied on. */
static void
start_proven(struct fixture *f)
{
    with_items(f, IRQ);
    start(f);
    f->model.knobs.execution_us = SLOW_US;
}

static void
assert_interrupts_off(const struct fixture *f)
{
    assert_int_equal(f->model.int_enable, 0x88);
    assert_false(f->model.line_low);
}

/* --- a line that is right ------------------------------------------------ */

static void
receive__is_woken_by_the_line(void **state)
{
    struct fixture *f = *state;
    unsigned before, quick;

    start_proven(f);
    f->model.knobs.execution_us = 0;
    before = f->model.counts.accesses;
    works(f);
    quick = f->model.counts.accesses - before;
    f->model.knobs.execution_us = SLOW_US;
    before = f->model.counts.accesses;
    works(f);
    /* STS is read once more than of a chip that is done at once. */
    assert_int_equal(f->model.counts.accesses - before, quick + 1);
    assert_int_equal(f->model.counts.armed, f->model.counts.executed);
}

static void
interrupts__are_off_but_for_commands(void **state)
{
    struct fixture *f = *state;

    start_proven(f);
    assert_interrupts_off(f);
    works(f);
    assert_interrupts_off(f);
    assert_int_equal(f->model.int_status & 1, 0);
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 2), TSS2_RC_SUCCESS);
    works(f);
    assert_interrupts_off(f);
    end(f);
    assert_interrupts_off(f);
}

static void
interrupts__stay_off_without_a_line(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->model.knobs.execution_us = SLOW_US;
    works(f);
    end(f);
    assert_int_equal(f->model.counts.int_writes, 0);
    assert_int_equal(f->model.counts.armed, 0);
    assert_int_equal(f->model.counts.line_requests, 0);
}

/* A process that was killed left them on; its line is free by then. */
static void
interrupts__left_on_by_another(void **state)
{
    struct fixture *f = *state;

    with_items(f, IRQ);
    f->model.int_enable |= GLOBAL | 1;
    f->model.int_status = 0x81;
    f->model.line_low = true;
    start(f);
    end(f);
    assert_int_equal(f->model.int_enable & GLOBAL, 0);
    assert_false(f->model.line_low);
}

static void
cancel__with_a_line(void **state)
{
    struct fixture *f = *state;

    start_proven(f);
    f->model.knobs.execution_us = 3600000000u;
    assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_interrupts_off(f);
    f->model.knobs.execution_us = 0;
    works(f);
}

/* The chip forgets that it was to interrupt, and its command too. */
static void
receive__chip_is_reset(void **state)
{
    struct fixture *f = *state;

    start_proven(f);
    f->model.knobs.reset_in_execution = true;
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_IO_ERROR);
    f->model.knobs.execution_us = 0;
    works(f);
    assert_interrupts_off(f);
}

/* --- poll handles -------------------------------------------------------- */

static unsigned
exchange_by_poll(struct fixture *f)
{
    uint8_t response[TPM_MESSAGE_MAX];
    TSS2_TCTI_POLL_HANDLE handle;
    unsigned rounds = 0;
    size_t size, n = 1;
    TSS2_RC rc;

    assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
    do {
        assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
            TSS2_RC_SUCCESS);
        assert_int_equal(n, 1);
        assert_int_equal(poll(&handle, 1, -1), 1);
        size = sizeof(response);
        rc = Tss2_Tcti_Receive(f->context, &size, response, 0);
        rounds++;
    } while (rc == TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(rc, TSS2_RC_SUCCESS);
    assert_int_equal(size, f->size);
    return rounds;
}

static void
poll__is_readable_with_the_answer(void **state)
{
    struct fixture *f = *state;

    start_proven(f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(exchange_by_poll(f), 1);
}

/* Each on its own: it may be there or not, right or wrong. */
static void
poll__never_hangs(void **state)
{
    struct fixture *f = *state;

    start_proven(f);
    f->model.knobs.dead_line = true;
    for (int i = 0; i < 5; i++)
        (void)exchange_by_poll(f);
    end(f);
    f->model.knobs.dead_line = false;
    f->model.knobs.noisy_line = true;
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    for (int i = 0; i < 5; i++)
        (void)exchange_by_poll(f);
}

/* --- a line that is wrong ------------------------------------------------ */

static void
line__is_dead(void **state)
{
    struct fixture *f = *state;

    with_items(f, IRQ);
    f->model.knobs.dead_line = true;
    f->model.knobs.execution_us = SLOW_US;
    capture_start();
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    for (int i = 0; i < 6; i++)
        works(f);
    capture_expect("irq=/dev/null:5 brings no interrupts");
    /* One request of the line to try it, then three commands. */
    assert_int_equal(f->model.counts.line_requests, 4);
    assert_int_equal(f->model.counts.armed, 3);
    assert_interrupts_off(f);
}

static void
line__dies(void **state)
{
    struct fixture *f = *state;

    start_proven(f);
    works(f);
    f->model.knobs.dead_line = true;
    capture_start();
    for (int i = 0; i < 6; i++)
        works(f);
    capture_expect("brings no interrupts");
    assert_int_equal(f->model.counts.armed, 5);
}

static void
line__is_noisy(void **state)
{
    struct fixture *f = *state;

    with_items(f, IRQ);
    f->model.knobs.noisy_line = true;
    f->model.knobs.execution_us = SLOW_US;
    capture_start();
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    for (int i = 0; i < 3; i++)
        works(f);
    capture_expect("brings no interrupts");
    assert_interrupts_off(f);
}

static void
line__chip_has_no_interrupts(void **state)
{
    struct fixture *f = *state;

    with_items(f, IRQ);
    f->model.knobs.no_interrupts = true;
    capture_start();
    start(f);
    works(f);
    capture_expect("brings no interrupts");
    assert_int_equal(f->model.counts.int_writes, 0);
}

static void
line__is_none(void **state)
{
    struct fixture *f = *state;

    with_items(f, "irq=/dev/null:6");
    capture_start();
    assert_int_equal(init(f), TSS2_TCTI_RC_NO_CONNECTION);
    capture_expect("irq=/dev/null:6 cannot be used");
    *strstr(f->conf, ",irq") = '\0';
    with_items(f, "irq=gpiochip0");
    assert_int_equal(init(f), TSS2_TCTI_RC_NO_CONNECTION);
}

/* A line has one user; the chip's next user takes it with the exchange. */
static void
line__is_shared(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *first;

    start_proven(f);
    first = f->context;
    f->context = NULL;
    start(f);
    end(f);
    f->context = first;
    works(f);
    assert_int_equal(f->model.counts.armed, f->model.counts.executed);
}

static void
line__in_a_child(void **state)
{
    struct fixture *f = *state;
    pid_t child;
    int status;

    start_proven(f);
    child = fork();
    if (child == 0) {
        works(f);
        end(f);
        _exit(f->model.counts.armed == f->model.counts.executed ? 0 : 1);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    works(f);
    assert_int_equal(exchange_by_poll(f), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(receive__is_woken_by_the_line),
        BOTH(interrupts__are_off_but_for_commands),
        BOTH(interrupts__stay_off_without_a_line),
        BOTH(interrupts__left_on_by_another),
        BOTH(cancel__with_a_line),
        BOTH(receive__chip_is_reset),
        BOTH(poll__is_readable_with_the_answer),
        BOTH(poll__never_hangs),
        BOTH(line__is_dead),
        BOTH(line__dies),
        BOTH(line__is_noisy),
        ON(line__chip_has_no_interrupts, spi),
        ON(line__is_none, spi),
        BOTH(line__is_shared),
        BOTH(line__in_a_child),
    };

    (void)setenv("SCU_LOG", "warn", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
