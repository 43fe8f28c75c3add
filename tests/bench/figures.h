/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_FIGURES_H
#define TESTS_BENCH_FIGURES_H

#include "bench.h"

#define BENCH_ROUNDS_MAX 99

/* All rounds of one row. */
struct result {
    bool wanted;           /* by BENCH_ROWS */
    enum outcome outcome;  /* the first that is not BENCH_OK */
    struct sample round[BENCH_ROUNDS_MAX];
    double commands;       /* per operation; below 0: not counted */
};

/* What can be read from a round. Times are microseconds per operation. */
enum figure {
    FIGURE_RATE, /* operations per second, undisturbed */
    FIGURE_WALL,
    FIGURE_LINK, /* of it inside the TCTI: chip and link */
    FIGURE_HOST, /* the rest */
    FIGURE_CPU,  /* processor time of the process, mean */
    FIGURE_COMMANDS, /* counted before the rounds; below 0: not counted */
};

/* The middle one; of an even number the mean of the two. Sorts values. */
double figures_median(double *values, size_t n);

double figures_of(const struct sample *sample, enum figure figure);

/* Median over the rounds. */
double figures_row(const struct result *result, size_t rounds,
    enum figure figure);

/* Between the quartiles of the rates, as a part of the median. */
double figures_spread(const struct result *result, size_t rounds);

/*
 * Two figures of two rows, held against each other round by round, so that
 * what slows the machine for a while slows both. The median over the rounds.
 */
enum relation {
    RELATION_RATIO,
    RELATION_DIFFERENCE,
    RELATION_NONE, /* the left one alone */
};
struct comparison {
    const struct result *left, *right;
    enum figure left_figure, right_figure;
    enum relation relation;
};
double figures_compare(const struct comparison *c, size_t rounds);

/* A figure that takes two rows, or stands below the table; its goal. */
struct finding {
    const char *id, *title, *unit;
    const char *left, *right; /* ids of rows; the same for RELATION_NONE */
    enum figure left_figure, right_figure;
    enum relation relation;
    double at_least, at_most; /* goals; 0: none */
};
extern const struct finding bench_findings[];
extern const size_t bench_finding_count;

/* Whether value keeps the goals; 0 stands for none. */
bool figures_pass(double value, double at_least, double at_most);

/* Index of a row by its id; bench_row_count where there is none. */
size_t figures_row_index(const char *id);

#endif
