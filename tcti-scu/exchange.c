/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "exchange.h"
#include "fail.h"
#include "lockfile.h"

#include <errno.h>
#include <sys/stat.h>
#include <tss2/tss2_tcti.h>

int
exchange_open(struct exchange *exchange, const char *path, const char *lock)
{
    struct stat st;

    /* First of all: the lock would make a file where no node is. */
    if (stat(path, &st) != 0)
        return -errno;
    if (!S_ISCHR(st.st_mode))
        return -ENOTTY;
    exchange->chip = path;
    return lock != NULL ? lockfile_open(lock, &exchange->lock)
        : lockfile_open_node(path, &exchange->lock);
}

int
exchange_enter(struct exchange *exchange, struct deadline deadline)
{
    pid_t holder = 0;
    int rc;

    if (exchange->lock == NULL || exchange->held)
        return 0;
    rc = lockfile_acquire(exchange->lock, deadline, &holder);
    exchange->held = rc == 0;
    if (rc == -ETIMEDOUT)
        (void)tcti_fail(TSS2_TCTI_RC_IO_ERROR,
            "process %ld keeps the chip at %s busy; wait for it or end it, or "
            "raise timeout=", (long)holder, exchange->chip);
    return rc;
}

bool
exchange_try(struct exchange *exchange)
{
    if (exchange->lock != NULL && !exchange->held)
        exchange->held =
            lockfile_acquire(exchange->lock, deadline_in(0), NULL) == 0;
    return exchange->lock == NULL || exchange->held;
}

void
exchange_leave(struct exchange *exchange)
{
    if (exchange->held && !exchange->keep)
        lockfile_release(exchange->lock);
    exchange->held = exchange->held && exchange->keep;
}

void
exchange_drop(struct exchange *exchange)
{
    bool keep = exchange->keep;

    exchange->keep = false;
    exchange_leave(exchange);
    exchange->keep = keep;
}

void
exchange_abandon(struct exchange *exchange)
{
    exchange->held = false;
}

void
exchange_close(struct exchange *exchange)
{
    exchange->keep = false;
    exchange_leave(exchange);
    lockfile_close(&exchange->lock);
}
