/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "chip/chip.h"
#include "store/database.h"

#include <scu/token.h>

/*
 * What stands in the store, read into memory and written back: no meaning is
 * given to it here, but all sizes are checked.
 */
#define TOKEN_SALT_SIZE 16
#define TOKEN_USERS 2 /* arrays are indexed by enum scu_user */

/* Octets of variable length; NULL, 0 for none. */
struct octets {
    uint8_t *data;
    size_t len;
};
int octets_set(struct octets *out, struct bytes in);
void octets_clear(struct octets *out);
struct bytes octets_bytes(const struct octets *in);

struct token_row {
    int64_t id;
    bool ready;
    TPM2B_NAME chip;
    char serial[17];
    char label[SCU_TOKEN_LABEL_MAX + 1];
    uint32_t tries;
    TPM2_HANDLE index[TOKEN_USERS];
    uint8_t salt[TOKEN_USERS][TOKEN_SALT_SIZE];
    struct crypto_cost cost;
    struct octets helper[TOKEN_USERS]; /* K_so, K_u: sealed_encode() */
    struct octets list;
    uint8_t mac[CRYPTO_SHA256_SIZE];
    bool pin_set[TOKEN_USERS];
};
void token_row_clear(struct token_row *row);

/* All tokens in their order. The caller clears each and frees the array. */
int token_rows_read(struct database *database, struct token_row **rows,
    size_t *count);
/* One anew; SCU_E_NOT_FOUND, noted, where it is gone. */
int token_row_read(struct database *database, int64_t id,
    struct token_row *row);
int token_row_insert(struct database *database, struct token_row *row);
/* label, tries, ready, list, mac; the rest never changes. */
int token_row_update(struct database *database, const struct token_row *row);
/* With its PINs and objects. */
int token_row_delete(struct database *database, int64_t id);

/*
 * Sealed blobs of a PIN, the newest first. Each change that was cut off before
 * its end leaves one, and only who knows the PIN can tell which is in force.
 */
#define PIN_ROWS_MAX 64
struct pin_row {
    int64_t id;
    struct octets blob;
};
int pin_rows_read(struct database *database, int64_t token,
    enum scu_user who, struct pin_row rows[PIN_ROWS_MAX], size_t *count);
void pin_rows_clear(struct pin_row rows[PIN_ROWS_MAX]);
int pin_row_insert(struct database *database, int64_t token,
    enum scu_user who, struct bytes blob, int64_t *id);
/* Whether it is not there. */
int pin_row_gone(struct database *database, int64_t id, bool *gone);
/* All but this one; 0: all. */
int pin_rows_prune(struct database *database, int64_t token,
    enum scu_user who, int64_t keep);

enum object_kind {
    OBJECT_PLAIN,   /* no key */
    OBJECT_KEY,     /* the token's own: authValue from the token secret */
    OBJECT_ADOPTED, /* with an authValue of its own, encrypted in tag */
};

struct object_row {
    uint64_t id;
    unsigned flags;
    enum object_kind kind;
    uint64_t generation;
    struct octets attributes; /* as stored */
    struct octets key;        /* TSS2 PRIVATE KEY, DER; empty: none */
    struct octets tag;        /* OBJECT_KEY: its random number */
    uint8_t mac[CRYPTO_SHA256_SIZE];
};
void object_row_clear(struct object_row *row);
int object_rows_read(struct database *database, int64_t token,
    struct object_row **rows, size_t *count);
void object_rows_free(struct object_row **rows, size_t count);
/* The id comes first: the MAC covers it. */
int object_row_reserve(struct database *database, int64_t token,
    uint64_t *id);
int object_row_write(struct database *database, const struct object_row *row);
int object_row_delete(struct database *database, uint64_t id);
int objects_delete_all(struct database *database, int64_t token);

#endif
