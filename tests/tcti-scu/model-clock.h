/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_MODEL_CLOCK_H
#define TESTS_TCTI_MODEL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * The clocks of a program that has model-clock.c in it: whoever sleeps finds
 * that the time has gone by at once, so that no test waits. poll(2) waits
 * really, since timers and signals are the kernel's.
 */
extern bool model_clock_real; /* sleep takes its time, too */

void model_clock_skip(int64_t us);

#endif
