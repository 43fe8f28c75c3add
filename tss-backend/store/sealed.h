/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_SEALED_H
#define STORE_SEALED_H

#include "policy/policy.h"

/*
 * Keyed-hash objects below the storage key: data that the chip keeps
 * encrypted. All within an operation; noDA, so that a power cut after their
 * use never counts in the chip-wide lockout.
 */

/* For authorisation only: userWithAuth. */
#define SEALED_HELPER 0x452U
/* Opened by policy only: adminWithPolicy, userWithAuth clear. */
#define SEALED_BLOB 0x492U

struct sealed_creation {
    TPMA_OBJECT attributes;
    const struct secret *auth;
    const struct secret *data;
    const struct policy *policy; /* NULL: none */
};

/* TPM2_Create. Fills object, which is not loaded then. */
int sealed_create(struct scu_chip *chip, const struct sealed_creation *what,
    struct chip_object *object);

/*
 * TPM2_Unseal of a loaded object by a policy session, which ends where that
 * succeeds. SCU_E_AUTH where auth is not the object's. The caller frees *data.
 */
int sealed_open(struct scu_chip *chip, const struct chip_object *object,
    struct session *session, const struct secret *auth, struct secret **data);

/* What the store keeps: TPM2B_PUBLIC || TPM2B_PRIVATE. */
#define SEALED_MAX (sizeof(TPM2B_PUBLIC) + sizeof(TPM2B_PRIVATE))
int sealed_encode(const struct chip_object *object, uint8_t *out,
    size_t *len);
/* Fills an object below the storage key, with its Name. SCU_E_STORE. */
int sealed_decode(struct scu_chip *chip, struct bytes in,
    struct chip_object *object);

#endif
