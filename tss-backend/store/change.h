/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_CHANGE_H
#define STORE_CHANGE_H

#include "store/token-private.h"

/* A blob that is to be sealed under a PIN: what of the secret belongs to who. */
struct change_blob {
    const struct pin_index *index;
    enum scu_user who;
    const struct pin_auths *auths;
    const struct secret *secret; /* as long as the SO's, for both */
};

/* Within an operation: TPM2_Create. */
int change_seal(struct scu_chip *chip, const struct change_blob *what,
    struct chip_object *blob);

/*
 * Gives the user's index an authValue that nobody knows, and resets its
 * count. secret is the SO's. The token's mutex and the store's lock are held.
 */
int change_scramble(struct scu_token *token, const struct secret *secret);

#endif
