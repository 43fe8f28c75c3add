/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The fake's keys, in software. */
#include "tests/pkcs11/fakescu-private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct scu_alg {
    const char *name, *group;
    enum scu_kind kind;
    unsigned bits;
};

struct scu_scheme {
    const char *name, *hash;
};

struct scu_key {
    atomic_int refs;
    EVP_PKEY *pkey;
    const struct scu_alg *alg;
    uint8_t n[512], x[66], y[66];
};

static const struct scu_alg algs[] = {
    { "P-256", "P-256", SCU_KIND_EC, 256 },
    { "P-384", "P-384", SCU_KIND_EC, 384 },
    { "RSA-2048", NULL, SCU_KIND_RSA, 2048 },
    { "RSA-3072", NULL, SCU_KIND_RSA, 3072 },
};

static const struct scu_scheme schemes[] = {
    { "ECDSA", NULL }, { "ECDSA-SHA1", "SHA1" },
    { "ECDSA-SHA256", "SHA2-256" }, { "ECDSA-SHA384", "SHA2-384" },
    { "ECDSA-SHA512", "SHA2-512" },
    { "RSASSA", NULL }, { "RSASSA-SHA1", "SHA1" },
    { "RSASSA-SHA256", "SHA2-256" }, { "RSASSA-SHA384", "SHA2-384" },
    { "RSASSA-SHA512", "SHA2-512" },
    { "RSAPSS-SHA1", "SHA1" }, { "RSAPSS-SHA256", "SHA2-256" },
    { "RSAPSS-SHA384", "SHA2-384" }, { "RSAPSS-SHA512", "SHA2-512" },
};

const struct scu_alg *
scu_alg_at(size_t index)
{
    return index < sizeof(algs) / sizeof(algs[0]) ? &algs[index] : NULL;
}

const struct scu_alg *
scu_alg_by_name(const char *name)
{
    const struct scu_alg *alg;

    for (size_t i = 0; (alg = scu_alg_at(i)) != NULL; i++)
        if (strcmp(alg->name, name) == 0)
            return alg;
    return NULL;
}

const char *
scu_alg_name(const struct scu_alg *alg)
{
    return alg->name;
}

enum scu_kind
scu_alg_kind(const struct scu_alg *alg)
{
    return alg->kind;
}

unsigned
scu_alg_bits(const struct scu_alg *alg)
{
    return alg->bits;
}

const struct scu_scheme *
scu_scheme_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strcmp(schemes[i].name, name) == 0)
            return &schemes[i];
    return NULL;
}

int
scu_key_generate(struct scu_chip *chip, const struct scu_alg *alg,
    const void *password, size_t len, struct scu_key **key)
{
    struct scu_key *new;
    int rc = fake_enter(__func__);

    (void)chip;
    (void)password;
    (void)len;
    (void)atomic_fetch_add(&fake_chip_calls, 1);
    if (rc != SCU_OK)
        return rc;
    new = calloc(1, sizeof(*new));
    atomic_init(&new->refs, 1);
    new->alg = alg;
    new->pkey = alg->kind == SCU_KIND_EC ? EVP_EC_gen(alg->group) :
        EVP_RSA_gen(alg->bits);
    (void)atomic_fetch_add(&fake_alive, 1);
    *key = new;
    return SCU_OK;
}

struct scu_key *
scu_key_ref(struct scu_key *key)
{
    (void)atomic_fetch_add(&key->refs, 1);
    return key;
}

void
scu_key_free(struct scu_key **key)
{
    if (*key != NULL && atomic_fetch_sub(&(*key)->refs, 1) == 1) {
        EVP_PKEY_free((*key)->pkey);
        free(*key);
        (void)atomic_fetch_sub(&fake_alive, 1);
    }
    *key = NULL;
}

const struct scu_alg *
scu_key_alg(const struct scu_key *key)
{
    return key->alg;
}

bool
scu_key_can_sign(const struct scu_key *key)
{
    (void)key;
    return true;
}

size_t
scu_key_signature_size(const struct scu_key *key)
{
    return (size_t)EVP_PKEY_get_size(key->pkey);
}

/* A number of the public key, as long as it has to be. */
static void
get(const struct scu_key *key, const char *name, const uint8_t *to, size_t len)
{
    BIGNUM *bn = NULL;

    if (EVP_PKEY_get_bn_param(key->pkey, name, &bn) != 1 ||
        BN_bn2binpad(bn, (uint8_t *)(uintptr_t)to, (int)len) != (int)len)
        abort();
    BN_free(bn);
}

void
scu_key_public(const struct scu_key *key, struct scu_public *out)
{
    size_t len = (key->alg->bits + 7) / 8;

    *out = (struct scu_public){ .kind = key->alg->kind };
    if (out->kind == SCU_KIND_EC) {
        get(key, OSSL_PKEY_PARAM_EC_PUB_X, key->x, len);
        get(key, OSSL_PKEY_PARAM_EC_PUB_Y, key->y, len);
        out->x = key->x;
        out->y = key->y;
        out->xy_len = len;
        return;
    }
    get(key, OSSL_PKEY_PARAM_RSA_N, key->n, len);
    out->n = key->n;
    out->n_len = len;
    out->e = 65537;
}

static bool
set_scheme(EVP_PKEY_CTX *ctx, const struct scu_scheme *scheme, int salt)
{
    const EVP_MD *md = scheme->hash == NULL ? NULL :
        EVP_get_digestbyname(scheme->hash);

    if (strncmp(scheme->name, "RSA", 3) == 0 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, strncmp(scheme->name, "RSAPSS",
            6) == 0 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1)
        return false;
    if (md != NULL && EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
        return false;
    return strncmp(scheme->name, "RSAPSS", 6) != 0 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1;
}

int
scu_key_sign(struct scu_key *key, const struct scu_scheme *scheme, int salt,
    const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t *sig_len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    int rc = fake_enter(__func__);

    (void)atomic_fetch_add(&fake_chip_calls, 1);
    if (rc == SCU_OK && (EVP_PKEY_sign_init(ctx) != 1 ||
        !set_scheme(ctx, scheme, salt) ||
        EVP_PKEY_sign(ctx, sig, sig_len, digest, digest_len) != 1))
        rc = fake_error(SCU_E_ARG, "OpenSSL refused to sign");
    EVP_PKEY_CTX_free(ctx);
    return rc;
}
