/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "fake.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

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

/* --- the rest ------------------------------------------------------------ */

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

#define TCTI_TEST(t) \
    cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

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
        TCTI_TEST(state_final__does_nothing),
        TCTI_TEST(state_receive__finalize_closes_the_link),
        TCTI_TEST(no_context),
        TCTI_TEST(missing_parts_of_a_link_are_not_implemented),
        TCTI_TEST(set_locality__out_of_range),
        TCTI_TEST(get_poll_handles__counts_and_gives),
        TCTI_TEST(get_poll_handles__of_a_buffered_response),
        TCTI_TEST(in_a_child__starts_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
