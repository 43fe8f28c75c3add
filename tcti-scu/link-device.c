/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fail.h"
#include "io.h"
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * The kernel's character device: one write is a command, one read its
 * response. Non-blocking, write hands the command to a worker and poll tells
 * when the response is there; on kernels before 4.20 write waits instead, and
 * the device knows no poll.
 *
 * Poll itself is not asked while a command runs: it takes a lock that the
 * worker holds until the response is there, so it would wait that long,
 * whatever timeout it was given. An epoll descriptor asks the device when that
 * is added to it, and then only when the worker says that it is done; edge-
 * triggered, because otherwise it asks once more after each response, which
 * may be in the midst of the next command.
 *
 * The node stays open between exchanges: what a program loads through
 * /dev/tpmrm0 lives as long as its descriptor. No lock: the resource manager
 * keeps exchanges apart, and /dev/tpm0 opens once only.
 */
#define DEFAULT_PATH "/dev/tpmrm0"

struct device {
    struct link link;
    const char *path;
    int fd;
    int events; /* epoll of fd; -1: the device knows no poll */
};

static struct device *
device_of(struct link *link)
{
    return (struct device *)(void *)link;
}

static TSS2_RC
refuse_open(const char *path, int err)
{
    const char *remedy = "see the kernel's log (dmesg)";

    switch (err) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        remedy = "is there a chip, and its kernel driver? Name another link in "
            "scu.conf, or start a simulated chip: scu sim start";
        break;
    case EACCES:
    case EPERM:
        remedy = "add the user to the group that owns the device";
        break;
    case EBUSY:
        remedy = "another program has it; use /dev/tpmrm0, which is shared";
        break;
    case ENOTTY:
        return tcti_fail(TSS2_TCTI_RC_NO_CONNECTION,
            "%s is no character device; name a chip's, such as "
            DEFAULT_PATH, path);
    default:
        break;
    }
    return tcti_fail(TSS2_TCTI_RC_NO_CONNECTION, "cannot open %s: %s; %s",
        path, strerror(err), remedy);
}

static void
device_abandon(struct link *link)
{
    struct device *d = device_of(link);

    if (d->events >= 0)
        (void)close(d->events);
    if (d->fd >= 0)
        (void)close(d->fd);
    d->fd = d->events = -1;
}

/* 0 or errno. */
static int
watch(struct device *d)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };

    d->events = epoll_create1(EPOLL_CLOEXEC);
    if (d->events < 0)
        return errno;
    if (epoll_ctl(d->events, EPOLL_CTL_ADD, d->fd, &event) == 0)
        return 0;
    if (errno != EPERM)
        return errno;
    (void)close(d->events);
    d->events = -1;
    return 0;
}

static TSS2_RC
connect_device(struct device *d)
{
    struct stat st;
    int err;

    if (d->fd >= 0)
        return TSS2_RC_SUCCESS;
    d->fd = open(d->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (d->fd < 0)
        return refuse_open(d->path, errno);
    if (fstat(d->fd, &st) != 0 || !S_ISCHR(st.st_mode))
        err = ENOTTY;
    else
        err = watch(d);
    if (err == 0)
        return TSS2_RC_SUCCESS;
    device_abandon(&d->link);
    return refuse_open(d->path, err);
}

static void
device_end(struct link *link, bool clean)
{
    if (!clean)
        device_abandon(link);
}

static void
device_close(struct link **link)
{
    device_abandon(*link);
    free(device_of(*link));
    *link = NULL;
}

static TSS2_RC
device_open(const struct options *options, struct link **link)
{
    struct device *d = calloc(1, sizeof(*d));
    TSS2_RC rc;

    if (d == NULL)
        return TSS2_TCTI_RC_MEMORY;
    d->link.ops = link_type_device.ops;
    d->path = options->path != NULL ? options->path : DEFAULT_PATH;
    d->fd = d->events = -1;
    *link = &d->link;
    rc = connect_device(d);
    if (rc != TSS2_RC_SUCCESS)
        device_close(link);
    return rc;
}

/* A command is one write: the driver takes it as a whole or not at all. */
static TSS2_RC
device_send(struct link *link, const uint8_t *command, size_t len)
{
    struct device *d = device_of(link);
    const char *cause = "short write";
    TSS2_RC rc;
    ssize_t n;

    rc = connect_device(d);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    do {
        n = write(d->fd, command, len);
    } while (n < 0 && errno == EINTR);
    if (n >= 0 && (size_t)n == len)
        return TSS2_RC_SUCCESS;
    if (n < 0)
        cause = strerror(errno);
    device_abandon(link);
    return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
        "%s did not take the command: %s; see the kernel's log, then repeat "
        "the operation", d->path, cause);
}

/* Until there is something to read: 0 or a negative errno value. */
static int
await_response(const struct device *d, struct deadline deadline)
{
    struct epoll_event event;
    int n;

    if (d->events < 0)
        return 0;
    for (;;) {
        n = epoll_wait(d->events, &event, 1, deadline_left(deadline));
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0 && deadline_past(deadline))
            return -ETIMEDOUT;
    }
}

static TSS2_RC
device_receive(struct link *link, uint8_t *data, size_t max, size_t *got,
    struct deadline deadline)
{
    struct device *d = device_of(link);
    int rc = await_response(d, deadline);

    if (rc == 0)
        rc = io_read_some(d->fd, data, max, got, deadline);
    if (rc == 0)
        return TSS2_RC_SUCCESS;
    if (rc == -ETIMEDOUT)
        return TSS2_TCTI_RC_TRY_AGAIN;
    return tcti_fail(TSS2_TCTI_RC_IO_ERROR,
        "%s gave no response: %s; see the kernel's log, then repeat the "
        "operation", d->path,
        rc == -EPIPE ? "nothing to read" : strerror(-rc));
}

static int
device_fd(const struct link *link)
{
    const struct device *d = (const struct device *)(const void *)link;

    return d->events >= 0 ? d->events : d->fd;
}

static const struct link_ops device_ops = {
    .whole = true,
    .open = device_open,
    .send = device_send,
    .receive = device_receive,
    .end = device_end,
    .fd = device_fd,
    .abandon = device_abandon,
    .close = device_close,
};

static const struct option_key device_keys[] = {
    { .name = "path", .kind = OPTION_STRING,
        .offset = offsetof(struct options, path) },
    OPTION_KEYS_SHARED,
};

const struct link_type link_type_device = {
    .name = "device",
    .ops = &device_ops,
    .keys = device_keys,
    .n_keys = sizeof(device_keys) / sizeof(device_keys[0]),
    .main_key = "path",
};
