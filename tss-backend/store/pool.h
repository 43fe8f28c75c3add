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
 * make tokens: the administrator gives it to a group.
 * A file is named after its first index. Its end tells more:
 *   XXXXXXXX                    to be taken, by a rename, so only once
 *   XXXXXXXX.taken-UID-STORE    a token is being made of it, in that store
 *   XXXXXXXX.new                not ready yet, or not to be used: its indices
 *                               go when tokens are prepared again
 * A taken file goes when its token is in the store. What is found of one's
 * own store under that store's lock was left by a process that ended: if the
 * token is there the file goes now, else it is used.
 * Who read such a file before somebody else took it could change that token's
 * PINs (not open it): the users of one pool trust each other that far.
 */
struct pool_pair {
    TPM2_HANDLE index[TOKEN_USERS];
    struct chip_object helper[TOKEN_USERS];
    struct secret *auth[TOKEN_USERS]; /* of the helper keys */
    char name[9]; /* of the file that was taken; else empty */
};

/* Makes helper keys and finds two free handles. Defines nothing. */
int pool_new_pair(struct scu_chip *chip, struct pool_pair *pair);
/*
 * SCU_E_NOT_FOUND where none is left, or the folder is not for us. The
 * store's lock is held.
 */
int pool_take(struct scu_chip *chip, struct pool_pair *pair);
/* The token is made. */
void pool_done(struct scu_chip *chip, const struct pool_pair *pair);
/* It is not: back again, or, where the pair is of no use, set aside. */
void pool_put(struct scu_chip *chip, const struct pool_pair *pair,
    bool usable);
void pool_pair_clear(struct pool_pair *pair);

#endif
