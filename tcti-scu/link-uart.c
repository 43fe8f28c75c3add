/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "exchange.h"
#include "fail.h"
#include "link.h"
#include "lockfile.h"
#include "response.h"
#include "stats.h"
#include "uart-talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

#define CODE_OFFSET 6

/*
 * The SCU connector: a chip behind a UART, with a protocol of its own
 * (docs/uart-link.md, uart-talk.c). Here are the tty, the lock, and what
 * poll(2) watches: the tty and a timer, since a frame may be lost.
 */
struct uart {
    struct link link;
    const struct options *options;
    struct exchange exchange;
    struct stats stats;
    struct uart_talk talk;
    int fd;      /* the tty; -1: not open, nor the next two */
    int timer;
    int watch;   /* epoll of both */
    uint8_t locality;
    bool running;
};

static const struct {
    uint32_t baud;
    speed_t speed;
} speeds[] = {
    { 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 }, { 57600, B57600 },
    { 115200, B115200 }, { 230400, B230400 }, { 460800, B460800 },
    { 921600, B921600 }, { 1000000, B1000000 }, { 1500000, B1500000 },
    { 2000000, B2000000 }, { 3000000, B3000000 }, { 4000000, B4000000 },
};

static struct uart *
uart_of(struct link *link)
{
    return (struct uart *)(void *)link;
}

/* --- failures ------------------------------------------------------------- */

static const struct {
    int err;
    const char *text;
} reasons[] = {
    { -ENODEV, "nobody answers; check wiring, power and baud=" },
    { -EPROTO, "it speaks another version of the link; update its firmware or "
        "this software" },
    { -ECONNRESET, "it started anew with the command; repeat the operation" },
    { -EPIPE, "the line is gone; plug the connector in and repeat the "
        "operation" },
    { -EIO, "the line is gone; plug the connector in and repeat the "
        "operation" },
    { -EMSGSIZE, "its response is too long; update its firmware" },
    { -ENOTTY, "that is no serial device; name its device node" },
    { -ENOENT, "no such device; is the connector plugged in?" },
    { -EACCES, "permission denied; add the user to the group that owns the "
        "device" },
    { -EBUSY, "the line takes nothing; check rtscts and the wiring" },
    { -EOPNOTSUPP, "its firmware does not take this one; it may be too long "
        "for it, or of a locality that it lacks" },
};

static TSS2_RC
failure(const struct uart *u, TSS2_RC rc, int err, const char *what)
{
    const char *path = u->options->path;

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].err == err)
            return tcti_fail(rc, "the chip at %s %s: %s", path, what,
                reasons[i].text);
    return tcti_fail(rc, "the chip at %s %s: %s; repeat the operation, then "
        "check the line", path, what, strerror(-err));
}

/* --- the tty -------------------------------------------------------------- */

static speed_t
speed_of(uint32_t baud)
{
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
        if (speeds[i].baud == baud)
            return speeds[i].speed;
    return B0;
}

static int
set_up(const struct uart *u)
{
    struct termios tty;

    if (tcgetattr(u->fd, &tty) != 0)
        return -errno;
    cfmakeraw(&tty);
    tty.c_cflag |= CLOCAL | CREAD;
    tty.c_cflag &= ~(tcflag_t)(CSTOPB | PARENB);
    if (u->options->rtscts)
        tty.c_cflag |= CRTSCTS;
    else
        tty.c_cflag &= ~(tcflag_t)CRTSCTS;
    if (cfsetspeed(&tty, speed_of(u->options->baud)) != 0
        || tcsetattr(u->fd, TCSANOW, &tty) != 0
        || tcflush(u->fd, TCIFLUSH) != 0)
        return -errno;
    return 0;
}

static int
set_up_watch(struct uart *u)
{
    struct epoll_event event = { .events = EPOLLIN };

    u->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    u->watch = epoll_create1(EPOLL_CLOEXEC);
    if (u->timer < 0 || u->watch < 0
        || epoll_ctl(u->watch, EPOLL_CTL_ADD, u->timer, &event) != 0
        || epoll_ctl(u->watch, EPOLL_CTL_ADD, u->fd, &event) != 0)
        return -errno;
    return 0;
}

static void
close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void
close_tty(struct uart *u)
{
    close_one(&u->watch);
    close_one(&u->timer);
    if (u->fd >= 0)
        lockfile_close_fd(u->fd); /* the lock may be on the same node */
    u->fd = -1;
    u->running = false;
}

/* Unplugged since; it may be there again. */
static bool
hung_up(int fd)
{
    struct pollfd p = { .fd = fd };

    return poll(&p, 1, 0) > 0;
}

static int
open_tty(struct uart *u)
{
    int rc;

    if (u->fd >= 0 && !hung_up(u->fd))
        return 0;
    close_tty(u);
    u->fd = open(u->options->path,
        O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (u->fd < 0)
        return -errno;
    rc = set_up(u);
    if (rc == 0)
        rc = set_up_watch(u);
    if (rc != 0)
        close_tty(u);
    else
        uart_talk_begin(&u->talk, u->fd, u->options->baud);
    return rc;
}

/* --- exchanges ------------------------------------------------------------ */

static TSS2_RC
lock_exchange(struct uart *u)
{
    int err = exchange_enter(&u->exchange,
        deadline_in((int32_t)u->options->timeout_ms));

    if (err == 0)
        return TSS2_RC_SUCCESS;
    if (err == -ETIMEDOUT)
        return TSS2_TCTI_RC_IO_ERROR;
    return failure(u, TSS2_TCTI_RC_IO_ERROR, err, "cannot be locked");
}

/* What was given up must not go on: the next user would wait for it. */
static void
uart_end(struct link *link, bool clean)
{
    struct uart *u = uart_of(link);

    if (!clean && u->running)
        (void)uart_talk_cancel(&u->talk);
    if (!clean)
        close_tty(u);
    u->running = false;
    if (clean)
        exchange_leave(&u->exchange);
    else
        exchange_drop(&u->exchange);
}

/* Also for who keeps the descriptor: it must not stay readable. */
static void
set_timer(const struct uart *u)
{
    int64_t ms = uart_talk_pause_ms(&u->talk);
    const struct itimerspec next = {
        .it_value = { ms / 1000, ms % 1000 * 1000000 },
    };

    (void)timerfd_settime(u->timer, 0, &next, NULL);
}

static TSS2_RC
uart_send(struct link *link, const uint8_t *command, size_t len)
{
    struct uart *u = uart_of(link);
    TSS2_RC rc;
    int err;

    rc = lock_exchange(u);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    err = open_tty(u);
    if (err == 0)
        err = uart_talk_send(&u->talk, u->locality, command, len);
    if (err != 0) {
        rc = failure(u, TSS2_TCTI_RC_IO_ERROR, err, "takes no command");
        uart_end(link, false);
        return rc;
    }
    u->running = true;
    stats_sent(&u->stats, be32_read(command + CODE_OFFSET), len);
    return TSS2_RC_SUCCESS;
}

static TSS2_RC
uart_receive(struct link *link, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    struct uart *u = uart_of(link);
    int err = uart_talk_receive(&u->talk, data, max, got, deadline);

    if (err == -ETIMEDOUT) {
        set_timer(u);
        return TSS2_TCTI_RC_TRY_AGAIN;
    }
    u->running = false;
    if (err == -EMSGSIZE)
        return failure(u, TSS2_TCTI_RC_MALFORMED_RESPONSE, err,
            "gave no sound response");
    if (err != 0)
        return failure(u, TSS2_TCTI_RC_IO_ERROR, err, "gave no response");
    stats_received(&u->stats, *got);
    return TSS2_RC_SUCCESS;
}

static TSS2_RC
uart_cancel(struct link *link)
{
    struct uart *u = uart_of(link);
    int err = uart_talk_cancel(&u->talk);

    u->running = false;
    return err == 0 ? TSS2_RC_SUCCESS :
        failure(u, TSS2_TCTI_RC_IO_ERROR, err, "cannot be told to cancel");
}

/* It goes with each command. */
static TSS2_RC
uart_locality(struct link *link, uint8_t locality)
{
    uart_of(link)->locality = locality;
    return TSS2_RC_SUCCESS;
}

static int
uart_fd(const struct link *link)
{
    const struct uart *u = (const struct uart *)(const void *)link;

    if (!u->running)
        return -1;
    set_timer(u);
    return u->watch;
}

static void
uart_abandon(struct link *link)
{
    close_tty(uart_of(link));
    exchange_abandon(&uart_of(link)->exchange);
}

/* --- opening and closing -------------------------------------------------- */

static void
uart_close(struct link **link)
{
    struct uart *u = uart_of(*link);

    if (u->running)
        (void)uart_talk_cancel(&u->talk);
    close_tty(u);
    exchange_close(&u->exchange);
    u->stats.retries = u->talk.retries;
    u->stats.crc_faults = u->talk.decoder.damaged;
    stats_show(&u->stats, u->options->path);
    explicit_bzero(u, sizeof(*u));
    free(u);
    *link = NULL;
}

/* Somebody answers who speaks the same. */
static int
first_greeting(struct uart *u)
{
    int rc = open_tty(u);

    return rc == 0 ? uart_talk_greet(&u->talk) : rc;
}

static TSS2_RC
check(const struct options *options)
{
    if (options->path == NULL)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "link uart lacks its device: uart:/dev/tty...");
    if (speed_of(options->baud) == B0)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "baud=%u in the TCTI configuration: give a usual rate, from 9600 "
            "to 4000000", options->baud);
    return TSS2_RC_SUCCESS;
}

static TSS2_RC
uart_open(const struct options *options, struct link **link)
{
    TSS2_RC rc = check(options);
    struct uart *u;
    int err;

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    u = calloc(1, sizeof(*u));
    if (u == NULL)
        return TSS2_TCTI_RC_MEMORY;
    u->link.ops = options->type->ops;
    u->options = options;
    u->exchange.keep = options->exclusive;
    u->fd = u->timer = u->watch = -1;
    *link = &u->link;
    err = exchange_open(&u->exchange, options->path, options->lock);
    if (err != 0)
        rc = failure(u, TSS2_TCTI_RC_NO_CONNECTION, err, "cannot be used");
    if (rc == TSS2_RC_SUCCESS)
        rc = lock_exchange(u);
    if (rc == TSS2_RC_SUCCESS) {
        err = first_greeting(u);
        if (err != 0)
            rc = failure(u, TSS2_TCTI_RC_NO_CONNECTION, err,
                "cannot be used");
        exchange_leave(&u->exchange);
    }
    if (rc != TSS2_RC_SUCCESS)
        uart_close(link);
    return rc;
}

static const struct link_ops uart_ops = {
    .whole = true,
    .counts = true,
    .open = uart_open,
    .send = uart_send,
    .receive = uart_receive,
    .end = uart_end,
    .cancel = uart_cancel,
    .locality = uart_locality,
    .fd = uart_fd,
    .abandon = uart_abandon,
    .close = uart_close,
};

static const struct option_key uart_keys[] = {
    { .name = "path", .kind = OPTION_STRING,
        .offset = offsetof(struct options, path) },
    { .name = "baud", .kind = OPTION_NUMBER, .min = 9600, .max = 4000000,
        .offset = offsetof(struct options, baud) },
    { .name = "rtscts", .kind = OPTION_FLAG,
        .offset = offsetof(struct options, rtscts) },
    { .name = "exclusive", .kind = OPTION_FLAG,
        .offset = offsetof(struct options, exclusive) },
    { .name = "lock", .kind = OPTION_STRING,
        .offset = offsetof(struct options, lock) },
    OPTION_KEYS_SHARED,
};

const struct link_type link_type_uart = {
    .name = "uart",
    .ops = &uart_ops,
    .keys = uart_keys,
    .n_keys = sizeof(uart_keys) / sizeof(uart_keys[0]),
    .main_key = "path",
};
