/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_STAGE_H
#define TESTS_FUZZ_STAGE_H

#include <stdint.h>

/*
 * Code that waits and logs, without time and without a terminal: between
 * stage_enter() and stage_leave() the clock is a number that sleeping adds to,
 * log lines are only counted, and code that goes on for longer than any input
 * can be worth is ended by abort(). It needs STAGE_LINK (fragment.am).
 */
void stage_enter(void);
void stage_leave(void);

int stage_is_on(void);
void stage_pass_us(int64_t us);
int64_t stage_now_us(void);
unsigned stage_lines(void);

/* One more thing done, by whatever a harness watches. */
void stage_count(void);

#endif
