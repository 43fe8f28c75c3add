/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DOORS_KEYATTRS_H
#define DOORS_KEYATTRS_H

#include "attrs.h"

/*
 * What the doors write down of a key pair, and read of it again. A pair is
 * two objects of the store, the public key and the private one, which have
 * the same id. Whichever door makes it, the other ones find the same.
 */

/* Where a private key comes from. */
enum keyattrs_origin {
    KEYATTRS_GENERATED, /* as an object of the token */
    KEYATTRS_ADOPTED,   /* in the chip, by another program */
    KEYATTRS_IMPORTED,  /* somewhere else: others may have it */
};

/* Class, type and origin of one half. SCU_E_MEMORY. */
int keyattrs_set_origin(struct attrs *attrs, enum attr_class class,
    enum scu_kind kind, enum keyattrs_origin origin);

/*
 * Gives both halves the same id: the one that either has, else a random one
 * of 20 octets. SCU_E_MEMORY; SCU_E_INTERNAL where the system has no random
 * octets.
 */
int keyattrs_set_id(struct attrs *public, struct attrs *private);

/*
 * Adds what a public key is made of: ATTR_EC_PARAMS and ATTR_EC_POINT, or
 * ATTR_MODULUS, ATTR_MODULUS_BITS and ATTR_PUBLIC_EXPONENT. SCU_E_MEMORY;
 * SCU_E_UNSUPPORTED for a curve that no row has.
 */
int keyattrs_set_public(struct attrs *attrs, const struct scu_key *key);

/* The algorithm for ATTR_EC_PARAMS (DER of a named curve's OID), or NULL. */
const struct scu_alg *keyattrs_curve(const uint8_t *params, size_t len);

/* The parts of a public key, borrowed from where the attributes are. */
struct keyattrs_parts {
    enum scu_kind kind;
    const uint8_t *params, *point;  /* EC */
    size_t params_len, point_len;
    const uint8_t *modulus, *exponent; /* RSA */
    size_t modulus_len, exponent_len;
};

#define KEYATTRS_SPKI_MAX 1200

/*
 * SubjectPublicKeyInfo (RFC 5280) of a key, without looking whether the point
 * is on the curve. The length, or 0 where the parts are none of a key, or
 * longer than any.
 */
size_t keyattrs_spki(const struct keyattrs_parts *parts, uint8_t *out,
    size_t size);

/* The point itself, in the OCTET STRING that ATTR_EC_POINT is; NULL. */
const uint8_t *keyattrs_point(const struct keyattrs_parts *parts,
    size_t *len);

#endif
