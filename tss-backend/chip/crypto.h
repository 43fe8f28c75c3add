/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_CRYPTO_H
#define CHIP_CRYPTO_H

#include "base/bytes.h"

#include <stdbool.h>
#include <tss2/tss2_tpm2_types.h>

/*
 * Host cryptography in a library context of its own: the default provider,
 * loaded explicitly, no openssl.cnf. So it works alike in every program,
 * whatever engine or provider that uses (this one's included), and a program's
 * configuration cannot route the host's side of a session through the chip.
 *
 * One thread at a time: the chip's mutex covers it.
 */
struct crypto;

#define CRYPTO_MAX_DIGEST 64
#define CRYPTO_SHA256_SIZE 32

/* NULL where libcrypto has no default provider or memory is short. */
struct crypto *crypto_new(void);

/* Takes NULL; nulls the caller's pointer. */
void crypto_free(struct crypto **crypto);

/* The library context, for public-key work of the layers above. */
struct ossl_lib_ctx_st *crypto_lib(const struct crypto *crypto);

/* Size of a hash of the TPM's; 0 where it is not known here. */
size_t crypto_hash_size(TPMI_ALG_HASH hash);

/* OpenSSL's name of it; NULL where it is not known here. */
const char *crypto_hash_name(TPMI_ALG_HASH hash);

int crypto_random(struct crypto *crypto, void *data, size_t len);

/* Hash of the parts in turn; out takes crypto_hash_size(hash). */
int crypto_hash(struct crypto *crypto, TPMI_ALG_HASH hash,
    const struct bytes *parts, size_t n, uint8_t *out);

/* HMAC-SHA256 of the parts in turn; out takes 32 octets. */
int crypto_hmac(struct crypto *crypto, struct bytes key,
    const struct bytes *parts, size_t n, uint8_t *out);

/* Finds AES-128-CFB, which takes libcrypto a while, ahead of its first use. */
void crypto_ready_cipher(struct crypto *crypto);

/* AES-128-CFB in place, key and iv 16 octets each. */
int crypto_cfb(struct crypto *crypto, const uint8_t *key, const uint8_t *iv,
    bool encrypt, void *data, size_t len);

/*
 * KDFa (TPM 2.0 Part 1, 11.4.10.2) with SHA-256: bits (a multiple of 8, at
 * most 512) from key, label and two contexts.
 */
int crypto_kdfa(struct crypto *crypto, struct bytes key, const char *label,
    struct bytes u, struct bytes v, size_t bits, uint8_t *out);

/*
 * KDFe (Part 1, 11.4.10.3): one block of the hash's size from an ECDH secret
 * and both x coordinates.
 */
int crypto_kdfe(struct crypto *crypto, TPMI_ALG_HASH hash, struct bytes z,
    const char *label, struct bytes u, struct bytes v, uint8_t *out);

/*
 * HKDF (RFC 5869) with SHA-256 and no salt: 32 octets for a purpose.
 */
int crypto_hkdf(struct crypto *crypto, struct bytes key, const char *info,
    uint8_t *out);

/* Cost of crypto_scrypt(): memory is 128 * r * n octets; n a power of 2. */
struct crypto_cost {
    uint32_t n, r, p;
};

/* scrypt (RFC 7914) of a password. SCU_E_UNSUPPORTED for a cost above 64 MiB
 * or that is none. */
int crypto_scrypt(struct crypto *crypto, struct bytes password,
    struct bytes salt, const struct crypto_cost *cost, uint8_t *out,
    size_t len);

/*
 * A fresh salt for a session and its encryption to a storage key (Part 1,
 * B.10.3 and C.6.3): ephemeral ECDH, or RSA-OAEP with label "SECRET". The
 * salt is as long as the key's name hash; *salt_len at entry is the room. The
 * caller wipes it.
 */
int crypto_salt(struct crypto *crypto, const TPMT_PUBLIC *key, uint8_t *salt,
    size_t *salt_len, TPM2B_ENCRYPTED_SECRET *encrypted);

/* The same for TPM2_Import: the seed of a duplicate's wrapping (Part 1, 23.3;
 * label "DUPLICATE"). */
int crypto_seed(struct crypto *crypto, const TPMT_PUBLIC *key, uint8_t *seed,
    size_t *seed_len, TPM2B_ENCRYPTED_SECRET *encrypted);

/*
 * A chip's public key for libcrypto, in the private context; NULL where it is
 * not valid. The caller frees it.
 */
struct evp_pkey_st *crypto_public_key(struct crypto *crypto,
    const TPMT_PUBLIC *public);

/* The Name of an object (Part 1, 16): nameAlg and the hash of its public
 * area. */
int crypto_name(struct crypto *crypto, const TPMT_PUBLIC *public,
    TPM2B_NAME *name);

#endif
