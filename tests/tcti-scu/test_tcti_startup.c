/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Answers of ten octets. */
static const uint8_t not_started[] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 1, 0 };
static const uint8_t done[] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 0, 0 };
#define LEN sizeof(done)

/* The code of the answer that the caller gets. */
static uint32_t
code(struct fixture *f)
{
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -1),
        TSS2_RC_SUCCESS);
    return be32_read(data + 6);
}

static void
startup__never(void **state)
{
    struct fixture *f = *state;

    will_receive(f, TSS2_RC_SUCCESS, not_started, LEN);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(code(f), 0x100);
    assert_int_equal(f->fake->sends, 1);
}

static void
startup__if_needed(void **state)
{
    struct fixture *f = *state;

    f->tcti.options->startup = STARTUP_IF_NEEDED;
    will_receive(f, TSS2_RC_SUCCESS, not_started, LEN);
    will_receive(f, TSS2_RC_SUCCESS, done, LEN);
    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(code(f), 0);
    assert_int_equal(f->fake->sends, 3);
    assert_int_equal(f->fake->startups, 1);
    assert_int_equal(f->fake->ends, 3);
    assert_int_equal(f->tcti.command_len, 0);
}

static void
startup__not_needed(void **state)
{
    struct fixture *f = *state;

    f->tcti.options->startup = STARTUP_IF_NEEDED;
    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(code(f), 0);
    assert_int_equal(f->fake->sends, 1);
}

/* Another program was quicker, or the chip does not start: the answer says. */
static void
startup__once_only(void **state)
{
    struct fixture *f = *state;

    f->tcti.options->startup = STARTUP_IF_NEEDED;
    for (int i = 0; i < 3; i++)
        will_receive(f, TSS2_RC_SUCCESS, not_started, LEN);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(code(f), 0x100);
    assert_int_equal(f->fake->sends, 3);
}

/* Each step keeps to the caller's time. */
static void
startup__asked_now_and_then(void **state)
{
    struct fixture *f = *state;

    f->tcti.options->startup = STARTUP_IF_NEEDED;
    will_receive(f, TSS2_RC_SUCCESS, not_started, LEN);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_TRY_AGAIN);
    will_receive(f, TSS2_RC_SUCCESS, done, LEN);
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_TRY_AGAIN);
    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
}

static void
startup__link_fails_in_between(void **state)
{
    struct fixture *f = *state;

    f->tcti.options->startup = STARTUP_IF_NEEDED;
    will_receive(f, TSS2_RC_SUCCESS, not_started, LEN);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    f->fake->send_rc = TSS2_TCTI_RC_IO_ERROR;
    assert_int_equal(receive(f, -1), TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(f->tcti.state, TCTI_STATE_TRANSMIT);
    assert_int_equal(f->tcti.command_len, 0);
    f->fake->send_rc = TSS2_RC_SUCCESS;
    will_receive(f, TSS2_RC_SUCCESS, answer, 12);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    assert_int_equal(code(f), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(startup__never, fake_setup,
            fake_teardown),
        cmocka_unit_test_setup_teardown(startup__if_needed, fake_setup,
            fake_teardown),
        cmocka_unit_test_setup_teardown(startup__not_needed, fake_setup,
            fake_teardown),
        cmocka_unit_test_setup_teardown(startup__once_only, fake_setup,
            fake_teardown),
        cmocka_unit_test_setup_teardown(startup__asked_now_and_then,
            fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(startup__link_fails_in_between,
            fake_setup, fake_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
