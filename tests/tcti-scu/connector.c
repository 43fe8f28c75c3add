/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "connector.h"

#include <string.h>

#define LINK_VERSION 1
#define COMMAND_MIN (1 + 10)
#define LOCALITY_MAX 4
#define WORKING_MS 200

static void
say(struct connector *c, const struct wire_frame *frame)
{
    uint8_t octets[WIRE_LINE];

    c->send(c->line, octets, wire_write(frame, octets));
}

void
connector_say(struct connector *c, uint8_t type, const uint8_t *payload,
    size_t len)
{
    static struct wire_frame frame;

    frame.type = type;
    frame.epoch = c->frame.epoch;
    frame.number = c->frame.number;
    frame.len = len;
    if (len != 0)
        memcpy(frame.payload, payload, len);
    say(c, &frame);
}

static uint16_t
longest(const struct connector *c)
{
    return c->longest != 0 ? c->longest : WIRE_MESSAGE;
}

static void
say_welcome(struct connector *c)
{
    connector_say(c, WIRE_WELCOME, (const uint8_t[]) { LINK_VERSION,
        (uint8_t)(longest(c) >> 8), (uint8_t)longest(c) }, 3);
}

static void
say_unknown(struct connector *c)
{
    uint8_t payload[9] = { c->frame.type };

    for (int i = 0; i < 8 && c->has_epoch; i++)
        payload[1 + i] = (uint8_t)(c->epoch >> (56 - 8 * i));
    c->counts.unknowns++;
    connector_say(c, WIRE_UNKNOWN, payload, sizeof(payload));
}

/* WORKING or RESPONSE, of the command in the present epoch. */
static void
say_state(struct connector *c)
{
    struct wire_frame frame = { .epoch = c->epoch, .number = c->last };

    frame.type = c->state == CONNECTOR_IDLE ? WIRE_RESPONSE : WIRE_WORKING;
    if (c->state == CONNECTOR_IDLE) {
        frame.len = c->response_len;
        memcpy(frame.payload, c->response, c->response_len);
    }
    say(c, &frame);
}

static int64_t
working_ms(const struct connector *c)
{
    return c->working_ms != 0 ? c->working_ms : WORKING_MS;
}

static void
begin(struct connector *c)
{
    c->state = CONNECTOR_EXECUTING;
    c->counts.started++;
    c->tpm->start(c->user, c->command[0], c->command + 1, c->command_len - 1);
}

/* --- a row of the page's table each ---------------------------------------- */

static void
hello(struct connector *c, const struct wire_frame *frame)
{
    c->counts.hellos++;
    if (frame->len < 1 || frame->epoch == 0)
        return;
    if (frame->payload[0] == LINK_VERSION
        && (!c->has_epoch || frame->epoch != c->epoch)) {
        if (c->state == CONNECTOR_EXECUTING) {
            c->ending = true;
            c->tpm->cancel(c->user);
        }
        c->state = CONNECTOR_IDLE;
        c->response_len = 0;
        c->has_epoch = true;
        c->epoch = frame->epoch;
        c->last = 0;
        c->has_last = false;
        c->counts.changes++;
    }
    say_welcome(c);
}

static void
take_command(struct connector *c, const struct wire_frame *frame, int64_t now)
{
    c->counts.taken++;
    c->response_len = 0;
    c->last = frame->number;
    c->has_last = true;
    c->command_len = frame->len;
    memcpy(c->command, frame->payload, frame->len);
    c->state = CONNECTOR_QUEUED;
    c->next_working = now + working_ms(c);
    say_state(c);
    if (!c->ending)
        begin(c);
}

static bool
is_last(const struct connector *c, const struct wire_frame *frame)
{
    return c->has_last && frame->number == c->last;
}

static void
command(struct connector *c, const struct wire_frame *frame, int64_t now)
{
    c->counts.commands++;
    if (frame->len < COMMAND_MIN || frame->len > 1U + longest(c)
        || frame->payload[0] > LOCALITY_MAX)
        say_unknown(c);
    else if (is_last(c, frame))
        say_state(c);
    else if (frame->number == (uint16_t)(c->last + 1)
        && c->state == CONNECTOR_IDLE)
        take_command(c, frame, now);
    else
        say_unknown(c);
}

static void
poll(struct connector *c, const struct wire_frame *frame)
{
    c->counts.polls++;
    if (is_last(c, frame))
        say_state(c);
    else
        say_unknown(c);
}

/* One that the TPM has not got yet never gets there. */
static void
cancel_queued(struct connector *c)
{
    static const uint8_t canceled[10] = {
        0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x09,
    };

    memcpy(c->response, canceled, sizeof(canceled));
    c->response_len = sizeof(canceled);
    c->state = CONNECTOR_IDLE;
    say_state(c);
}

static void
cancel(struct connector *c, const struct wire_frame *frame)
{
    c->counts.cancels++;
    if (!is_last(c, frame))
        say_unknown(c);
    else if (c->state == CONNECTOR_IDLE)
        say_state(c);
    else if (c->state == CONNECTOR_EXECUTING)
        c->tpm->cancel(c->user);
    else
        cancel_queued(c);
}

static void
frame_came(struct connector *c, int64_t now)
{
    const struct wire_frame *frame = &c->frame;

    c->counts.frames++;
    if (c->hook != NULL && c->hook(c->hook_user, c, frame))
        return;
    if (frame->type == WIRE_HELLO)
        hello(c, frame);
    else if (frame->type != WIRE_COMMAND && frame->type != WIRE_POLL
        && frame->type != WIRE_CANCEL)
        return;
    else if (!c->has_epoch || frame->epoch != c->epoch)
        say_unknown(c);
    else if (frame->type == WIRE_COMMAND)
        command(c, frame, now);
    else if (frame->type == WIRE_POLL)
        poll(c, frame);
    else
        cancel(c, frame);
}

/* --------------------------------------------------------------------------- */

void
connector_restart(struct connector *c)
{
    c->has_epoch = false;
    c->has_last = false;
    c->last = 0;
    c->response_len = 0;
    c->collector = (struct wire_collector) { .len = 0 };
    /* A TPM that has no reset goes on: its answer is nobody's. */
    if (c->state == CONNECTOR_EXECUTING)
        c->ending = true;
    c->state = CONNECTOR_IDLE;
}

bool
connector_busy(const struct connector *c)
{
    return c->state != CONNECTOR_IDLE || c->ending;
}

void
connector_take(struct connector *c, const uint8_t *octets, size_t len,
    int64_t now)
{
    for (size_t i = 0; i < len; i++)
        if (wire_collect(&c->collector, octets[i], &c->frame))
            frame_came(c, now);
    connector_tick(c, now);
}

void
connector_tick(struct connector *c, int64_t now)
{
    uint8_t response[WIRE_MESSAGE];
    size_t len;

    if (c->state == CONNECTOR_EXECUTING || c->ending) {
        len = c->tpm->done(c->user, response, sizeof(response));
        if (len != 0 && c->ending) {
            c->ending = false;
            if (c->state == CONNECTOR_QUEUED)
                begin(c);
        } else if (len != 0) {
            memcpy(c->response, response, len);
            c->response_len = len;
            c->state = CONNECTOR_IDLE;
            say_state(c);
        }
    }
    if (c->state != CONNECTOR_IDLE && now >= c->next_working) {
        c->next_working = now + working_ms(c);
        say_state(c);
    }
}
