/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bus.h"
#include "exchange.h"
#include "fail.h"
#include "fifo.h"
#include "gpio.h"
#include "link.h"
#include "log.h"
#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * A bare chip on a bus: the exchange lock, the FIFO protocol, and what to do
 * when something fails: the node is closed, and the next command opens it,
 * meets the chip and claims the locality anew.
 */
struct fifo_link {
    struct link link;
    const struct options *options;
    struct bus *bus;
    struct stats stats;
    struct fifo fifo;
    struct exchange exchange;
    bool met;      /* open, and the chip is what it should be */
    int timer;     /* readable when the chip is worth asking; or -1 */
    bool told;     /* that the interrupt line brings nothing */
};

static struct fifo_link *
fifo_of(struct link *link)
{
    return (struct fifo_link *)(void *)link;
}

/* --- failures ------------------------------------------------------------ */

static TSS2_RC
failure(const struct fifo_link *f, TSS2_RC rc, int err, const char *what)
{
    const char *path = f->options->path;
    const char *reason = fifo_reason(err);

    if (reason != NULL)
        return tcti_fail(rc, "the chip at %s %s: %s", path, what, reason);
    return tcti_fail(rc, "the chip at %s %s: %s; repeat the operation, then "
        "check the bus", path, what, strerror(-err));
}

static TSS2_RC
lock_exchange(struct fifo_link *f)
{
    int err = exchange_enter(&f->exchange,
        deadline_in((int32_t)f->options->timeout_ms));

    if (err == 0)
        return TSS2_RC_SUCCESS;
    if (err == -ETIMEDOUT)
        return TSS2_TCTI_RC_IO_ERROR;
    return failure(f, TSS2_TCTI_RC_IO_ERROR, err, "cannot be locked");
}

/* --- meeting ------------------------------------------------------------- */

static void
forget(struct fifo_link *f)
{
    f->bus->ops->close(f->bus);
    f->met = false;
    fifo_forget(&f->fifo);
}

/* The reset line is for a chip that does not answer any more. */
static void
pulse_reset(const struct fifo_link *f)
{
    const struct timespec low = { .tv_nsec = 2000000 };
    int fd;

    if (f->options->reset == NULL
        || gpio_open_output(f->options->reset, &fd) != 0)
        return;
    (void)gpio_set(fd, false);
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &low, NULL);
    (void)gpio_set(fd, true);
    (void)close(fd);
}

static int
meet_once(struct fifo_link *f)
{
    int rc = f->bus->ops->open(f->bus);

    if (rc == 0)
        rc = fifo_meet(&f->fifo);
    if (rc != 0)
        forget(f);
    return rc;
}

static int
meet(struct fifo_link *f)
{
    int rc = 0;

    if (!f->met)
        rc = meet_once(f);
    if ((rc == -ENODEV || rc == -ENXIO || rc == -EREMOTEIO)
        && f->options->reset != NULL) {
        pulse_reset(f);
        rc = meet_once(f);
    }
    f->met = rc == 0;
    return rc;
}

/*
 * The chip is there, and ours. One that was unplugged, or slept with the host,
 * is met again: nothing of an exchange has begun.
 */
static int
reach(struct fifo_link *f)
{
    bool before = f->met;
    int rc = meet(f);

    if (rc == 0)
        rc = fifo_claim(&f->fifo);
    if (rc == 0 || rc == -EBUSY || !before)
        return rc;
    forget(f);
    rc = meet(f);
    return rc == 0 ? fifo_claim(&f->fifo) : rc;
}

/* --- exchanges ----------------------------------------------------------- */

static void
fifo_link_end(struct link *link, bool clean)
{
    struct fifo_link *f = fifo_of(link);

    if (!clean && f->fifo.running)
        (void)fifo_cancel(&f->fifo);
    if (!clean)
        forget(f);
    exchange_leave(&f->exchange);
}

static TSS2_RC
fifo_link_send(struct link *link, const uint8_t *command, size_t len)
{
    struct fifo_link *f = fifo_of(link);
    TSS2_RC rc;
    int err;

    rc = lock_exchange(f);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    err = reach(f);
    if (err == 0)
        err = fifo_send(&f->fifo, command, len);
    if (err != 0) {
        rc = failure(f, TSS2_TCTI_RC_IO_ERROR, err, "takes no command");
        fifo_link_end(link, false);
        return rc;
    }
    f->stats.commands++;
    f->stats.octets += len;
    return TSS2_RC_SUCCESS;
}

/* Once: such a line is no failure, but it is of no use either. */
static void
tell_irq(struct fifo_link *f)
{
    if (!f->fifo.irq.given_up || f->told)
        return;
    f->told = true;
    log_line(LOG_LEVEL_WARN, "irq=%s brings no interrupts of the chip at %s, "
        "which is asked by a timer instead; check the line's number and "
        "wiring, or leave the key out", f->options->irq, f->options->path);
}

static TSS2_RC
fifo_link_receive(struct link *link, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    struct fifo_link *f = fifo_of(link);
    int err = fifo_receive(&f->fifo, data, max, got, deadline);

    if (err == -ETIMEDOUT)
        return TSS2_TCTI_RC_TRY_AGAIN;
    if (err == -EBADMSG)
        return failure(f, TSS2_TCTI_RC_MALFORMED_RESPONSE, err,
            "gave no sound response");
    if (err != 0)
        return failure(f, TSS2_TCTI_RC_IO_ERROR, err, "gave no response");
    f->stats.octets += *got;
    tell_irq(f);
    return TSS2_RC_SUCCESS;
}

static TSS2_RC
fifo_link_cancel(struct link *link)
{
    struct fifo_link *f = fifo_of(link);
    int err = fifo_cancel(&f->fifo);

    return err == 0 ? TSS2_RC_SUCCESS :
        failure(f, TSS2_TCTI_RC_IO_ERROR, err, "cannot be told to cancel");
}

/*
 * Tried at once, so that a refusal shows here and not in a command. The
 * locality that was held so far goes back.
 */
static TSS2_RC
fifo_link_locality(struct link *link, uint8_t locality)
{
    struct fifo_link *f = fifo_of(link);
    uint8_t before = f->fifo.locality;
    TSS2_RC rc;
    int err;

    rc = lock_exchange(f);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    err = reach(f);
    if (err == 0 && locality != before) {
        fifo_release(&f->fifo);
        f->fifo.locality = locality;
        err = fifo_claim(&f->fifo);
    }
    if (err != 0) {
        f->fifo.locality = before;
        rc = failure(f, TSS2_TCTI_RC_IO_ERROR, err, "refuses the locality");
        forget(f);
    }
    exchange_leave(&f->exchange);
    return rc;
}

/* The interrupt line, where there is one, and a timer in any case. */
static int
fifo_link_fd(const struct link *link)
{
    const struct fifo_link *f = (const struct fifo_link *)(const void *)link;
    int64_t us = fifo_pause_us(&f->fifo);
    struct itimerspec next = {
        .it_value = { us / 1000000, us % 1000000 * 1000 },
    };

    if (!f->fifo.running)
        return -1;
    (void)timerfd_settime(f->timer, 0, &next, NULL);
    return f->fifo.irq.line >= 0 ? f->fifo.irq.watch : f->timer;
}

static void
close_handles(struct fifo_link *f)
{
    irq_close(&f->fifo.irq);
    if (f->timer >= 0)
        (void)close(f->timer);
    f->timer = -1;
}

/* What poll(2) sees. 0 or a negative errno value. */
static int
open_handles(struct fifo_link *f)
{
    f->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (f->timer < 0)
        return -errno;
    return irq_open(&f->fifo.irq, f->options->irq, f->timer);
}

/* A timer that two processes set would serve neither. */
static void
fifo_link_abandon(struct link *link)
{
    struct fifo_link *f = fifo_of(link);

    forget(f);
    close_handles(f);
    (void)open_handles(f); /* without them there is nothing to poll */
    exchange_abandon(&f->exchange);
}

/* The locality goes back, if nobody else is at work. */
static void
give_back(struct fifo_link *f)
{
    if (!f->met || !exchange_try(&f->exchange))
        return;
    if (f->bus->ops->select(f->bus, f->fifo.locality) == 0)
        fifo_release(&f->fifo);
}

static void
fifo_link_close(struct link **link)
{
    struct fifo_link *f = fifo_of(*link);

    if (f->fifo.running)
        (void)fifo_cancel(&f->fifo);
    give_back(f);
    exchange_close(&f->exchange);
    stats_show(&f->stats, f->options->path);
    if (f->bus != NULL)
        f->bus->ops->free(&f->bus);
    close_handles(f);
    free(f);
    *link = NULL;
}

/* --- opening ------------------------------------------------------------- */

static TSS2_RC
prepare(struct fifo_link *f)
{
    int rc = open_handles(f);

    if (rc != 0)
        return failure(f, TSS2_TCTI_RC_GENERAL_FAILURE, rc, "needs a timer");
    rc = exchange_open(&f->exchange, f->options->path, f->options->lock);
    if (rc != 0)
        return failure(f, TSS2_TCTI_RC_NO_CONNECTION, rc, "cannot be used");
    return TSS2_RC_SUCCESS;
}

/* A line that is none is told at once; others may have it at another time. */
static TSS2_RC
try_irq(struct fifo_link *f)
{
    int err;

    if (f->options->irq == NULL)
        return TSS2_RC_SUCCESS;
    err = irq_begin(&f->fifo.irq);
    irq_end(&f->fifo.irq);
    if (err == 0)
        return TSS2_RC_SUCCESS;
    return tcti_fail(TSS2_TCTI_RC_NO_CONNECTION,
        "irq=%s cannot be used: %s; name a free line of a GPIO chip, as "
        "gpiochip0:17, that the user may open", f->options->irq,
        strerror(-err));
}

static TSS2_RC
first_meeting(struct fifo_link *f)
{
    TSS2_RC rc = lock_exchange(f);
    int err;

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    err = meet(f);
    if (err != 0)
        rc = failure(f, TSS2_TCTI_RC_NO_CONNECTION, err, "cannot be used");
    else
        rc = try_irq(f);
    exchange_leave(&f->exchange);
    return rc;
}

static TSS2_RC
open_on(const struct bus_ops *ops, const struct options *options,
    struct link **link)
{
    struct fifo_link *f;
    TSS2_RC rc;

    if (options->path == NULL)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "link %s lacks its device: %s:/dev/...", options->type->name,
            options->type->name);
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return TSS2_TCTI_RC_MEMORY;
    f->link.ops = options->type->ops;
    f->options = options;
    f->exchange.keep = options->exclusive;
    f->timer = f->fifo.irq.line = f->fifo.irq.watch = -1;
    *link = &f->link;
    rc = ops->make(options, &f->stats, &f->bus);
    if (rc == TSS2_RC_SUCCESS) {
        f->fifo = (struct fifo) {
            .bus = f->bus, .retries = options->retries,
            .named = options->quirks,
            .irq = { .line = -1, .watch = -1 },
        };
        f->bus->quirks = quirks_of(0, options->quirks);
        rc = prepare(f);
    }
    if (rc == TSS2_RC_SUCCESS)
        rc = first_meeting(f);
    if (rc != TSS2_RC_SUCCESS)
        fifo_link_close(link);
    return rc;
}

static TSS2_RC
spi_link_open(const struct options *options, struct link **link)
{
    return open_on(&bus_spi_ops, options, link);
}

static TSS2_RC
i2c_link_open(const struct options *options, struct link **link)
{
    return open_on(&bus_i2c_ops, options, link);
}

#define FIFO_LINK_OPS \
    .whole = true, .counts = true, .send = fifo_link_send, .receive = fifo_link_receive, \
    .end = fifo_link_end, .cancel = fifo_link_cancel, \
    .locality = fifo_link_locality, .fd = fifo_link_fd, \
    .abandon = fifo_link_abandon, .close = fifo_link_close

static const struct link_ops spi_ops = {
    .open = spi_link_open,
    FIFO_LINK_OPS,
};

static const struct link_ops i2c_ops = {
    .open = i2c_link_open,
    FIFO_LINK_OPS,
};

#define FIFO_KEYS \
    { .name = "path", .kind = OPTION_STRING, \
        .offset = offsetof(struct options, path) }, \
    { .name = "reset", .kind = OPTION_STRING, \
        .offset = offsetof(struct options, reset) }, \
    { .name = "quirks", .kind = OPTION_SET, .words = quirk_words, \
        .offset = offsetof(struct options, quirks) }, \
    { .name = "irq", .kind = OPTION_STRING, \
        .offset = offsetof(struct options, irq) }, \
    { .name = "exclusive", .kind = OPTION_FLAG, \
        .offset = offsetof(struct options, exclusive) }, \
    { .name = "lock", .kind = OPTION_STRING, \
        .offset = offsetof(struct options, lock) }, \
    { .name = "retries", .kind = OPTION_NUMBER, .min = 0, .max = 100, \
        .offset = offsetof(struct options, retries) }, \
    OPTION_KEYS_SHARED

static const struct option_key spi_keys[] = {
    { .name = "hz", .kind = OPTION_NUMBER, .min = 1000, .max = 100000000,
        .offset = offsetof(struct options, hz) },
    { .name = "mode", .kind = OPTION_NUMBER, .min = 0, .max = 3,
        .offset = offsetof(struct options, mode) },
    { .name = "cs-gpio", .kind = OPTION_STRING,
        .offset = offsetof(struct options, cs_gpio) },
    FIFO_KEYS,
};

static const struct option_key i2c_keys[] = {
    { .name = "addr", .kind = OPTION_NUMBER, .min = 8, .max = 0x77,
        .offset = offsetof(struct options, address) },
    { .name = "chunk", .kind = OPTION_NUMBER, .min = 16, .max = 1024,
        .offset = offsetof(struct options, chunk) },
    FIFO_KEYS,
};

const struct link_type link_type_spi = {
    .name = "spi",
    .ops = &spi_ops,
    .keys = spi_keys,
    .n_keys = sizeof(spi_keys) / sizeof(spi_keys[0]),
    .main_key = "path",
};

const struct link_type link_type_i2c = {
    .name = "i2c",
    .ops = &i2c_ops,
    .keys = i2c_keys,
    .n_keys = sizeof(i2c_keys) / sizeof(i2c_keys[0]),
    .main_key = "path",
};
