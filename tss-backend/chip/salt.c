/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/error.h"
#include "chip/crypto-private.h"
#include "chip/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define MAX_COORDINATE 66
#define UNCOMPRESSED 0x04 /* SEC 1: both coordinates follow */

static const struct curve_row {
    TPM2_ECC_CURVE id;
    const char *group;
    size_t size;
} curves[] = {
    { TPM2_ECC_NIST_P256, "P-256", 32 },
    { TPM2_ECC_NIST_P384, "P-384", 48 },
    { TPM2_ECC_NIST_P521, "P-521", 66 },
};

static const struct curve_row *
find_curve(TPM2_ECC_CURVE id)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].id == id)
            return &curves[i];
    return NULL;
}

/* A public key from its parameters; NULL where they are not valid. */
static EVP_PKEY *
from_data(OSSL_LIB_CTX *lib, const char *type, OSSL_PARAM_BLD *build)
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
ecc_public(OSSL_LIB_CTX *lib, const struct curve_row *curve,
    const TPMS_ECC_POINT *point)
{
    uint8_t octets[1 + 2 * MAX_COORDINATE] = { UNCOMPRESSED };
    OSSL_PARAM_BLD *build = NULL;
    EVP_PKEY *key = NULL;
    size_t n = curve->size;

    if (point->x.size > n || point->y.size > n)
        return NULL;
    memcpy(octets + 1 + n - point->x.size, point->x.buffer, point->x.size);
    memcpy(octets + 1 + 2 * n - point->y.size, point->y.buffer,
        point->y.size);
    build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
            curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
            octets, 1 + 2 * n) == 1)
        key = from_data(lib, "EC", build);
    OSSL_PARAM_BLD_free(build);
    return key;
}

/* The ephemeral key's coordinates as octets of the curve's size. */
static int
coordinates(const EVP_PKEY *key, size_t n, TPMS_ECC_POINT *point)
{
    uint8_t octets[1 + 2 * MAX_COORDINATE];
    size_t len = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, octets,
            sizeof(octets), &len) != 1 || len != 1 + 2 * n ||
        octets[0] != UNCOMPRESSED)
        return crypto_failed("an ephemeral key");
    memcpy(point->x.buffer, octets + 1, n);
    memcpy(point->y.buffer, octets + 1 + n, n);
    point->x.size = point->y.size = (uint16_t)n;
    return SCU_OK;
}

/*
 * The peer's point is the pinned one, on its curve as ecc_public() found, and
 * the curves have no other subgroup; checking its order again would cost as
 * much as the ECDH.
 */
static int
ecdh(OSSL_LIB_CTX *lib, EVP_PKEY *own, EVP_PKEY *peer, uint8_t *z, size_t n)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(lib, own, NULL);
    size_t len = n;
    int rc = SCU_OK;

    if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
        EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) != 1 ||
        EVP_PKEY_derive(ctx, z, &len) != 1 || len != n)
        rc = crypto_failed("ECDH");
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

static int
salt_ecc(struct crypto *c, const TPMT_PUBLIC *key, const char *label,
    uint8_t *salt, TPM2B_ENCRYPTED_SECRET *encrypted)
{
    const TPMS_ECC_POINT *point = &key->unique.ecc;
    const struct curve_row *curve =
        find_curve(key->parameters.eccDetail.curveID);
    TPMS_ECC_POINT own = { 0 };
    uint8_t z[MAX_COORDINATE] = { 0 };
    EVP_PKEY *peer = NULL, *ephemeral = NULL;
    size_t offset = 0;
    int rc = SCU_E_INTERNAL;

    if (curve == NULL)
        return err_set(SCU_E_UNSUPPORTED, "nothing can be encrypted to a key "
            "on curve 0x%x", key->parameters.eccDetail.curveID);
    peer = ecc_public(c->lib, curve, point);
    ephemeral = EVP_PKEY_Q_keygen(c->lib, NULL, "EC", curve->group);
    if (peer == NULL || ephemeral == NULL) {
        rc = err_set(SCU_E_OTHER_CHIP, "the chip's storage key is no point "
            "of its curve");
        goto out;
    }
    if ((rc = coordinates(ephemeral, curve->size, &own)) != SCU_OK ||
        (rc = ecdh(c->lib, ephemeral, peer, z, curve->size)) != SCU_OK)
        goto out;
    rc = crypto_kdfe(c, key->nameAlg, (struct bytes){ z, curve->size }, label,
        (struct bytes){ own.x.buffer, own.x.size },
        (struct bytes){ point->x.buffer, point->x.size }, salt);
    if (rc != SCU_OK)
        goto out;
    rc = err_tss(Tss2_MU_TPMS_ECC_POINT_Marshal(&own, encrypted->secret,
        sizeof(encrypted->secret), &offset), "ephemeral key");
    encrypted->size = (uint16_t)offset;
out:
    explicit_bzero(z, sizeof(z));
    EVP_PKEY_free(ephemeral);
    EVP_PKEY_free(peer);
    return rc;
}

static EVP_PKEY *
rsa_public(OSSL_LIB_CTX *lib, const TPMT_PUBLIC *public)
{
    const TPM2B_PUBLIC_KEY_RSA *n = &public->unique.rsa;
    uint32_t e = public->parameters.rsaDetail.exponent;
    BIGNUM *modulus = BN_bin2bn(n->buffer, n->size, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (modulus != NULL && build != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_uint32(build, OSSL_PKEY_PARAM_RSA_E,
            e == 0 ? 65537 : e) == 1)
        key = from_data(lib, "RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    return key;
}

EVP_PKEY *
crypto_public_key(struct crypto *crypto, const TPMT_PUBLIC *public)
{
    const struct curve_row *curve;

    if (public->type == TPM2_ALG_RSA)
        return rsa_public(crypto->lib, public);
    if (public->type != TPM2_ALG_ECC)
        return NULL;
    curve = find_curve(public->parameters.eccDetail.curveID);
    return curve == NULL ? NULL :
        ecc_public(crypto->lib, curve, &public->unique.ecc);
}

static int
oaep_setup(EVP_PKEY_CTX *ctx, const char *hash, const char *text)
{
    char digest[16] = { 0 };
    char label[16] = { 0 };
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST,
            strncpy(digest, hash, sizeof(digest) - 1), 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST,
            digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
            strncpy(label, text, sizeof(label) - 1),
            strlen(text) + 1), /* its terminating zero belongs to it */
        OSSL_PARAM_construct_end(),
    };

    return EVP_PKEY_encrypt_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_params(ctx, params) == 1;
}

struct room {
    uint8_t *data;
    size_t len;
};

static int
salt_rsa(struct crypto *c, const TPMT_PUBLIC *key, const char *label,
    struct room salt, TPM2B_ENCRYPTED_SECRET *encrypted)
{
    EVP_PKEY *public = rsa_public(c->lib, key);
    EVP_PKEY_CTX *ctx = NULL;
    size_t len = sizeof(encrypted->secret);
    int rc = crypto_random(c, salt.data, salt.len);

    if (rc != SCU_OK)
        goto out;
    if (public != NULL)
        ctx = EVP_PKEY_CTX_new_from_pkey(c->lib, public, NULL);
    if (ctx == NULL || 
        !oaep_setup(ctx, crypto_hash_name(key->nameAlg), label) ||
        EVP_PKEY_encrypt(ctx, encrypted->secret, &len, salt.data, salt.len) !=
        1) {
        rc = crypto_failed("RSA-OAEP to the chip's key");
        goto out;
    }
    encrypted->size = (uint16_t)len;
out:
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(public);
    return rc;
}

static int
salt_for(struct crypto *crypto, const TPMT_PUBLIC *key, const char *label,
    struct room *salt, TPM2B_ENCRYPTED_SECRET *encrypted)
{
    size_t size = crypto_hash_size(key->nameAlg);

    if (size == 0 || size > salt->len)
        return err_set(SCU_E_UNSUPPORTED, "name hash 0x%x is not known here",
            key->nameAlg);
    salt->len = size;
    if (key->type == TPM2_ALG_ECC)
        return salt_ecc(crypto, key, label, salt->data, encrypted);
    if (key->type == TPM2_ALG_RSA)
        return salt_rsa(crypto, key, label, *salt, encrypted);
    return err_set(SCU_E_UNSUPPORTED, "nothing can be encrypted to a key of "
        "type 0x%x", key->type);
}

int
crypto_salt(struct crypto *crypto, const TPMT_PUBLIC *key, uint8_t *salt,
    size_t *salt_len, TPM2B_ENCRYPTED_SECRET *encrypted)
{
    struct room room = { salt, *salt_len };
    int rc = salt_for(crypto, key, "SECRET", &room, encrypted);

    *salt_len = room.len;
    return rc;
}

int
crypto_seed(struct crypto *crypto, const TPMT_PUBLIC *key, uint8_t *seed,
    size_t *seed_len, TPM2B_ENCRYPTED_SECRET *encrypted)
{
    struct room room = { seed, *seed_len };
    int rc = salt_for(crypto, key, "DUPLICATE", &room, encrypted);

    *seed_len = room.len;
    return rc;
}
