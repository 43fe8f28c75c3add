/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_INTERPOSER_TALLY_H
#define TESTS_INTERPOSER_TALLY_H

#include <stddef.h>

/* How many cases there were of a kind, and how they ended. */
struct tally {
    unsigned cases, right, refused, wrong;
};

/* Each process counts in a row of its own. */
#define KINDS_MAX 32

/* Prints the sum of the rows; how many were wrong. */
unsigned tally_report(const struct tally *rows, size_t n);

#endif
