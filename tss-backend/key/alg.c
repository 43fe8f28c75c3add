/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/alg.h"

#include "chip/crypto.h"

#include <string.h>

static const struct scu_alg algs[] = {
    {
        .name = "P-256",
        .group = "prime256v1",
        .kind = SCU_KIND_EC,
        .curve = TPM2_ECC_NIST_P256,
        .bits = 256,
        .size = 32,
    },
    {
        .name = "P-384",
        .group = "secp384r1",
        .kind = SCU_KIND_EC,
        .curve = TPM2_ECC_NIST_P384,
        .bits = 384,
        .size = KEY_MAX_COORDINATE,
    },
    {
        .name = "RSA-2048",
        .kind = SCU_KIND_RSA,
        .bits = 2048,
        .size = 256,
    },
    {
        .name = "RSA-3072",
        .kind = SCU_KIND_RSA,
        .bits = 3072,
        .size = 384,
    },
};

/* 1.3.14.3.2.26 and 2.16.840.1.101.3.4.2.n (RFC 8017, B.1). */
static const struct key_hash sha1 = {
    .id = TPM2_ALG_SHA1,
    .oid_len = 5,
    .oid = { 0x2b, 0x0e, 0x03, 0x02, 0x1a },
};

static const struct key_hash sha256 = {
    .id = TPM2_ALG_SHA256,
    .oid_len = 9,
    .oid = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 },
};

static const struct key_hash sha384 = {
    .id = TPM2_ALG_SHA384,
    .oid_len = 9,
    .oid = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 },
};

static const struct key_hash sha512 = {
    .id = TPM2_ALG_SHA512,
    .oid_len = 9,
    .oid = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 },
};

#define ECDSA .kind = SCU_KIND_EC, .tpm = TPM2_ALG_ECDSA
#define RSASSA .kind = SCU_KIND_RSA, .tpm = TPM2_ALG_RSASSA
#define RSAPSS .kind = SCU_KIND_RSA, .tpm = TPM2_ALG_RSAPSS

static const struct scu_scheme schemes[] = {
    { .name = "ECDSA", .hash = NULL, ECDSA },
    { .name = "ECDSA-SHA1", .hash = &sha1, ECDSA },
    { .name = "ECDSA-SHA256", .hash = &sha256, ECDSA },
    { .name = "ECDSA-SHA384", .hash = &sha384, ECDSA },
    { .name = "ECDSA-SHA512", .hash = &sha512, ECDSA },
    { .name = "RSASSA", .hash = NULL, RSASSA },
    { .name = "RSASSA-SHA1", .hash = &sha1, RSASSA },
    { .name = "RSASSA-SHA256", .hash = &sha256, RSASSA },
    { .name = "RSASSA-SHA384", .hash = &sha384, RSASSA },
    { .name = "RSASSA-SHA512", .hash = &sha512, RSASSA },
    { .name = "RSAPSS-SHA1", .hash = &sha1, RSAPSS },
    { .name = "RSAPSS-SHA256", .hash = &sha256, RSAPSS },
    { .name = "RSAPSS-SHA384", .hash = &sha384, RSAPSS },
    { .name = "RSAPSS-SHA512", .hash = &sha512, RSAPSS },
};

#define N_ALGS (sizeof(algs) / sizeof(algs[0]))
#define N_SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

const struct scu_alg *
scu_alg_at(size_t index)
{
    return index < N_ALGS ? &algs[index] : NULL;
}

const struct scu_alg *
scu_alg_by_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < N_ALGS; i++)
        if (strcmp(algs[i].name, name) == 0)
            return &algs[i];
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

const char *
scu_alg_group(const struct scu_alg *alg)
{
    return alg->group;
}

const struct scu_alg *
alg_of_public(const TPMT_PUBLIC *public)
{
    bool rsa = public->type == TPM2_ALG_RSA;

    if (!rsa && public->type != TPM2_ALG_ECC)
        return NULL;
    for (size_t i = 0; i < N_ALGS; i++) {
        if (rsa != (algs[i].kind == SCU_KIND_RSA))
            continue;
        if (rsa && algs[i].bits == public->parameters.rsaDetail.keyBits)
            return &algs[i];
        if (!rsa && algs[i].curve == public->parameters.eccDetail.curveID)
            return &algs[i];
    }
    return NULL;
}

const struct scu_scheme *
scu_scheme_at(size_t index)
{
    return index < N_SCHEMES ? &schemes[index] : NULL;
}

const struct scu_scheme *
scu_scheme_by_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < N_SCHEMES; i++)
        if (strcmp(schemes[i].name, name) == 0)
            return &schemes[i];
    return NULL;
}

const char *
scu_scheme_name(const struct scu_scheme *scheme)
{
    return scheme->name;
}

const char *
scu_scheme_hash(const struct scu_scheme *scheme)
{
    return scheme->hash == NULL ? NULL : crypto_hash_name(scheme->hash->id);
}
