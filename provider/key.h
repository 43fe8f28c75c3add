/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_KEY_H
#define PROVIDER_KEY_H

#include "login.h"
#include "prov.h"

#include <openssl/evp.h>
#include <scu/key.h>

#include <stdatomic.h>

/* What differs between the two types of keys. One const row each. */
struct key_type {
    enum scu_kind kind;
    const char *name;           /* as OpenSSL has it: "RSA", "EC" */
    int nid;                    /* of the key in a SubjectPublicKeyInfo */
    bool has_domain;            /* a curve apart from the key */
    const char *public_param;   /* there if and only if that half is */
    const char *private_param;
    const char *signature;      /* the operations' names */
    const char *exchange;
    const char *cipher;
};

extern const struct key_type prov_key_rsa;
extern const struct key_type prov_key_ec;

/*
 * A key of ours. Before import, and for a bare EVP_PKEY, soft is NULL. soft
 * holds a whole software key, or the public half, or a curve only; it lives in
 * prov_libctx(). A key of the chip has its public half in soft and the rest in
 * chip.
 */
struct prov_key {
    struct prov_ctx *prov;
    const struct key_type *type;
    atomic_int refs;
    EVP_PKEY *soft;
    struct scu_key *chip;
    struct prov_login *login; /* of the token that the key is in, or NULL */
    bool no_sign;   /* its token says so: CKA_SIGN is false */
    bool ephemeral; /* a curve of TLS: keys like it are made in software */
    int parts;      /* OSSL_KEYMGMT_SELECT_: what there is */
};

/* An empty key, or NULL with an error raised. */
struct prov_key *prov_key_new(struct prov_ctx *prov,
    const struct key_type *type);

/*
 * The key of the chip. Takes over *chip on success and nulls it. NULL with an
 * error raised.
 */
struct prov_key *prov_key_from_chip(struct prov_ctx *prov,
    struct scu_key **chip);

/* Another reference; prov_key_unref() takes NULL. */
struct prov_key *prov_key_ref(struct prov_key *key);
void prov_key_unref(struct prov_key *key);

/*
 * Adds what params hold to a key that has no private half in the chip; what
 * was there already stays unless params replace it.
 */
bool prov_key_import(struct prov_key *key, int selection,
    const OSSL_PARAM params[]);

/* A copy of the selected parts. NULL with an error raised. */
struct prov_key *prov_key_dup(const struct prov_key *key, int selection);

/* Looks again which parts soft has, after it was changed. */
void prov_key_learn(struct prov_key *key);

/*
 * For decoders and loaders: hands the key to OpenSSL by reference. *key is
 * NULL afterwards if a key management of ours took it over.
 */
int prov_key_deliver(struct prov_key **key, OSSL_CALLBACK *callback,
    void *arg);

/*
 * For their export_object: the key behind such a reference as parameters, for
 * a key management of others. They cannot have a key of the chip; that is
 * refused with an error raised.
 */
int prov_key_export_object(struct prov_ctx *prov, const void *reference,
    size_t size, OSSL_CALLBACK *callback, void *arg);

#endif
