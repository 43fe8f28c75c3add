/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_KEY_PRIVATE_H
#define KEY_KEY_PRIVATE_H

#include "chip/chip.h"
#include "key/alg.h"
#include "key/keyfile.h"

#include <stdatomic.h>

/*
 * A key's memory. What never changes after its making needs no lock; object,
 * parent and password belong to the chip's mutex. A new password waits in
 * "fresh" until the next operation takes it, so that setting one needs
 * neither lock nor link.
 */
struct scu_key {
    atomic_uint refs;
    struct scu_chip *chip;
    const struct scu_alg *alg; /* NULL: of another size */
    struct keyfile file;
    struct scu_public public;
    uint8_t x[KEY_MAX_COORDINATE], y[KEY_MAX_COORDINATE];

    atomic_uint refused;       /* hashes that the chip has not, by bit */
    _Atomic(struct secret *) fresh; /* password as it was given */

    struct chip_object object;
    struct chip_object parent; /* unless it is the pinned storage key */
    struct secret *password;   /* authValue */
};

/* Takes over file (and clears it) in any case. */
int key_new(struct scu_chip *chip, struct keyfile *file,
    struct scu_key **key);

/*
 * As the store keeps a key: a key file, or what stands for one of a key with
 * a persistent handle. The caller frees *out by free(3).
 */
int key_from_row(struct scu_chip *chip, const uint8_t *der, size_t len,
    struct scu_key **key);
int key_to_row(const struct scu_key *key, uint8_t **out, size_t *len);

/*
 * Within an operation: a new key's authValue from its password, by SHA-256,
 * the nameAlg of new keys, where that is longer than an authValue can be. The
 * caller wipes it.
 */
int key_auth(struct scu_chip *chip, struct bytes password, TPM2B_AUTH *auth);

/*
 * Whether the key has all these attributes (TPMA_OBJECT_...) and can be used
 * by its password. SCU_E_USAGE, SCU_E_UNSUPPORTED. Any thread.
 */
int key_permits(const struct scu_key *key, TPMA_OBJECT attributes);

/* A copy of the password that was given; NULL: none. The caller frees it. */
int key_copy_password(const struct scu_key *key, struct secret **copy);

/*
 * Takes the password from all who hold the key, and the key from the chip:
 * who was allowed to use it is not any more. Any thread.
 */
void key_forget_password(struct scu_key *key);

/*
 * Within an operation: the password is taken, the key loaded. SCU_E_AUTH_NEEDED
 * where it has a password that nobody gave: a try with the empty one would
 * count as a wrong one.
 */
int key_ready(struct scu_chip *chip, struct scu_key *key,
    TPM2_HANDLE *handle);

/* chip_run() of a prepared command whose one handle is the key's. */
int key_run(struct scu_chip *chip, struct scu_key *key, TPM2_HANDLE handle,
    TPM2_CC code);

#endif
