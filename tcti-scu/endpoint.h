/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_ENDPOINT_H
#define TCTI_SCU_ENDPOINT_H

#include "deadline.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where a socket server listens, resolved. */
struct endpoint {
    struct sockaddr_storage address;
    socklen_t len; /* 0: nowhere */
};

/* 0, or -ENAMETOOLONG where the path does not fit into an address. */
int endpoint_unix(const char *path, struct endpoint *endpoint);

/* 0, or -EHOSTUNREACH where the name does not resolve; may ask the DNS. */
int endpoint_tcp(const char *host, uint32_t port, struct endpoint *endpoint);

/*
 * Connects; *fd is a non-blocking socket that the caller closes, or -1. 0, a
 * negative errno value, or -ETIMEDOUT, also while the server's queue is full.
 */
int endpoint_connect(const struct endpoint *endpoint, struct deadline deadline,
    int *fd);

#endif
