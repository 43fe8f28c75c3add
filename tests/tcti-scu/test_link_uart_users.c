/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "uart-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Several contexts and processes on one line, forks among them. */

static void
users__two_contexts(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *other;

    start(f);
    assert_int_equal(uart_init(f, ",timeout=100", &other), TSS2_RC_SUCCESS);
    for (int i = 0; i < 10; i++) {
        works(f);
        assert_int_equal(transmit_len(f, other, COMMAND_MIN), TSS2_RC_SUCCESS);
        assert_int_equal(receive_on(f, other, -1), TSS2_RC_SUCCESS);
    }
    uart_end(&other);
    works(f);
    assert_int_equal(started(f), 21);
}

/* Commands of a child; its tags are its own. 0: all went well. */
static int
child(struct fixture *f, TSS2_TCTI_CONTEXT *context, uint32_t tag, int n)
{
    int bad = 0;

    f->tag = tag;
    for (int i = 0; i < n; i++)
        if (transmit_len(f, context, COMMAND_MIN) != TSS2_RC_SUCCESS
            || receive_on(f, context, -1) != TSS2_RC_SUCCESS)
            bad++;
    return bad;
}

static void
join(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
users__two_processes(void **state)
{
    struct fixture *f = *state;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (uart_init(f, "", &f->context) != TSS2_RC_SUCCESS)
            _exit(101);
        _exit(child(f, f->context, 10000, 100));
    }
    assert_int_equal(uart_init(f, "", &f->context), TSS2_RC_SUCCESS);
    assert_int_equal(child(f, f->context, 100, 100), 0);
    join(pid);
    assert_int_equal(started(f), 200);
}

/* A child uses the context of its parent: it begins an epoch of its own. */
static void
users__fork(void **state)
{
    struct fixture *f = *state;
    pid_t pid;

    start(f);
    works(f);
    for (int i = 0; i < 3; i++) {
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(child(f, f->context, 5000 + (uint32_t)i * 10, 5));
        join(pid);
        works(f);
    }
    assert_int_equal(started(f), 19);
}

/* In mid-command the child neither sees nor ends the parent's. */
static void
users__fork_in_mid_command(void **state)
{
    struct fixture *f = *state;
    pid_t pid;

    start(f);
    (void)hold(f);
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    wait_started(f, 1);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        transmit_fails(f, TSS2_TCTI_RC_IO_ERROR, "keeps the chip");
        Tss2_Tcti_Finalize(f->context);
        _exit(0);
    }
    join(pid);
    (void)hold(f);
    assert_int_equal(f->tpm.canceled, 0);
    f->tpm.takes_us = 0;
    let(f);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

/* Another context of the process that ends does not give the lock away. */
static void
users__lock_stays_with_its_holder(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *other;
    pid_t pid;

    start(f);
    assert_int_equal(uart_init(f, ",timeout=100", &other), TSS2_RC_SUCCESS);
    (void)hold(f);
    f->tpm.takes_us = -1;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 50), TSS2_TCTI_RC_TRY_AGAIN);
    wait_started(f, 1);
    uart_end(&other);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        capture_start();
        if (uart_init(f, ",timeout=50", &other) != TSS2_TCTI_RC_IO_ERROR)
            _exit(1);
        capture_expect("keeps the chip");
        _exit(0);
    }
    join(pid);
    (void)hold(f);
    f->tpm.takes_us = 0;
    let(f);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

/* "exclusive" holds after the connector was out, too. */
static void
users__exclusive_over_an_unplugging(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *other;
    pid_t pid;

    assert_int_equal(uart_init(f, ",timeout=100,exclusive", &f->context),
        TSS2_RC_SUCCESS);
    works(f);
    line_unplug(f->line);
    transmit_fails(f, TSS2_TCTI_RC_IO_ERROR, "plugged in?");
    line_plug(f->line);
    works(f);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        capture_start();
        if (uart_init(f, ",timeout=50", &other) != TSS2_TCTI_RC_IO_ERROR)
            _exit(1);
        capture_expect("keeps the chip");
        _exit(0);
    }
    join(pid);
    works(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UART_TEST(users__two_contexts),
        UART_TEST(users__two_processes),
        UART_TEST(users__fork),
        UART_TEST(users__fork_in_mid_command),
        UART_TEST(users__lock_stays_with_its_holder),
        UART_TEST(users__exclusive_over_an_unplugging),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
