/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uart-talk.h"
#include "io.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define LINK_VERSION 1
#define MESSAGE_MAX 4096

#define ASK_MS 100       /* between frames that are not answered */
#define ANSWER_MS 60     /* for the first answer, beyond the time on the line */
#define WORKING_MS 500   /* silence of a chip that works */
#define SILENCE_MS 3000  /* with SILENT_FRAMES: nobody is there */
#define SILENT_FRAMES 4
#define GREET_MS 5000    /* a chip that says much, but not WELCOME */
#define CANCEL_MS 2000   /* a TPM that does not stop */
#define BITS_PER_OCTET 10
#define WRITE_MS 5000
#define EPOCH_LEN 8

/* --- sending -------------------------------------------------------------- */

static int
send_frame(struct uart_talk *t, enum uart_type type, uint16_t number,
    const uint8_t *payload, size_t len)
{
    const struct uart_frame frame = {
        .type = (uint8_t)type,
        .epoch = t->epoch,
        .number = number,
        .payload = payload,
        .len = len,
    };
    uint8_t line[UART_LINE_MAX];
    size_t n = uart_encode(&frame, line);
    int64_t on_line_ms = (int64_t)n * BITS_PER_OCTET * 1000 / t->baud;
    int rc;

    rc = io_write(t->fd, line, n, deadline_in(WRITE_MS));
    explicit_bzero(line, sizeof(line));
    t->silent++;
    t->next_ms = deadline_now() + on_line_ms
        + (type == UART_COMMAND ? ANSWER_MS : ASK_MS);
    return rc == -ETIMEDOUT ? -EBUSY : rc; /* not the caller's deadline */
}

static int
send_command(struct uart_talk *t)
{
    if (t->sent++ > 0)
        t->retries++;
    return send_frame(t, UART_COMMAND, t->number, t->command, t->len);
}

/* --- hearing -------------------------------------------------------------- */

static void
note_heard(struct uart_talk *t)
{
    t->silent = 0;
    t->heard_ms = deadline_now();
}

static bool
gone(const struct uart_talk *t)
{
    return t->silent >= SILENT_FRAMES
        && deadline_now() - t->heard_ms >= SILENCE_MS;
}

/*
 * At least one octet to look at. What is there by the deadline is looked at
 * even when it is past, but a line that never falls silent ends there, too.
 */
static int
fill(struct uart_talk *t, struct deadline deadline)
{
    int rc;

    if (t->in_at < t->in_len)
        return 0;
    if (t->taken > UART_LINE_MAX && deadline_past(deadline))
        return -ETIMEDOUT;
    t->in_at = 0;
    rc = io_read_some(t->fd, t->in, sizeof(t->in), &t->in_len, deadline);
    t->taken += t->in_len;
    return rc;
}

/*
 * The next sound frame of this epoch. -ETIMEDOUT where none came by then, or
 * by the time to ask.
 */
static int
next_frame(struct uart_talk *t, struct uart_frame *frame,
    struct deadline deadline)
{
    struct deadline ask = { .at_ms = t->next_ms };
    int rc;

    for (;;) {
        rc = fill(t, deadline_earlier(deadline, ask));
        if (rc != 0)
            return rc;
        if (uart_decode(&t->decoder, t->in[t->in_at++], frame)
            && frame->epoch == t->epoch)
            break;
    }
    note_heard(t);
    return 0;
}

/* --- epochs --------------------------------------------------------------- */

void
uart_talk_begin(struct uart_talk *t, int fd, uint32_t baud)
{
    t->fd = fd;
    t->baud = baud;
    t->epoch = 0;
    t->in_at = t->in_len = 0;
    t->decoder.len = 0;
    t->decoder.spoilt = false;
}

static int
send_hello(struct uart_talk *t)
{
    static const uint8_t hello[] = {
        LINK_VERSION, MESSAGE_MAX >> 8, MESSAGE_MAX & 0xff,
    };

    return send_frame(t, UART_HELLO, 0, hello, sizeof(hello));
}

static int
begin_epoch(struct uart_talk *t)
{
    t->epoch = 0;
    t->number = 0;
    while (t->epoch == 0)
        if (getrandom(&t->epoch, sizeof(t->epoch), 0)
            != (ssize_t)sizeof(t->epoch))
            return -EIO;
    t->greeting = true;
    return send_hello(t);
}

/* --- commands ------------------------------------------------------------- */

static int
begin_command(struct uart_talk *t)
{
    t->number++;
    t->sent = 0;
    t->heard = false;
    return send_command(t);
}

/* The epoch of a chip that refuses; 0: none. */
static uint64_t
epoch_told(const struct uart_frame *frame)
{
    uint64_t epoch = 0;

    for (size_t i = 1; i <= EPOCH_LEN && frame->len > EPOCH_LEN; i++)
        epoch = epoch << 8 | frame->payload[i];
    return epoch;
}

/* Before the chip was heard of the command: has it got it? */
static int
refused_unheard(struct uart_talk *t, uint8_t type, uint64_t chips)
{
    if (chips == t->epoch && type == UART_POLL)
        return send_command(t);
    if (chips == t->epoch)
        return type == UART_COMMAND ? -EOPNOTSUPP : 0;
    if (chips != 0 || (type == UART_COMMAND && t->sent == 1))
        return begin_epoch(t); /* it has not */
    return -ECONNRESET;
}

/* What the chip has not got, or not any more, is cancelled. */
static int
refused(struct uart_talk *t, const struct uart_frame *frame)
{
    uint8_t type = frame->len >= 1 ? frame->payload[0] : 0;
    uint64_t chips = epoch_told(frame);

    if (t->canceled)
        return 1;
    if (!t->heard)
        return refused_unheard(t, type, chips);
    return chips == t->epoch ? 0 : -ECONNRESET; /* 0: it is a late one */
}

static int
welcomed(struct uart_talk *t, const struct uart_frame *frame)
{
    if (frame->type != UART_WELCOME || frame->len < 1)
        return 0;
    if (frame->payload[0] != LINK_VERSION)
        return -EPROTO;
    t->greeting = false;
    return t->len > 0 && !t->canceled ? begin_command(t) : 1;
}

/* 1: what is waited for is there. */
static int
handle(struct uart_talk *t, const struct uart_frame *frame)
{
    if (t->greeting)
        return welcomed(t, frame);
    if (frame->number != t->number)
        return 0;
    switch (frame->type) {
    case UART_RESPONSE:
        return 1;
    case UART_WORKING:
        t->heard = true;
        t->next_ms = deadline_now() + (t->canceled ? ASK_MS : WORKING_MS);
        return 0;
    case UART_UNKNOWN:
        return refused(t, frame);
    default:
        return 0;
    }
}

/* Nothing came in time. */
static int
ask(struct uart_talk *t)
{
    if (gone(t))
        return -ENODEV;
    t->retries++;
    if (t->greeting)
        return send_hello(t);
    return send_frame(t, t->canceled ? UART_CANCEL : UART_POLL, t->number,
        NULL, 0);
}

/* Passwords go one way, what was unsealed the other. */
static void
wipe(struct uart_talk *t)
{
    explicit_bzero(t->command, t->len);
    explicit_bzero(t->decoder.data, sizeof(t->decoder.data));
    explicit_bzero(t->in, t->in_at);
}

/* After a failure the next command begins an epoch of its own. */
static int
await(struct uart_talk *t, struct uart_frame *frame, struct deadline deadline)
{
    int rc = 0;

    t->taken = 0;
    while (rc == 0) {
        rc = next_frame(t, frame, deadline);
        if (rc == 0)
            rc = handle(t, frame);
        else if (rc == -ETIMEDOUT && deadline_now() >= t->next_ms)
            rc = ask(t);
    }
    if (rc < 0 && rc != -ETIMEDOUT)
        t->epoch = 0;
    return rc > 0 ? 0 : rc;
}

int
uart_talk_greet(struct uart_talk *t)
{
    struct uart_frame frame;
    int rc;

    note_heard(t);
    t->len = 0;
    t->canceled = false;
    rc = begin_epoch(t);
    if (rc == 0)
        rc = await(t, &frame, deadline_in(GREET_MS));
    if (rc != 0)
        t->epoch = 0;
    return rc == -ETIMEDOUT ? -ENODEV : rc;
}

int
uart_talk_send(struct uart_talk *t, uint8_t locality, const uint8_t *command,
    size_t len)
{
    if (len > sizeof(t->command) - 1)
        return -EMSGSIZE;
    t->command[0] = locality;
    memcpy(t->command + 1, command, len);
    t->len = len + 1;
    t->canceled = false;
    note_heard(t);
    return t->epoch == 0 ? begin_epoch(t) : begin_command(t);
}

int
uart_talk_receive(struct uart_talk *t, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    struct uart_frame frame;
    int rc;

    *got = 0;
    if (t->epoch == 0)
        return -ENODEV; /* a cancel failed: there is nothing to wait for */
    rc = await(t, &frame, deadline);
    if (rc != 0)
        return rc;
    if (frame.len <= max) {
        memcpy(data, frame.payload, frame.len);
        *got = frame.len;
    }
    rc = frame.len <= max ? 0 : -EMSGSIZE;
    wipe(t);
    return rc;
}

int
uart_talk_cancel(struct uart_talk *t)
{
    struct uart_frame frame;
    int rc = 0;

    if (t->epoch == 0)
        return -ENODEV;
    t->canceled = true;
    if (!t->greeting)
        rc = send_frame(t, UART_CANCEL, t->number, NULL, 0);
    rc = rc == 0 ? await(t, &frame, deadline_in(CANCEL_MS)) : rc;
    wipe(t);
    if (rc == -ETIMEDOUT) {
        t->epoch = 0; /* the next one ends it */
        rc = 0;
    }
    return rc;
}

int64_t
uart_talk_pause_ms(const struct uart_talk *t)
{
    int64_t pause = t->next_ms - deadline_now();

    return pause > 0 ? pause : 1;
}
