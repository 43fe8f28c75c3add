/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fuzz.h"
#include "stage.h"
#include "uart-talk.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The host's end of the link on a UART, and its decoder. The input is what
 * the line does: octets as they are, or frames with the CRC and epoch that
 * nobody could guess, or silence, or the end of the line:
 *
 *   0x00-0x1f            silence until the host gives up waiting
 *   0x20-0x3f len octets
 *   0x40-0xbf len octets a frame: bits 0-2 type, 3-4 epoch, 5-6 number
 *   0xc0-0xff            an error of read(2) or write(2)
 *
 * The octet at the head says what the host does.
 */
#define LINE_FD 1000
#define COMMAND_LEN 200
#define BOUND_MS 2000 /* as the state machine bounds a command */

enum { SILENCE, OCTETS, FRAME, FAULT };

static struct uart_talk talk;
static const uint8_t *input;
static size_t left;
static uint8_t line[UART_LINE_MAX];
static size_t line_at, line_len;
static int read_error, write_error;
static struct uart_decoder sent; /* what the host says must be frames */

int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);
ssize_t __real_send(int fd, const void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

static uint8_t
take(void)
{
    if (left == 0)
        return 0;
    left--;
    return *input++;
}

static size_t
take_some(const uint8_t **data, size_t max)
{
    size_t len = take();

    if (len == 0xff)
        len = (size_t)take() * 17; /* up to the longest, and beyond */
    if (len > max)
        len = max;
    if (len > left)
        len = left;
    *data = input;
    input += len;
    left -= len;
    return len;
}

static void
put_frame(uint8_t op)
{
    static const uint8_t types[8] = {
        UART_WELCOME, UART_WORKING, UART_RESPONSE, UART_UNKNOWN,
        UART_WELCOME, UART_RESPONSE, UART_UNKNOWN, UART_COMMAND,
    };
    uint8_t payload[UART_PAYLOAD_MAX] = { 0 };
    struct uart_frame frame = { .type = types[op & 7], .payload = payload };
    const uint8_t *data;

    frame.len = take_some(&data, sizeof(payload));
    if (frame.len > 0)
        memcpy(payload, data, frame.len);
    frame.epoch = (op >> 3 & 3) == 1 ? 0 : talk.epoch + (op >> 3 & 2);
    frame.number = (uint16_t)(talk.greeting ? 0
        : talk.number + ((op >> 5 & 3) == 3));
    if (frame.type == UART_UNKNOWN && frame.len == 2) {
        for (int i = 0; i < 8; i++) /* the chip's: this one, or another */
            payload[1 + i] = (uint8_t)((talk.epoch ^ payload[1])
                >> (56 - 8 * i));
        frame.len = 9;
    }
    line_len = uart_encode(&frame, line);
}

/* The next thing that the line does, once the last one is over. */
static int
next_event(void)
{
    const uint8_t *data;
    uint8_t op;

    if (line_at < line_len)
        return OCTETS;
    if (left == 0)
        return SILENCE;
    op = take();
    line_at = line_len = 0;
    if (op < 0x20)
        return SILENCE;
    if (op >= 0xc0) {
        *(op & 1 ? &read_error : &write_error) = op & 2 ? EIO : EAGAIN;
        return FAULT;
    }
    if (op >= 0x40) {
        put_frame(op);
        return FRAME;
    }
    line_len = take_some(&data, sizeof(line));
    if (line_len > 0)
        memcpy(line, data, line_len);
    return line_len > 0 ? OCTETS : SILENCE;
}

int
__wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (!stage_is_on() || n != 1 || fds->fd != LINE_FD)
        return __real_poll(fds, n, timeout);
    stage_count();
    fds->revents = 0;
    if ((fds->events & POLLOUT) == 0 && next_event() != SILENCE) {
        fds->revents = POLLIN;
        return 1;
    }
    if (timeout < 0)
        abort(); /* nothing of this link waits for ever */
    stage_pass_us((int64_t)timeout * 1000);
    return 0;
}

ssize_t
__wrap_read(int fd, void *data, size_t len)
{
    if (!stage_is_on() || fd != LINE_FD)
        return __real_read(fd, data, len);
    if (read_error != 0) {
        errno = read_error;
        read_error = 0;
        return errno == EIO ? -1 : 0;
    }
    if (line_at == line_len) {
        errno = EAGAIN;
        return -1;
    }
    if (len > line_len - line_at)
        len = line_len - line_at;
    memcpy(data, line + line_at, len);
    line_at += len;
    return (ssize_t)len;
}

ssize_t
__wrap_send(int fd, const void *data, size_t len, int flags)
{
    struct uart_frame frame;
    size_t frames = 0;

    if (!stage_is_on() || fd != LINE_FD)
        return __real_send(fd, data, len, flags);
    stage_count();
    if (write_error != 0) {
        errno = write_error;
        write_error = errno == EAGAIN ? EIO : 0;
        return -1;
    }
    for (size_t i = 0; i < len; i++)
        frames += uart_decode(&sent, ((const uint8_t *)data)[i], &frame);
    if (frames != 1 || frame.epoch == 0 || frame.type > UART_CANCEL)
        abort();
    return (ssize_t)len;
}

/* What the state machine does with a command. */
static void
run_command(uint8_t what)
{
    static const uint8_t command[COMMAND_LEN] = { 0x80, 0x01 };
    uint8_t data[4096];
    struct deadline bound;
    size_t got = 0;
    int rc;

    if (talk.fd != LINE_FD)
        uart_talk_begin(&talk, LINE_FD, 115200);
    bound = deadline_in(BOUND_MS);
    rc = uart_talk_send(&talk, 0, command, 10 + what % 190U);
    if (rc == 0 && (what & 1) != 0)
        rc = uart_talk_receive(&talk, data, sizeof(data), &got,
            deadline_in(0));
    if (rc == -ETIMEDOUT || rc == 0)
        rc = (what & 2) != 0 ? uart_talk_cancel(&talk)
            : uart_talk_receive(&talk, data, sizeof(data), &got, bound);
    if (rc == -ETIMEDOUT)
        (void)uart_talk_cancel(&talk);
    if (got > sizeof(data) || uart_talk_pause_ms(&talk) < 1)
        abort();
    if (rc != 0)
        talk.fd = -1; /* the link opens the line anew */
}

static void
run_decoder(const uint8_t *data, size_t size)
{
    static struct uart_decoder in, back;
    uint8_t out[UART_LINE_MAX];
    struct uart_frame frame, again;
    size_t n, frames = 0;

    in.len = 0;
    in.spoilt = false;
    for (size_t i = 0; i < size; i++) {
        if (!uart_decode(&in, data[i], &frame))
            continue;
        if (frame.len > UART_PAYLOAD_MAX)
            abort();
        n = uart_encode(&frame, out);
        for (size_t j = frames = 0; j < n; j++)
            frames += uart_decode(&back, out[j], &again);
        if (frames != 1 || again.len != frame.len)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    stage_enter();
    run_decoder(data, size);
    memset(&talk, 0, sizeof(talk));
    input = data;
    left = size;
    line_at = line_len = 0;
    read_error = write_error = 0;
    sent.len = 0;
    sent.spoilt = false;
    uart_talk_begin(&talk, LINE_FD, 115200);
    if ((take() & 1) != 0 && uart_talk_greet(&talk) != 0)
        talk.fd = -1;
    for (int i = 0; i < 6; i++)
        run_command(take());
    stage_leave();
    return 0;
}
