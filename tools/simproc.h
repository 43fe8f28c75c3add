/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SIMPROC_H
#define TOOLS_SIMPROC_H

#include "deadline.h"
#include "simpaths.h"

#include <sys/types.h>

/*
 * The simulator's process
 * -----------------------
 * It is swtpm(8). It holds, as long as it lives, a flock(2) on its pid file:
 * whoever finds the file locked knows that the process whose number stands
 * there is the simulator of this folder, also after a crash or when the
 * number is in use again. The starter takes that lock and the process
 * inherits it, so there is no moment at which it runs unknown.
 *
 * All of these are called with the folder's lock (sim_paths.lock) held.
 */

/*
 * Its process id; 0 where none runs; negative errno where that cannot be
 * told. It may not be ready yet.
 */
pid_t sim_pid(const struct sim_paths *paths);

/*
 * Starts it in a session of its own, without the caller's descriptors. Files
 * that a dead one left are replaced. Returns at once.
 * SCU_E_FILE, recorded in out: a file or swtpm itself is missing.
 */
int sim_spawn(const struct sim_paths *paths, struct out *out);

/*
 * Until a process just started answers a command. SCU_E_NO_CHIP, recorded in
 * out: it ended (with its last words) or the deadline passed.
 */
int sim_wait_ready(const struct sim_paths *paths, struct deadline deadline,
    struct out *out);

/* Until it takes connections: it may be busy with another program. */
int sim_wait_open(const struct sim_paths *paths, struct deadline deadline,
    struct out *out);

/*
 * Ends it by SIGTERM, after some seconds by SIGKILL, and returns when it is
 * gone. SCU_E_IO, recorded in out, where it stays.
 */
int sim_end(const struct sim_paths *paths, pid_t pid, struct out *out);

/* Removes sockets and pid file of a process that is gone. */
void sim_clean(const struct sim_paths *paths);

#endif
