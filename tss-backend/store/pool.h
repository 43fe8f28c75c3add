/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include "store/token-private.h"

/*
 * Prepared tokens
 * ---------------
 * Defining an index takes the owner authorisation, which users do not have.
 * So the administrator defines pairs of indices ahead, and leaves what is
 * needed to make tokens of them in files of the folder "pool" beside the
 * pins, one per pair. Who may read that folder and remove files from it may
 * make tokens: the administrator gives it to a group. Taking one is a rename,
 * so no two can take the same.
 * Who read such a file before somebody else took it could change that token's
 * PINs (not open it): the users of one pool trust each other that far.
 */
struct pool_pair {
    TPM2_HANDLE index[TOKEN_USERS];
    struct chip_object helper[TOKEN_USERS];
    struct secret *auth[TOKEN_USERS]; /* of the helper keys */
};

/* Makes helper keys and finds two free handles. Defines nothing. */
int pool_new_pair(struct scu_chip *chip, struct pool_pair *pair);
/* SCU_E_NOT_FOUND where none is left, or the folder is not for us. */
int pool_take(struct scu_chip *chip, struct pool_pair *pair);
/* Back again. */
int pool_put(struct scu_chip *chip, const struct pool_pair *pair);
void pool_pair_clear(struct pool_pair *pair);

#endif
