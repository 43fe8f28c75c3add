/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ATTEST_EK_H
#define ATTEST_EK_H

#include "chip/chip.h"

/*
 * The endorsement key: the identity that the chip's maker gave it and, where
 * there is a certificate, vouches for (TCG EK Credential Profile).
 */
struct ek {
    TPM2_HANDLE handle; /* transient; the caller flushes it */
    TPM2B_PUBLIC public;
    TPM2B_NAME name;
    uint8_t certificate_hash[CRYPTO_SHA256_SIZE];
};

/*
 * Looks for an EK certificate in the chip (NV 0x01c0000a for P-256, then
 * 0x01c00002 for RSA-2048), makes the key again from the template that goes
 * with it, and compares its public key with the certificate's. All in the
 * clear: what it gives is proven by the session that is salted to it.
 * SCU_E_NOT_FOUND where there is no usable certificate.
 * TPM2_NV_ReadPublic, TPM2_NV_Read, TPM2_CreatePrimary.
 */
int ek_find(struct scu_chip *chip, struct ek *ek);

#endif
