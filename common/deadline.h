/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_DEADLINE_H
#define COMMON_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A point on the monotonic clock by which something must be done, over all of
 * its phases. Times are milliseconds.
 */
struct deadline {
    bool forever;
    int64_t at_ms;
};

/* Milliseconds of the monotonic clock. */
int64_t deadline_now(void);

/* In so many milliseconds from now; below zero: never. */
struct deadline deadline_in(int32_t timeout_ms);

/* The earlier of two. */
struct deadline deadline_earlier(struct deadline a, struct deadline b);

/* What poll(2) takes: milliseconds left, 0 when past, -1 for never. */
int deadline_left(struct deadline deadline);

/* Whether it is past. */
bool deadline_past(struct deadline deadline);

#endif
