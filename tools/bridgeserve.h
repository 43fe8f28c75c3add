/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_BRIDGESERVE_H
#define TOOLS_BRIDGESERVE_H

#include "bridgelisten.h"

#include <scu/link.h>
#include <signal.h>

/*
 * The bridge at work: one loop over poll(2). Commands of all clients run one
 * at a time, in the order in which they were complete. What waits is bounded:
 * a request that began, and an answer that is to be taken, by
 * client_timeout_ms; a command by the link. Only sending one may hold up the
 * loop, while others have the chip, as long as the link's timeout says.
 */
struct bridge_plan {
    struct scu_link *link;
    struct listener *listener;
    int client_timeout_ms;
    const sigset_t *mask;            /* of signals while it waits */
    const volatile sig_atomic_t *stop; /* set by a signal: the end */
};

/*
 * Serves until *stop, with the signals that set it blocked but while it waits.
 * 0 or a negative errno value. A command under way is left to the link.
 */
int bridge_serve(const struct bridge_plan *plan);

#endif
