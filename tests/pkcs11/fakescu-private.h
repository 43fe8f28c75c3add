/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PKCS11_FAKESCU_PRIVATE_H
#define TESTS_PKCS11_FAKESCU_PRIVATE_H

#include "tests/pkcs11/fakescu.h"

#include <scu/provision.h>

struct token_row {
    bool used;
    struct scu_token_info info;
    char so_pin[SCU_PIN_MAX + 1], user_pin[SCU_PIN_MAX + 1];
    uint32_t so_failed, user_failed;
};

struct scu_token {
    atomic_int refs;
    struct token_row *row;
    bool logged_in;
    enum scu_user user;
};

extern uint64_t fake_last_id;

/* The tables of the store; recursive. */
void fake_lock(void);
void fake_unlock(void);

/* A new struct for a token. */
struct scu_token *fake_give_token(struct token_row *row);
/* Empties the table of a token's objects; NULL: of all. */
void fake_clear_objects(const struct token_row *token);

/* The failure that was asked for, or SCU_OK. */
int fake_enter(const char *function);
int fake_error(int rc, const char *text);
/* The key is the row's then. */
int fake_add_row(struct scu_token *token, unsigned flags,
    const struct scu_attribute *attributes, size_t count, struct scu_key *key,
    struct scu_object **object);

#endif
