/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_SIGFORMAT_H
#define KEY_SIGFORMAT_H

#include "base/error.h"

#include <stddef.h>
#include <tss2/tss2_tpm2_types.h>

/* What a signature with coordinates of that many octets takes at most. */
size_t sigformat_ecdsa_size(size_t coordinate);

/*
 * The chip's signature as DER, SEQUENCE { r INTEGER, s INTEGER } (RFC 3279,
 * 2.2.3). *len is the room at entry, the length afterwards. SCU_E_SIZE;
 * SCU_E_TAMPERED where r or s is zero or longer than a coordinate.
 */
int sigformat_ecdsa(const TPMS_SIGNATURE_ECC *in, size_t coordinate,
    uint8_t *out, size_t *len);

/*
 * An RSA result, left-padded with zeros to the modulus' octets. *len as
 * above. SCU_E_SIZE; SCU_E_TAMPERED where it is longer than the modulus.
 */
int sigformat_rsa(const TPM2B_PUBLIC_KEY_RSA *in, size_t modulus,
    uint8_t *out, size_t *len);

#endif
