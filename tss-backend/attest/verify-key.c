/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/verify.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define COORDINATE_MAX 48
#define UNCOMPRESSED 0x04 /* SEC 1: both coordinates follow */
#define RSA_E 65537

/* The curves whose signatures are accepted. */
static const struct curve_row {
    TPM2_ECC_CURVE id;
    const char *group;
    size_t size;
} curves[] = {
    { TPM2_ECC_NIST_P256, "P-256", 32 },
    { TPM2_ECC_NIST_P384, "P-384", COORDINATE_MAX },
};

static const struct curve_row *
find_curve(TPM2_ECC_CURVE id)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].id == id)
            return &curves[i];
    return NULL;
}

/* The signature schemes that are accepted, and of which keys. */
static const struct scheme_row {
    TPMI_ALG_SIG_SCHEME id;
    TPMI_ALG_PUBLIC type;
    int padding; /* RSA's */
} schemes[] = {
    { TPM2_ALG_ECDSA, TPM2_ALG_ECC, 0 },
    { TPM2_ALG_RSASSA, TPM2_ALG_RSA, RSA_PKCS1_PADDING },
    { TPM2_ALG_RSAPSS, TPM2_ALG_RSA, RSA_PKCS1_PSS_PADDING },
};

static const struct scheme_row *
find_scheme(TPMI_ALG_SIG_SCHEME id)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (schemes[i].id == id)
            return &schemes[i];
    return NULL;
}

/* --- the key ------------------------------------------------------------- */

static EVP_PKEY *
from_build(OSSL_LIB_CTX *lib, const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(lib, type, NULL);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY *key = NULL;

    if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *
new_ecc(OSSL_LIB_CTX *lib, const TPMT_PUBLIC *public)
{
    const struct curve_row *curve =
        find_curve(public->parameters.eccDetail.curveID);
    const TPMS_ECC_POINT *point = &public->unique.ecc;
    uint8_t octets[1 + 2 * COORDINATE_MAX] = { UNCOMPRESSED };
    OSSL_PARAM_BLD *build = NULL;
    EVP_PKEY *key = NULL;
    size_t n;

    if (curve == NULL || point->x.size > curve->size ||
        point->y.size > curve->size)
        return NULL;
    n = curve->size;
    memcpy(octets + 1 + n - point->x.size, point->x.buffer, point->x.size);
    memcpy(octets + 1 + 2 * n - point->y.size, point->y.buffer,
        point->y.size);
    build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
            curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
            octets, 1 + 2 * n) == 1)
        key = from_build(lib, "EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *
new_rsa(OSSL_LIB_CTX *lib, const TPMT_PUBLIC *public)
{
    const TPM2B_PUBLIC_KEY_RSA *n = &public->unique.rsa;
    BIGNUM *modulus = BN_bin2bn(n->buffer, n->size, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (modulus != NULL && build != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_uint32(build, OSSL_PKEY_PARAM_RSA_E, RSA_E) == 1)
        key = from_build(lib, "RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    return key;
}

/* 2048, 3072 or 4096 bits, all of them there, and the usual exponent. */
static bool
is_good_rsa(const TPMT_PUBLIC *public)
{
    const TPM2B_PUBLIC_KEY_RSA *n = &public->unique.rsa;
    unsigned bits = public->parameters.rsaDetail.keyBits;
    uint32_t e = public->parameters.rsaDetail.exponent;

    return (bits == 2048 || bits == 3072 || bits == 4096) &&
        n->size == bits / 8 && (n->buffer[0] & 0x80) != 0 &&
        (e == 0 || e == RSA_E);
}

EVP_PKEY *
verify_key_new(OSSL_LIB_CTX *lib, const TPMT_PUBLIC *public)
{
    if (public->type == TPM2_ALG_ECC)
        return new_ecc(lib, public);
    if (public->type == TPM2_ALG_RSA && is_good_rsa(public))
        return new_rsa(lib, public);
    return NULL;
}

/* Name := nameAlg || H(public area), over the octets as they came. */
static bool
compute_name(struct verify *v)
{
    const struct verify_part *part = &v->evidence->parts[SCU_PART_KEY - 1];
    const struct verify_bank *hash = verify_bank_of(v->public.nameAlg);
    struct bytes area = { part->data, part->len };

    if (hash == NULL || !hash->signs)
        return verify_refuse(v, SCU_VERDICT_ALGORITHM,
            "the key's name hash 0x%04x is not accepted", v->public.nameAlg);
    v->name.name[0] = (uint8_t)(hash->alg >> 8);
    v->name.name[1] = (uint8_t)(hash->alg & 0xff);
    v->rc = verify_hash(v->lib, hash, &area, 1, v->name.name + 2);
    if (v->rc != SCU_OK)
        return false;
    v->name.size = (uint16_t)(2 + hash->size);
    hex_encode(v->name.name, v->name.size, v->verdict->key_name);
    return true;
}

/*
 * The key's own scheme and that of the signature must be one and the same: a
 * restricted key has exactly one.
 */
static bool
scheme_fits(struct verify *v)
{
    const TPMT_SIGNATURE *signature = &v->signature;
    const struct scheme_row *row = find_scheme(signature->sigAlg);
    /* Scheme and hash stand alike for both types of keys (asymDetail). */
    const TPMT_ASYM_SCHEME *own = &v->public.parameters.asymDetail.scheme;
    const struct verify_bank *hash;

    if (row == NULL || row->type != v->public.type)
        return verify_refuse(v, SCU_VERDICT_ALGORITHM,
            "signatures of scheme 0x%04x by a key of type 0x%04x are not "
            "accepted", signature->sigAlg, v->public.type);
    hash = verify_bank_of(signature->signature.any.hashAlg);
    if (hash == NULL || !hash->signs)
        return verify_refuse(v, SCU_VERDICT_ALGORITHM,
            "signatures with the hash 0x%04x are not accepted",
            signature->signature.any.hashAlg);
    if (own->scheme != row->id || own->details.anySig.hashAlg != hash->alg)
        return verify_refuse(v, SCU_VERDICT_ALGORITHM,
            "the signature's scheme is not that of the key");
    return true;
}

bool
verify_key_algorithm(struct verify *v)
{
    const TPMT_PUBLIC *public = &v->public;

    if (!compute_name(v) || !scheme_fits(v))
        return false;
    if (public->type == TPM2_ALG_ECC &&
        find_curve(public->parameters.eccDetail.curveID) == NULL)
        return verify_refuse(v, SCU_VERDICT_ALGORITHM,
            "keys on the curve 0x%04x are not accepted",
            public->parameters.eccDetail.curveID);
    if (public->type == TPM2_ALG_RSA && !is_good_rsa(public))
        return verify_refuse(v, SCU_VERDICT_ALGORITHM,
            "the RSA key is too short, incomplete, or has an odd exponent");
    v->key = verify_key_new(v->lib, public);
    return v->key != NULL || verify_refuse(v, SCU_VERDICT_MALFORMED,
        "the key is no point of its curve");
}

bool
verify_key_restricted(struct verify *v)
{
    const TPMA_OBJECT needed = TPMA_OBJECT_RESTRICTED |
        TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM;
    TPMA_OBJECT has = v->public.objectAttributes;

    if ((has & needed) == needed && (has & TPMA_OBJECT_DECRYPT) == 0)
        return true;
    return verify_refuse(v, SCU_VERDICT_UNRESTRICTED,
        "the key is no restricted signing key of one chip: its owner could "
        "sign a quote that no chip made");
}

/* No question is put to a terminal for a file that is encrypted. */
static int
no_password(char *buffer, int size, int writing, void *arg)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

bool
verify_key_expected(struct verify *v)
{
    const struct scu_expected *expected = v->expected;
    EVP_PKEY *key = NULL;
    BIO *bio = NULL;
    bool same = false;

    if (expected->key_pem == NULL)
        return true;
    if (expected->key_pem_len <= INT32_MAX)
        bio = BIO_new_mem_buf(expected->key_pem, (int)expected->key_pem_len);
    if (bio != NULL)
        key = PEM_read_bio_PUBKEY_ex(bio, NULL, no_password, NULL, v->lib,
            NULL);
    BIO_free(bio);
    if (key == NULL) {
        v->rc = err_set(SCU_E_ARG, "the expected key is no public key in "
            "PEM: it begins with -----BEGIN PUBLIC KEY-----");
        return false;
    }
    same = EVP_PKEY_eq(key, v->key) == 1;
    EVP_PKEY_free(key);
    return same || verify_refuse(v, SCU_VERDICT_OTHER_KEY,
        "it was made by another key than the expected one: %s",
        v->verdict->key_name);
}

/* --- its signature ------------------------------------------------------- */

/* ECDSA-Sig-Value (RFC 3279) of the chip's two numbers; caller frees. */
static uint8_t *
ecdsa_der(const TPMS_SIGNATURE_ECDSA *in, int *len)
{
    BIGNUM *r = BN_bin2bn(in->signatureR.buffer, in->signatureR.size, NULL);
    BIGNUM *s = BN_bin2bn(in->signatureS.buffer, in->signatureS.size, NULL);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    uint8_t *der = NULL;

    *len = -1;
    if (r != NULL && s != NULL && sig != NULL &&
        ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        *len = i2d_ECDSA_SIG(sig, &der);
    }
    ECDSA_SIG_free(sig);
    BN_free(r);
    BN_free(s);
    return der;
}

static bool
fits(struct verify *v, struct bytes signature)
{
    const struct verify_part *part = &v->evidence->parts[SCU_PART_ATTEST - 1];
    const struct scheme_row *row = find_scheme(v->signature.sigAlg);
    const struct verify_bank *hash =
        verify_bank_of(v->signature.signature.any.hashAlg);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    bool good = false;

    if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, &how, hash->hash, v->lib,
            NULL, v->key, NULL) != 1)
        goto out;
    if (row->padding != 0 &&
        EVP_PKEY_CTX_set_rsa_padding(how, row->padding) != 1)
        goto out;
    /* Chips differ in the length of the salt. */
    if (row->padding == RSA_PKCS1_PSS_PADDING &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_AUTO) != 1)
        goto out;
    good = EVP_DigestVerify(ctx, signature.data, signature.len, part->data,
        part->len) == 1;
out:
    EVP_MD_CTX_free(ctx);
    return good;
}

/*
 * r and s have at most as many octets as the curve, an RSA signature as many
 * as the modulus. libcrypto also takes leading zeros, or their absence: then
 * one quote could be shown in many files.
 */
static bool
has_size(const struct verify *v)
{
    const TPMU_SIGNATURE *signature = &v->signature.signature;
    const struct curve_row *curve;

    if (v->public.type == TPM2_ALG_RSA)
        return signature->rsassa.sig.size == v->public.unique.rsa.size;
    curve = find_curve(v->public.parameters.eccDetail.curveID);
    return curve != NULL && signature->ecdsa.signatureR.size <= curve->size &&
        signature->ecdsa.signatureS.size <= curve->size;
}

bool
verify_key_signature(struct verify *v)
{
    const TPMU_SIGNATURE *signature = &v->signature.signature;
    uint8_t *der = NULL;
    bool good = false;
    int len = 0;

    if (has_size(v) && v->signature.sigAlg == TPM2_ALG_ECDSA) {
        der = ecdsa_der(&signature->ecdsa, &len);
        if (der != NULL && len > 0)
            good = fits(v, (struct bytes){ der, (size_t)len });
        OPENSSL_free(der);
    } else if (has_size(v)) {
        /* RSASSA and RSAPSS stand alike. */
        good = fits(v, (struct bytes){ signature->rsassa.sig.buffer,
            signature->rsassa.sig.size });
    }
    return good || verify_refuse(v, SCU_VERDICT_SIGNATURE,
        "the signature does not fit: the quote was altered, or the key did "
        "not make it");
}

/*
 * The quote names its signer: nameAlg || H(hierarchy || Name) for a primary
 * key (Part 1, 16). So attributes of the key that were altered are found,
 * which the signature itself does not cover. Keys of the endorsement hierarchy
 * only: elsewhere the chip obscures its counters.
 */
bool
verify_key_signer(struct verify *v)
{
    static const uint8_t endorsement[] = { 0x40, 0x00, 0x00, 0x0b };
    const TPM2B_NAME *said = &v->attest.qualifiedSigner;
    const struct verify_bank *hash = verify_bank_of(v->public.nameAlg);
    const struct bytes parts[] = {
        { endorsement, sizeof(endorsement) },
        { v->name.name, v->name.size },
    };
    uint8_t qualified[2 + VERIFY_MAX_DIGEST];

    memcpy(qualified, v->name.name, 2);
    v->rc = verify_hash(v->lib, hash, parts, 2, qualified + 2);
    if (v->rc != SCU_OK)
        return false;
    if (said->size == v->name.size &&
        memcmp(said->name, qualified, said->size) == 0)
        return true;
    return verify_refuse(v, SCU_VERDICT_SIGNER,
        "the quote names another signer than the key shown: the key's "
        "attributes were altered, or it is no primary key of the endorsement "
        "hierarchy");
}
