/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Else <poll.h> has a poll(2) of its own, inline. */
#undef _FORTIFY_SOURCE

#include "hurry.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 5
#define MS 1000000LL
#define S 1000000000LL

static volatile unsigned *factor;

/* Where the two clocks met last; one thread waits at a time. */
static int64_t real_then, ours_then;
static unsigned speed_then = 1;

static int64_t
real_now(void)
{
    struct timespec ts;

    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * S + ts.tv_nsec;
}

/* It never goes backwards: a new speed counts from here. */
static int64_t
our_now(void)
{
    int64_t real = real_now();

    if (factor == NULL)
        return real;
    ours_then += (real - real_then) * (int64_t)speed_then;
    real_then = real;
    speed_then = *factor > 0 ? *factor : 1;
    return ours_then;
}

void
hurry_by(volatile unsigned *speed)
{
    real_then = ours_then = real_now();
    speed_then = 1;
    factor = speed;
}

/* Those of libc stand behind these, for all libraries. */
#pragma GCC visibility push(default)

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
    int64_t now;

    if (clock != CLOCK_MONOTONIC || factor == NULL)
        return (int)syscall(SYS_clock_gettime, clock, ts);
    now = our_now();
    ts->tv_sec = (time_t)(now / S);
    ts->tv_nsec = (long)(now % S);
    return 0;
}

#pragma GCC visibility pop

static int
real_poll(struct pollfd *fds, nfds_t n, int64_t timeout)
{
    const struct timespec ts = {
        .tv_sec = (time_t)(timeout / S), .tv_nsec = (long)(timeout % S),
    };
    struct timespec left = ts;

    return (int)syscall(SYS_ppoll, fds, n, timeout < 0 ? NULL : &left, NULL,
        0);
}

#pragma GCC visibility push(default)

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
    int64_t end, left;
    int rc;

    if (factor == NULL || timeout <= 0)
        return real_poll(fds, n, timeout < 0 ? -1 : timeout * MS);
    end = our_now() + timeout * MS;
    do {
        left = end - our_now();
        rc = real_poll(fds, n, left < 0 ? 0 : left < SLICE_MS * MS ? left :
            SLICE_MS * MS);
    } while (rc == 0 && our_now() < end);
    if (rc == 0)
        *factor = 1;
    return rc;
}

int
nanosleep(const struct timespec *want, struct timespec *left)
{
    int64_t end = our_now() + (int64_t)want->tv_sec * S + want->tv_nsec;

    /* Slices in real time, so that a speed that changes is seen. */
    for (int64_t now = our_now(); now < end; now = our_now()) {
        int64_t part = end - now;

        if (factor != NULL && part > SLICE_MS * MS)
            part = SLICE_MS * MS;
        (void)real_poll(NULL, 0, part);
    }
    if (left != NULL)
        *left = (struct timespec){ 0 };
    return 0;
}

#pragma GCC visibility pop
