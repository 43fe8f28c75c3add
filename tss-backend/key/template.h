/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_TEMPLATE_H
#define KEY_TEMPLATE_H

#include <scu/key.h>
#include <tss2/tss2_tpm2_types.h>

/*
 * Public areas that TPM2_Create and TPM2_CreatePrimary are given. A primary
 * key is a function of the chip's seed and of each octet of its template, so
 * the three below never change.
 */

/*
 * The storage key: template H-2 (TCG EK Credential Profile, B.4) as the
 * provisioning guidance turns it into a storage key: P-256, restricted
 * decryption, userWithAuth, noDA, no policy, AES-128-CFB, empty unique. Key
 * files with a hierarchy as their parent mean this one.
 */
void template_storage_ecc(TPM2B_PUBLIC *public);

/* The same from template H-1, RSA-2048: key files with rsaParent mean it. */
void template_storage_rsa(TPM2B_PUBLIC *public);

/* The attestation key: P-256, restricted signing by ECDSA with SHA-256. */
void template_attestation(TPM2B_PUBLIC *public);

/*
 * A new key: unrestricted, signs and decrypts (RSA: raw, for paddings the
 * chip does not have; EC: ECDH), no scheme, noDA.
 */
void template_key(const struct scu_alg *alg, TPM2B_PUBLIC *public);

/* The same, for a key that is brought into the chip. */
void template_imported(const struct scu_alg *alg, TPM2B_PUBLIC *public);

#endif
