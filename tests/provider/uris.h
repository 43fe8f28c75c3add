/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PROVIDER_URIS_H
#define TESTS_PROVIDER_URIS_H

#include "ossl.h"
#include "tokens.h"

/*
 * Tokens by URI, as programs open them. For the group of tests there are:
 * "one" with the key pairs "ec" (id 1) and "rsa" (id 2), the private key
 * "lone" (id 3), the certificate "crt" and a private one, "hidden"; "two" with
 * the key pair "ec"; "bare" and one whose label would clear a
 * terminal, both without a user PIN; "odd" with objects that are
 * not what they say.
 */
#define URIS_ONE "pkcs11:token=one"
#define URIS_ESCAPE "e\x1b[2J"
#define URIS_PIN "?pin-value=" TOKENS_PIN

int uris_group_setup(void **state);

/* Who is asked for a PIN or password. */
struct uris_user {
    const char *pin; /* NULL: nobody answers */
    int asked;
};

/* What a URI gives, by type; the first key of it, the caller's. */
struct uris_given {
    size_t certs, publics, privates, others;
    size_t errors; /* that OSSL_STORE_error() told, or opening failed */
    EVP_PKEY *key;
};

/*
 * All that a URI gives. expect: OSSL_STORE_INFO_..., 0 for all. user may be
 * NULL. Tries on after failures, as some programs do, until the loader's end.
 */
struct uris_given uris_load_all(const struct ossl *o, const char *uri,
    int expect, struct uris_user *user);

/* A private key, which is there. */
EVP_PKEY *uris_load_key(const struct ossl *o, const char *uri,
    struct uris_user *user);

/* Whether it is among the errors on the queue, which is emptied. */
bool uris_raised(int reason);

/* The URI gives nothing, for that reason. */
void uris_refused(const struct ossl *o, const char *uri, int expect,
    struct uris_user *user, int reason);

#endif
