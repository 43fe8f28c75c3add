/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_PSSCHECK_H
#define KEY_PSSCHECK_H

#include "base/error.h"
#include "chip/crypto.h"
#include "key/alg.h"

/* A PSS signature as the chip made it, and what it should be. */
struct pss_claim {
    const struct key_hash *hash;
    const uint8_t *digest; /* of the hash's size */
    const uint8_t *sig;    /* of the modulus' size */
    size_t salt_len;
};

/*
 * Whether the salt of a signature has the length: the chip chooses it when
 * it pads. SCU_E_UNSUPPORTED where it has not. Public-key work on the host,
 * below the mutex that covers crypto.
 */
int psscheck(struct crypto *crypto, const TPMT_PUBLIC *key,
    const struct pss_claim *claim);

#endif
