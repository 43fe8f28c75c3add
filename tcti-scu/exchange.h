/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_EXCHANGE_H
#define TCTI_SCU_EXCHANGE_H

#include "deadline.h"

#include <stdbool.h>
#include <tss2/tss2_common.h>

struct lockfile;

/*
 * The exchange lock: one command and its response at a time, whoever sends
 * them. Links to bare chips have it on the device node itself, so that all who
 * use the chip meet there, whatever their configuration.
 */
struct exchange {
    struct lockfile *lock; /* NULL: none */
    const char *chip;      /* what log lines call the chip by */
    bool held;
    bool keep;             /* once taken it stays ours: "exclusive" */
};

/*
 * Prepares the lock on an existing device node, or on the file lock where that
 * is not NULL. 0, or a negative errno value: -ENOTTY where path is no device.
 */
int exchange_open(struct exchange *exchange, const char *path,
    const char *lock);

/*
 * Takes it, unless it is held. 0; -ETIMEDOUT, with a log line that names the
 * holder; another negative errno value.
 */
int exchange_enter(struct exchange *exchange, struct deadline deadline);
/* Takes it if that is at once possible, without a word. */
bool exchange_try(struct exchange *exchange);
/* Gives it back, unless it is kept. */
void exchange_leave(struct exchange *exchange);
/*
 * Gives it back in any case, until it is taken again: the device may be gone,
 * and the node that comes back is another lock.
 */
void exchange_drop(struct exchange *exchange);

/* In a child: it is the parent's. */
void exchange_abandon(struct exchange *exchange);

void exchange_close(struct exchange *exchange);

#endif
