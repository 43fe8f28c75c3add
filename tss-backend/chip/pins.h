/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_PINS_H
#define CHIP_PINS_H

#include "base/error.h"

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

/*
 * What was found true at provisioning, in the file "pins" of the chip's state
 * folder: lines "key = value". Public, but believed: so a file that others
 * than root or the user could have written is refused.
 */
struct pins {
    TPM2_HANDLE storage_handle;
    TPM2B_PUBLIC storage;
    TPM2_HANDLE attestation_handle;
    TPM2B_PUBLIC attestation;
    uint32_t trust;            /* enum scu_trust */
    TPM2B_NAME ek_name;        /* size 0: no certificate */
    TPM2B_NAME ek_certificate; /* SHA-256 of it; size 0: none */
};

/*
 * SCU_E_UNPROVISIONED where there is no file, SCU_E_FILE where it is not to be
 * trusted or damaged; the line names it.
 */
int pins_read(const char *folder, struct pins *pins);

/* Whether both would be written alike. */
bool pins_equal(const struct pins *a, const struct pins *b);

/* Replaces the file so that a power cut leaves the old or the new one. */
int pins_write(const char *folder, const struct pins *pins);

#endif
