/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "crypto.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <stdio.h>

EVP_PKEY *
p11_pkey(const struct keyattrs_parts *parts)
{
    uint8_t spki[KEYATTRS_SPKI_MAX];
    const uint8_t *p = spki;
    size_t len = keyattrs_spki(parts, spki, sizeof(spki));
    OSSL_LIB_CTX *lib = p11_libctx();

    if (len == 0 || lib == NULL)
        return NULL;
    return d2i_PUBKEY_ex(NULL, &p, (long)len, lib, NULL);
}

/* --- verification --------------------------------------------------------- */

CK_RV
p11_verify(EVP_PKEY *key, const struct p11_way *way,
    const struct scu_attribute *data, const struct scu_attribute *sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(p11_libctx(), key, NULL);
    char mode[] = OSSL_PKEY_RSA_PAD_MODE_PKCSV15;
    char pss_mode[] = OSSL_PKEY_RSA_PAD_MODE_PSS;
    char hash[16] = "";
    int salt = way->salt;
    OSSL_PARAM params[4], *p = params;
    CK_RV rv = CKR_FUNCTION_FAILED;

    if (ctx == NULL)
        return CKR_HOST_MEMORY;
    if (way->mech->kind == SCU_KIND_RSA)
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE,
            way->mech->pss ? pss_mode : mode, 0);
    if (way->mech->kind == SCU_KIND_RSA && way->hash != NULL) {
        (void)snprintf(hash, sizeof(hash), "%s", way->hash->name);
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
            hash, 0);
    }
    if (way->mech->pss)
        *p++ = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN,
            &salt);
    *p = OSSL_PARAM_construct_end();
    if (EVP_PKEY_verify_init_ex(ctx, params) == 1)
        rv = EVP_PKEY_verify(ctx, sig->value, sig->len, data->value,
            data->len) == 1 ? CKR_OK : CKR_SIGNATURE_INVALID;
    EVP_PKEY_CTX_free(ctx);
    return rv;
}

/* --- ECDSA signatures ----------------------------------------------------- */

size_t
p11_ecdsa_der_max(size_t width)
{
    /* SEQUENCE, and for each number tag, length and a leading zero. */
    return 4 + 2 * (width + 4);
}

size_t
p11_ecdsa_to_der(const uint8_t *raw, size_t width, uint8_t *der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)width, NULL);
    BIGNUM *s = BN_bin2bn(raw + width, (int)width, NULL);
    int len = 0;

    if (sig != NULL && r != NULL && s != NULL &&
        ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        len = i2d_ECDSA_SIG(sig, NULL);
        len = len > 0 && (size_t)len <= p11_ecdsa_der_max(width) ?
            i2d_ECDSA_SIG(sig, &der) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

bool
p11_ecdsa_to_raw(const uint8_t *der, size_t len, uint8_t *raw, size_t width)
{
    const uint8_t *p = der;
    ECDSA_SIG *sig = len > LONG_MAX ? NULL :
        d2i_ECDSA_SIG(NULL, &p, (long)len);
    bool ok = sig != NULL && p == der + len &&
        BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)width) == (int)width &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + width, (int)width) ==
            (int)width;

    ECDSA_SIG_free(sig);
    return ok;
}

/* --- certificates --------------------------------------------------------- */

/* Adds DER that an i2d function made; frees it. */
static CK_RV
add(struct attrs *attrs, CK_ATTRIBUTE_TYPE type, uint8_t *der, int len)
{
    CK_RV rv = CKR_OK;

    if (len <= 0 || der == NULL)
        rv = CKR_HOST_MEMORY;
    else if (attrs_find(attrs, type) == NULL)
        rv = p11_attrs_set(attrs, type, der, (size_t)len);
    OPENSSL_free(der);
    return rv;
}

CK_RV
p11_certificate_attrs(struct attrs *attrs)
{
    const struct scu_attribute *value = attrs_find(attrs, CKA_VALUE);
    uint8_t *subject = NULL, *issuer = NULL, *serial = NULL;
    const uint8_t *p = value->value;
    X509 *made = X509_new_ex(p11_libctx(), NULL);
    X509 *x = made;
    CK_RV rv = CKR_OK;
    int len;

    if (made == NULL)
        return CKR_HOST_MEMORY;
    if (value->len > INT_MAX ||
        d2i_X509(&x, &p, (long)value->len) == NULL ||
        p != value->value + value->len) {
        /* d2i frees what it was given when it fails */
        if (x != NULL)
            X509_free(x);
        return p11_refuse(CKR_ATTRIBUTE_VALUE_INVALID,
            "CKA_VALUE is no X.509 certificate in DER");
    }
    len = i2d_X509_NAME(X509_get_subject_name(x), &subject);
    rv = add(attrs, CKA_SUBJECT, subject, len);
    if (rv == CKR_OK) {
        len = i2d_X509_NAME(X509_get_issuer_name(x), &issuer);
        rv = add(attrs, CKA_ISSUER, issuer, len);
    }
    if (rv == CKR_OK) {
        len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &serial);
        rv = add(attrs, CKA_SERIAL_NUMBER, serial, len);
    }
    X509_free(x);
    return rv;
}
