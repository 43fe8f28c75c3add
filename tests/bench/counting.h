/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_COUNTING_H
#define TESTS_BENCH_COUNTING_H

#include "bench.h"

/*
 * A counting proxy before the chip, as a child process. Commands are counted
 * outside of what is measured, and never while something is timed.
 */
struct counting;

/* At DIR/counted.sock. NULL with a line on standard error. */
struct counting *counting_new(const struct place *place);

/* Commands per operation of a row, once it is warm. */
enum outcome counting_row(struct counting *counting, const struct row *row,
    double *commands);

/* Ends the child. Takes NULL, nulls the pointer. */
void counting_free(struct counting **counting);

#endif
