/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TSS_BACKEND_STORE_DYING_H
#define TESTS_TSS_BACKEND_STORE_DYING_H

#include "tests/tss-backend/provisioned.h"

/*
 * Processes that are killed at a step of the test's choosing: when the chip
 * has done the k-th command, before the answer comes back, or before the k-th
 * change that SQLite makes to the disk. Or the link breaks there and the
 * answer is lost, but the process goes on.
 */
enum dying_where {
    DYING_AT_COMMAND,
    DYING_AT_DISK,
    DYING_OF_THE_LINK,
};

struct dying;

/* A proxy before the chip of p. Fails the test where that is not possible. */
struct dying *dying_new(const struct provisioned *p);
void dying_free(struct dying **dying);

/*
 * Runs in a child, on a connection of its own, and kills it at step k. True
 * where it came to its end before, which must then be with SCU_OK. What is
 * left in the chip's slots is flushed.
 */
bool dying_run(struct dying *dying, enum dying_where where, unsigned k,
    int (*run)(struct scu_chip *chip));

/* One kind of change: made by a child, looked at by the test. */
struct dying_change {
    int (*run)(struct scu_chip *chip);
    void (*check)(struct provisioned *p);
};

/* A child for each step there is, and a look at what it left. */
void dying_at_each_step(struct provisioned *p,
    const struct dying_change *change, enum dying_where where);

/* At each command and at each change of the disk. */
void dying_everywhere(struct provisioned *p,
    const struct dying_change *change);

#endif
