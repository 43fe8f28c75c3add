/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_OCTET_H
#define COMMON_OCTET_H

#include "deadline.h"

#include <fcntl.h>
#include <sys/types.h>

/* Record locks on single octets of a file: what lockfile.h is made of. */

/* F_WRLCK or F_UNLCK, at once. 0, -EAGAIN or another negative errno value. */
int octet_set(int fd, short type, off_t octet);

/* Takes it; 0, -ETIMEDOUT or another negative errno value. */
int octet_wait(int fd, off_t octet, struct deadline deadline);

/* The process that has it; 0: none but this one, or it is not known. */
pid_t octet_holder(int fd, off_t octet);

#endif
