/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_OBJECT_H
#define PROVIDER_OBJECT_H

#include "key.h"
#include "uri.h"

#include <scu/token.h>

/* Kinds of objects that OpenSSL takes; bits, to say several. */
enum prov_kind {
    PROV_KIND_CERT = 1,
    PROV_KIND_PUBLIC = 2,
    PROV_KIND_PRIVATE = 4,
    PROV_KIND_ALL = 7,
};

/* A row per kind. */
struct prov_kind_row {
    enum prov_kind kind;
    enum uri_type type; /* as a URI says it */
    int info;           /* OSSL_STORE_INFO_..., as a program expects it */
    const char *name;
};

/* The row at index, in the order of delivery; NULL behind the last. */
const struct prov_kind_row *prov_kind_at(size_t index);

/* The kind of an object; 0 where OpenSSL has no use for it. */
unsigned prov_object_kind(const struct scu_object *object);

/* Whether label, id and kind are what the URI and kinds ask for. */
bool prov_object_matches(const struct scu_object *object,
    const struct uri *uri, unsigned kinds);

/*
 * Hands an object to OpenSSL: certificates as DER, public keys by reference
 * to a key in software, private keys by reference to one of the chip, which
 * keeps login. False with an error raised. No chip command.
 */
int prov_object_deliver(struct prov_ctx *prov, struct scu_object *object,
    struct prov_login *login, OSSL_CALLBACK *callback, void *arg);

#endif
