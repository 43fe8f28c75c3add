/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PROVIDER_TOKENS_H
#define TESTS_PROVIDER_TOKENS_H

#include <p11-kit/uri.h> /* CKA_..., CKO_... */
#include <scu/token.h>

/*
 * Tokens in the chip and store that SCU_TCTI and SCU_STATE lead to, made and
 * read over connections of their own. cmocka checks.
 */
#define TOKENS_SO_PIN "so-12345"
#define TOKENS_PIN "user-12345"

/* A token, with its user PIN set if with_pin. */
void tokens_make(const char *label, bool with_pin);

/* A key; with its public key beside it if pair. alg: "P-256" ... */
void tokens_add_key(const char *token, const char *alg, const char *label,
    uint8_t id, bool pair);

/* CKA_SIGN of the private key with that label. */
void tokens_set_sign(const char *token, const char *label, bool sign);

/*
 * An object without a key: class, label and id, one value more (type 0:
 * none).
 */
void tokens_add_object(const char *token, bool private, uint64_t class,
    const char *label, const struct scu_attribute *more);

/* Wrong PINs since the last right one. */
unsigned tokens_failed(const char *label);

void tokens_serial(const char *label, char serial[17]);

/* Objects and sessions in the chip, as others see them. */
unsigned tokens_in_chip(void);

#endif
