/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_INTERPOSER_HURRY_H
#define TESTS_INTERPOSER_HURRY_H

/*
 * Time for who waits
 * ------------------
 * A chip may work for minutes, so a link on which nothing comes is given up
 * only then. This program's clock_gettime(2) of the monotonic clock, poll(2)
 * and nanosleep(2), which libraries that it loads call as well, let time pass
 * faster in a process that asked for it, at once also for a wait that has
 * begun.
 */

/*
 * From now on *speed (1: as always) is looked at, in this process. A poll(2)
 * that ends without an event sets it to 1: that was what there was to wait
 * for.
 */
void hurry_by(volatile unsigned *speed);

#endif
