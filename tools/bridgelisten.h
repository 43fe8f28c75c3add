/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BRIDGELISTEN_H
#define TOOLS_BRIDGELISTEN_H

#include "out.h"

#include <limits.h>
#include <sys/types.h>

/*
 * Where a bridge listens: two sockets, which do not block. Nothing in the
 * protocol says who a client is, so only the host's own users may reach them:
 * on a UNIX socket in a folder that is the user's alone, or on a loopback
 * address (where that is every user).
 */
struct listener {
    int data, control;
    bool tcp;
    char host[48];                   /* of TCP, as in a TCTI string */
    uint16_t port;                   /* the control channel's is the next */
    char path[PATH_MAX];             /* of UNIX, absolute */
    char tcti[PATH_MAX + 64];        /* for programs: "swtpm:path=..." */
    struct { dev_t dev; ino_t ino; } made[2]; /* ours, while they are there */
};

/*
 * Listens at "unix:PATH" (and PATH.ctrl) or "tcp:HOST:PORT" (and the next
 * port; port 0: two that are free). A socket that nobody listens at any more
 * is replaced. SCU_E_ARG, SCU_E_FILE, SCU_E_EXISTS: recorded in out.
 */
int listener_open(struct listener *l, const char *where, struct out *out);

/* Closes, and removes the sockets if they are still these. Also after a
 * failure. */
void listener_close(struct listener *l);

#endif
