/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_IRQ_H
#define TCTI_SCU_IRQ_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The chip's interrupt on a GPIO line, which falls when there is an answer.
 * The kernel gives a line to one process at a time, so it is requested for an
 * exchange, under the exchange lock, and given back with it.
 *
 * A line that brings nothing must cost no more than time: what it says is
 * believed once it has been right, and it is given up when it is silent or
 * noisy. Whoever waits for it also wakes up by a timer.
 */
struct irq {
    const char *name; /* CHIP:NUMBER, see gpio.h; NULL: there is none */
    int line;         /* readable when it has fallen; -1: not requested */
    int watch;        /* for poll(2): the line or the timer; or -1 */
    bool proven;      /* it has announced an answer */
    bool given_up;
    bool fell;        /* since it was requested */
    unsigned falls;   /* how often */
    unsigned missed;  /* answers in a row that it has not announced */
};

/*
 * Prepares the line, which is not requested yet, to be watched with a timerfd
 * that the caller owns. name may be NULL. 0 or a negative errno value.
 */
int irq_open(struct irq *irq, const char *name, int timer);
/* The opposite; may be called again. */
void irq_close(struct irq *irq);

/* Requests the line; 0 or a negative errno value. irq_end() gives it back. */
int irq_begin(struct irq *irq);
void irq_end(struct irq *irq);

/* Takes note of what the line did. */
void irq_look(struct irq *irq);
/* There was an answer: was the line right? */
void irq_judge(struct irq *irq);
void irq_give_up(struct irq *irq);

/* How long to wait for the line, where one would else ask after pause. */
int64_t irq_pause_us(const struct irq *irq, int64_t pause);
/* Waits until it falls, at most so long; a signal ends it early. */
void irq_wait_us(const struct irq *irq, int64_t us);

#endif
