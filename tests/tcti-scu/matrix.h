/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_SCU_MATRIX_H
#define TESTS_TCTI_SCU_MATRIX_H

#include "stand.h"

/*
 * A behaviour of the TCTI, tried on each link. measure() asserts what must be
 * so everywhere, and says in a word or two what this link does: what stands
 * in the table of docs/tcti-matrix.md. It gets a stand without a context.
 */
struct matrix_row {
    const char *name;
    const char *(*measure)(struct stand *stand);
};

#define MATRIX_YES "yes"
#define MATRIX_NONE "NOT_IMPLEMENTED"

struct matrix_part {
    const struct matrix_row *rows;
    size_t n;
};

/* In the table's order. */
extern const struct matrix_part matrix_states, matrix_receive, matrix_faults,
    matrix_process;

/* The word for a link that may lack something: success, or the lack. */
const char *matrix_word(TSS2_RC rc);

/* The stand's context, with the chip holding a command that it executes. */
void matrix_start_held(struct stand *stand);

/* Of this process, the stand's among them. */
unsigned matrix_descriptors(void);
unsigned matrix_threads(void);
/* As many as before, once the stand has noticed what was closed. */
void matrix_expect_descriptors(unsigned n);

#endif
