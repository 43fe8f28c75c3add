/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "deadline.h"

#include <limits.h>
#include <time.h>

#define NS_PER_MS 1000000

static int64_t
monotonic_ms(long round_up_ns)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + (ts.tv_nsec + round_up_ns) / NS_PER_MS;
}

int64_t
deadline_now(void)
{
    return monotonic_ms(0);
}

struct deadline
deadline_in(int32_t timeout_ms)
{
    struct deadline d = { .forever = timeout_ms < 0 };

    /*
     * Rounded up where there is something to wait for, so that a wait is
     * never shorter than asked; 0 is past at once.
     */
    if (timeout_ms > 0)
        d.at_ms = monotonic_ms(NS_PER_MS - 1) + timeout_ms;
    else
        d.at_ms = monotonic_ms(0);
    return d;
}

struct deadline
deadline_earlier(struct deadline a, struct deadline b)
{
    if (a.forever)
        return b;
    if (b.forever || a.at_ms <= b.at_ms)
        return a;
    return b;
}

int
deadline_left(struct deadline deadline)
{
    int64_t left;

    if (deadline.forever)
        return -1;
    left = deadline.at_ms - deadline_now();
    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

bool
deadline_past(struct deadline deadline)
{
    return !deadline.forever && deadline.at_ms <= deadline_now();
}
