/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "fifo-fixture.h"
#include "model-clock.h"
#include "tcti.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * Several processes and one chip. Each has a model of its own; what they share
 * is the lock.
 */
static void
wait_for(pid_t pid)
{
    int status;

    assert_true(pid > 0);
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
}

/* Who got ready writes an octet. */
static void
await_octet(int fd)
{
    char octet;

    while (read(fd, &octet, 1) < 0)
        assert_int_equal(errno, EINTR);
}

/* Until nobody reads the pipe any more. */
static void
live_on(int fd)
{
    struct pollfd end = { .fd = fd };

    if (write(fd, "", 1) == 1)
        (void)poll(&end, 1, -1);
    _exit(0);
}

/* A process in mid-command, which holds the lock; with a child if forked. */
static pid_t
start_holder(struct fixture *f, bool forked, int *ready)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (init(f) != TSS2_RC_SUCCESS || transmit(f, 1) != TSS2_RC_SUCCESS)
            _exit(1);
        (void)close(ends[0]);
        if (forked && fork() == 0)
            live_on(ends[1]);
        if (!forked && write(ends[1], "", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ends[1]);
    await_octet(ends[0]);
    *ready = ends[0];
    return pid;
}

static void
lock__timeout_names_the_holder(void **state)
{
    struct fixture *f = *state;
    char text[32];
    pid_t holder;
    int ready;

    model_clock_real = true;
    start(f);
    end(f);
    with_items(f, "timeout=1000");
    start(f);
    holder = start_holder(f, false, &ready);
    (void)snprintf(text, sizeof(text), "process %ld keeps", (long)holder);
    capture_start();
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    capture_expect(text);
    assert_int_equal(kill(holder, SIGKILL), 0);
    wait_for(holder);
    (void)close(ready);
    works(f);
}

/* Its child lives on, and has the lock's descriptor too. */
static void
lock__holder_is_killed_and_had_forked(void **state)
{
    struct fixture *f = *state;
    pid_t holder;
    int ready;

    model_clock_real = true;
    start(f);
    holder = start_holder(f, true, &ready);
    assert_int_equal(kill(holder, SIGKILL), 0);
    wait_for(holder);
    works(f);
    (void)close(ready);
}

/* Exchanges of several processes take turns; none fails. */
static void
lock__exchanges_interleave(void **state)
{
    struct fixture *f = *state;
    pid_t pids[3];
    int status;

    model_clock_real = true;
    start(f);
    f->model.knobs.execution_us = 300;
    for (size_t i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] != 0)
            continue;
        for (int n = 0; n < 30; n++)
            works(f);
        _exit(0);
    }
    for (int n = 0; n < 30; n++)
        works(f);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

/* The parent's command goes on, whatever its child does. */
static void
fork__while_a_command_runs(void **state)
{
    struct fixture *f = *state;
    uint8_t response[TPM_MESSAGE_MAX];
    size_t size = sizeof(response), n = 1;
    TSS2_TCTI_POLL_HANDLE handle;
    int status;
    pid_t pid;

    model_clock_real = true;
    with_items(f, "timeout=1");
    start(f);
    f->model.knobs.execution_us = 20000;
    assert_int_equal(transmit(f, 7), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
        TSS2_RC_SUCCESS);
    pid = fork();
    if (pid == 0) {
        (void)close(STDERR_FILENO);
        _exit(transmit(f, 1) == TSS2_TCTI_RC_IO_ERROR ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(poll(&handle, 1, 5000), 1);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(response[size - 1], (uint8_t)((size - 1) ^ 7));
    works(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(lock__timeout_names_the_holder),
        BOTH(lock__holder_is_killed_and_had_forked),
        BOTH(lock__exchanges_interleave),
        BOTH(fork__while_a_command_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
