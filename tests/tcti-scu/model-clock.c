/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-clock.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

bool model_clock_real;

static int64_t skipped_us;

void
model_clock_skip(int64_t us)
{
    skipped_us += us > 0 ? us : 0;
}

__attribute__((visibility("default"))) int
clock_gettime(clockid_t clock, struct timespec *ts)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, ts);
    int64_t nsec = ts->tv_nsec + skipped_us % 1000000 * 1000;

    ts->tv_sec += (time_t)(skipped_us / 1000000 + nsec / 1000000000);
    ts->tv_nsec = (long)(nsec % 1000000000);
    return rc;
}

__attribute__((visibility("default"))) int
clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts,
    struct timespec *left)
{
    if (model_clock_real || flags != 0)
        return (int)syscall(SYS_clock_nanosleep, clock, flags, ts, left);
    model_clock_skip((int64_t)ts->tv_sec * 1000000 + ts->tv_nsec / 1000);
    return 0;
}
