/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_CRYPTO_H
#define PKCS11_CRYPTO_H

#include "attr.h"
#include "keyattrs.h"
#include "mech.h"

/*
 * What is done in software: public keys, their encodings, certificates. All
 * of it in p11_libctx(), and none of it needs the module's mutex.
 */

/* An algorithm of libscu by size of the modulus. NULL where there is none. */
const struct scu_alg *p11_rsa_alg(CK_ULONG bits);

/* keyattrs_set_public() in CK_RV: CKR_HOST_MEMORY, CKR_CURVE_NOT_SUPPORTED. */
CK_RV p11_public_attrs(const struct scu_key *key, struct attrs *attrs);

/* The key itself; NULL where the parts are none of a key. */
EVP_PKEY *p11_pkey(const struct keyattrs_parts *parts);

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
CK_RV p11_certificate_attrs(struct attrs *attrs);

#endif
