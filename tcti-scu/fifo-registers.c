/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fifo-private.h"
#include "stats.h"

#include <errno.h>
#include <time.h>

/*
 * The first questions come soon, later ones at a quarter of the time that has
 * gone by: an answer is never found more than a quarter late.
 */
#define PAUSE_MIN_US 50
#define PAUSE_MAX_US 5000

int64_t
fifo_now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
fifo_sleep_us(int64_t us)
{
    struct timespec ts = {
        .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000,
    };

    /* Woken by a signal: whoever waits looks at the clock again. */
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

int64_t
fifo_pause_after(int64_t gone_us)
{
    int64_t pause = gone_us / 4;

    if (pause < PAUSE_MIN_US)
        return PAUSE_MIN_US;
    return pause > PAUSE_MAX_US ? PAUSE_MAX_US : pause;
}

/* --- registers ----------------------------------------------------------- */

static int
read_octet(struct fifo *fifo, enum ptp_register reg, uint8_t *value)
{
    fifo->bus->stats->accesses++;
    return fifo->bus->ops->read(fifo->bus, reg, value, 1);
}

int
fifo_write_octet(struct fifo *fifo, enum ptp_register reg, uint8_t value)
{
    fifo->bus->stats->accesses++;
    return fifo->bus->ops->write(fifo->bus, reg, &value, 1);
}

int
fifo_read_number(struct fifo *fifo, enum ptp_register reg, uint32_t *value)
{
    uint8_t data[4] = { 0 };
    int rc;

    fifo->bus->stats->accesses++;
    rc = fifo->bus->ops->read(fifo->bus, reg, data, sizeof(data));
    *value = (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16
        | (uint32_t)data[1] << 8 | data[0];
    return rc;
}

static int
write_number(struct fifo *fifo, enum ptp_register reg, uint32_t value,
    size_t len)
{
    uint8_t data[4] = {
        (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
        (uint8_t)(value >> 24),
    };

    fifo->bus->stats->accesses++;
    return fifo->bus->ops->write(fifo->bus, reg, data, len);
}

int
fifo_write_status(struct fifo *fifo, uint32_t value)
{
    return write_number(fifo, PTP_STS, value, value > 0xff ? 4 : 1);
}

/* Bits that must be zero tell a chip from a bus that floats. */
int
fifo_read_access(struct fifo *fifo, uint8_t *access)
{
    int rc = read_octet(fifo, PTP_ACCESS, access);

    if (rc == 0 && (*access & ACCESS_ZERO) != 0)
        rc = -ENODEV;
    return rc;
}

int
fifo_read_status(struct fifo *fifo, uint32_t *sts)
{
    int rc = fifo_read_number(fifo, PTP_STS, sts);

    if (rc == 0 && (*sts & STS_ZERO) != 0)
        rc = -ENODEV;
    return rc;
}

/* --- waiting ------------------------------------------------------------- */

/* The bits of mask in STS; stsValid speaks for all of them but commandReady. */
int
fifo_await_status(struct fifo *fifo, uint32_t mask, uint32_t wanted,
    int64_t limit_us, uint32_t *sts)
{
    int64_t start = fifo_now_us(), gone;
    int rc;

    if (mask != STS_READY) {
        mask |= STS_VALID;
        wanted |= STS_VALID;
    }
    for (;;) {
        gone = fifo_now_us() - start;
        rc = fifo_read_status(fifo, sts);
        if (rc != 0 || (*sts & mask) == wanted)
            return rc;
        if (gone > limit_us)
            return -ETIME;
        fifo_sleep_us(fifo_pause_after(gone));
    }
}

/* The burst count: how much the FIFO takes or gives without waiting. */
static int
await_burst(struct fifo *fifo, uint32_t *sts)
{
    int64_t start = 0, gone = 0;
    int rc;

    while (STS_BURST(*sts) == 0) {
        if (start == 0)
            start = fifo_now_us();
        else
            fifo_sleep_us(fifo_pause_after(gone));
        gone = fifo_now_us() - start;
        rc = fifo_read_status(fifo, sts);
        if (rc != 0)
            return rc;
        if (STS_BURST(*sts) == 0 && gone > TIMEOUT_A_US)
            return -ETIME;
    }
    return 0;
}

/* How much the next access carries, once the chip has room or data for it. */
int
fifo_next_piece(struct fifo *fifo, size_t left, uint32_t *sts, size_t *n)
{
    int rc = await_burst(fifo, sts);

    *n = STS_BURST(*sts);
    if (*n > left)
        *n = left;
    if (*n > fifo->bus->max)
        *n = fifo->bus->max;
    if ((fifo->bus->quirks & QUIRK_BURST_32) != 0 && *n > QUIRK_BURST_MAX)
        *n = QUIRK_BURST_MAX;
    *sts -= (uint32_t)*n << 8; /* what this burst has left */
    fifo->bus->stats->accesses++;
    return rc;
}

int
fifo_await_access(struct fifo *fifo, uint8_t wanted, uint8_t *access)
{
    int64_t start = fifo_now_us(), gone;
    int rc;

    for (;;) {
        gone = fifo_now_us() - start;
        rc = fifo_read_access(fifo, access);
        if (rc == 0 && (*access & wanted) == wanted)
            return 0;
        if (gone > TIMEOUT_A_US)
            return rc != 0 ? rc : -ETIME;
        fifo_sleep_us(fifo_pause_after(gone));
    }
}

/* --- interrupts ---------------------------------------------------------- */

/* What was there before, but for what a killed process may have left. */
static int
learn_enable(struct fifo *fifo)
{
    int rc = 0;

    if (!fifo->int_known)
        rc = fifo_read_number(fifo, PTP_INT_ENABLE, &fifo->int_enable);
    fifo->int_known = rc == 0;
    fifo->int_enable &= ~INT_GLOBAL;
    return rc;
}

void
fifo_arm(struct fifo *fifo)
{
    int rc;

    if (fifo->irq.name == NULL || fifo->irq.given_up)
        return;
    if ((fifo->capability & INT_DATA) == 0
        || irq_begin(&fifo->irq) != 0) {
        irq_give_up(&fifo->irq);
        return;
    }
    rc = learn_enable(fifo);
    if (rc == 0)
        rc = write_number(fifo, PTP_INT_STATUS, INT_ALL, 4);
    if (rc == 0)
        (void)write_number(fifo, PTP_INT_ENABLE,
            (fifo->int_enable & ~INT_ALL) | INT_GLOBAL | INT_DATA, 4);
    fifo->armed = true;
    irq_look(&fifo->irq); /* what it did so far was not for us */
    fifo->irq.fell = false;
}

void
fifo_disarm(struct fifo *fifo)
{
    if (!fifo->armed)
        return;
    fifo->armed = false;
    if (fifo->int_known)
        (void)write_number(fifo, PTP_INT_ENABLE, fifo->int_enable, 4);
    (void)write_number(fifo, PTP_INT_STATUS, INT_ALL, 4);
    irq_end(&fifo->irq);
}
