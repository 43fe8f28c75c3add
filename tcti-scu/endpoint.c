/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "endpoint.h"
#include "io.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_WAIT_NS 1000000

int
endpoint_unix(const char *path, struct endpoint *endpoint)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t len = strlen(path);

    *endpoint = (struct endpoint) { 0 };
    if (len >= sizeof(un.sun_path))
        return -ENAMETOOLONG;
    memcpy(un.sun_path, path, len);
    memcpy(&endpoint->address, &un, sizeof(un));
    endpoint->len = sizeof(un);
    return 0;
}

int
endpoint_tcp(const char *host, uint32_t port, struct endpoint *endpoint)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    char service[16];

    *endpoint = (struct endpoint) { 0 };
    (void)snprintf(service, sizeof(service), "%u", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return -EHOSTUNREACH;
    if (found->ai_addrlen <= sizeof(endpoint->address)) {
        memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
        endpoint->len = found->ai_addrlen;
    }
    freeaddrinfo(found);
    return endpoint->len != 0 ? 0 : -EHOSTUNREACH;
}

/* A connection under way: waits for it and takes its outcome. */
static int
wait_connected(int fd, struct deadline deadline)
{
    int outcome = 0;
    socklen_t len = sizeof(outcome);
    int rc;

    if ((rc = io_wait(fd, POLLOUT, deadline)) != 0)
        return rc;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &len) != 0)
        return -errno;
    return -outcome;
}

/*
 * A command per connection would leave as many ports in TIME_WAIT, and run
 * out of them. When the response is in, nothing is lost by a reset.
 */
static void
close_at_once(int fd)
{
    const struct linger none = { .l_onoff = 1 };

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

static int
try_connect(const struct endpoint *endpoint, int fd, struct deadline deadline)
{
    const struct timespec pause = { .tv_nsec = QUEUE_WAIT_NS };

    while (connect(fd, (const struct sockaddr *)&endpoint->address,
        endpoint->len) != 0) {
        if (errno == EISCONN) /* after an interrupted attempt */
            return 0;
        if (errno == EINPROGRESS || errno == EALREADY)
            return wait_connected(fd, deadline);
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
        /* A UNIX socket's queue is full, which poll(2) does not show. */
        if (deadline_past(deadline))
            return -ETIMEDOUT;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

int
endpoint_connect(const struct endpoint *endpoint, struct deadline deadline,
    int *fd)
{
    int family = endpoint->address.ss_family;
    int rc;
    int s;

    *fd = -1;
    s = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return -errno;
    rc = try_connect(endpoint, s, deadline);
    if (rc != 0) {
        (void)close(s);
        return rc;
    }
    if (family != AF_UNIX)
        close_at_once(s);
    *fd = s;
    return 0;
}
