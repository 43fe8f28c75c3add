/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * The entry that libFuzzer calls (`make fuzz`, see fuzz.sh); under `make check`
 * main.c calls it with the corpus, and mutate.c with what it makes of that.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
