/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "proxy.h"
#include "unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 64
#define PUMPS 8
#define HEADER 10
#define PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)
#define FDS (3 + CLIENTS + 1 + 2 * PUMPS)

/* ticket: the place in the queue of a command that is complete; 0: none. */
struct client {
    int fd;
    uint64_t ticket;
    size_t have;
    uint8_t data[PROXY_FRAME_MAX];
};

/* Two connections whose octets are carried to and fro. */
struct pump {
    int fd[2];
};

/* The one command that the chip works on; client NULL: none. */
struct exchange {
    struct client *client;
    int fd;
    struct timespec start;
    struct proxy_record record;
    size_t have;
    uint8_t data[PROXY_FRAME_MAX];
};

struct proxy {
    const struct proxy_hooks *hooks;
    char listen_path[PATH_SIZE], control_path[PATH_SIZE + 8];
    char upstream[PATH_SIZE], upstream_control[PATH_SIZE + 8];
    int listen, control, wake[2];
    uint64_t tickets;
    struct client clients[CLIENTS];
    struct pump pumps[PUMPS];
    struct exchange now;
};

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static int
set_paths(struct proxy *proxy, const char *listen_path, const char *upstream)
{
    if (strlen(listen_path) + sizeof(".ctrl") > PATH_SIZE ||
        strlen(upstream) + sizeof(".ctrl") > PATH_SIZE)
        return -ENAMETOOLONG;
    (void)snprintf(proxy->listen_path, PATH_SIZE, "%s", listen_path);
    (void)snprintf(proxy->upstream, PATH_SIZE, "%s", upstream);
    (void)snprintf(proxy->control_path, sizeof(proxy->control_path),
        "%s.ctrl", proxy->listen_path);
    (void)snprintf(proxy->upstream_control, sizeof(proxy->upstream_control),
        "%s.ctrl", proxy->upstream);
    return 0;
}

struct proxy *
proxy_new(const char *listen_path, const char *upstream,
    const struct proxy_hooks *hooks)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));
    int rc;

    if (proxy == NULL)
        return NULL;
    proxy->hooks = hooks;
    proxy->listen = proxy->control = proxy->now.fd = -1;
    proxy->wake[0] = proxy->wake[1] = -1;
    for (size_t i = 0; i < CLIENTS; i++)
        proxy->clients[i].fd = -1;
    for (size_t i = 0; i < PUMPS; i++)
        proxy->pumps[i].fd[0] = proxy->pumps[i].fd[1] = -1;
    if ((rc = set_paths(proxy, listen_path, upstream)) != 0)
        goto out;
    if (pipe2(proxy->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        rc = -errno;
        goto out;
    }
    /* Control first: who finds the main socket finds both. */
    if ((rc = proxy->control = unixsock_listen(proxy->control_path)) < 0)
        goto out;
    if ((rc = proxy->listen = unixsock_listen(proxy->listen_path)) < 0)
        goto out;
    return proxy;
out:
    proxy_free(&proxy);
    errno = -rc;
    return NULL;
}

void
proxy_stop(struct proxy *proxy)
{
    int saved = errno;

    /* The pipe is full only when it was told already. */
    if (write(proxy->wake[1], "", 1) < 0)
        errno = saved;
}

void
proxy_free(struct proxy **proxy)
{
    struct proxy *p;

    if (proxy == NULL || (p = *proxy) == NULL)
        return;
    for (size_t i = 0; i < CLIENTS; i++)
        close_fd(&p->clients[i].fd);
    for (size_t i = 0; i < PUMPS; i++) {
        close_fd(&p->pumps[i].fd[0]);
        close_fd(&p->pumps[i].fd[1]);
    }
    close_fd(&p->now.fd);
    if (p->listen >= 0)
        (void)unlink(p->listen_path);
    if (p->control >= 0)
        (void)unlink(p->control_path);
    close_fd(&p->listen);
    close_fd(&p->control);
    close_fd(&p->wake[0]);
    close_fd(&p->wake[1]);
    free(p);
    *proxy = NULL;
}

int
proxy_inject(struct proxy *proxy, const uint8_t *command, size_t len,
    uint8_t *response)
{
    int fd = unixsock_connect(proxy->upstream);
    int rc;

    if (fd < 0)
        return fd;
    if ((rc = unixsock_send(fd, command, len)) == 0)
        rc = unixsock_recv_frame(fd, response, PROXY_FRAME_MAX);
    (void)close(fd);
    return rc;
}

/* --- one exchange --------------------------------------------------------- */

static void
client_close(struct client *client)
{
    close_fd(&client->fd);
    client->have = 0;
    client->ticket = 0;
}

/* Tells the hook, hands the answer (if there is one) to the client. */
static void
exchange_end(struct proxy *proxy, bool answered)
{
    struct exchange *now = &proxy->now;
    struct client *client = now->client;

    now->record.answered = answered;
    if (answered) {
        now->record.rc = frame_code(now->data);
        now->record.out = now->have;
    }
    if (proxy->hooks->done != NULL)
        proxy->hooks->done(proxy->hooks->user, &now->record);
    now->client = NULL;
    client->ticket = 0;
    client->have = 0;
    if (!answered || unixsock_send(client->fd, now->data, now->have) != 0)
        client_close(client);
}

/* To the chip. Its answer comes in by exchange_read(). */
static int
exchange_send(struct proxy *proxy, const uint8_t *data, size_t len)
{
    struct exchange *now = &proxy->now;
    int rc;

    (void)clock_gettime(CLOCK_MONOTONIC, &now->start);
    if ((rc = now->fd = unixsock_connect(proxy->upstream)) < 0) {
        now->fd = -1;
        return rc;
    }
    return unixsock_send(now->fd, data, len);
}

static void
exchange_start(struct proxy *proxy, struct client *client)
{
    const struct proxy_hooks *hooks = proxy->hooks;
    struct exchange *now = &proxy->now;
    enum proxy_verdict verdict = PROXY_PASS;

    now->client = client;
    now->have = 0;
    now->record = (struct proxy_record){
        .command = frame_code(client->data),
        .in = client->have,
    };
    if (hooks->command != NULL)
        verdict = hooks->command(hooks->user, client->data, &client->have);
    if (verdict == PROXY_ANSWER) {
        memcpy(now->data, client->data, client->have);
        now->have = client->have;
    }
    if (verdict != PROXY_PASS) {
        exchange_end(proxy, verdict == PROXY_ANSWER);
    } else if (exchange_send(proxy, client->data, client->have) != 0) {
        close_fd(&now->fd);
        exchange_end(proxy, false);
    }
}

static unsigned long
usec_since(const struct timespec *start)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    return (unsigned long)((end.tv_sec - start->tv_sec) * 1000000 +
        (end.tv_nsec - start->tv_nsec) / 1000);
}

/* Some of the chip's answer, or the end of the chip. */
static void
exchange_read(struct proxy *proxy)
{
    const struct proxy_hooks *hooks = proxy->hooks;
    struct exchange *now = &proxy->now;
    struct client *client = now->client;
    enum proxy_verdict verdict = PROXY_PASS;
    size_t want = now->have < HEADER ? HEADER : frame_length(now->data);
    ssize_t n = recv(now->fd, now->data + now->have, want - now->have, 0);

    if (n < 0 && errno == EINTR)
        return;
    if (n > 0)
        now->have += (size_t)n;
    if (now->have >= HEADER)
        want = frame_length(now->data);
    if (n > 0 && now->have < want && want <= PROXY_FRAME_MAX)
        return;
    now->record.usec = usec_since(&now->start);
    close_fd(&now->fd);
    if (n <= 0 || now->have != want) {
        exchange_end(proxy, false);
        return;
    }
    if (hooks->response != NULL)
        verdict = hooks->response(hooks->user, client->data, client->have,
            now->data, &now->have);
    exchange_end(proxy, verdict == PROXY_PASS);
}

/* --- clients -------------------------------------------------------------- */

static void
client_accept(struct proxy *proxy)
{
    int fd = accept4(proxy->listen, NULL, NULL, SOCK_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < CLIENTS; i++) {
        if (proxy->clients[i].fd >= 0)
            continue;
        proxy->clients[i].fd = fd;
        fd = -1;
    }
    close_fd(&fd);
}

/* Some octets of a command; the last of them puts it into the queue. */
static void
client_read(struct proxy *proxy, struct client *client)
{
    size_t want = client->have < HEADER ? HEADER : frame_length(client->data);
    ssize_t n = recv(client->fd, client->data + client->have,
        want - client->have, 0);

    if (n < 0 && errno == EINTR)
        return;
    if (n > 0)
        client->have += (size_t)n;
    if (client->have >= HEADER)
        want = frame_length(client->data);
    if (n <= 0 || want < HEADER || want > PROXY_FRAME_MAX)
        client_close(client);
    else if (client->have == want)
        client->ticket = ++proxy->tickets;
}

/* Takes commands from the queue until the chip is at work or it is empty. */
static void
queue_serve(struct proxy *proxy)
{
    while (proxy->now.client == NULL) {
        struct client *next = NULL;

        for (size_t i = 0; i < CLIENTS; i++) {
            struct client *c = &proxy->clients[i];

            if (c->ticket != 0 && (next == NULL || c->ticket < next->ticket))
                next = c;
        }
        if (next == NULL)
            return;
        exchange_start(proxy, next);
    }
}

/* --- control channel ------------------------------------------------------ */

static void
pump_accept(struct proxy *proxy)
{
    int fd = accept4(proxy->control, NULL, NULL, SOCK_CLOEXEC);
    int up = fd < 0 ? -1 : unixsock_connect(proxy->upstream_control);

    for (size_t i = 0; up >= 0 && i < PUMPS; i++) {
        if (proxy->pumps[i].fd[0] >= 0)
            continue;
        proxy->pumps[i].fd[0] = fd;
        proxy->pumps[i].fd[1] = up;
        fd = up = -1;
    }
    close_fd(&fd);
    close_fd(&up);
}

static void
pump_carry(struct pump *pump, int from)
{
    uint8_t data[PROXY_FRAME_MAX];
    ssize_t n = recv(pump->fd[from], data, sizeof(data), 0);

    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0 || unixsock_send(pump->fd[!from], data, (size_t)n) != 0) {
        close_fd(&pump->fd[0]);
        close_fd(&pump->fd[1]);
    }
}

/* --- the loop ------------------------------------------------------------- */

/* Fixed places, -1 where there is nothing to wait for: poll(2) skips these. */
static void
poll_set(const struct proxy *proxy, struct pollfd *fds)
{
    struct pollfd *f = fds;

    for (size_t i = 0; i < FDS; i++)
        fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
    f++->fd = proxy->wake[0];
    f++->fd = proxy->listen;
    f++->fd = proxy->control;
    f++->fd = proxy->now.fd;
    for (size_t i = 0; i < CLIENTS; i++, f++)
        if (proxy->clients[i].ticket == 0)
            f->fd = proxy->clients[i].fd;
    for (size_t i = 0; i < PUMPS; i++) {
        f++->fd = proxy->pumps[i].fd[0];
        f++->fd = proxy->pumps[i].fd[1];
    }
}

static void
poll_serve(struct proxy *proxy, const struct pollfd *fds)
{
    const struct pollfd *f = fds + 4;

    if (fds[3].revents != 0)
        exchange_read(proxy);
    for (size_t i = 0; i < CLIENTS; i++, f++)
        if (f->revents != 0 && f->fd == proxy->clients[i].fd)
            client_read(proxy, &proxy->clients[i]);
    for (size_t i = 0; i < 2 * PUMPS; i++, f++)
        if (f->revents != 0 && f->fd == proxy->pumps[i / 2].fd[i % 2])
            pump_carry(&proxy->pumps[i / 2], (int)(i % 2));
    if (fds[1].revents != 0)
        client_accept(proxy);
    if (fds[2].revents != 0)
        pump_accept(proxy);
    queue_serve(proxy);
}

int
proxy_run(struct proxy *proxy)
{
    struct pollfd fds[FDS];

    for (;;) {
        poll_set(proxy, fds);
        if (poll(fds, FDS, -1) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (fds[0].revents != 0)
            return 0;
        poll_serve(proxy, fds);
    }
}
