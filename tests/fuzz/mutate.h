/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A little fuzzer for plain programs, which knows nothing of coverage: inputs
 * that were added are changed at random and run. The one under way stands in
 * a file, which is left behind where the program dies of it.
 */

/* Keeps a copy. 0 or -1: no memory. */
int mutate_add(const uint8_t *data, size_t len);

/*
 * For so many seconds; an input that takes longer than 20 s ends the program.
 * 0 or -1, with a line on standard error. The file is removed in the end.
 */
int mutate_run(unsigned seconds, const char *file);

#endif
