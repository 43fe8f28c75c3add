/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MILLION 1000000
#define LATE_MS 150
#define BITS_PER_OCTET 10
#define SEGMENT_MAX (2 * WIRE_LINE)

/* What is on the line: it arrives as a whole, when its last octet does. */
struct piece {
    struct piece *next;
    int64_t due_us;
    size_t len;
    uint8_t octets[];
};

struct direction {
    struct piece *first;
    int64_t free_us; /* when the last octet so far has passed */
    uint8_t segment[SEGMENT_MAX];
    size_t len;
    bool content;    /* something else than zeros */
};

struct line {
    struct line_view view;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    struct direction to_chip, to_host;
    char path[128];
    int wake;
    int master, slave; /* the slave, so that the host may close its own */
    bool plug, end;    /* wishes */
    uint64_t seed;
};

static int64_t
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * MILLION + ts.tv_nsec / 1000;
}

static bool
chance(struct line *line, unsigned per_million)
{
    line->seed ^= line->seed << 13;
    line->seed ^= line->seed >> 7;
    line->seed ^= line->seed << 17;
    return line->seed % MILLION < per_million;
}

/* --- what the line does to a frame ------------------------------------------- */

static void
put(struct line *line, struct direction *d, const uint8_t *octets, size_t len,
    int64_t late_us)
{
    const struct line_view *v = &line->view;
    struct piece *piece = malloc(sizeof(*piece) + len);
    struct piece **at = &d->first;
    int64_t now = now_us();

    if (piece == NULL)
        return;
    if (d->free_us < now)
        d->free_us = now;
    if (v->baud != 0)
        d->free_us += (int64_t)len * BITS_PER_OCTET * MILLION / v->baud;
    piece->due_us = d->free_us + v->delay_ms * 1000 + late_us;
    piece->len = len;
    memcpy(piece->octets, octets, len);
    while (*at != NULL && (*at)->due_us <= piece->due_us)
        at = &(*at)->next;
    piece->next = *at;
    *at = piece;
}

static size_t
damage(struct line *line, const struct line_faults *faults,
    const struct direction *d, uint8_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < d->len; i++) {
        if (chance(line, faults->lose_octets))
            continue;
        out[n] = d->segment[i];
        if (chance(line, faults->flip_octets))
            out[n] ^= (uint8_t)(1U << (line->seed >> 32) % 8);
        n++;
        if (n < SEGMENT_MAX && chance(line, faults->add_octets))
            out[n++] = (uint8_t)(line->seed >> 40);
    }
    if (n != d->len || memcmp(out, d->segment, n) != 0)
        line->view.counts.damaged++;
    return n;
}

static struct line_plan *
plan_of(struct line *line, const struct direction *d)
{
    static struct line_plan none;
    static struct wire_frame frame;
    size_t from = 0, to = d->len;

    while (from < to && d->segment[from] == 0)
        from++;
    while (to > from && d->segment[to - 1] == 0)
        to--;
    none = (struct line_plan) { .lose = 0 };
    return wire_read(d->segment + from, to - from, &frame) ?
        &line->view.plan[frame.type] : &none;
}

static bool
use_up(unsigned *n)
{
    return *n != 0 && (*n)-- != 0;
}

/* A whole frame has been sent. */
static void
pass(struct line *line, struct direction *d, const struct line_faults *faults)
{
    struct line_counts *counts = &line->view.counts;
    struct line_plan *plan = plan_of(line, d);
    uint8_t octets[SEGMENT_MAX + 1];
    int64_t late_us = plan->late_ms * 1000;
    size_t len;

    plan->late_ms = 0;
    if (chance(line, faults->late_frames))
        late_us = LATE_MS * 1000;
    if (use_up(&plan->lose) || chance(line, faults->lose_frames)) {
        counts->lost++;
    } else {
        len = damage(line, faults, d, octets);
        counts->late += late_us != 0;
        put(line, d, octets, len, late_us);
        if (use_up(&plan->twice) || chance(line, faults->double_frames)) {
            counts->twice++;
            put(line, d, octets, len, late_us);
        }
    }
    d->len = 0;
    d->content = false;
}

/* Octets of either end, cut behind the zero that ends a frame. */
static void
enter(struct line *line, struct direction *d, const uint8_t *octets,
    size_t len)
{
    bool to_chip = d == &line->to_chip;
    const struct line_faults *faults = to_chip ? &line->view.to_chip
        : &line->view.to_host;

    *(to_chip ? &line->view.counts.octets_to_chip
        : &line->view.counts.octets_to_host) += len;
    for (size_t i = 0; i < len; i++) {
        d->segment[d->len++] = octets[i];
        d->content = d->content || octets[i] != 0;
        if ((octets[i] == 0 && d->content) || d->len == SEGMENT_MAX)
            pass(line, d, faults);
    }
}

static void
chip_sends(void *user, const uint8_t *octets, size_t len)
{
    struct line *line = user;

    enter(line, &line->to_host, octets, len);
}

/* --- the thread ----------------------------------------------------------------- */

/* As a UART does, it drops what nobody takes. */
static void
to_master(struct line *line, const struct piece *piece)
{
    size_t at = 0;
    ssize_t n;

    while (line->master >= 0 && at < piece->len) {
        n = write(line->master, piece->octets + at, piece->len - at);
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

static void
deliver(struct line *line, struct direction *d)
{
    int64_t now = now_us();
    struct piece *piece;

    while ((piece = d->first) != NULL && piece->due_us <= now) {
        d->first = piece->next;
        if (d == &line->to_chip)
            connector_take(&line->view.chip, piece->octets, piece->len,
                now / 1000);
        else
            to_master(line, piece);
        free(piece);
    }
}

static void
drop_all(struct direction *d)
{
    struct piece *piece;

    while ((piece = d->first) != NULL) {
        d->first = piece->next;
        free(piece);
    }
    d->len = 0;
    d->content = false;
}

static void
read_master(struct line *line)
{
    uint8_t octets[4096];
    ssize_t n;

    while (line->master >= 0
        && (n = read(line->master, octets, sizeof(octets))) > 0)
        enter(line, &line->to_chip, octets, (size_t)n);
}

static int
open_pty(struct line *line)
{
    struct termios tty;
    char name[64];

    line->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (line->master < 0 || grantpt(line->master) != 0
        || unlockpt(line->master) != 0
        || ptsname_r(line->master, name, sizeof(name)) != 0)
        return -1;
    line->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (line->slave < 0 || tcgetattr(line->slave, &tty) != 0)
        return -1;
    cfmakeraw(&tty);
    if (tcsetattr(line->slave, TCSANOW, &tty) != 0)
        return -1;
    (void)unlink(line->path);
    return symlink(name, line->path);
}

static void
close_pty(struct line *line)
{
    (void)unlink(line->path);
    if (line->slave >= 0)
        (void)close(line->slave);
    if (line->master >= 0)
        (void)close(line->master);
    line->slave = line->master = -1;
    drop_all(&line->to_chip);
    drop_all(&line->to_host);
}

static int64_t
next_event_us(const struct line *line)
{
    const struct line_view *v = &line->view;
    int64_t us = MILLION;
    int64_t now = now_us();

    if (line->to_chip.first != NULL && line->to_chip.first->due_us - now < us)
        us = line->to_chip.first->due_us - now;
    if (line->to_host.first != NULL && line->to_host.first->due_us - now < us)
        us = line->to_host.first->due_us - now;
    if (connector_busy(&v->chip) && us > (v->wait_fd < 0 ? 500 : 20000))
        us = v->wait_fd < 0 ? 500 : 20000;
    return us > 0 ? us : 0;
}

/* With the lock held, but for the waiting. */
static void
turn(struct line *line)
{
    static const uint8_t noise[64] = { 7, 1, 2, 3, 0, 5, 4, 4, 4, 4 };
    struct pollfd fds[3] = {
        { .fd = line->wake, .events = POLLIN },
        { .fd = line->master, .events = POLLIN },
        { .fd = connector_busy(&line->view.chip) ? line->view.wait_fd : -1,
            .events = POLLIN },
    };
    int64_t us = line->view.noisy ? 0 : next_event_us(line);
    struct timespec ts = { us / MILLION, us % MILLION * 1000 };
    uint64_t n;

    (void)pthread_mutex_unlock(&line->mutex);
    (void)ppoll(fds, 3, &ts, NULL);
    (void)pthread_mutex_lock(&line->mutex);
    if ((fds[0].revents & POLLIN) != 0)
        (void)!read(line->wake, &n, sizeof(n));
    if (line->plug != (line->master >= 0)) {
        if (!line->plug || open_pty(line) != 0)
            close_pty(line);
        (void)pthread_cond_broadcast(&line->changed);
        return;
    }
    read_master(line);
    deliver(line, &line->to_chip);
    if (connector_busy(&line->view.chip))
        connector_tick(&line->view.chip, now_us() / 1000);
    deliver(line, &line->to_host);
    for (int i = 0; i < 64 && line->view.noisy && line->master >= 0; i++)
        (void)!write(line->master, noise, sizeof(noise));
}

static void *
run(void *user)
{
    struct line *line = user;

    (void)prctl(PR_SET_TIMERSLACK, 1);
    (void)pthread_mutex_lock(&line->mutex);
    while (!line->end)
        turn(line);
    (void)pthread_mutex_unlock(&line->mutex);
    return NULL;
}

/* --- for tests ------------------------------------------------------------------- */

static void
wake(struct line *line)
{
    const uint64_t one = 1;

    (void)!write(line->wake, &one, sizeof(one));
}

static void
set_plug(struct line *line, bool plug)
{
    (void)pthread_mutex_lock(&line->mutex);
    line->plug = plug;
    wake(line);
    while (plug != (line->master >= 0))
        (void)pthread_cond_wait(&line->changed, &line->mutex);
    (void)pthread_mutex_unlock(&line->mutex);
}

void
line_unplug(struct line *line)
{
    set_plug(line, false);
}

void
line_plug(struct line *line)
{
    set_plug(line, true);
}

struct line *
line_new(const char *dir, const struct connector_tpm *tpm, void *user)
{
    struct line *line = calloc(1, sizeof(*line));

    if (line == NULL)
        return NULL;
    (void)snprintf(line->path, sizeof(line->path), "%s/tty", dir);
    line->view.chip.tpm = tpm;
    line->view.chip.user = user;
    line->view.chip.send = chip_sends;
    line->view.chip.line = line;
    line->view.wait_fd = -1;
    connector_restart(&line->view.chip);
    line->seed = 0x5ca1ab1e;
    line->master = line->slave = -1;
    (void)pthread_mutex_init(&line->mutex, NULL);
    (void)pthread_cond_init(&line->changed, NULL);
    line->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (line->wake < 0 || pthread_create(&line->thread, NULL, run, line) != 0) {
        free(line);
        return NULL;
    }
    line_plug(line);
    return line;
}

void
line_free(struct line **line)
{
    struct line *l = *line;

    if (l == NULL)
        return;
    (void)pthread_mutex_lock(&l->mutex);
    l->end = true;
    wake(l);
    (void)pthread_mutex_unlock(&l->mutex);
    (void)pthread_join(l->thread, NULL);
    close_pty(l);
    (void)close(l->wake);
    (void)pthread_cond_destroy(&l->changed);
    (void)pthread_mutex_destroy(&l->mutex);
    free(l);
    *line = NULL;
}

const char *
line_path(const struct line *line)
{
    return line->path;
}

struct line_view *
line_lock(struct line *line)
{
    (void)pthread_mutex_lock(&line->mutex);
    return &line->view;
}

void
line_unlock(struct line *line)
{
    wake(line);
    (void)pthread_mutex_unlock(&line->mutex);
}

void
line_noise(struct line *line, const uint8_t *octets, size_t len)
{
    (void)pthread_mutex_lock(&line->mutex);
    enter(line, &line->to_host, octets, len);
    wake(line);
    (void)pthread_mutex_unlock(&line->mutex);
}
