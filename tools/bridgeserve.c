/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridgeclient.h"
#include "bridgeserve.h"
#include "log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define NOBODY CLIENTS_MAX

/* A link that shows nothing to poll(2) is asked so often; any other at least
 * once a second, for it is the link that knows when a command takes too long. */
#define ASK_MS 2
#define LOOK_MS 1000

/* After an accept(2) that failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_MS 100

enum { POLL_DATA, POLL_CONTROL, POLL_LINK, POLL_CLIENTS };

struct bridge {
    const struct bridge_plan *plan;
    struct client clients[CLIENTS_MAX];
    bool busy;      /* the chip has a command */
    size_t running; /* whose; NOBODY: its client is gone, or was answered */
    struct deadline look; /* when to ask the link, whatever poll(2) says */
    uint64_t count; /* of the clients' .since */
    struct deadline accept_pause;
    bool paused;
    struct pollfd polls[POLL_CLIENTS + CLIENTS_MAX];
};

/* What the chip answers where a command was cancelled: TPM 2.0 Part 2, 6.6. */
static const uint8_t cancelled[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 9, 0x09 };

/* --- clients ---------------------------------------------------------------- */

static void
drop(struct bridge *b, struct client *c, const char *why)
{
    char name[32];

    client_name(c, name, sizeof(name));
    if (why != NULL)
        log_line(LOG_LEVEL_ERROR, "the connection of %s was closed: %s", name,
            why);
    if (b->running < CLIENTS_MAX && c == &b->clients[b->running])
        b->running = NOBODY;
    client_close(c);
}

/* Whether it has one of these, or its end, now. */
static bool
shows(const struct client *c, short events)
{
    struct pollfd p = { .fd = c->fd, .events = events };

    return poll(&p, 1, 0) > 0;
}

/* Why a connection fails; NULL where that is nobody's concern. */
static const char *
reason(int rc, const struct client *c)
{
    if (rc == -EMSGSIZE)
        return "a command has 10 to 4096 octets, its header said otherwise";
    if (rc == -ECONNABORTED)
        return c->control ? "it ended within a request" :
            "it ended within a command";
    if (rc == -EPIPE || rc == -ECONNRESET)
        return NULL;
    return strerror(-rc);
}

static void
answer(struct bridge *b, struct client *c, const uint8_t *data, size_t len)
{
    int rc = client_answer(c, data, len, b->plan->client_timeout_ms);

    c->since = ++b->count;
    if (rc != 0)
        drop(b, c, reason(rc, c));
}

static void
answer_request(struct bridge *b, struct client *c)
{
    c->last = c->request.last;
    answer(b, c, c->request.answer, c->request.answer_len);
}

/* --- the chip ---------------------------------------------------------------- */

static void
link_failed(struct bridge *b)
{
    b->busy = false;
    if (b->running != NOBODY)
        drop(b, &b->clients[b->running], scu_error_detail());
}

static void
look_at_link(struct bridge *b)
{
    uint8_t response[SCU_LINK_MESSAGE_MAX];
    size_t len = 0;
    size_t whose = b->running;
    int rc;

    b->look = deadline_in(LOOK_MS);
    rc = scu_link_receive(b->plan->link, 0, response, sizeof(response), &len);
    if (rc != SCU_OK) {
        link_failed(b);
    } else if (len > 0) {
        b->busy = false;
        b->running = NOBODY;
        if (whose != NOBODY)
            answer(b, &b->clients[whose], response, len);
    }
    explicit_bzero(response, sizeof(response));
}

/*
 * The command of a client that does not want it any more. Where the link
 * cannot cancel, it goes on, and its answer will be dropped if the client is
 * gone by then. Whether the chip is free.
 */
static bool
cancel_running(struct bridge *b)
{
    if (scu_link_cancel(b->plan->link) != SCU_OK)
        return false;
    b->busy = false;
    b->running = NOBODY;
    return true;
}

static void
run_locality(struct bridge *b, struct client *c)
{
    if (scu_link_set_locality(b->plan->link, c->request.locality) != SCU_OK)
        control_result(&c->request, CONTROL_FAILED);
    answer_request(b, c);
}

static void
run_command(struct bridge *b, struct client *c)
{
    b->busy = true;
    b->running = (size_t)(c - b->clients);
    b->look = deadline_in(LOOK_MS);
    c->phase = CLIENT_RUNNING;
    if (scu_link_send(b->plan->link, c->data, c->have) != SCU_OK)
        link_failed(b);
}

/* Who has waited for longest; NULL where nobody waits. */
static struct client *
first_waiting(struct bridge *b)
{
    struct client *first = NULL;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &b->clients[i];

        if (c->phase == CLIENT_WAITING &&
            (first == NULL || c->since < first->since))
            first = c;
    }
    return first;
}

/* Its client is looked at once more: what was reported is older. */
static void
run_next(struct bridge *b)
{
    struct client *c = NULL;

    if (b->busy || (c = first_waiting(b)) == NULL)
        return;
    if (c->control)
        run_locality(b, c);
    else if (shows(c, 0))
        drop(b, c, NULL);
    else
        run_command(b, c);
}

/* --- requests ---------------------------------------------------------------- */

static bool
is_sent_by(const struct client *c, pid_t pid)
{
    return c->phase != CLIENT_FREE && !c->control && c->pid == pid;
}

static void
cancel_waiting(struct bridge *b, pid_t pid)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (is_sent_by(&b->clients[i], pid) &&
            b->clients[i].phase == CLIENT_WAITING)
            answer(b, &b->clients[i], cancelled, sizeof(cancelled));
}

/*
 * The protocol does not say which command. A process that has connections of
 * its own means its own ones, and may come late: it must not hit another's.
 * One that has none, or is not known, means what runs.
 */
static void
cancel(struct bridge *b, struct client *from)
{
    bool has_own = false;
    size_t whose = b->running;

    for (size_t i = 0; from->pid > 0 && i < CLIENTS_MAX; i++)
        has_own = has_own || is_sent_by(&b->clients[i], from->pid);
    if (has_own)
        cancel_waiting(b, from->pid);
    if (whose != NOBODY &&
        (!has_own || is_sent_by(&b->clients[whose], from->pid))) {
        if (cancel_running(b))
            answer(b, &b->clients[whose], cancelled, sizeof(cancelled));
        else
            control_result(&from->request, CONTROL_FAILED);
    }
    answer_request(b, from);
}

static void
take_request(struct bridge *b, struct client *c)
{
    char name[32];

    c->deadline = deadline_in(-1);
    c->since = ++b->count;
    if (!c->control || c->request.action == CONTROL_LOCALITY) {
        c->phase = CLIENT_WAITING;
        return;
    }
    client_name(c, name, sizeof(name));
    if (c->request.ignored != NULL)
        log_line(LOG_LEVEL_WARN, "%s asked %s, which is not done", name,
            c->request.ignored);
    if (c->request.last)
        log_line(LOG_LEVEL_WARN, "%s sent control command 0x%x, which a bridge "
            "does not know", name, wire_get32(c->data));
    if (c->request.action == CONTROL_CANCEL)
        cancel(b, c);
    else
        answer_request(b, c);
}

/* The other end is gone for good, not only done with sending. */
static void
hung_up(struct bridge *b, struct client *c)
{
    if (c->phase == CLIENT_RUNNING)
        (void)cancel_running(b);
    drop(b, c, NULL);
}

static void
look_at_client(struct bridge *b, struct client *c, short revents)
{
    int rc = 0;

    if (revents == 0)
        return;
    if (c->phase == CLIENT_READING)
        rc = client_read(c, b->plan->client_timeout_ms);
    else if (c->phase == CLIENT_ANSWERING)
        rc = client_write(c);
    else if (c->phase == CLIENT_DRAINING)
        rc = client_drain(c);
    else
        hung_up(b, c);
    if (rc < 0)
        drop(b, c, reason(rc, c));
    else if (rc > 0)
        take_request(b, c);
}

static void
expire(struct bridge *b)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &b->clients[i];

        if (c->phase == CLIENT_FREE || !deadline_past(c->deadline))
            continue;
        drop(b, c, c->phase == CLIENT_READING ?
            "the rest of a command did not come in time" :
            c->phase == CLIENT_ANSWERING ? "it does not take its answer" :
            NULL);
    }
}

/* --- new ones ------------------------------------------------------------------ */

static bool
is_idle(const struct client *c)
{
    return c->phase == CLIENT_READING && c->have == 0;
}

/* Whether one more may have a place. */
static bool
has_place(const struct bridge *b)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (b->clients[i].phase == CLIENT_FREE || is_idle(&b->clients[i]))
            return true;
    return false;
}

/*
 * A place for one more: a free one, or that of who has been idle for longest,
 * so that connections that were forgotten keep nobody out. Who has sent
 * something that was not read yet is not idle.
 */
static struct client *
find_place(struct bridge *b)
{
    struct client *oldest = NULL;

    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (b->clients[i].phase == CLIENT_FREE)
            return &b->clients[i];
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *c = &b->clients[i];

        if (is_idle(c) && (oldest == NULL || c->since < oldest->since) &&
            !shows(c, POLLIN))
            oldest = c;
    }
    return oldest;
}

static void
pause_accepting(struct bridge *b)
{
    b->paused = true;
    b->accept_pause = deadline_in(ACCEPT_PAUSE_MS);
}

/* Whether there may be more of them. */
static bool
accept_one(struct bridge *b, int listener, bool control)
{
    struct client *c = find_place(b);
    const int on = 1;
    int fd;

    if (c == NULL)
        return false;
    fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            pause_accepting(b);
        return false;
    }
    if (c->phase != CLIENT_FREE)
        drop(b, c, "it was idle for longest, and there are too many");
    if (b->plan->listener->tcp)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    client_start(c, fd, control);
    c->since = ++b->count;
    return true;
}

/* At most as many as there are places: the others are not forgotten. */
static void
accept_new(struct bridge *b, int listener, bool control)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (!accept_one(b, listener, control))
            break;
}

/* --- the loop ------------------------------------------------------------------ */

static struct deadline
set_polls(struct bridge *b)
{
    struct deadline next = deadline_in(-1);
    bool open = !b->paused && has_place(b);
    int fd = -1;

    if (b->busy) {
        fd = scu_link_fd(b->plan->link);
        if (fd < 0)
            b->look = deadline_in(ASK_MS);
        next = b->look;
    } else if (first_waiting(b) != NULL) {
        next = deadline_in(0);
    }
    if (b->paused)
        next = deadline_earlier(next, b->accept_pause);
    b->polls[POLL_DATA] = (struct pollfd) {
        .fd = open ? b->plan->listener->data : -1, .events = POLLIN };
    b->polls[POLL_CONTROL] = (struct pollfd) {
        .fd = open ? b->plan->listener->control : -1, .events = POLLIN };
    b->polls[POLL_LINK] = (struct pollfd) { .fd = fd, .events = POLLIN };
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *c = &b->clients[i];
        bool there = c->phase != CLIENT_FREE;

        b->polls[POLL_CLIENTS + i] = (struct pollfd) {
            .fd = there ? c->fd : -1, .events = client_events(c) };
        if (there)
            next = deadline_earlier(next, c->deadline);
    }
    return next;
}

static int
wait_for_work(struct bridge *b, struct deadline deadline)
{
    int left = deadline_left(deadline);
    struct timespec time = { left / 1000, left % 1000 * 1000000L };
    int n = ppoll(b->polls, POLL_CLIENTS + CLIENTS_MAX,
        left < 0 ? NULL : &time, b->plan->mask);

    /* After a signal nothing is known of the descriptors. */
    if (n < 0)
        for (size_t i = 0; i < POLL_CLIENTS + CLIENTS_MAX; i++)
            b->polls[i].revents = 0;
    return n < 0 && errno != EINTR ? -errno : 0;
}

/*
 * Clients before listeners: a place that is given anew must not meet what was
 * reported of the connection before. Control before data, so that a cancel
 * comes before its client's end.
 */
static void
work(struct bridge *b)
{
    const struct listener *l = b->plan->listener;

    if (b->busy &&
        (b->polls[POLL_LINK].revents != 0 || deadline_past(b->look)))
        look_at_link(b);
    for (int control = 1; control >= 0; control--)
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            if (b->clients[i].phase != CLIENT_FREE &&
                b->clients[i].control == (control == 1))
                look_at_client(b, &b->clients[i],
                    b->polls[POLL_CLIENTS + i].revents);
    expire(b);
    b->paused = b->paused && !deadline_past(b->accept_pause);
    if (b->polls[POLL_DATA].revents != 0)
        accept_new(b, l->data, false);
    if (b->polls[POLL_CONTROL].revents != 0)
        accept_new(b, l->control, true);
    run_next(b);
}

int
bridge_serve(const struct bridge_plan *plan)
{
    struct bridge *b = calloc(1, sizeof(*b));
    int rc = 0;

    if (b == NULL)
        return -ENOMEM;
    b->plan = plan;
    b->running = NOBODY;
    while (rc == 0 && *plan->stop == 0) {
        rc = wait_for_work(b, set_polls(b));
        if (rc == 0)
            work(b);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        client_close(&b->clients[i]);
    free(b);
    return rc;
}
