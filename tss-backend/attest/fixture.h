/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ATTEST_FIXTURE_H
#define ATTEST_FIXTURE_H

#include "chip/chip.h"

/* A primary key that is to stand at a persistent handle. */
struct fixture {
    TPM2_HANDLE handle;
    TPMI_RH_HIERARCHY hierarchy;
    void (*template)(TPM2B_PUBLIC *public);
    const char *what;
};

extern const struct fixture fixture_storage;
extern const struct fixture fixture_attestation;

/*
 * Whether the handle is taken, through the session. SCU_OK: by a key of the
 * template; SCU_E_NOT_FOUND: by none; SCU_E_EXISTS: by another key.
 */
int fixture_find(struct scu_chip *chip, const struct fixture *fixture,
    TPM2B_PUBLIC *public);

/*
 * Makes the key and makes it persistent. owner: the owner authorisation, or
 * NULL where it is empty. TPM2_CreatePrimary, EvictControl, FlushContext.
 */
int fixture_create(struct scu_chip *chip, const struct fixture *fixture,
    const struct secret *owner, TPM2B_PUBLIC *public);

#endif
