/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "matrix.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Localities; chips that are reset, or gone; others who use the chip. */

static const char *
locality__each_reaches_the_chip(struct stand *s)
{
    TSS2_RC rc = TSS2_RC_SUCCESS;

    stand_start(s);
    for (uint8_t i = 0; i <= 4 && rc == TSS2_RC_SUCCESS; i++) {
        rc = Tss2_Tcti_SetLocality(s->context, i);
        stand_works(s);
        assert_int_equal(stand_hold(s)->locality,
            rc == TSS2_RC_SUCCESS ? i : -1);
        stand_let(s);
    }
    return matrix_word(rc);
}

static const char *
locality__given_back(struct stand *s)
{
    TSS2_RC rc;
    bool has;

    stand_start(s);
    rc = Tss2_Tcti_SetLocality(s->context, 2);
    stand_works(s);
    stand_close(&s->context);
    (void)stand_hold(s);
    has = s->kind->has_locality(s);
    stand_let(s);
    assert_false(has);
    return matrix_word(rc);
}

/* --- a chip that loses its power, and has it again ----------------------------- */

static const char *
reset__in_mid_command(struct stand *s)
{
    matrix_start_held(s);
    stand_wait_executed(s, 1);
    s->kind->reset(s);
    assert_int_equal(stand_receive(s, -1), TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(stand_receive(s, -1), TSS2_TCTI_RC_BAD_SEQUENCE);
    stand_takes(s, 0);
    stand_works(s);
    assert_int_equal(stand_hold(s)->executed, 2); /* none was repeated */
    stand_let(s);
    return "IO_ERROR once";
}

static const char *
reset__between_commands(struct stand *s)
{
    TSS2_RC rc;

    stand_start(s);
    stand_works(s);
    s->kind->reset(s);
    rc = stand_exchange(s);
    if (rc != TSS2_RC_SUCCESS) {
        assert_int_equal(rc, TSS2_TCTI_RC_IO_ERROR);
        stand_works(s);
    }
    assert_int_equal(stand_hold(s)->executed, 2);
    stand_let(s);
    return rc == TSS2_RC_SUCCESS ? "not noticed" : "IO_ERROR once";
}

static const char *
reset__locality_is_claimed_again(struct stand *s)
{
    TSS2_RC set, rc;

    stand_start(s);
    set = Tss2_Tcti_SetLocality(s->context, 3);
    for (int i = 0; i < 2; i++) {
        stand_works(s);
        s->kind->reset(s);
        rc = stand_exchange(s);
        if (rc != TSS2_RC_SUCCESS)
            stand_works(s);
        assert_int_equal(stand_hold(s)->locality,
            set == TSS2_RC_SUCCESS ? 3 : -1);
        stand_let(s);
    }
    return matrix_word(set);
}

/* --- unplugged, and plugged in --------------------------------------------------- */

static const char *
unplug__between_commands(struct stand *s)
{
    TSS2_RC rc = TSS2_RC_SUCCESS;

    stand_start(s);
    stand_works(s);
    s->kind->unplug(s);
    for (int i = 0; i < 3; i++) {
        rc = stand_exchange(s);
        assert_true(rc == TSS2_TCTI_RC_IO_ERROR
            || rc == TSS2_TCTI_RC_NO_CONNECTION);
    }
    s->kind->plug(s);
    stand_works(s);
    return rc == TSS2_TCTI_RC_IO_ERROR ? "IO_ERROR" : "NO_CONNECTION";
}

static const char *
unplug__in_mid_command(struct stand *s)
{
    for (int cancel = 0; cancel < 2; cancel++) {
        matrix_start_held(s);
        s->kind->unplug(s);
        if (cancel != 0)
            (void)Tss2_Tcti_Cancel(s->context);
        if (stand_receive(s, -1) != TSS2_TCTI_RC_BAD_SEQUENCE)
            assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
        s->kind->plug(s);
        stand_takes(s, 0);
        stand_works(s);
        stand_close(&s->context);
    }
    return "IO_ERROR once";
}

static const char *
unplug__then_finalize(struct stand *s)
{
    unsigned before = matrix_descriptors();

    stand_start(s);
    stand_works(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    s->kind->unplug(s);
    stand_close(&s->context);
    s->kind->plug(s);
    stand_start(s);
    stand_works(s);
    stand_close(&s->context);
    matrix_expect_descriptors(before);
    return MATRIX_YES;
}

static volatile sig_atomic_t pipes;

static void
on_pipe(int number)
{
    pipes += number == SIGPIPE;
}

static const char *
no_sigpipe(struct stand *s)
{
    struct sigaction action = { .sa_handler = on_pipe }, old;

    assert_int_equal(sigaction(SIGPIPE, &action, &old), 0);
    pipes = 0;
    stand_start(s);
    s->kind->unplug(s);
    assert_int_not_equal(stand_transmit_len(s, s->context,
        s->kind->longest), TSS2_RC_SUCCESS);
    s->kind->plug(s);
    stand_works(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    s->kind->unplug(s);
    (void)Tss2_Tcti_Cancel(s->context);
    (void)stand_receive(s, -1);
    (void)stand_exchange(s);
    s->kind->plug(s);
    stand_works(s);
    assert_int_equal(pipes, 0);
    assert_int_equal(sigaction(SIGPIPE, &old, NULL), 0);
    return MATRIX_YES;
}

/* --- the exchange lock ------------------------------------------------------------- */

/* Whether the link has a lock that could be kept. */
static bool
has_lock(struct stand *s)
{
    TSS2_TCTI_CONTEXT *keeper = NULL;
    TSS2_RC rc = stand_open(s, ",exclusive", &keeper);

    stand_close(&keeper);
    return rc == TSS2_RC_SUCCESS;
}

/* Two contexts: none begins while the other is at it. */
static const char *
lock__keeps_exchanges_whole(struct stand *s)
{
    TSS2_TCTI_CONTEXT *other = NULL;

    if (!has_lock(s))
        return "the kernel's";
    stand_start(s);
    assert_int_equal(stand_open(s, ",timeout=20", &other), TSS2_RC_SUCCESS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
        assert_int_equal(stand_transmit_len(s, other, CHIP_COMMAND),
            TSS2_TCTI_RC_IO_ERROR);
        s->tag--;
        assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
        assert_int_equal(stand_transmit_len(s, other, CHIP_COMMAND),
            TSS2_RC_SUCCESS);
        assert_int_equal(stand_receive_on(s, other, -1), TSS2_RC_SUCCESS);
    }
    stand_close(&other);
    assert_int_equal(stand_hold(s)->executed, 4);
    stand_let(s);
    return MATRIX_YES;
}

/* A process in mid-exchange, which has a child of its own. */
static pid_t
start_holder(struct stand *s, int *child_end)
{
    TSS2_TCTI_CONTEXT *context = NULL;
    char byte = 0;
    int ends[2], ready[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[1]);
        if (stand_open(s, "", &context) != TSS2_RC_SUCCESS
            || stand_transmit_len(s, context, CHIP_COMMAND)
            != TSS2_RC_SUCCESS)
            _exit(1);
        if (fork() == 0) { /* lives until the test lets it go */
            (void)close(ready[0]);
            (void)close(ready[1]);
            (void)!read(ends[0], &byte, 1);
            _exit(0);
        }
        (void)!write(ready[1], &byte, 1);
        for (;;)
            (void)pause();
    }
    (void)close(ends[0]);
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    *child_end = ends[1];
    return pid;
}

static void
kill_holder(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A connection that its child has, too, is the child's then. */
static const char *
lock__of_a_killed_holder(struct stand *s)
{
    int child_end = -1;
    pid_t pid;
    TSS2_RC rc;

    if (!has_lock(s))
        return "the kernel's";
    pid = start_holder(s, &child_end);
    s->tag++; /* what the holder sent */
    kill_holder(pid);
    rc = stand_open(s, ",timeout=100", &s->context);
    if (rc == TSS2_RC_SUCCESS)
        rc = stand_exchange(s);
    (void)close(child_end);
    if (rc == TSS2_RC_SUCCESS)
        return MATRIX_YES;
    stand_works(s);
    return "when its child ends";
}

static const char *
lock__names_the_holder(struct stand *s)
{
    int child_end = -1;
    char part[64];
    pid_t pid;

    if (!has_lock(s))
        return "the kernel's";
    stand_start(s); /* before: it looks whether the chip is there */
    pid = start_holder(s, &child_end);
    (void)snprintf(part, sizeof(part), "process %ld keeps the chip",
        (long)pid);
    assert_int_equal(unsetenv("SCU_LOG"), 0);
    capture_start();
    assert_int_equal(stand_transmit(s), TSS2_TCTI_RC_IO_ERROR);
    capture_expect(part);
    assert_int_equal(setenv("SCU_LOG", "none", 1), 0);
    kill_holder(pid);
    (void)close(child_end);
    return MATRIX_YES;
}

static const struct matrix_row rows[] = {
    { "setLocality 0 to 4 reaches the chip", locality__each_reaches_the_chip },
    { "the locality is given back in the end", locality__given_back },
    { "reset in mid-command", reset__in_mid_command },
    { "reset between commands", reset__between_commands },
    { "the locality is claimed again after a reset",
        reset__locality_is_claimed_again },
    { "unplugged: each command", unplug__between_commands },
    { "unplugged in mid-command; then plugged in", unplug__in_mid_command },
    { "unplugged, then finalize: nothing left", unplug__then_finalize },
    { "no SIGPIPE", no_sigpipe },
    { "exchanges of two contexts are whole", lock__keeps_exchanges_whole },
    { "a killed user that had forked frees the chip",
        lock__of_a_killed_holder },
    { "who waits in vain learns who has it", lock__names_the_holder },
};
const struct matrix_part matrix_faults = {
    rows, sizeof(rows) / sizeof(rows[0]),
};
