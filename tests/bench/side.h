/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_SIDE_H
#define TESTS_BENCH_SIDE_H

#include "bench.h"

#include <openssl/evp.h>
#include <openssl/provider.h>

/* A library context with the default provider and a door's, and a key. */
struct side {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *standard, *provider;
    const char *propq;
    EVP_PKEY *key;
};

/* Whether a door's provider can be there at all. */
bool side_present(const struct door *door);

/*
 * Tells libraries and programs by the environment where the chip is:
 * SCU_TCTI, SCU_STATE, TPM2OPENSSL_TCTI, OPENSSL_MODULES.
 */
void side_environment(const struct row *row, const struct place *place);

/* Opens; side_close() in any case. BENCH_ABSENT as side_present() says. */
enum outcome side_open(struct side *side, const struct row *row,
    const struct place *place);
void side_close(struct side *side);

/* bench_failed() with the first error in OpenSSL's queue. */
enum outcome side_failed(const char *what);

#endif
