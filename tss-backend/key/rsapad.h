/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_RSAPAD_H
#define KEY_RSAPAD_H

#include "base/error.h"
#include "key/alg.h"

#include <stddef.h>
#include <stdint.h>

struct ossl_lib_ctx_st;

/*
 * Signature paddings made on the host, for raw TPM2_RSA_Decrypt. libcrypto
 * has them too, but outside an RSA operation only in functions that it
 * deprecated. em takes as many octets as the modulus, the first bit of which
 * is 1.
 */

/*
 * EMSA-PKCS1-v1_5 (RFC 8017, 9.2): 00 01 ff.. 00 and the DigestInfo, or, with
 * hash NULL, the data as it is. SCU_E_ARG where it is too long.
 */
int rsapad_pkcs1(const struct key_hash *hash, const uint8_t *data,
    size_t len, uint8_t *em, size_t em_len);

/*
 * The salt's octets for what scu_key_sign() was given. SCU_E_ARG where the
 * modulus is too short for it.
 */
int rsapad_salt_len(const struct key_hash *hash, int salt, size_t em_len,
    size_t *len);

/*
 * EMSA-PSS (RFC 8017, 9.1) with MGF1 of the same hash and a random salt. Any
 * thread.
 */
int rsapad_pss(struct ossl_lib_ctx_st *lib, const struct key_hash *hash,
    const uint8_t *digest, size_t salt_len, uint8_t *em, size_t em_len);

#endif
