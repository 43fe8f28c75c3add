/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BRIDGESOCKET_H
#define TOOLS_BRIDGESOCKET_H

#include "bridgelisten.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* The parts of bridgelisten.h that make sockets. */

/* A listening socket that does not block, or a negative errno value. */
int bridge_listen(const struct sockaddr *address, socklen_t len);

/*
 * Both sockets of "unix:PATH", made with mode 0600. The folder is looked at
 * first, and locked while sockets of others may be replaced, so that of two
 * bridges that start at once one is refused.
 */
int bridge_listen_unix(struct listener *l, const char *path,
    struct out *out);

/* Removes those that listener.made knows and that are still there. */
void bridge_remove_unix(struct listener *l);

#endif
