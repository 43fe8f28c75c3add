/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
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

#define STEPS_MAX 8

/* What the fake link does at one call of receive. */
struct step {
    TSS2_RC rc;
    const uint8_t *data;
    size_t len;
};

/* A link that follows a script, and counts. */
struct fake {
    struct link link;
    struct step steps[STEPS_MAX];
    size_t n_steps;
    size_t at;
    TSS2_RC send_rc;
    TSS2_RC cancel_rc;
    TSS2_RC locality_rc;
    uint8_t locality;
    struct deadline deadline; /* of the last receive */
    int sends;
    int ends;
    int unclean_ends;
    int cancels;
    int abandons;
    int *closes;
};

struct fixture {
    struct tcti tcti;
    TSS2_TCTI_CONTEXT *context;
    struct fake *fake;
    int closes;
};

static const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};
static const uint8_t answer[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0, 0, 0xab, 0xcd,
};

static struct fake *
fake_of(struct link *link)
{
    return (struct fake *)(void *)link;
}

static TSS2_RC
fake_send(struct link *link, const uint8_t *data, size_t len)
{
    assert_memory_equal(data, command, len);
    fake_of(link)->sends++;
    return fake_of(link)->send_rc;
}

static TSS2_RC
fake_receive(struct link *link, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    struct fake *f = fake_of(link);
    const struct step *step = &f->steps[f->at];

    f->deadline = deadline;
    assert_false(deadline.forever);
    *got = 0;
    if (f->at == f->n_steps)
        return TSS2_TCTI_RC_TRY_AGAIN;
    f->at++;
    if (step->rc != TSS2_RC_SUCCESS)
        return step->rc;
    *got = step->len < max ? step->len : max;
    memcpy(data, step->data, *got);
    return TSS2_RC_SUCCESS;
}

static void
fake_end(struct link *link, bool clean)
{
    fake_of(link)->ends++;
    fake_of(link)->unclean_ends += !clean;
}

static TSS2_RC
fake_cancel(struct link *link)
{
    fake_of(link)->cancels++;
    return fake_of(link)->cancel_rc;
}

static TSS2_RC
fake_locality(struct link *link, uint8_t locality)
{
    fake_of(link)->locality = locality;
    return fake_of(link)->locality_rc;
}

static int
fake_fd(const struct link *link)
{
    (void)link;
    return 77;
}

static void
fake_abandon(struct link *link)
{
    fake_of(link)->abandons++;
}

static void
fake_close(struct link **link)
{
    (*fake_of(*link)->closes)++;
    free(*link);
    *link = NULL;
}

static const struct link_ops fake_ops = {
    .send = fake_send,
    .receive = fake_receive,
    .end = fake_end,
    .cancel = fake_cancel,
    .locality = fake_locality,
    .fd = fake_fd,
    .abandon = fake_abandon,
    .close = fake_close,
};

static const struct link_ops plain_ops = { /* as a kernel's device */
    .whole = true,
    .send = fake_send,
    .receive = fake_receive,
    .end = fake_end,
    .fd = fake_fd,
    .abandon = fake_abandon,
    .close = fake_close,
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct options *options = calloc(1, sizeof(*options));

    assert_non_null(f);
    assert_non_null(options);
    options->timeout_ms = 1000;
    f->fake = calloc(1, sizeof(*f->fake));
    assert_non_null(f->fake);
    f->fake->link.ops = &fake_ops;
    f->fake->closes = &f->closes;
    f->context = (TSS2_TCTI_CONTEXT *)(void *)&f->tcti;
    tcti_fill(&f->tcti, &f->fake->link, NULL, options);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    Tss2_Tcti_Finalize(f->context);
    assert_int_equal(f->closes, 1);
    free(f);
    return 0;
}

static void
will_receive(struct fixture *f, TSS2_RC rc, const uint8_t *data, size_t len)
{
    assert_true(f->fake->n_steps < STEPS_MAX);
    f->fake->steps[f->fake->n_steps++] = (struct step) {
        .rc = rc, .data = data, .len = len,
    };
}

static TSS2_RC
transmit(struct fixture *f)
{
    return Tss2_Tcti_Transmit(f->context, sizeof(command), command);
}

static TSS2_RC
receive(struct fixture *f, int32_t timeout)
{
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    return Tss2_Tcti_Receive(f->context, &size, data, timeout);
}

/* --- the table of states ---------------------------------------------------- */

static void
state_transmit__takes_a_command(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
    assert_int_equal(f->fake->sends, 1);
}

static void
state_transmit__failed_command_keeps_it(void **state)
{
    struct fixture *f = *state;

    f->fake->send_rc = TSS2_TCTI_RC_IO_ERROR;
    assert_int_equal(transmit(f), TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
    f->fake->send_rc = TSS2_RC_SUCCESS;
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
}

static void
state_transmit__has_nothing_to_receive(void **state)
{
    assert_int_equal(receive(*state, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
}

static void
state_transmit__has_nothing_to_cancel(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(f->fake->cancels, 0);
}

static void
state_transmit__sets_the_locality(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 4), TSS2_RC_SUCCESS);
    assert_int_equal(f->fake->locality, 4);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
    f->fake->locality_rc = TSS2_TCTI_RC_IO_ERROR;
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0),
        TSS2_TCTI_RC_IO_ERROR);
}

static void
state_receive__takes_no_command(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(transmit(f), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
    assert_int_equal(f->fake->sends, 1);
}

static void
state_receive__gives_the_response(void **state)
{
    struct fixture *f = *state;
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(size, 12);
    assert_memory_equal(data, answer, 12);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
    assert_int_equal(f->fake->ends, 1);
    assert_int_equal(f->fake->unclean_ends, 0);
}

static void
state_receive__sets_no_locality(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 1),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
}

static void
state_receive__cancels_and_drops_the_answer(void **state)
{
    struct fixture *f = *state;

    will_receive(f, TSS2_RC_SUCCESS, answer, 6);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_int_equal(f->fake->cancels, 1);
    assert_int_equal(f->fake->unclean_ends, 1);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
}

static void
state_receive__failed_cancel_keeps_it(void **state)
{
    struct fixture *f = *state;

    f->fake->cancel_rc = TSS2_TCTI_RC_NOT_IMPLEMENTED;
    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
}

static void
state_receive__cancel_of_what_is_done_drops_it(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_int_equal(f->fake->cancels, 0);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
}

static void
state_receive__any_other_failure_ends_it(void **state)
{
    static const TSS2_RC failures[] = {
        TSS2_TCTI_RC_IO_ERROR, TSS2_TCTI_RC_NO_CONNECTION,
        TSS2_TCTI_RC_GENERAL_FAILURE, TSS2_TCTI_RC_MALFORMED_RESPONSE,
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        will_receive(f, failures[i], NULL, 0);
        assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
        assert_int_equal(receive(f, -1), failures[i]);
        assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
        assert_int_equal(f->fake->unclean_ends, (int)i + 1);
    }
    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

static void
state_final__does_nothing(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_POLL_HANDLE handle;
    size_t n = 1;

    Tss2_Tcti_Finalize(f->context);
    assert_int_equal(f->tcti.state, TCTI_STATE_FINAL);
    assert_int_equal(transmit(f), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    Tss2_Tcti_Finalize(f->context);
    assert_int_equal(f->closes, 1);
}

static void
state_receive__finalize_closes_the_link(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    Tss2_Tcti_Finalize(f->context);
    assert_int_equal(f->closes, 1);
}

/* --- transmit ---------------------------------------------------------------- */

static void
transmit__no_command(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(Tss2_Tcti_Transmit(f->context, 12, NULL),
        TSS2_TCTI_RC_BAD_REFERENCE);
    assert_int_equal(f->fake->sends, 0);
}

static void
transmit__junk_sizes(void **state)
{
    struct fixture *f = *state;
    uint8_t big[TPM_MESSAGE_MAX + 1] = { 0x80, 1, 0, 0, 0x10, 0x01 };
    static const size_t sizes[] = { 0, 9, 11, 13, TPM_MESSAGE_MAX + 1 };

    memcpy(big + 6, command + 6, 6);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        big[4] = sizes[i] > 13 ? 0x10 : 0; /* right for the big one only */
        big[5] = sizes[i] > 13 ? 1 : 12;
        capture_start();
        assert_int_equal(Tss2_Tcti_Transmit(f->context, sizes[i], big),
            TSS2_TCTI_RC_BAD_VALUE);
        capture_expect("was refused");
    }
    assert_int_equal(f->fake->sends, 0);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
}

/* --- receive ----------------------------------------------------------------- */

static void
receive__size_query_loses_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t data[12];
    size_t size = 0;

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    for (int i = 0; i < 2; i++) {
        size = 0;
        assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
            TSS2_RC_SUCCESS);
        assert_int_equal(size, 12);
        assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
    }
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -1),
        TSS2_RC_SUCCESS);
    assert_memory_equal(data, answer, 12);
    assert_int_equal(f->fake->ends, 1);
}

static void
receive__short_buffer_loses_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t data[12] = { 0 };
    size_t size;

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    for (size_t room = 0; room < 12; room += 11) {
        size = room;
        assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, 0),
            TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
        assert_int_equal(size, 12);
        assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
    }
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, 0),
        TSS2_RC_SUCCESS);
    assert_memory_equal(data, answer, 12);
}

static void
receive__in_parts_over_several_calls(void **state)
{
    struct fixture *f = *state;

    will_receive(f, TSS2_RC_SUCCESS, answer, 4);
    will_receive(f, TSS2_TCTI_RC_TRY_AGAIN, NULL, 0);
    will_receive(f, TSS2_RC_SUCCESS, answer + 4, 3);
    will_receive(f, TSS2_RC_SUCCESS, answer + 7, 5);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 5), TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
    assert_int_equal(f->fake->ends, 0);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
    assert_int_equal(f->fake->ends, 1);
}

static void
receive__no_time_asks_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(deadline_past(f->fake->deadline));
    assert_int_equal(f->fake->ends, 0);
}

static void
receive__time_is_the_callers_when_shorter(void **state)
{
    struct fixture *f = *state;
    int64_t now;

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    now = deadline_now();
    assert_int_equal(receive(f, 500), TSS2_TCTI_RC_TRY_AGAIN);
    assert_in_range(f->fake->deadline.at_ms, now + 500,
        deadline_now() + 501);
}

/* GetRandom may take 2000 ms, and others the 1000 of the options. */
static void
receive__blocking_is_bounded_by_the_command(void **state)
{
    struct fixture *f = *state;
    int64_t now = deadline_now();

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
    assert_in_range(f->fake->deadline.at_ms, now + 3000,
        deadline_now() + 3001);
}

static void
receive__giving_up_is_an_error_and_no_try_again(void **state)
{
    static const int32_t timeouts[] = { -1, 0, 5 };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
        f->tcti.execution = deadline_in(0);
        capture_start();
        assert_int_equal(receive(f, timeouts[i]), TSS2_TCTI_RC_IO_ERROR);
        capture_expect("did not answer command 0x17b in time");
        assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
    }
    assert_int_equal(f->fake->unclean_ends, 3);
}

static void
receive__malformed_sizes(void **state)
{
    static const uint32_t sizes[] = { 0, 3, 6, 9, 4097, UINT32_MAX };
    struct fixture *f = *state;
    uint8_t bad[12];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memcpy(bad, answer, sizeof(bad));
        for (int j = 0; j < 4; j++)
            bad[2 + j] = (uint8_t)(sizes[i] >> (24 - 8 * j));
        will_receive(f, TSS2_RC_SUCCESS, bad, 12);
        assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
        capture_start();
        assert_int_equal(receive(f, -1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
        capture_expect("which cannot be");
        assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
        assert_int_equal(f->fake->unclean_ends, (int)i + 1);
    }
}

static void
receive__more_than_announced(void **state)
{
    static const uint8_t two[24] = {
        0x80, 0x01, 0, 0, 0, 12, 0, 0, 0, 0, 0xab, 0xcd, 0x80, 0x01,
    };
    struct fixture *f = *state;

    will_receive(f, TSS2_RC_SUCCESS, two, 13);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    capture_start();
    assert_int_equal(receive(f, -1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
    capture_expect("more than the 12");
    assert_int_equal(f->fake->unclean_ends, 1);
}

/* A link of messages gives all at once or not at all. */
static void
receive__short_message(void **state)
{
    struct fixture *f = *state;

    f->fake->link.ops = &plain_ops;
    for (size_t len = 5; len <= 11; len += 6) {
        will_receive(f, TSS2_RC_SUCCESS, answer, len);
        assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
        capture_start();
        assert_int_equal(receive(f, -1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
        capture_expect("response ends after");
        assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
    }
}

static void
receive__junk_arguments_keep_the_state(void **state)
{
    struct fixture *f = *state;
    uint8_t data[12];
    size_t size = sizeof(data);

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, NULL, data, -1),
        TSS2_TCTI_RC_BAD_REFERENCE);
    capture_start();
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -2),
        TSS2_TCTI_RC_BAD_VALUE);
    capture_expect("timeout -2");
    assert_int_equal(f->tcti.state, TCTI_STATE_RECEIVE);
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

/* --- the rest ---------------------------------------------------------------- */

static void
no_context(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_TRANSMIT_FCN function = TSS2_TCTI_TRANSMIT(f->context);
    uint64_t magic = f->tcti.common.v1.magic;

    assert_int_equal(function(NULL, sizeof(command), command),
        TSS2_TCTI_RC_BAD_REFERENCE);
    f->tcti.common.v1.magic = 0;
    assert_int_equal(transmit(f), TSS2_TCTI_RC_BAD_CONTEXT);
    f->tcti.common.v1.magic = magic;
}

static void
missing_parts_of_a_link_are_not_implemented(void **state)
{
    struct fixture *f = *state;
    TPM2_HANDLE handle = 0;

    f->fake->link.ops = &plain_ops;
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    assert_int_equal(Tss2_Tcti_MakeSticky(f->context, &handle, 1),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
}

static void
set_locality__out_of_range(void **state)
{
    struct fixture *f = *state;

    capture_start();
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 5),
        TSS2_TCTI_RC_BAD_VALUE);
    capture_expect("locality 5");
}

static void
get_poll_handles__counts_and_gives(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_POLL_HANDLE handles[2] = { 0 };
    size_t n = 0;

    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, NULL, NULL),
        TSS2_TCTI_RC_BAD_REFERENCE);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, NULL, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(n, 1);
    n = 0;
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, handles, &n),
        TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
    assert_int_equal(n, 1);
    n = 2;
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, handles, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(n, 1);
    assert_int_equal(handles[0].fd, 77);
    assert_int_equal(handles[0].events, POLLIN);
}

/* The link is done then, and poll(2) must not wait for it. */
static void
get_poll_handles__of_a_buffered_response(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_POLL_HANDLE handle;
    size_t size = 0;
    size_t n = 1;

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_not_equal(handle.fd, 77);
    assert_int_equal(poll(&handle, 1, 0), 1);
    assert_int_equal(handle.revents, POLLIN);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
    assert_int_equal(f->tcti.ready_fd, -1);
}

static void
in_a_child__starts_anew(void **state)
{
    struct fixture *f = *state;
    int status = -1;
    pid_t pid;

    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (receive(f, 0) != TSS2_TCTI_RC_BAD_SEQUENCE)
            _exit(1);
        if (f->fake->abandons != 1 || f->fake->ends != 0)
            _exit(2);
        if (transmit(f) != TSS2_RC_SUCCESS
            || receive(f, 0) != TSS2_RC_SUCCESS)
            _exit(3);
        Tss2_Tcti_Finalize(f->context);
        _exit(f->closes == 1 ? 0 : 4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
    assert_int_equal(f->fake->abandons, 0);
}

#define TCTI_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TCTI_TEST(state_transmit__takes_a_command),
        TCTI_TEST(state_transmit__failed_command_keeps_it),
        TCTI_TEST(state_transmit__has_nothing_to_receive),
        TCTI_TEST(state_transmit__has_nothing_to_cancel),
        TCTI_TEST(state_transmit__sets_the_locality),
        TCTI_TEST(state_receive__takes_no_command),
        TCTI_TEST(state_receive__gives_the_response),
        TCTI_TEST(state_receive__sets_no_locality),
        TCTI_TEST(state_receive__cancels_and_drops_the_answer),
        TCTI_TEST(state_receive__failed_cancel_keeps_it),
        TCTI_TEST(state_receive__cancel_of_what_is_done_drops_it),
        TCTI_TEST(state_receive__any_other_failure_ends_it),
        TCTI_TEST(state_receive__finalize_closes_the_link),
        TCTI_TEST(state_final__does_nothing),
        TCTI_TEST(transmit__no_command),
        TCTI_TEST(transmit__junk_sizes),
        TCTI_TEST(receive__size_query_loses_nothing),
        TCTI_TEST(receive__short_buffer_loses_nothing),
        TCTI_TEST(receive__in_parts_over_several_calls),
        TCTI_TEST(receive__no_time_asks_once),
        TCTI_TEST(receive__time_is_the_callers_when_shorter),
        TCTI_TEST(receive__blocking_is_bounded_by_the_command),
        TCTI_TEST(receive__giving_up_is_an_error_and_no_try_again),
        TCTI_TEST(receive__malformed_sizes),
        TCTI_TEST(receive__more_than_announced),
        TCTI_TEST(receive__short_message),
        TCTI_TEST(receive__junk_arguments_keep_the_state),
        TCTI_TEST(no_context),
        TCTI_TEST(missing_parts_of_a_link_are_not_implemented),
        TCTI_TEST(set_locality__out_of_range),
        TCTI_TEST(get_poll_handles__counts_and_gives),
        TCTI_TEST(get_poll_handles__of_a_buffered_response),
        TCTI_TEST(in_a_child__starts_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
