/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "matrix.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

/* Responses: asked for, waited for, cancelled, polled for, and hostile. */

static const char *
size_query(struct stand *s)
{
    size_t size = 0;

    stand_start(s);
    stand_hold(s)->size = 300;
    stand_let(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(Tss2_Tcti_Receive(s->context, &size, NULL, -1),
            TSS2_RC_SUCCESS);
        assert_int_equal(size, 300);
    }
    assert_int_equal(stand_receive(s, 0), TSS2_RC_SUCCESS);
    stand_works(s);
    return MATRIX_YES;
}

static const char *
short_buffer(struct stand *s)
{
    uint8_t response[300];
    size_t size;

    stand_start(s);
    stand_hold(s)->size = sizeof(response);
    stand_let(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    for (size = 0; size < sizeof(response); size += 299) {
        size_t room = size;

        assert_int_equal(Tss2_Tcti_Receive(s->context, &room, response, -1),
            TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
        assert_int_equal(room, sizeof(response));
    }
    assert_int_equal(stand_receive(s, 0), TSS2_RC_SUCCESS);
    stand_works(s);
    return MATRIX_YES;
}

static const char *
long_messages(struct stand *s)
{
    stand_start(s);
    stand_hold(s)->size = s->kind->longest;
    stand_let(s);
    assert_int_equal(stand_transmit_len(s, s->context, s->kind->longest),
        TSS2_RC_SUCCESS);
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    stand_works(s);
    return MATRIX_YES;
}

/* --- time -------------------------------------------------------------------- */

static const char *
timeout__zero(struct stand *s)
{
    int64_t before;

    matrix_start_held(s);
    before = chip_now_us();
    for (int i = 0; i < 20; i++)
        assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(chip_now_us() - before < 500000);
    stand_takes(s, 0);
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    return MATRIX_YES;
}

static const char *
timeout__some(struct stand *s)
{
    int64_t before;

    matrix_start_held(s);
    before = chip_now_us();
    assert_int_equal(stand_receive(s, 60), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(chip_now_us() - before >= 60000);
    stand_takes(s, 0);
    assert_int_equal(stand_receive(s, 10000), TSS2_RC_SUCCESS);
    return MATRIX_YES;
}

static const char *
timeout__none(struct stand *s)
{
    int64_t before;

    stand_takes(s, 60000);
    stand_start(s);
    before = chip_now_us();
    stand_works(s);
    assert_true(chip_now_us() - before >= 60000);
    return MATRIX_YES;
}

/* A command that the chip never ends; who blocks is not sent round again. */
static const char *
timeout__of_the_command(struct stand *s)
{
    int64_t before;

    matrix_start_held(s);
    before = chip_now_us();
    assert_int_equal(stand_receive(s, -1), TSS2_TCTI_RC_IO_ERROR);
    assert_true(chip_now_us() - before < 20000000);
    stand_takes(s, 0);
    stand_works(s);
    assert_int_equal(stand_hold(s)->executed, 2);
    stand_let(s);
    return MATRIX_YES;
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int number)
{
    alarms += number == SIGALRM;
}

static void
alarm_each_us(suseconds_t us)
{
    const struct itimerval each = { { 0, us }, { 0, us } };

    assert_int_equal(setitimer(ITIMER_REAL, &each, NULL), 0);
}

static const char *
signals(struct stand *s)
{
    struct sigaction action = { .sa_handler = on_alarm };
    int64_t before;

    stand_takes(s, 30000);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    alarms = 0;
    alarm_each_us(1000);
    stand_start(s);
    for (int i = 0; i < 3; i++)
        stand_works(s);
    stand_takes(s, -1);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    before = chip_now_us();
    assert_int_equal(stand_receive(s, 60), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(chip_now_us() - before >= 60000);
    alarm_each_us(0); /* one may be on its way: the handler stays */
    assert_true(alarms > 10);
    return MATRIX_YES;
}

/* --- cancel -------------------------------------------------------------------- */

static const char *
cancel__reaches_the_chip(struct stand *s)
{
    TSS2_RC rc;

    matrix_start_held(s);
    stand_wait_executed(s, 1);
    assert_true(stand_hold(s)->running);
    stand_let(s);
    rc = Tss2_Tcti_Cancel(s->context);
    assert_int_equal(stand_hold(s)->running, rc != TSS2_RC_SUCCESS);
    stand_let(s);
    stand_takes(s, 0);
    return matrix_word(rc);
}

/* Of another size than the next one, which must come whole. */
static const char *
cancel__drops_the_answer(struct stand *s)
{
    TSS2_RC rc = TSS2_RC_SUCCESS;

    stand_start(s);
    for (int i = 0; i < 3 && rc == TSS2_RC_SUCCESS; i++) {
        stand_takes(s, i == 0 ? 0 : i == 1 ? 2000 : -1);
        assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
        rc = Tss2_Tcti_Cancel(s->context);
        stand_takes(s, 0);
        if (rc == TSS2_RC_SUCCESS)
            stand_works(s);
    }
    return matrix_word(rc);
}

static const char *
cancel__of_what_is_received(struct stand *s)
{
    size_t size = 0;
    TSS2_RC rc;

    stand_start(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(s->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    rc = Tss2_Tcti_Cancel(s->context);
    if (rc == TSS2_RC_SUCCESS)
        stand_works(s);
    return matrix_word(rc);
}

/* --- poll handles --------------------------------------------------------------- */

static TSS2_TCTI_POLL_HANDLE
handle_of(struct stand *s)
{
    TSS2_TCTI_POLL_HANDLE handle = { 0 };
    size_t n = 0;

    assert_int_equal(Tss2_Tcti_GetPollHandles(s->context, NULL, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(n, 1);
    assert_int_equal(Tss2_Tcti_GetPollHandles(s->context, &handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(handle.events, POLLIN);
    return handle;
}

static const char *
kind_of(int fd)
{
    char path[48], target[64];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, target, sizeof(target) - 1);
    assert_true(n > 0);
    target[n] = '\0';
    if (strcmp(target, "anon_inode:[timerfd]") == 0)
        return "timer";
    if (strcmp(target, "anon_inode:[eventpoll]") == 0)
        return "epoll";
    return strncmp(target, "socket:", 7) == 0 ? "socket" : "node";
}

static const char *
poll__kind(struct stand *s)
{
    TSS2_TCTI_POLL_HANDLE handle;
    const char *kind;

    stand_start(s);
    handle = handle_of(s);
    assert_int_equal(poll(&handle, 1, 0), 0); /* nothing is under way */
    stand_takes(s, -1);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    handle = handle_of(s);
    assert_true(handle.fd >= 0);
    kind = kind_of(handle.fd);
    stand_takes(s, 0);
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    return kind;
}

/* As a program does that has other things to wait for; it does not spin. */
static const char *
poll__tells_when_to_receive(struct stand *s)
{
    TSS2_TCTI_POLL_HANDLE handle;
    unsigned wakes = 0;
    TSS2_RC rc;

    stand_takes(s, 50000);
    stand_start(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    do {
        handle = handle_of(s);
        assert_int_equal(poll(&handle, 1, 20000), 1);
        rc = stand_receive(s, 0);
        wakes++;
    } while (rc == TSS2_TCTI_RC_TRY_AGAIN && wakes < 1000);
    assert_int_equal(rc, TSS2_RC_SUCCESS);
    assert_true(wakes < 600);
    return MATRIX_YES;
}

static const char *
poll__of_what_is_received(struct stand *s)
{
    TSS2_TCTI_POLL_HANDLE handle;
    size_t size = 0;

    stand_start(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(s->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    handle = handle_of(s);
    assert_int_equal(poll(&handle, 1, 0), 1);
    assert_int_equal(handle.revents, POLLIN);
    assert_int_equal(stand_receive(s, 0), TSS2_RC_SUCCESS);
    return MATRIX_YES;
}

/* --- what cannot be a response -------------------------------------------------- */

static const char *
hostile_lengths(struct stand *s)
{
    static const uint32_t sizes[] = {
        0, 3, 6, 9, 4097, 0x7fffffff, 0x80000000, UINT32_MAX,
    };
    TSS2_RC rc;

    stand_start(s);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        stand_hold(s)->lies = true;
        s->chip.said = sizes[i];
        stand_let(s);
        rc = stand_exchange(s);
        assert_int_equal(rc, TSS2_TCTI_RC_MALFORMED_RESPONSE);
        stand_hold(s)->lies = false;
        stand_let(s);
        stand_works(s);
    }
    return "MALFORMED_RESPONSE";
}

/*
 * More than the header says: a link that carries messages refuses it, one that
 * carries octets drops the rest, also where the connection is kept.
 */
static TSS2_RC
left_over_on(struct stand *s, TSS2_TCTI_CONTEXT *context)
{
    uint8_t response[CHIP_LONGEST];
    size_t size = sizeof(response);
    TSS2_RC rc;

    stand_hold(s)->size = 300;
    s->chip.lies = true;
    s->chip.said = 200;
    stand_let(s);
    assert_int_equal(stand_transmit_len(s, context, CHIP_COMMAND),
        TSS2_RC_SUCCESS);
    rc = Tss2_Tcti_Receive(context, &size, response, -1);
    stand_hold(s)->lies = false;
    stand_let(s);
    assert_int_equal(stand_transmit_len(s, context, CHIP_COMMAND),
        TSS2_RC_SUCCESS);
    assert_int_equal(stand_receive_on(s, context, -1), TSS2_RC_SUCCESS);
    return rc;
}

static const char *
left_over(struct stand *s)
{
    TSS2_TCTI_CONTEXT *kept = NULL;
    TSS2_RC rc;

    stand_start(s);
    rc = left_over_on(s, s->context);
    if (stand_open(s, ",timeout=100,exclusive", &kept) == TSS2_RC_SUCCESS)
        assert_int_equal(left_over_on(s, kept), rc);
    stand_close(&kept);
    assert_true(rc == TSS2_RC_SUCCESS
        || rc == TSS2_TCTI_RC_MALFORMED_RESPONSE);
    return rc == TSS2_RC_SUCCESS ? "dropped" : "MALFORMED_RESPONSE";
}

static const struct matrix_row rows[] = {
    { "size query, nothing lost", size_query },
    { "short buffer, nothing lost", short_buffer },
    { "the longest messages, both ways", long_messages },
    { "timeout 0 asks once", timeout__zero },
    { "timeout n is n ms in all", timeout__some },
    { "timeout -1 blocks until it comes", timeout__none },
    { "a command without end: IO_ERROR by its code's limit",
        timeout__of_the_command },
    { "signals neither fail nor shorten anything", signals },
    { "cancel reaches the chip", cancel__reaches_the_chip },
    { "a cancelled answer is never the next one's",
        cancel__drops_the_answer },
    { "cancel of a response that is here drops it",
        cancel__of_what_is_received },
    { "poll handle", poll__kind },
    { "poll(2) tells when to receive", poll__tells_when_to_receive },
    { "poll(2) knows of a response that is here", poll__of_what_is_received },
    { "a header's length below 10 or above 4096", hostile_lengths },
    { "octets beyond the header's length", left_over },
};
const struct matrix_part matrix_receive = {
    rows, sizeof(rows) / sizeof(rows[0]),
};
