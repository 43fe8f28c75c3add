/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_CRYPTO_H
#define PKCS11_CRYPTO_H

#include "attr.h"
#include "mech.h"

/*
 * What is done in software: public keys, their encodings, certificates. All
 * of it in p11_libctx(), and none of it needs the module's mutex.
 */

/* An algorithm of libscu for CKA_EC_PARAMS (DER of a named curve's OID). */
const struct scu_alg *p11_curve_alg(const uint8_t *params, size_t len);

/* For RSA by size of the modulus. NULL where there is none. */
const struct scu_alg *p11_rsa_alg(CK_ULONG bits);

/*
 * Adds what a public key is made of: CKA_EC_PARAMS and CKA_EC_POINT, or
 * CKA_MODULUS, CKA_PUBLIC_EXPONENT and CKA_MODULUS_BITS.
 * CKR_HOST_MEMORY; CKR_CURVE_NOT_SUPPORTED.
 */
CK_RV p11_public_attrs(const struct scu_key *key, struct p11_attrs *attrs);

/* The same parts, borrowed from where the attributes are. */
struct p11_parts {
    enum scu_kind kind;
    const uint8_t *params, *point;  /* EC */
    size_t params_len, point_len;
    const uint8_t *modulus, *exponent; /* RSA */
    size_t modulus_len, exponent_len;
};

#define P11_SPKI_MAX 1200

/*
 * SubjectPublicKeyInfo (RFC 5280) of a key. The length, or 0 where the parts
 * are none of a key, or longer than any.
 */
size_t p11_spki(const struct p11_parts *parts, uint8_t *out, size_t size);

/* The key itself; NULL where the parts are none of a key. */
EVP_PKEY *p11_pkey(const struct p11_parts *parts);

/*
 * Whether a signature over a digest, or over data as they are where the way
 * says so, is good. sig: DER for ECDSA. CKR_SIGNATURE_INVALID.
 */
CK_RV p11_verify(EVP_PKEY *key, const struct p11_way *way,
    const struct scu_attribute *data, const struct scu_attribute *sig);

/*
 * Between the forms of an ECDSA signature: r and s, width octets each, and
 * DER. der has room for p11_ecdsa_der_max(width). 0 or the length.
 */
size_t p11_ecdsa_der_max(size_t width);
size_t p11_ecdsa_to_der(const uint8_t *raw, size_t width, uint8_t *der);
bool p11_ecdsa_to_raw(const uint8_t *der, size_t len, uint8_t *raw,
    size_t width);

/*
 * Completes the attributes of an X.509 certificate from CKA_VALUE: subject,
 * issuer, serial number where they are missing. CKR_ATTRIBUTE_VALUE_INVALID
 * where the value is no certificate.
 */
CK_RV p11_certificate_attrs(struct p11_attrs *attrs);

#endif
