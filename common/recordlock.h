/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_RECORDLOCK_H
#define COMMON_RECORDLOCK_H

#include "deadline.h"

#include <sys/types.h>

/*
 * A fair POSIX record lock on an open file, between processes: the lower part
 * of lockfile.h, which see.
 */

/* 0, -ETIMEDOUT, or another negative errno value. */
int recordlock_acquire(int fd, struct deadline deadline);

/* Where it is free at this moment, past those who wait; or -EAGAIN. */
int recordlock_try(int fd);

/* Which process has it; 0: none, or not known. */
pid_t recordlock_holder(int fd);

void recordlock_release(int fd);

#endif
