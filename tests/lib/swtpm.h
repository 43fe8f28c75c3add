/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_SWTPM_H
#define TESTS_LIB_SWTPM_H

/*
 * A simulated chip of a test's own: swtpm as a child process, in a fresh
 * folder below $TMPDIR (/tmp without it), on UNIX sockets, started up
 * (TPM2_Startup(CLEAR)) and ready. The child dies with the thread that made
 * it, so a test that crashes leaves no process. Not for use by two threads.
 */
struct sim;

/*
 * Starts one. NULL, with one line on standard error, when swtpm cannot be
 * run or does not answer within ten seconds.
 */
struct sim *sim_new(void);

/* Its folder; the paths live as long as sim. */
const char *sim_dir(const struct sim *sim);

/* DIR/swtpm.sock; the control channel is at the same path plus ".ctrl". */
const char *sim_socket(const struct sim *sim);

/* "scu:swtpm:path=DIR/swtpm.sock", for tctildr. */
const char *sim_tcti(const struct sim *sim);

/* Pulls the plug: SIGKILL, and the sockets vanish. What NV holds stays. */
void sim_kill(struct sim *sim);

/*
 * Power again, on the same state and at the same paths; kills first where it
 * still runs. 0 or -1 with one line on standard error.
 */
int sim_restart(struct sim *sim);

/* Ends it and removes its folder. Takes NULL, nulls the caller's pointer. */
void sim_free(struct sim **sim);

#endif
