/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define START_US 1000000
#define THINGS_MAX 10000000 /* clock readings and calls, of one input */

static int on;
static int64_t now_us;
static unsigned lines, things;

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_clock_nanosleep(clockid_t clock, int flags,
    const struct timespec *want, struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
    const struct timespec *want, struct timespec *left);
void __wrap_log_vline(int level, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

void
stage_enter(void)
{
    on = 1;
    now_us = START_US;
    lines = things = 0;
}

void
stage_leave(void)
{
    on = 0;
}

int
stage_is_on(void)
{
    return on;
}

void
stage_pass_us(int64_t us)
{
    now_us += us > 0 ? us : 0;
}

int64_t
stage_now_us(void)
{
    return now_us;
}

unsigned
stage_lines(void)
{
    return lines;
}

void
stage_count(void)
{
    if (++things > THINGS_MAX)
        abort();
}

/* Looking at the clock takes a microsecond: a busy wait ends, too. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
    if (!on)
        return __real_clock_gettime(clock, ts);
    stage_count();
    now_us++;
    ts->tv_sec = (time_t)(now_us / 1000000);
    ts->tv_nsec = (long)(now_us % 1000000 * 1000);
    return 0;
}

int
__wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
    struct timespec *left)
{
    int64_t us = want->tv_sec * 1000000 + want->tv_nsec / 1000;

    if (!on)
        return __real_clock_nanosleep(clock, flags, want, left);
    stage_count();
    stage_pass_us(flags == TIMER_ABSTIME ? us - now_us : us);
    return 0;
}

/* The arguments are read as ever, so that a wrong one is found. */
void
__wrap_log_vline(int level, const char *format, va_list ap)
{
    char line[2048];

    (void)level;
    lines++;
    (void)vsnprintf(line, sizeof(line), format, ap);
}
