/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_AUTHENTIC_H
#define STORE_AUTHENTIC_H

#include "store/rows.h"

/*
 * What the token secret T proves and hides. T is random and only the chip
 * gives it out, so nothing below lets a PIN be guessed.
 *
 * The row of a token carries a list: a generation that counts the changes of
 * the token, and the number and generation of each object. HMACs under
 * HKDF(T, "attributes") cover the token's row with its list, and each
 * object's row with its number, generation, flags, attributes and key. So no
 * row can be edited, exchanged with another, taken back to an older state,
 * added or deleted unseen; only the whole file can be taken back.
 */
#define TOKEN_SECRET_SIZE 32

/* Keys from T; the caller frees them by secret_free(). */
int authentic_keys(struct crypto *crypto, struct bytes secret,
    struct secret **keys);

/* Computes row->mac. */
int authentic_token(struct crypto *crypto, const struct secret *keys,
    struct token_row *row);
int authentic_object(struct crypto *crypto, const struct secret *keys,
    const char *serial, struct object_row *row);

/*
 * Whether all rows are as they were written: SCU_E_STORE names the first that
 * is not, or is missing.
 */
int authentic_check(struct crypto *crypto, const struct secret *keys,
    const struct token_row *token, const struct object_row *objects,
    size_t count);

/* The list: an empty one; its generation; an object set, taken out. */
int list_empty(struct octets *list);
uint64_t list_generation(const struct octets *list);
/* Counts the generation up; the object gets the new one. */
int list_put(struct octets *list, uint64_t id, uint64_t *generation);
int list_remove(struct octets *list, uint64_t id);

/* Encrypts and decrypts what must not be read in the file. */
int private_seal(struct crypto *crypto, const struct secret *keys,
    struct bytes in, struct octets *out);
int private_open(struct crypto *crypto, const struct secret *keys,
    struct bytes in, struct octets *out);

/* The authValue of a key of the token's own, from T and its number. */
int authentic_key_auth(struct crypto *crypto, const struct secret *keys,
    struct bytes number, struct secret **auth);

#endif
