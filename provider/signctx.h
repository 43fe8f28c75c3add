/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_SIGNCTX_H
#define PROVIDER_SIGNCTX_H

#include "key.h"

/*
 * One signature or verification. ops is the default provider's context for the
 * same key: it keeps the parameters (digest, padding, salt ...) and does all
 * of the work, apart from signing by a key in the chip. For that it is
 * initialised for verification, since it has only the public half.
 */
struct sign_ctx {
    struct prov_ctx *prov;
    struct prov_key *key;
    bool on_chip;        /* signing, by the chip */
    EVP_PKEY_CTX *ops;
    EVP_MD_CTX *message; /* of a message that comes in pieces, or NULL */
};

/* What ops says of how to sign. */
struct sign_how {
    EVP_MD *digest; /* NULL: none; the caller frees */
    EVP_MD *mgf1;   /* PSS only; the caller frees */
    int pad;        /* RSA_..._PADDING; 0 for EC */
    int salt;       /* PSS only: octets or RSA_PSS_SALTLEN_... */
};

/* Reads it. On failure an error is raised and *how holds nothing. */
bool prov_sign_how(const struct sign_ctx *ctx, struct sign_how *how);
void prov_sign_how_free(struct sign_how *how);

/*
 * The DER of the AlgorithmIdentifier of such signatures (RFC 3279, 4055, 5758)
 * at *der, to be freed by OPENSSL_free(), and its length, or 0 where there is
 * none.
 */
size_t prov_sign_algorithm_id(const struct sign_ctx *ctx, unsigned char **der);

/* Signs a digest in the chip. sig may be NULL to learn the size. */
bool prov_sign_on_chip(const struct sign_ctx *ctx, unsigned char *sig,
    size_t *sig_len, size_t size, const unsigned char *tbs, size_t tbs_len);

#endif
