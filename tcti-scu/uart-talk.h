/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_UART_TALK_H
#define TCTI_SCU_UART_TALK_H

#include "deadline.h"
#include "uart-frame.h"

/*
 * The host's end of the UART link, on an open descriptor: epochs, numbers,
 * what is sent again and when (docs/uart-link.md). All functions return 0 or a
 * negative errno value:
 *
 *   -ENODEV     silence
 *   -EPROTO     the chip's end speaks another version
 *   -ECONNRESET it started anew, and the command may have run
 *   -EOPNOTSUPP it does not take this command
 *   -EBUSY      the line takes nothing
 *   -ETIMEDOUT  the caller's deadline passed; nothing is lost
 *   others      of read(2) and write(2); -EPIPE: the line is gone
 */
struct uart_talk {
    int fd;
    uint32_t baud;
    uint64_t epoch;     /* 0: none */
    bool greeting;      /* it is not agreed on yet */
    uint16_t number;    /* of the last command */
    uint8_t command[UART_PAYLOAD_MAX]; /* with its locality */
    size_t len;         /* 0: none, only a greeting */
    unsigned sent;      /* how often the command was */
    bool heard;         /* of the command, from the chip */
    bool canceled;
    unsigned silent;    /* frames sent since the chip was heard */
    int64_t heard_ms;   /* when that was */
    int64_t next_ms;    /* when to ask */
    uint64_t retries;   /* frames sent more than once, for statistics */
    uint8_t in[256];    /* read, not looked at yet */
    size_t in_at;
    size_t in_len;
    size_t taken;       /* octets since somebody began to wait */
    struct uart_decoder decoder;
};

/* On a descriptor that was opened anew; the epoch begins with it. */
void uart_talk_begin(struct uart_talk *talk, int fd, uint32_t baud);

/* A new epoch: shows that the chip's end is there. */
int uart_talk_greet(struct uart_talk *talk);

/* A command, in an epoch that is begun where there is none. */
int uart_talk_send(struct uart_talk *talk, uint8_t locality,
    const uint8_t *command, size_t len);

/* Its response, whole; -EMSGSIZE where it is longer than max. */
int uart_talk_receive(struct uart_talk *talk, uint8_t *data, size_t max,
    size_t *got, struct deadline deadline);

/*
 * Cancels and drops the response. 0 also when the chip has not stopped in a
 * while: then the next command begins an epoch, which ends this one.
 */
int uart_talk_cancel(struct uart_talk *talk);

/* Milliseconds until the chip is to be asked; for whoever polls. */
int64_t uart_talk_pause_ms(const struct uart_talk *talk);

#endif
