/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fifo.h"
#include "crc16.h"
#include "fifo-private.h"
#include "response.h"
#include "stats.h"

#include <errno.h>

/* --- the chip and its locality ------------------------------------------- */

/* A chip that starts may take its time, and the bus may float until then. */
static int
await_valid(struct fifo *fifo, uint8_t *access)
{
    int rc = fifo_await_access(fifo, ACCESS_VALID, access);

    return rc == -ETIME && *access == 0 ? -ENODEV : rc;
}

/* DID and VID mean nothing before ACCESS is valid. */
int
fifo_meet(struct fifo *fifo)
{
    uint8_t access = 0;
    int rc;

    fifo_forget(fifo);
    rc = fifo->bus->ops->select(fifo->bus, fifo->locality);
    if (rc == 0)
        rc = await_valid(fifo, &access);
    if (rc == 0)
        rc = fifo_read_number(fifo, PTP_DID_VID, &fifo->vendor);
    if (rc == 0 && (fifo->vendor == 0 || fifo->vendor == UINT32_MAX))
        rc = -ENODEV;
    if (rc == 0)
        fifo->bus->quirks = quirks_of(fifo->vendor, fifo->named);
    if (rc == 0)
        rc = fifo_read_number(fifo, PTP_INTF_CAPABILITY, &fifo->capability);
    return rc;
}

int
fifo_claim(struct fifo *fifo)
{
    uint8_t access = 0;
    int rc;

    rc = fifo->bus->ops->select(fifo->bus, fifo->locality);
    if (rc == 0)
        rc = await_valid(fifo, &access);
    if (rc != 0 || (access & ACCESS_ACTIVE) != 0)
        return rc;
    if ((access & ACCESS_SEIZED) != 0) /* that was then */
        (void)fifo_write_octet(fifo, PTP_ACCESS, ACCESS_SEIZED);
    if (fifo->bus->ops->settle != NULL)
        rc = fifo->bus->ops->settle(fifo->bus); /* it may have been reset */
    if (rc == 0)
        rc = fifo_write_octet(fifo, PTP_ACCESS, ACCESS_REQUEST);
    if (rc == 0)
        rc = fifo_await_access(fifo, ACCESS_VALID | ACCESS_ACTIVE, &access);
    return rc == -ETIME ? -EBUSY : rc;
}

void
fifo_release(struct fifo *fifo)
{
    (void)fifo_write_octet(fifo, PTP_ACCESS, ACCESS_RELEASE);
    if ((fifo->bus->quirks & QUIRK_RELEASE_DELAY) != 0)
        fifo_sleep_us(QUIRK_RELEASE_US);
}

/*
 * Registers of a locality that is not ours read as if nobody were there: was
 * it taken away, or lost in a reset?
 */
static int
why_gone(struct fifo *fifo, int rc)
{
    uint8_t access = 0;

    if (rc != -ENODEV || fifo_read_access(fifo, &access) != 0
        || (access & (ACCESS_VALID | ACCESS_ACTIVE)) != ACCESS_VALID)
        return rc;
    return (access & ACCESS_SEIZED) != 0 ? -EBUSY : -EPROTO;
}

/* --- command ------------------------------------------------------------- */

static int
ask_ready(struct fifo *fifo, int64_t limit_us, uint32_t *sts)
{
    int rc = fifo_write_status(fifo, STS_READY);

    return rc != 0 ? rc : fifo_await_status(fifo, STS_READY, STS_READY,
        limit_us, sts);
}

/*
 * A chip that still has what a dead process left may go to Idle at the first
 * asking; from there it takes another.
 */
static int
make_ready(struct fifo *fifo, uint32_t *sts)
{
    int rc = fifo_read_status(fifo, sts);

    if (rc != 0 || (*sts & STS_READY) != 0)
        return rc;
    rc = ask_ready(fifo, READY_FIRST_US, sts);
    return rc == -ETIME ? ask_ready(fifo, TIMEOUT_B_US, sts) : rc;
}

/* Expect says whether more is due: never too early, never too late. */
static int
check_expect(struct fifo *fifo, bool more, uint32_t *sts)
{
    uint32_t mask = (fifo->bus->quirks & QUIRK_NO_EXPECT) != 0 ? 0
        : STS_EXPECT;
    int rc = fifo_await_status(fifo, mask, more ? mask : 0, TIMEOUT_C_US, sts);

    return rc == -ETIME ? -EILSEQ : rc;
}

/* In pieces as long as the burst count. */
static int
write_fifo(struct fifo *fifo, const uint8_t *data, size_t len, uint32_t *sts)
{
    size_t done = 0, n;
    int rc;

    while (done < len) {
        rc = fifo_next_piece(fifo, len - done, sts, &n);
        if (rc == 0)
            rc = fifo->bus->ops->write(fifo->bus, PTP_DATA_FIFO, data + done,
                n);
        done += n;
        if (rc == 0 && (done == len || STS_BURST(*sts) == 0))
            rc = check_expect(fifo, done < len, sts);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* The chip's CRC of what it took or gave; its high octet comes first. */
static int
check_sum(struct fifo *fifo, const uint8_t *data, size_t len)
{
    uint8_t sum[2] = { 0 };
    uint16_t crc;
    int rc;

    if (!fifo->bus->ops->checksums)
        return 0;
    fifo->bus->stats->accesses++;
    rc = fifo->bus->ops->read(fifo->bus, PTP_CSUM, sum, sizeof(sum));
    if (rc != 0)
        return rc;
    crc = crc16(data, len);
    if (sum[0] == crc >> 8 && sum[1] == (crc & 0xff))
        return 0;
    fifo->bus->stats->crc_faults++;
    return -EILSEQ;
}

static int
load_once(struct fifo *fifo, const uint8_t *command, size_t len)
{
    uint32_t sts;
    int rc;

    rc = make_ready(fifo, &sts);
    if (rc == 0)
        rc = write_fifo(fifo, command, len, &sts);
    if (rc == 0)
        rc = check_sum(fifo, command, len);
    return rc;
}

/* Whether the same can be tried again once the chip has forgotten it. */
static bool
repeatable(int rc)
{
    return rc == -EILSEQ || rc == -EIO || rc == -ENXIO || rc == -EREMOTEIO
        || rc == -EAGAIN || rc == -ETIME;
}

/* Nothing runs before tpmGo, so up to there all may be repeated. */
static int
load(struct fifo *fifo, const uint8_t *command, size_t len)
{
    int rc = load_once(fifo, command, len);

    for (unsigned i = 0; i < fifo->retries && repeatable(rc); i++) {
        fifo->bus->stats->retries++;
        (void)fifo_write_status(fifo, STS_READY);
        rc = load_once(fifo, command, len);
    }
    if (rc != 0)
        (void)fifo_write_status(fifo, STS_READY);
    return rc;
}

int
fifo_send(struct fifo *fifo, const uint8_t *command, size_t len)
{
    int rc = load(fifo, command, len);

    if (rc != 0)
        return why_gone(fifo, rc);
    fifo->code = be32_read(command + 6);
    fifo->running = true;
    fifo_arm(fifo);
    rc = fifo_write_status(fifo, STS_GO);
    fifo->started_us = fifo_now_us();
    fifo->next_us = fifo->started_us
        + irq_pause_us(&fifo->irq, fifo_pause_after(0));
    return rc == 0 ? 0 : -EINPROGRESS;
}

/* --- response ------------------------------------------------------------ */

static int
read_fifo(struct fifo *fifo, uint8_t *data, size_t len, uint32_t *sts)
{
    size_t done = 0, n;
    int rc;

    while (done < len) {
        rc = fifo_next_piece(fifo, len - done, sts, &n);
        if (rc == 0 && (*sts & STS_DATA) == 0)
            rc = -EBADMSG; /* less than its header promised */
        if (rc == 0)
            rc = fifo->bus->ops->read(fifo->bus, PTP_DATA_FIFO, data + done,
                n);
        if (rc != 0)
            return rc;
        done += n;
    }
    return 0;
}

static int
read_response(struct fifo *fifo, uint8_t *data, size_t max, size_t *got,
    uint32_t sts)
{
    size_t size;
    int rc;

    if (max < TPM_HEADER_LEN)
        return -EBADMSG;
    rc = read_fifo(fifo, data, TPM_HEADER_LEN, &sts);
    if (rc != 0)
        return rc;
    size = be32_read(data + 2);
    if (size < TPM_HEADER_LEN || size > max)
        return -EBADMSG;
    rc = read_fifo(fifo, data + TPM_HEADER_LEN, size - TPM_HEADER_LEN, &sts);
    if (rc == 0)
        rc = fifo_await_status(fifo, 0, 0, TIMEOUT_C_US, &sts);
    if (rc == 0 && (sts & STS_DATA) != 0)
        rc = -EBADMSG; /* more than its header promised */
    if (rc == 0)
        rc = check_sum(fifo, data, size);
    *got = rc == 0 ? size : 0;
    return rc;
}

/* responseRetry sets the chip back to the first octet of its response. */
static int
fetch(struct fifo *fifo, uint8_t *data, size_t max, size_t *got, uint32_t sts)
{
    int rc = read_response(fifo, data, max, got, sts);

    for (unsigned i = 0; i < fifo->retries
        && (repeatable(rc) || rc == -EBADMSG); i++) {
        fifo->bus->stats->retries++;
        rc = fifo_write_status(fifo, STS_RETRY);
        if (rc == 0)
            rc = fifo_await_status(fifo, STS_DATA, STS_DATA, TIMEOUT_C_US,
                &sts);
        if (rc == 0)
            rc = read_response(fifo, data, max, got, sts);
    }
    return rc == -EILSEQ || rc == -ETIME ? -EBADMSG : rc;
}

/* The chip has what it needs to rest, or to take the next command. */
static void
done_with(struct fifo *fifo)
{
    fifo_disarm(fifo);
    (void)fifo_write_status(fifo, STS_READY);
    fifo->running = false;
}

static void
wait_us(struct fifo *fifo, int64_t us)
{
    if (fifo->irq.line >= 0)
        irq_wait_us(&fifo->irq, us);
    else
        fifo_sleep_us(us);
}

/* While a command runs the bits of STS come and go as the chip likes. */
static int
await_response(struct fifo *fifo, struct deadline deadline, uint32_t *sts)
{
    int64_t now, pause, left;
    int rc;

    for (;;) {
        irq_look(&fifo->irq);
        rc = fifo_read_status(fifo, sts);
        if (rc != 0)
            return rc;
        if ((*sts & (STS_VALID | STS_DATA)) == (STS_VALID | STS_DATA))
            return 0;
        if ((*sts & (STS_VALID | STS_READY)) == (STS_VALID | STS_READY))
            return -EPROTO; /* ready for another: it has been reset */
        now = fifo_now_us();
        pause = irq_pause_us(&fifo->irq,
            fifo_pause_after(now - fifo->started_us));
        fifo->next_us = now + pause;
        if (deadline_past(deadline))
            return -ETIMEDOUT;
        left = deadline.forever ? pause : deadline_left(deadline) * 1000LL;
        wait_us(fifo, left < pause ? left : pause);
    }
}

static void
note_time(struct fifo *fifo, uint32_t code)
{
    int64_t took = fifo_now_us() - fifo->started_us;

    if (took <= fifo->bus->stats->slowest_us)
        return;
    fifo->bus->stats->slowest_us = took;
    fifo->bus->stats->slowest_code = code;
}

int
fifo_receive(struct fifo *fifo, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    uint32_t sts = 0;
    int rc;

    *got = 0;
    rc = why_gone(fifo, await_response(fifo, deadline, &sts));
    if (rc == -EPROTO || rc == -EBUSY) {
        fifo_disarm(fifo);
        fifo->running = false;
    }
    if (rc != 0)
        return rc;
    note_time(fifo, fifo->code);
    rc = why_gone(fifo, fetch(fifo, data, max, got, sts));
    irq_judge(&fifo->irq);
    done_with(fifo);
    return rc;
}

/*
 * The chip is asked to end the command, then told to forget its answer; one
 * that does not listen to the first is stopped by the second.
 */
static int
stop(struct fifo *fifo)
{
    uint32_t sts;
    int rc;

    rc = fifo_write_status(fifo, STS_CANCEL);
    if (rc == 0)
        rc = fifo_await_status(fifo, STS_DATA, STS_DATA, TIMEOUT_B_US, &sts);
    if (rc != 0 && rc != -ETIME)
        return rc;
    rc = fifo_write_status(fifo, STS_READY);
    if (rc == 0)
        rc = make_ready(fifo, &sts);
    fifo->running = false;
    return rc;
}

int
fifo_cancel(struct fifo *fifo)
{
    int rc = stop(fifo);

    fifo_disarm(fifo);
    return rc;
}

void
fifo_forget(struct fifo *fifo)
{
    fifo->running = fifo->armed = fifo->int_known = false;
    irq_end(&fifo->irq);
}

int64_t
fifo_pause_us(const struct fifo *fifo)
{
    int64_t pause = fifo->next_us - fifo_now_us();

    return pause > 0 ? pause : 1;
}
