/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * The entry that libFuzzer calls; under `make check` main.c calls it with the
 * corpus. To fuzz, in a build folder of its own:
 *
 *     ../configure CC=clang CFLAGS='-g -O1 -fsanitize=fuzzer-no-link,address'
 *     make tests/fuzz/engine_keyfile
 *     tests/fuzz/engine_keyfile NEW ../tests/fuzz/corpus/keyfile
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
