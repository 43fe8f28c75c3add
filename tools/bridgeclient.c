/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridgeclient.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A command's header: tag, its whole size at 2, code at 6. */
#define SIZE_OFFSET 2

static void
expect_request(struct client *c)
{
    explicit_bzero(c->data, sizeof(c->data));
    c->phase = CLIENT_READING;
    c->have = 0;
    c->need = c->control ? sizeof(uint32_t) : SCU_LINK_MESSAGE_MIN;
    c->deadline = deadline_in(-1);
}

void
client_start(struct client *c, int fd, bool control)
{
    struct ucred peer = { 0 };
    socklen_t len = sizeof(peer);

    memset(c, 0, sizeof(*c));
    c->fd = fd;
    c->control = control;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
        c->pid = peer.pid;
    expect_request(c);
}

void
client_close(struct client *c)
{
    if (c->phase == CLIENT_FREE)
        return;
    (void)close(c->fd);
    explicit_bzero(c->data, sizeof(c->data));
    c->fd = -1;
    c->phase = CLIENT_FREE;
}

/* One read: above zero what came, 0 nothing is there, else negative errno. */
static ssize_t
read_some(int fd, uint8_t *data, size_t max)
{
    ssize_t n;

    do {
        n = recv(fd, data, max, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        return -EPIPE;
    if (n < 0)
        return errno == EAGAIN ? 0 : -errno;
    return n;
}

/* Whether what is there is a whole request; else more may be needed now. */
static int
look(struct client *c)
{
    if (c->control) {
        if (control_parse(c->data, c->have, &c->request))
            return 1;
        c->need = c->request.need;
        return 0;
    }
    c->need = wire_get32(c->data + SIZE_OFFSET);
    if (c->need < SCU_LINK_MESSAGE_MIN || c->need > SCU_LINK_MESSAGE_MAX)
        return -EMSGSIZE;
    return c->have == c->need;
}

int
client_read(struct client *c, int timeout_ms)
{
    ssize_t n;
    int rc;

    for (;;) {
        n = read_some(c->fd, c->data + c->have, c->need - c->have);
        if (n < 0)
            return n == -EPIPE && c->have > 0 ? -ECONNABORTED : (int)n;
        if (n == 0)
            return 0;
        if (c->have == 0)
            c->deadline = deadline_in(timeout_ms);
        c->have += (size_t)n;
        if (c->have == c->need && (rc = look(c)) != 0)
            return rc;
    }
}

int
client_write(struct client *c)
{
    ssize_t n;

    while (c->have < c->need) {
        n = send(c->fd, c->data + c->have, c->need - c->have,
            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        c->have += (size_t)n;
    }
    if (c->last) {
        (void)shutdown(c->fd, SHUT_WR);
        c->phase = CLIENT_DRAINING;
    } else {
        expect_request(c);
    }
    return 0;
}

int
client_answer(struct client *c, const uint8_t *answer, size_t len,
    int timeout_ms)
{
    if (len > sizeof(c->data))
        return -EMSGSIZE;
    explicit_bzero(c->data, sizeof(c->data));
    memcpy(c->data, answer, len);
    c->phase = CLIENT_ANSWERING;
    c->have = 0;
    c->need = len;
    c->deadline = deadline_in(timeout_ms);
    return client_write(c);
}

/*
 * Were the socket closed with something unread in it, the client might never
 * see the answer. One read a round, so that a flood holds up nobody.
 */
int
client_drain(struct client *c)
{
    ssize_t n = read_some(c->fd, c->data, sizeof(c->data));

    return n < 0 ? (int)n : 0;
}

short
client_events(const struct client *c)
{
    switch (c->phase) {
    case CLIENT_READING:
    case CLIENT_DRAINING:
        return POLLIN;
    case CLIENT_ANSWERING:
        return POLLOUT;
    case CLIENT_WAITING:
    case CLIENT_RUNNING:
    case CLIENT_FREE:
        break;
    }
    return 0;
}

void
client_name(const struct client *c, char *name, size_t size)
{
    if (c->pid > 0)
        (void)snprintf(name, size, "process %ld", (long)c->pid);
    else
        (void)snprintf(name, size, "a program");
}
