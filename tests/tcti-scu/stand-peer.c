/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stand.h"
#include "unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * device, swtpm, sim: links that carry messages as they are. A thread takes
 * them at the other end of a pty, which has no localities and no cancel, or
 * of swtpm's sockets: one connection at a time, and the control channel
 * beside it. Only the thread touches the descriptors; the test has wishes.
 *
 * As the kernel's driver does, the pty drops an answer whose asker has closed
 * the node. That is told by inotify(7), since the thread keeps it open, too.
 */
#define SET_LOCALITY 5
#define CANCEL 9

enum wish { NOTHING, UNPLUG, PLUG, RESET, END };

struct peer {
    struct stand *stand;
    bool pty;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t fulfilled;
    enum wish wish;
    int wake;
    int data;   /* the pty's master, or the connection; -1: none */
    int slave;  /* kept open, so that the host may close its own */
    int closes; /* inotify of the node; -1: sockets */
    int listen; /* -1: a pty, or nobody listens */
    int control_listen, control;
    uint8_t locality;
    uint8_t in[CHIP_LONGEST];
    size_t have;
    uint8_t request[5]; /* of the control channel */
    size_t asked;
};

static struct peer *
peer_of(struct stand *s)
{
    return s->own;
}

static void
path_of(const struct peer *p, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", p->stand->dir, name);
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* --- there, and gone -------------------------------------------------------- */

static bool
open_pty(struct peer *p)
{
    char name[64], node[64];
    struct termios tty;

    p->data = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (p->data < 0 || grantpt(p->data) != 0 || unlockpt(p->data) != 0
        || ptsname_r(p->data, name, sizeof(name)) != 0)
        return false;
    p->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->slave < 0 || tcgetattr(p->slave, &tty) != 0)
        return false;
    cfmakeraw(&tty);
    path_of(p, "node", node, sizeof(node));
    p->closes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return tcsetattr(p->slave, TCSANOW, &tty) == 0 && p->closes >= 0
        && inotify_add_watch(p->closes, name, IN_CLOSE) >= 0
        && symlink(name, node) == 0;
}

static bool
open_sockets(struct peer *p)
{
    char path[64];

    path_of(p, "swtpm.sock.ctrl", path, sizeof(path));
    p->control_listen = unixsock_listen(path);
    path_of(p, "swtpm.sock", path, sizeof(path));
    p->listen = unixsock_listen(path);
    return p->control_listen >= 0 && p->listen >= 0;
}

/* The connection, and what executes. */
static void
drop(struct peer *p)
{
    if (!p->pty)
        close_fd(&p->data);
    if (p->slave >= 0) {
        (void)tcflush(p->data, TCOFLUSH);
        (void)tcflush(p->slave, TCIFLUSH);
    }
    p->stand->chip.running = false;
    p->have = 0;
}

static void
shut(struct peer *p)
{
    static const char *const names[] = {
        "node", "swtpm.sock", "swtpm.sock.ctrl",
    };
    char path[64];

    drop(p);
    close_fd(&p->data);
    close_fd(&p->slave);
    close_fd(&p->closes);
    close_fd(&p->listen);
    close_fd(&p->control_listen);
    close_fd(&p->control);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        path_of(p, names[i], path, sizeof(path));
        (void)unlink(path);
    }
    p->asked = 0;
    p->locality = 0;
}

static void
fulfil(struct peer *p)
{
    bool good = true;

    if (p->wish == UNPLUG || p->wish == END || (p->wish == RESET && p->pty))
        shut(p);
    else if (p->wish == RESET)
        drop(p);
    if (p->wish == PLUG || (p->wish == RESET && p->pty))
        good = p->pty ? open_pty(p) : open_sockets(p);
    if (!good)
        abort();
    if (p->wish != END)
        p->wish = NOTHING;
    (void)pthread_cond_broadcast(&p->fulfilled);
}

/* --- messages ---------------------------------------------------------------- */

static void
send_all(struct peer *p, const uint8_t *data, size_t len)
{
    size_t at = 0;
    ssize_t n;

    if (!p->pty) {
        (void)unixsock_send(p->data, data, len);
        return;
    }
    while (at < len && (n = write(p->data, data + at, len - at)) > 0)
        at += (size_t)n;
}

static void
take_data(struct peer *p)
{
    ssize_t n = read(p->data, p->in + p->have, sizeof(p->in) - p->have);

    if (n <= 0) {
        if (!p->pty && !(n < 0 && errno == EAGAIN))
            drop(p); /* as swtpm: what it executes is nobody's then */
        return;
    }
    p->have += (size_t)n;
    if (p->have < 10 || p->have < frame_length(p->in))
        return;
    chip_execute(&p->stand->chip, p->pty ? -1 : p->locality, p->in, p->have);
    p->have = 0;
}

static void
answer_if_done(struct peer *p)
{
    struct chip *chip = &p->stand->chip;
    uint8_t response[CHIP_LONGEST];

    if (chip->running && chip_is_done(chip))
        send_all(p, response, chip_answer(chip, response, sizeof(response)));
}

/* A number of four octets, and for a locality one more. */
static void
take_control(struct peer *p)
{
    static const uint8_t success[4];
    struct chip *chip = &p->stand->chip;
    uint8_t response[10];
    ssize_t n = read(p->control, p->request + p->asked,
        sizeof(p->request) - p->asked);

    if (n > 0)
        p->asked += (size_t)n;
    if (n <= 0) {
        close_fd(&p->control);
        p->asked = 0;
        return;
    }
    if (p->asked < 4 || (p->request[3] == SET_LOCALITY && p->asked < 5))
        return;
    if (p->request[3] == SET_LOCALITY)
        p->locality = p->request[4];
    else if (p->request[3] == CANCEL && chip->running)
        send_all(p, response, chip_cancel(chip, response));
    (void)unixsock_send(p->control, success, sizeof(success));
    p->asked = 0;
}

/* Since it was asked last. */
static bool
was_closed(struct peer *p)
{
    struct inotify_event events[8];
    bool closed = false;

    while (p->closes >= 0 && read(p->closes, events, sizeof(events)) > 0)
        closed = true;
    return closed;
}

/* --- the thread --------------------------------------------------------------- */

/* With the lock held, but for the waiting. */
static void
turn(struct peer *p)
{
    const struct chip *chip = &p->stand->chip;
    bool timed = chip->running && chip->takes_us >= 0;
    int64_t us = timed ? chip->until_us - chip_now_us() : 1000000;
    struct timespec ts = { us > 0 ? us / 1000000 : 0,
        us > 0 ? us % 1000000 * 1000 : 0 };
    struct pollfd fds[4] = {
        { .fd = p->wake, .events = POLLIN },
        { .fd = p->data >= 0 ? p->data : p->listen, .events = POLLIN },
        { .fd = p->control >= 0 ? p->control : p->control_listen,
            .events = POLLIN },
        { .fd = p->closes, .events = POLLIN },
    };
    uint64_t n;

    (void)pthread_mutex_unlock(&p->mutex);
    (void)ppoll(fds, 4, &ts, NULL);
    (void)pthread_mutex_lock(&p->mutex);
    if ((fds[0].revents & POLLIN) != 0)
        (void)!read(p->wake, &n, sizeof(n));
    if (p->wish != NOTHING) {
        fulfil(p);
        return;
    }
    if (was_closed(p))
        drop(p);
    if (fds[1].revents != 0 && p->data >= 0)
        take_data(p);
    else if (fds[1].revents != 0)
        p->data = accept4(p->listen, NULL, NULL, SOCK_CLOEXEC);
    if (fds[2].revents != 0 && p->control >= 0)
        take_control(p);
    else if (fds[2].revents != 0)
        p->control = accept4(p->control_listen, NULL, NULL, SOCK_CLOEXEC);
    answer_if_done(p);
}

static void *
run(void *user)
{
    struct peer *p = user;

    (void)pthread_mutex_lock(&p->mutex);
    while (p->wish != END)
        turn(p);
    (void)pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* --- for the stand ------------------------------------------------------------ */

static void
wake(struct peer *p)
{
    const uint64_t one = 1;

    (void)!write(p->wake, &one, sizeof(one));
}

static void
ask(struct stand *s, enum wish what)
{
    struct peer *p = peer_of(s);

    (void)pthread_mutex_lock(&p->mutex);
    p->wish = what;
    wake(p);
    while (p->wish == what && what != END)
        (void)pthread_cond_wait(&p->fulfilled, &p->mutex);
    (void)pthread_mutex_unlock(&p->mutex);
}

static void
unplug(struct stand *s)
{
    ask(s, UNPLUG);
}

static void
plug(struct stand *s)
{
    ask(s, PLUG);
}

static void
reset(struct stand *s)
{
    ask(s, RESET);
}

static void
up(struct stand *s, bool pty)
{
    struct peer *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    s->own = p;
    p->stand = s;
    p->pty = pty;
    p->data = p->slave = p->closes = p->listen = -1;
    p->control_listen = p->control = -1;
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(p->wake >= 0);
    assert_int_equal(pthread_mutex_init(&p->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&p->fulfilled, NULL), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
    plug(s);
}

static void
device_up(struct stand *s)
{
    up(s, true);
    (void)snprintf(s->conf, sizeof(s->conf), "device:%s/node", s->dir);
}

static void
swtpm_up(struct stand *s)
{
    up(s, false);
    (void)snprintf(s->conf, sizeof(s->conf), "swtpm:path=%s/swtpm.sock",
        s->dir);
}

static void
sim_up(struct stand *s)
{
    up(s, false);
    (void)snprintf(s->conf, sizeof(s->conf), "sim:dir=%s", s->dir);
}

static void
down(struct stand *s)
{
    struct peer *p = peer_of(s);
    char path[64];

    ask(s, END);
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    shut(p);
    path_of(p, "swtpm.sock.lock", path, sizeof(path));
    (void)unlink(path);
    (void)close(p->wake);
    (void)pthread_cond_destroy(&p->fulfilled);
    (void)pthread_mutex_destroy(&p->mutex);
    free(p);
}

static void
lock(struct stand *s)
{
    (void)pthread_mutex_lock(&peer_of(s)->mutex);
}

static void
unlock(struct stand *s)
{
    wake(peer_of(s));
    (void)pthread_mutex_unlock(&peer_of(s)->mutex);
}

static bool
has_locality(struct stand *s)
{
    return peer_of(s)->locality != 0;
}

#define PEER_STAND \
    .down = down, .lock = lock, .unlock = unlock, .unplug = unplug, \
    .plug = plug, .reset = reset, .has_locality = has_locality

/* What a pty gives to one read(2) for sure. */
const struct stand_kind stand_device = {
    .name = "device", .longest = 1024, .up = device_up, PEER_STAND,
};
const struct stand_kind stand_swtpm = {
    .name = "swtpm", .longest = CHIP_LONGEST, .up = swtpm_up, PEER_STAND,
};
const struct stand_kind stand_sim = {
    .name = "sim", .longest = CHIP_LONGEST, .up = sim_up, PEER_STAND,
};
