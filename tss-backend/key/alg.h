/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_ALG_H
#define KEY_ALG_H

#include <scu/key.h>
#include <tss2/tss2_tpm2_types.h>

/* Octets of the largest coordinate and modulus that keys here may have. */
#define KEY_MAX_COORDINATE 48
#define KEY_MAX_MODULUS TPM2_MAX_RSA_KEY_BYTES

/* Keys that can be made. */
struct scu_alg {
    const char *name;
    const char *group;      /* OpenSSL's name of the curve; NULL for RSA */
    enum scu_kind kind;
    TPMI_ECC_CURVE curve;   /* 0 for RSA */
    uint16_t bits;
    uint16_t size;          /* octets of a coordinate or of the modulus */
};

/*
 * What a signature needs to know of a hash; its size and OpenSSL's name are
 * crypto_hash_size() and crypto_hash_name() of the id.
 */
struct key_hash {
    TPMI_ALG_HASH id;
    uint8_t oid_len;
    uint8_t oid[9];         /* the body of its OBJECT IDENTIFIER */
};

struct scu_scheme {
    const char *name;
    const struct key_hash *hash; /* NULL: the caller's business */
    enum scu_kind kind;
    TPMI_ALG_SIG_SCHEME tpm;
};

/* The row of a public area's curve or modulus; NULL where there is none. */
const struct scu_alg *alg_of_public(const TPMT_PUBLIC *public);

#endif
