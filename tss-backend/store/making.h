/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_MAKING_H
#define STORE_MAKING_H

#include "store/change.h"
#include "store/pool.h"

/* A token that is being made, or made anew. */
struct making {
    struct token_row row;
    struct bytes pin;
    struct secret *owner;
    bool full;              /* the chip has no room for another pair */
    bool from_pool;         /* pair is a prepared one */
    struct pool_pair pair;  /* helper keys, their authValues, indices */
    struct vault *vault;
    struct pin_auths auths; /* of the SO's PIN */
    struct secret *secret;  /* T || A_u || A_so */
    struct chip_object blob;
    bool defined[TOKEN_USERS];
};

/* Operations: their argument is a struct making. */

/* The vault of the row, and the authValues of the SO's PIN, where they are
 * not there yet. */
int making_derive(struct scu_chip *chip, struct making *m);
/* TPM2_Create of the SO's blob. */
int making_blob(struct scu_chip *chip, void *arg);
/* Takes both indices away, as far as they are there. */
int making_undefine(struct scu_chip *chip, void *arg);

/*
 * Writes the row (id 0: a new one) with its MAC under T, and the SO's blob as
 * the only one; no objects and no user's PIN are left. One transaction.
 */
int making_finish(struct scu_chip *chip, struct token_row *row,
    const struct secret *secret, const struct chip_object *blob);

/* SCU_E_ARG where it is empty or too long. */
int making_label(char out[SCU_TOKEN_LABEL_MAX + 1], const char *label);

#endif
