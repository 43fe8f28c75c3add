/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TSS_BACKEND_ATTEST_EKCERT_H
#define TESTS_TSS_BACKEND_ATTEST_EKCERT_H

#include "tests/tss-backend/provisioned.h"

/*
 * Does what a chip's maker does: a certificate over the endorsement key, in
 * the NV index that belongs to it. With foreign set the certificate is over
 * some other key.
 */
void ekcert_install(struct provisioned *p, bool rsa, bool foreign);

/* Defines the index of a P-256 EK certificate and writes nothing into it. */
void ekcert_reserve(struct provisioned *p);

/* Makes a key of another template persistent. Owner authorisation empty. */
void ekcert_persist_foreign(struct provisioned *p, uint32_t handle);

/* Evicts a persistent key with the owner authorisation of a state folder. */
void provisioned_evict(struct provisioned *p, uint32_t handle,
    const char *state);

#endif
