/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "deadline.h"
#include "uart-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A chip's end that does not keep to the page: errors, and no hang. */

#define BOUND_MS 12000 /* of anything here */

static void
be_hostile(struct fixture *f, bool (*hook)(void *user,
    struct connector *connector, const struct wire_frame *frame), void *user)
{
    hold(f)->chip.hook = hook;
    f->view->chip.hook_user = user;
    let(f);
}

/* The exchange fails, in time, with one line; then the chip is a good one. */
static void
fails(struct fixture *f, TSS2_RC rc, const char *part)
{
    int64_t before = deadline_now();

    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    receive_fails(f, rc, part);
    assert_true(deadline_now() - before < BOUND_MS);
    be_hostile(f, NULL, NULL);
    (void)hold(f);
    f->tpm.fixed = false;
    f->tpm.response_len = 0;
    let(f);
    works(f);
}

/* --- responses -------------------------------------------------------------------- */

static void
response__sizes_that_cannot_be(void **state)
{
    static const size_t lens[] = { 1, 3, 6, 9 };
    static const uint32_t says[] = { 0, 3, 9, 15, 4097, UINT32_MAX };
    struct fixture *f = *state;

    start(f);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        (void)hold(f);
        f->tpm.fixed = true;
        f->tpm.response_len = lens[i];
        let(f);
        fails(f, TSS2_TCTI_RC_MALFORMED_RESPONSE, "");
    }
    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
        (void)hold(f);
        f->tpm.fixed = true;
        f->tpm.response_len = 14;
        for (int j = 0; j < 4; j++)
            f->tpm.response[2 + j] = (uint8_t)(says[i] >> (24 - 8 * j));
        let(f);
        fails(f, TSS2_TCTI_RC_MALFORMED_RESPONSE, "");
    }
}

struct answer {
    uint8_t type;
    size_t len;
    uint8_t payload[WIRE_PAYLOAD];
};

/* To COMMAND and POLL it says this. */
static bool
says(void *user, struct connector *c, const struct wire_frame *frame)
{
    const struct answer *answer = user;

    if (frame->type == WIRE_HELLO)
        return false;
    connector_say(c, answer->type, answer->payload, answer->len);
    return true;
}

static void
response__longer_than_any(void **state)
{
    static struct answer answer = { .type = WIRE_RESPONSE };
    struct fixture *f = *state;

    start(f);
    for (answer.len = 0; answer.len <= WIRE_PAYLOAD;
        answer.len += WIRE_PAYLOAD) {
        be_hostile(f, says, &answer);
        fails(f, TSS2_TCTI_RC_MALFORMED_RESPONSE,
            answer.len == 0 ? "ends after 0" : "too long");
    }
}

/* --- frames of other epochs and numbers --------------------------------------------- */

static void
say_another(struct connector *c, uint64_t epoch, uint16_t number)
{
    static const uint8_t response[14] = { 0x80, 0x01, 0, 0, 0, 14 };
    uint64_t kept_epoch = c->frame.epoch;
    uint16_t kept_number = c->frame.number;

    c->frame.epoch = epoch;
    c->frame.number = number;
    connector_say(c, WIRE_RESPONSE, response, sizeof(response));
    connector_say(c, WIRE_UNKNOWN, response, 9);
    connector_say(c, WIRE_WELCOME, (const uint8_t[]) { 9, 0, 0 }, 3);
    c->frame.epoch = kept_epoch;
    c->frame.number = kept_number;
}

static bool
says_others(void *user, struct connector *c, const struct wire_frame *frame)
{
    (void)user;
    say_another(c, frame->epoch + 1, frame->number);
    say_another(c, 0, frame->number);
    if (frame->type != WIRE_HELLO) {
        say_another(c, frame->epoch, (uint16_t)(frame->number - 1));
        say_another(c, frame->epoch, (uint16_t)(frame->number + 1));
    }
    return false;
}

static void
others__are_dropped(void **state)
{
    struct fixture *f = *state;

    be_hostile(f, says_others, NULL);
    start(f);
    for (int i = 0; i < 5; i++)
        works(f);
    assert_int_equal(started(f), 5);
}

/* --- chips that never come to an end ------------------------------------------------- */

static void
endless__working(void **state)
{
    static struct answer answer = { .type = WIRE_WORKING };
    struct fixture *f = *state;

    start(f);
    hold(f)->chip.working_ms = 10;
    f->tpm.takes_us = -1;
    f->tpm.deaf = true;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    receive_fails(f, TSS2_TCTI_RC_IO_ERROR, "in time");
    (void)hold(f);
    f->tpm.takes_us = 0;
    f->tpm.deaf = false;
    let(f);
    works(f);
    be_hostile(f, says, &answer);
    fails(f, TSS2_TCTI_RC_IO_ERROR, "in time");
}

/* COMMAND is refused as if another had been there, whenever it is sent. */
static void
endless__unknown(void **state)
{
    static struct answer answer = { .type = WIRE_UNKNOWN, .len = 9,
        .payload = { WIRE_COMMAND, 1, 1, 1, 1, 1, 1, 1, 1 } };
    struct fixture *f = *state;

    start(f);
    be_hostile(f, says, &answer);
    fails(f, TSS2_TCTI_RC_IO_ERROR, "in time");
}

/* POLL is refused, COMMAND is not answered. */
static bool
refuses_polls(void *user, struct connector *c, const struct wire_frame *frame)
{
    (void)user;
    (void)c;
    return frame->type == WIRE_COMMAND;
}

static void
endless__command_again(void **state)
{
    struct fixture *f = *state;

    start(f);
    be_hostile(f, refuses_polls, NULL);
    fails(f, TSS2_TCTI_RC_IO_ERROR, "in time");
}

static void
refused__command_in_this_epoch(void **state)
{
    struct fixture *f = *state;

    start(f);
    hold(f)->chip.longest = 1024;
    let(f);
    assert_int_equal(transmit_len(f, f->context, 1025), TSS2_RC_SUCCESS);
    receive_fails(f, TSS2_TCTI_RC_IO_ERROR, "does not take this one");
    works(f);
    assert_int_equal(started(f), 1);
}

static void
refused__without_a_payload(void **state)
{
    static struct answer answer = { .type = WIRE_UNKNOWN };
    struct fixture *f = *state;

    start(f);
    be_hostile(f, says, &answer);
    fails(f, TSS2_TCTI_RC_IO_ERROR, "started anew");
}

static bool
says_much(void *user, struct connector *c, const struct wire_frame *frame)
{
    (void)user;
    if (frame->type == WIRE_HELLO)
        connector_say(c, WIRE_WORKING, NULL, 0);
    return true;
}

static void
endless__no_welcome(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *context;
    int64_t before = deadline_now();

    be_hostile(f, says_much, NULL);
    capture_start();
    assert_int_equal(uart_init(f, "", &context), TSS2_TCTI_RC_NO_CONNECTION);
    capture_expect("nobody answers");
    assert_true(deadline_now() - before < BOUND_MS);
}

/* The line never falls silent. */
static void
endless__noise(void **state)
{
    struct fixture *f = *state;
    int64_t before;

    start(f);
    hold(f)->noisy = true;
    f->view->to_host.lose_frames = 1000000;
    let(f);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
    before = deadline_now();
    assert_int_equal(receive(f, 0), TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(receive(f, 50), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(deadline_now() - before < 2000);
    receive_fails(f, TSS2_TCTI_RC_IO_ERROR, "");
    assert_true(deadline_now() - before < BOUND_MS);
    hold(f)->noisy = false;
    f->view->to_host.lose_frames = 0;
    let(f);
    works(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UART_TEST(response__sizes_that_cannot_be),
        UART_TEST(response__longer_than_any),
        UART_TEST(others__are_dropped),
        UART_TEST(endless__working),
        UART_TEST(endless__unknown),
        UART_TEST(endless__command_again),
        UART_TEST(refused__command_in_this_epoch),
        UART_TEST(refused__without_a_payload),
        UART_TEST(endless__no_welcome),
        UART_TEST(endless__noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
