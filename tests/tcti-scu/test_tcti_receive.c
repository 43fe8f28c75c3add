/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* --- transmit ------------------------------------------------------------ */

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

/* --- receive ------------------------------------------------------------- */

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

#define TCTI_TEST(t) \
    cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
