/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_SIMDIR_H
#define COMMON_SIMDIR_H

/* Files of a simulated chip within its folder. */
#define SIM_SOCKET "swtpm.sock"
#define SIM_CONTROL "swtpm.sock.ctrl"

/*
 * The folder of the simulator where none is named: $XDG_RUNTIME_DIR/scu-sim,
 * or without that variable $HOME/.local/state/scu/sim. It need not exist. The
 * caller frees it. NULL where neither variable holds an absolute path (errno
 * ENOENT; always so in a set-id program) or memory is short (ENOMEM).
 */
char *sim_dir_default(void);

#endif
