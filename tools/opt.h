/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_OPT_H
#define TOOLS_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Options of a command line as data. A table ends with a row without a name.
 * A row with arg NULL is a flag and fills a bool; the others fill a
 * const char * that points into argv. The last of several wins.
 */
struct opt {
    const char *name; /* without the dashes */
    const char *arg;  /* what the help shows for its value: "DIR" */
    const char *help; /* one line, no full stop */
    size_t offset;    /* of the member in the struct that the table fills */
};

/* A table and the struct that it fills. rows may be NULL: no options. */
struct opt_set {
    const struct opt *rows;
    void *values;
};

/*
 * Parses options from argv[1] up to the first operand, whose index (argc where
 * there is none) it returns; -1 with one line of cause in why. Not for
 * threads: it is getopt_long(3).
 */
int opt_parse(const struct opt_set *sets, size_t n_sets, int argc,
    char **argv, char *why, size_t why_size);

/*
 * A whole number in decimal digits, nothing before or behind it. 0; -1 where
 * it is not that, or above max.
 */
int opt_number(const char *text, unsigned long max, unsigned long *n);

/* Prints the rows for --help. rows may be NULL. */
void opt_print(FILE *to, const struct opt *rows);

#endif
