/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROVIDER_PROV_H
#define PROVIDER_PROV_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/types.h>
#include <scu/chip.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The OpenSSL provider "scu"
 * --------------------------
 * What only the chip can do goes to libscu: the private operations of keys
 * that are in the chip, and making such keys. All else (public keys,
 * certificates and software keys of others, which come to us as soon as "scu"
 * stands first in the provider order) is handed to OpenSSL's own default
 * provider in a library context of our own, so that it works as it would
 * without us.
 *
 * Neither that library context nor the chip is opened before it is needed;
 * loading the provider costs no chip command.
 */
struct prov_ctx;

/*
 * Our contexts outlive whoever holds a reference. prov_unref() takes NULL;
 * with the last one the chip's connection and the library context go.
 */
struct prov_ctx *prov_ref(struct prov_ctx *prov);
void prov_unref(struct prov_ctx *prov);

/*
 * The library context in which everything but the chip's work is done; made
 * at the first call. NULL with an error raised.
 */
OSSL_LIB_CTX *prov_libctx(struct prov_ctx *prov);

/* The default provider in it; the same for the rest. */
OSSL_PROVIDER *prov_software(struct prov_ctx *prov);

/*
 * The chip that openssl.cnf or scu.conf names; its configuration is read at
 * the first call, and nothing is sent. NULL with an error raised.
 */
struct scu_chip *prov_chip(struct prov_ctx *prov);

/* The tokens that this process is logged in to. */
struct prov_logins *prov_logins(struct prov_ctx *prov);

/*
 * Raises an error on OpenSSL's queue: the reason is minus rc, its text that of
 * SCU_ERROR_LIST. prov_raise_scu() is for a call of libscu that failed in this
 * thread and adds scu_error_detail(); prov_raise() adds a text of its own.
 * Both return 0, OpenSSL's failure, so that callers can return them.
 */
int prov_raise_scu(struct prov_ctx *prov, int rc);
int prov_raise(struct prov_ctx *prov, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Reads from and writes to the core's BIOs. prov_read() reads len octets and
 * fails on less; prov_gets() one line of at most size - 1 octets, terminated,
 * and returns its length or 0 at the end.
 */
bool prov_read(struct prov_ctx *prov, OSSL_CORE_BIO *bio, void *data,
    size_t len);
size_t prov_gets(struct prov_ctx *prov, OSSL_CORE_BIO *bio, char *line,
    size_t size);
bool prov_write(struct prov_ctx *prov, OSSL_CORE_BIO *bio, const void *data,
    size_t len);

/*
 * Takes back the const that OpenSSL's prototypes lack: the parameters of
 * EVP_PKEY_fromdata() and the like are only read.
 */
OSSL_PARAM *prov_unconst(const OSSL_PARAM *params);

/* For the provider's own table of functions. */
OSSL_FUNC_provider_get_capabilities_fn prov_get_capabilities;

/* The implementations, one table per operation; each file holds its own. */
extern const OSSL_ALGORITHM prov_keymgmt[];
extern const OSSL_ALGORITHM prov_signature[];
extern const OSSL_ALGORITHM prov_keyexch[];
extern const OSSL_ALGORITHM prov_asym_cipher[];
extern const OSSL_ALGORITHM prov_decoder[];
extern const OSSL_ALGORITHM prov_encoder[];
extern const OSSL_ALGORITHM prov_store[];

/* The names that the default provider has for these algorithms. */
#define PROV_NAMES_RSA "RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define PROV_NAMES_EC "EC:id-ecPublicKey:1.2.840.10045.2.1"

/* Before a curve's name: its keys are made in software; see capability.c. */
#define PROV_GROUP_EPHEMERAL "scu-ephemeral:"

#define PROV_PROPERTIES "provider=scu"

/* An entry of a dispatch table; OpenSSL wants every function as void (*)(). */
#define PROV_FN(id, fn) \
    { .function_id = (id), .function = (void (*)(void))(fn) }

#endif
