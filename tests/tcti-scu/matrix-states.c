/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* The state machine: TRANSMIT, RECEIVE, FINAL. */

static const char *
transmit__goes_to_receive(struct stand *s)
{
    stand_start(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    stand_wait_executed(s, 1);
    return MATRIX_YES;
}

static const char *
transmit__failed_keeps_transmit(struct stand *s)
{
    static const uint8_t other_size[CHIP_COMMAND] = {
        0x80, 0x01, 0, 0, 0, CHIP_COMMAND + 1, 0, 0, 0x01, 0x7a,
    };

    stand_start(s);
    assert_int_equal(Tss2_Tcti_Transmit(s->context, CHIP_COMMAND, NULL),
        TSS2_TCTI_RC_BAD_REFERENCE);
    assert_int_equal(Tss2_Tcti_Transmit(s->context, CHIP_COMMAND, other_size),
        TSS2_TCTI_RC_BAD_VALUE);
    assert_int_equal(Tss2_Tcti_Transmit(s->context, 9, other_size),
        TSS2_TCTI_RC_BAD_VALUE);
    assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    stand_works(s);
    stand_wait_executed(s, 1);
    return MATRIX_YES;
}

static const char *
transmit__out_of_sequence(struct stand *s)
{
    stand_start(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    assert_int_equal(stand_transmit(s), TSS2_TCTI_RC_BAD_SEQUENCE);
    s->tag--;
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    Tss2_Tcti_Finalize(s->context);
    assert_int_equal(stand_transmit(s), TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(stand_hold(s)->executed, 1);
    stand_let(s);
    return MATRIX_YES;
}

static const char *
receive__goes_to_transmit(struct stand *s)
{
    stand_start(s);
    for (int i = 0; i < 3; i++)
        stand_works(s);
    assert_int_equal(stand_hold(s)->executed, 3);
    stand_let(s);
    return MATRIX_YES;
}

static const char *
receive__out_of_sequence(struct stand *s)
{
    stand_start(s);
    assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    stand_works(s);
    assert_int_equal(stand_receive(s, -1), TSS2_TCTI_RC_BAD_SEQUENCE);
    Tss2_Tcti_Finalize(s->context);
    assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    return MATRIX_YES;
}

static const char *
receive__failures_that_keep_receive(struct stand *s)
{
    uint8_t response[CHIP_COMMAND];
    size_t size = sizeof(response);

    matrix_start_held(s);
    assert_int_equal(Tss2_Tcti_Receive(s->context, NULL, response, 0),
        TSS2_TCTI_RC_BAD_REFERENCE);
    assert_int_equal(Tss2_Tcti_Receive(s->context, &size, response, -2),
        TSS2_TCTI_RC_BAD_VALUE);
    assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_TRY_AGAIN);
    stand_takes(s, 0);
    size = CHIP_COMMAND - 1;
    assert_int_equal(Tss2_Tcti_Receive(s->context, &size, response, -1),
        TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
    assert_int_equal(stand_receive(s, 0), TSS2_RC_SUCCESS);
    return MATRIX_YES;
}

static const char *
receive__other_failures_go_to_transmit(struct stand *s)
{
    TSS2_RC rc;

    stand_start(s);
    stand_hold(s)->lies = true;
    s->chip.said = 9;
    stand_let(s);
    rc = stand_exchange(s);
    assert_true(rc == TSS2_TCTI_RC_MALFORMED_RESPONSE
        || rc == TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    stand_hold(s)->lies = false;
    stand_let(s);
    stand_works(s);
    return MATRIX_YES;
}

static const char *
cancel__goes_to_transmit(struct stand *s)
{
    TSS2_RC rc;

    matrix_start_held(s);
    rc = Tss2_Tcti_Cancel(s->context);
    stand_takes(s, 0);
    if (rc != TSS2_RC_SUCCESS)
        assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    stand_works(s);
    return matrix_word(rc);
}

static const char *
cancel__out_of_sequence(struct stand *s)
{
    stand_start(s);
    assert_int_equal(Tss2_Tcti_Cancel(s->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    stand_works(s);
    assert_int_equal(Tss2_Tcti_Cancel(s->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    Tss2_Tcti_Finalize(s->context);
    assert_int_equal(Tss2_Tcti_Cancel(s->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    return MATRIX_YES;
}

/* A refused one changes nothing either. */
static const char *
locality__keeps_the_state(struct stand *s)
{
    TSS2_RC rc;

    stand_start(s);
    rc = Tss2_Tcti_SetLocality(s->context, 1);
    assert_int_equal(Tss2_Tcti_SetLocality(s->context, 5),
        TSS2_TCTI_RC_BAD_VALUE);
    assert_int_equal(stand_receive(s, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
    stand_works(s);
    assert_int_equal(stand_hold(s)->locality, rc == TSS2_RC_SUCCESS ? 1 : -1);
    stand_let(s);
    return matrix_word(rc);
}

static const char *
locality__out_of_sequence(struct stand *s)
{
    stand_start(s);
    assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_SetLocality(s->context, 1),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    Tss2_Tcti_Finalize(s->context);
    assert_int_equal(Tss2_Tcti_SetLocality(s->context, 1),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    return MATRIX_YES;
}

static const char *
make_sticky(struct stand *s)
{
    TPM2_HANDLE handle = 0x80000000;
    TSS2_RC rc;

    stand_start(s);
    rc = Tss2_Tcti_MakeSticky(s->context, &handle, 1);
    stand_works(s);
    return matrix_word(rc);
}

/* The chip is free for the next context at once. */
static const char *
finalize__in_mid_command(struct stand *s)
{
    TSS2_TCTI_CONTEXT *next = NULL;

    matrix_start_held(s);
    stand_wait_executed(s, 1);
    Tss2_Tcti_Finalize(s->context);
    stand_takes(s, 0);
    assert_int_equal(stand_open(s, ",timeout=100", &next), TSS2_RC_SUCCESS);
    assert_int_equal(stand_transmit_len(s, next, CHIP_COMMAND),
        TSS2_RC_SUCCESS);
    assert_int_equal(stand_receive_on(s, next, -1), TSS2_RC_SUCCESS);
    Tss2_Tcti_Finalize(s->context);
    stand_close(&next);
    return MATRIX_YES;
}

static const struct matrix_row rows[] = {
    { "transmit: TRANSMIT to RECEIVE", transmit__goes_to_receive },
    { "transmit that fails keeps TRANSMIT", transmit__failed_keeps_transmit },
    { "transmit in RECEIVE, FINAL: BAD_SEQUENCE", transmit__out_of_sequence },
    { "receive: RECEIVE to TRANSMIT", receive__goes_to_transmit },
    { "receive in TRANSMIT, FINAL: BAD_SEQUENCE", receive__out_of_sequence },
    { "receive: TRY_AGAIN, INSUFFICIENT_BUFFER, BAD_\\* keep RECEIVE",
        receive__failures_that_keep_receive },
    { "receive: any other failure to TRANSMIT",
        receive__other_failures_go_to_transmit },
    { "cancel: RECEIVE to TRANSMIT", cancel__goes_to_transmit },
    { "cancel in TRANSMIT, FINAL: BAD_SEQUENCE", cancel__out_of_sequence },
    { "setLocality keeps TRANSMIT", locality__keeps_the_state },
    { "setLocality in RECEIVE, FINAL: BAD_SEQUENCE",
        locality__out_of_sequence },
    { "makeSticky", make_sticky },
    { "finalize in RECEIVE frees the chip; twice is harmless",
        finalize__in_mid_command },
};
const struct matrix_part matrix_states = {
    rows, sizeof(rows) / sizeof(rows[0]),
};
