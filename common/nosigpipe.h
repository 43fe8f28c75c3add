/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_NOSIGPIPE_H
#define COMMON_NOSIGPIPE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * write(2) that answers EPIPE without the signal, whatever the application
 * does with SIGPIPE. For sockets send(2) with MSG_NOSIGNAL is cheaper.
 */
ssize_t nosigpipe_write(int fd, const void *data, size_t len);

#endif
