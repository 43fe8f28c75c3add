/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_KEYBLOB_H
#define TESTS_BENCH_KEYBLOB_H

#include "bench.h"

#include <scu/key.h>
#include <tss2/tss2_tpm2_types.h>

/* The storage key that provisioning made. */
#define STORAGE_HANDLE 0x81000001U

/* libscu's connection over a link, with the pins of the place. */
enum outcome keyblob_chip(const struct place *place,
    const struct bench_link *link, struct scu_chip **chip);

/* A prepared key, read from its file; no command. */
enum outcome keyblob_key(const struct place *place, struct scu_chip *chip,
    const char *name, struct scu_key **key);

/* The same as TPM2_Load takes it. */
enum outcome keyblob_read(const struct place *place, const char *name,
    TPM2B_PUBLIC *public, TPM2B_PRIVATE *private);

/* The whole file; the caller frees *text. */
enum outcome keyblob_file(const char *path, char **text, size_t *len);

#endif
