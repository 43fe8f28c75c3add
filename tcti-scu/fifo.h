/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_FIFO_H
#define TCTI_SCU_FIFO_H

#include "bus.h"
#include "deadline.h"
#include "irq.h"

#include <stdbool.h>

/*
 * The FIFO protocol of the PC Client Platform TPM Profile over any bus: what
 * may be asked of the registers when, how long each step may take, what can
 * be repeated. It knows no lock, no log and no TCTI; all functions return 0 or
 * a negative errno value:
 *
 *   -ENODEV     nobody is there: the bus floats, or its bits cannot be a chip's
 *   -EBUSY      the locality is another's
 *   -ETIME      a step took longer than the profile allows
 *   -EPROTO     the chip is in a state in which it must not be
 *   -EBADMSG    the response was damaged on every try
 *   -ETIMEDOUT  the caller's deadline passed; the command still runs
 *   others      of the bus
 */
struct fifo {
    struct bus *bus;
    unsigned retries;     /* of a command before it is started, of a response */
    uint32_t named;       /* quirks of the configuration */
    uint8_t locality;
    bool running;         /* a command was started and not yet done with */
    uint32_t vendor;      /* DID and VID as one number; 0 until known */
    uint32_t capability;
    uint32_t code;        /* of the command under way */
    int64_t started_us;
    int64_t next_us;      /* when it is worth asking again */
    struct irq irq;
    bool armed;           /* the chip's interrupts are on, for this command */
    bool int_known;
    uint32_t int_enable;  /* what the register holds without us, then */
};

/* The chip is there, and what it is. At the first use and after a fault. */
int fifo_meet(struct fifo *fifo);

/* Takes the locality, if it is not ours already; the chip may be waking up. */
int fifo_claim(struct fifo *fifo);
/* Gives it back; errors do not matter then. */
void fifo_release(struct fifo *fifo);

/*
 * Writes a command and starts it. On a failure before the start the chip is
 * told to forget it. -EINPROGRESS: the bus failed at the start itself, so it
 * may run or not.
 */
int fifo_send(struct fifo *fifo, const uint8_t *command, size_t len);

/* Waits for the response and reads it, whole: at most max octets. */
int fifo_receive(struct fifo *fifo, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline);

/* Ends the command that runs and drops its answer. */
int fifo_cancel(struct fifo *fifo);

/*
 * Forgets an exchange, and how the chip was, without a word on the bus, which
 * is not to be had or another process's.
 */
void fifo_forget(struct fifo *fifo);

/* Cause and remedy of such an error, for log lines; NULL: none is known. */
const char *fifo_reason(int err);

/* Microseconds until it is worth asking again, at least 1. */
int64_t fifo_pause_us(const struct fifo *fifo);

/* Microseconds of the monotonic clock. */
int64_t fifo_now_us(void);
/* A pause; a signal ends it early. */
void fifo_sleep_us(int64_t us);

#endif
