/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TSS_BACKEND_STORE_TOKENS_H
#define TESTS_TSS_BACKEND_STORE_TOKENS_H

#include "store/token-private.h"
#include "tests/tss-backend/provisioned.h"

#include <scu/key.h>
#include <scu/token.h>

#define SO_PIN "so-pin-98765"
#define USER_PIN "user-pin-4321"

/* cmocka checks. */

/* A token with both PINs set, on a provisioned chip. */
struct scu_token *token_made(struct provisioned *p, uint32_t tries);

/* The only token of the store, through a connection. */
struct scu_token *token_only(struct scu_chip *chip);

int token_login(struct scu_token *token, enum scu_user user,
    const char *pin);

/* A P-256 key with the label given. */
struct scu_object *token_key(struct scu_token *token, const char *label);

/* Signs with the object's key; its error. */
int token_sign(struct scu_object *object);

struct scu_pin_status token_status(struct scu_token *token);

/* All of the fixture's connection anew: another process' view. */
void token_reconnect(struct provisioned *p, struct scu_token **token);

/* The power fails and comes back; the connection stays. */
void token_power_cut(struct provisioned *p);

/* Runs SQL on the store, as who edits it would. */
void token_sql(const struct provisioned *p, const char *sql);

#endif
