/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_OBJECT_H
#define STORE_OBJECT_H

#include "key/key-private.h"
#include "store/token-private.h"

struct scu_object {
    atomic_uint refs;
    struct scu_token *token;
    struct token_item *item;
};

/* All with the token's mutex held. */

struct token_item *item_ref(struct token_item *item);

/*
 * Reads all visible objects anew, unless the store is as it was; those that
 * did not change stay as they are, with their keys. After a login all are
 * verified.
 */
int objects_load(struct scu_token *token);

/* The same of rows that were read already, as they stood in token->row. */
int objects_take(struct scu_token *token, struct object_row *rows,
    size_t count);

/* The item as it is now (borrowed), read where it is not in memory. */
int object_find_item(struct scu_token *token, uint64_t id,
    struct token_item **item);

/* A reference for the caller. */
int object_new(struct scu_token *token, struct token_item *item,
    struct scu_object **object);

#endif
