/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_TOKEN_PRIVATE_H
#define STORE_TOKEN_PRIVATE_H

#include "store/attributes.h"
#include "store/authentic.h"
#include "store/pinindex.h"
#include "store/rows.h"
#include "store/sealed.h"

#include <pthread.h>
#include <scu/token.h>
#include <stdatomic.h>

/* The token secret T, and the authValues of the helper keys K_u and K_so, as
 * they stand in the sealed blobs: T || A_u of the user, all three of the SO. */
#define PART_SIZE TOKEN_SECRET_SIZE
#define USER_BLOB_SIZE (2 * PART_SIZE)
#define SO_BLOB_SIZE (3 * PART_SIZE)

/* What the chip has of a token. From its row; never changes. */
struct vault {
    struct chip_object helper[TOKEN_USERS];
    struct pin_index index[TOKEN_USERS];
};

/* An object in memory, shared by its references; all but key never changes. */
struct token_item {
    atomic_uint refs;
    uint64_t id, generation;
    unsigned flags;
    enum object_kind kind;
    struct attributes attributes;
    struct octets der, tag;
    struct scu_key *key; /* once it was asked for; the token's mutex */
};

/*
 * One program's view of a token. mutex covers all that changes; it is taken
 * before the chip's.
 */
struct scu_token {
    atomic_uint refs;
    struct scu_chip *chip;
    atomic_int owner; /* pid; negative while that child takes over */
    pthread_mutex_t mutex;
    bool other_chip;
    struct token_row row;
    struct vault *vault;     /* NULL: not computed yet */
    struct chip_object blob; /* of the last login; perhaps in the chip */
    bool logged_in;
    enum scu_user user;
    struct secret *secret;   /* what the blob held */
    struct secret *keys;     /* authentic_keys() */
    int64_t opened;          /* the blob of the login, in the store; or 0 */
    bool blob_gone;          /* it is not there any more */
    struct token_item **items;
    size_t count;
    struct database_stamp read; /* of the store when these were read */
};

/* --- token.c --------------------------------------------------------------- */

/* Takes the mutex; in a forked child logs out first. */
void token_enter(struct scu_token *token);
void token_leave(struct scu_token *token);

/* A token of this row, which is taken over, also on failure. */
int token_new(struct scu_chip *chip, struct token_row *row,
    const TPM2B_NAME *chip_name, struct scu_token **token);

/* The Name of the pinned storage key; size 0 where nothing is pinned. */
int token_chip_name(struct scu_chip *chip, TPM2B_NAME *name);

/* The row anew, where it changed outside; and whether the login's blob is
 * still there. */
int token_refresh(struct scu_token *token, struct database *database);

/*
 * What rows that do not verify mean: where the blob that the secret is from
 * is gone, the token was made anew since. SCU_E_AUTH_NEEDED then.
 */
int token_verdict(const struct scu_token *token, int rc);

/* Within an operation: computes the vault of a row. */
int vault_make(struct scu_chip *chip, const struct token_row *row,
    struct vault **vault);
void vault_free(struct scu_chip *chip, struct vault **vault);
int token_ready_vault(struct scu_chip *chip, struct scu_token *token);

/* --- pin.c ------------------------------------------------------------------ */

/* What a PIN gives: the authValue of the index and that of the blob. */
struct pin_auths {
    struct secret *index, *seal;
};
int pin_check_length(const void *pin, size_t len);
/* Within an operation (offline will do). The caller frees. */
int pin_derive(struct crypto *crypto, const struct token_row *row,
    enum scu_user who, struct bytes pin, struct pin_auths *auths);
void pin_auths_free(struct pin_auths *auths);
/* The cost for new tokens. */
extern const struct crypto_cost pin_cost;

/* The policy of a sealed blob. */
void pin_blob_policy(const struct pin_index *index, struct policy *policy);

/* --- login.c ---------------------------------------------------------------- */

/* A try of a PIN. */
struct pin_try {
    enum scu_user who;
    struct bytes pin;
    bool with_objects;        /* whether their rows are wanted, too */
    /* Set by token_try_pin(), for the caller to free: */
    struct secret *secret;    /* what the blob held */
    int64_t opened;           /* the row of the blob */
    struct object_row *rows;  /* as of the moment when the blob was read */
    size_t count;
    struct database_stamp read;
};

/*
 * The mutex is held; nothing of the token's state but row and blob changes.
 * On failure there is nothing to free.
 */
int token_try_pin(struct scu_token *token, struct pin_try *attempt);

void token_forget(struct scu_token *token);

/* --- lock.c ------------------------------------------------------------------ */

/* What only one process may do at a time with a store: all changes of PINs
 * and of the chip's indices. SCU_E_BUSY names the holder. */
struct lockfile;
int store_lock(const struct scu_chip *chip, struct lockfile **lock);
/* Who prepares tokens, and tidies up after who did not finish that. */
int pool_lock(const struct scu_chip *chip, struct lockfile **lock);
/* Of both. */
void store_unlock(struct lockfile **lock);

/* --- object.c ---------------------------------------------------------------- */

void item_free(struct token_item **item);
/* Forgets all objects that are in memory, and their keys. */
void token_drop_items(struct scu_token *token);

#endif
