/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_KEY_JUDGE_H
#define TESTS_KEY_JUDGE_H

#include <openssl/evp.h>
#include <scu/key.h>
#include <tss2/tss2_tpm2_types.h>

/* The key's public half for libcrypto; the caller frees it. */
EVP_PKEY *judge_public(const struct scu_key *key);

/*
 * Whether libcrypto takes a signature. hash: OpenSSL's name, NULL for schemes
 * without; salt: octets of RSAPSS.
 */
bool judge_verifies(const struct scu_key *key,
    const struct scu_scheme *scheme, int salt, const uint8_t *digest,
    size_t digest_len, const uint8_t *sig, size_t sig_len);

/*
 * Makes a key of the given template in the chip, below the storage key, as
 * other programs may; fails the test where the chip refuses. password NULL:
 * none.
 */
struct scu_key *judge_make_key(struct scu_chip *chip,
    const TPM2B_PUBLIC *template, const char *password);

/*
 * Makes a P-256 key below a storage key of that hierarchy, of template H-1
 * (rsa) or H-2, which stays at the persistent handle where that is not 0. The
 * owner authorisation is empty.
 */
struct scu_key *judge_make_key_below(struct scu_chip *chip,
    TPM2_HANDLE hierarchy, bool rsa, TPM2_HANDLE persistent);

#endif
