/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PROVIDER_OSSL_H
#define TESTS_PROVIDER_OSSL_H

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A provisioned simulated chip for a group of tests, and for each test a
 * library context with the providers "scu" and "default", in one order or the
 * other. SCU_TCTI and SCU_STATE lead to the chip.
 */
struct ossl {
    struct sim *sim;
    char state[256];
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *providers[2];
    bool scu_first;
};

int ossl_group_setup(void **state);
int ossl_group_teardown(void **state);
int ossl_scu_first(void **state);
int ossl_default_first(void **state);
int ossl_teardown(void **state);

/* A row of tests, in each order. */
#define OSSL_ROW(text, function, first)                                      \
    {                                                                        \
        .name = (text), .test_func = (function), .setup_func = (first),      \
        .teardown_func = ossl_teardown,                                      \
    }
#define OSSL_BOTH(function)                                                  \
    OSSL_ROW(#function " (scu first)", function, ossl_scu_first),            \
        OSSL_ROW(#function " (default first)", function, ossl_default_first)

/* Key pairs: in the chip, or in software by a library context of its own. */
EVP_PKEY *ossl_chip_ec(const struct ossl *o, const char *group);
EVP_PKEY *ossl_chip_rsa(const struct ossl *o, size_t bits);
EVP_PKEY *ossl_software(const char *type, const char *group);

/*
 * Its copy as parameters, taken in by whoever is first; a selection as in
 * EVP_PKEY_fromdata().
 */
EVP_PKEY *ossl_import(const struct ossl *o, const EVP_PKEY *key,
    int selection);

/* The provider's name that holds the key, "" for a legacy key. */
const char *ossl_holder(const EVP_PKEY *key);

/*
 * Signs "message" one-shot and verifies, all within the test's context, then
 * verifies by OpenSSL alone. digest NULL: the key's own.
 */
void ossl_sign_and_verify(const struct ossl *o, EVP_PKEY *key,
    const char *digest);

/* Verifies a signature of "message" by OpenSSL alone. */
void ossl_verify_alone(const EVP_PKEY *key, const char *digest,
    const unsigned char *sig, size_t len);

/* The reason of the oldest error on the queue, which is emptied. */
int ossl_reason(void);

#endif
