/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_REPORT_H
#define TESTS_BENCH_REPORT_H

#include "figures.h"

/* What was run: as many results as there are rows. */
struct report {
    const struct result *results;
    size_t rounds;
    double seconds;  /* per row and round */
    double load[2];  /* other work on the machine: before, after */
};

/* The table, for people, to standard output. */
void report_table(const struct report *report);

/* The same for programs. BENCH_FAILED where path cannot be written. */
enum outcome report_json(const struct report *report, const char *path);

#endif
