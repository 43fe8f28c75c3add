/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mech.h"

#include <limits.h>
#include <string.h>

static const struct p11_hash sha1 = {
    .type = CKM_SHA_1,
    .mgf = CKG_MGF1_SHA1,
    .name = "SHA1",
    .pss = "RSAPSS-SHA1",
    .size = 20,
};
static const struct p11_hash sha256 = {
    .type = CKM_SHA256,
    .mgf = CKG_MGF1_SHA256,
    .name = "SHA2-256",
    .pss = "RSAPSS-SHA256",
    .size = 32,
};
static const struct p11_hash sha384 = {
    .type = CKM_SHA384,
    .mgf = CKG_MGF1_SHA384,
    .name = "SHA2-384",
    .pss = "RSAPSS-SHA384",
    .size = 48,
};
static const struct p11_hash sha512 = {
    .type = CKM_SHA512,
    .mgf = CKG_MGF1_SHA512,
    .name = "SHA2-512",
    .pss = "RSAPSS-SHA512",
    .size = 64,
};
static const struct p11_hash *const hashes[] = {
    &sha1, &sha256, &sha384, &sha512,
};

/* The private half works in the chip, the public half in software. */
#define SIGNS (CKF_HW | CKF_SIGN | CKF_VERIFY)
#define MAKES (CKF_HW | CKF_GENERATE_KEY_PAIR)
#define CURVES (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

#define DIGEST(m, h) { .type = m, .flags = CKF_DIGEST, .hash = h }
#define SIGN_EC(m, h, s)                                          \
    { .type = m, .kind = SCU_KIND_EC, .flags = SIGNS | CURVES,    \
        .hash = h, .scheme = s }
#define SIGN_RSA(m, h, s)                                         \
    { .type = m, .kind = SCU_KIND_RSA, .flags = SIGNS, .hash = h, \
        .scheme = s }
#define SIGN_PSS(m, h)                                            \
    { .type = m, .kind = SCU_KIND_RSA, .flags = SIGNS, .hash = h, .pss = true }

static const struct p11_mech mechs[] = {
    { .type = CKM_EC_KEY_PAIR_GEN, .kind = SCU_KIND_EC,
        .flags = MAKES | CURVES },
    SIGN_EC(CKM_ECDSA, NULL, "ECDSA"),
    SIGN_EC(CKM_ECDSA_SHA1, &sha1, "ECDSA-SHA1"),
    SIGN_EC(CKM_ECDSA_SHA256, &sha256, "ECDSA-SHA256"),
    SIGN_EC(CKM_ECDSA_SHA384, &sha384, "ECDSA-SHA384"),
    SIGN_EC(CKM_ECDSA_SHA512, &sha512, "ECDSA-SHA512"),
    { .type = CKM_RSA_PKCS_KEY_PAIR_GEN, .kind = SCU_KIND_RSA,
        .flags = MAKES },
    SIGN_RSA(CKM_RSA_PKCS, NULL, "RSASSA"),
    SIGN_RSA(CKM_SHA1_RSA_PKCS, &sha1, "RSASSA-SHA1"),
    SIGN_RSA(CKM_SHA256_RSA_PKCS, &sha256, "RSASSA-SHA256"),
    SIGN_RSA(CKM_SHA384_RSA_PKCS, &sha384, "RSASSA-SHA384"),
    SIGN_RSA(CKM_SHA512_RSA_PKCS, &sha512, "RSASSA-SHA512"),
    SIGN_PSS(CKM_RSA_PKCS_PSS, NULL),
    SIGN_PSS(CKM_SHA1_RSA_PKCS_PSS, &sha1),
    SIGN_PSS(CKM_SHA256_RSA_PKCS_PSS, &sha256),
    SIGN_PSS(CKM_SHA384_RSA_PKCS_PSS, &sha384),
    SIGN_PSS(CKM_SHA512_RSA_PKCS_PSS, &sha512),
    DIGEST(CKM_SHA_1, &sha1),
    DIGEST(CKM_SHA256, &sha256),
    DIGEST(CKM_SHA384, &sha384),
    DIGEST(CKM_SHA512, &sha512),
};
#define MECHS (sizeof(mechs) / sizeof(mechs[0]))

const struct p11_mech *
p11_mech_at(size_t index)
{
    return index < MECHS ? &mechs[index] : NULL;
}

const struct p11_mech *
p11_mech_find(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < MECHS; i++)
        if (mechs[i].type == type)
            return &mechs[i];
    return NULL;
}

const struct p11_hash *
p11_hash_find(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
        if (hashes[i]->type == type)
            return hashes[i];
    return NULL;
}

void
p11_mech_info(const struct p11_mech *mech, CK_MECHANISM_INFO *info)
{
    const struct scu_alg *alg;

    *info = (CK_MECHANISM_INFO){ .flags = mech->flags };
    for (size_t i = 0; (alg = scu_alg_at(i)) != NULL; i++) {
        CK_ULONG bits = scu_alg_bits(alg);

        if (scu_alg_kind(alg) != mech->kind)
            continue;
        if (info->ulMinKeySize == 0 || bits < info->ulMinKeySize)
            info->ulMinKeySize = bits;
        if (bits > info->ulMaxKeySize)
            info->ulMaxKeySize = bits;
    }
}

/* The chip's hash and that of its mask are one. */
static CK_RV
read_pss(const CK_MECHANISM *mechanism, struct p11_way *way)
{
    CK_RSA_PKCS_PSS_PARAMS pss;

    if (mechanism->pParameter == NULL ||
        mechanism->ulParameterLen != sizeof(pss))
        return p11_refuse(CKR_MECHANISM_PARAM_INVALID, "mechanism 0x%lx "
            "wants CK_RSA_PKCS_PSS_PARAMS", mechanism->mechanism);
    memcpy(&pss, mechanism->pParameter, sizeof(pss));
    way->hash = p11_hash_find(pss.hashAlg);
    if (way->hash == NULL || way->hash->mgf != pss.mgf ||
        (way->mech->hash != NULL && way->mech->hash != way->hash) ||
        pss.sLen > INT_MAX)
        return p11_refuse(CKR_MECHANISM_PARAM_INVALID, "mechanism 0x%lx with "
            "hash 0x%lx, MGF 0x%lx, salt of %lu octets", mechanism->mechanism,
            pss.hashAlg, pss.mgf, pss.sLen);
    way->salt = (int)pss.sLen;
    return CKR_OK;
}

CK_RV
p11_way_read(const CK_MECHANISM *mechanism, CK_FLAGS flags,
    struct p11_way *way)
{
    const char *scheme;
    CK_RV rv = CKR_OK;

    if (mechanism == NULL)
        return CKR_ARGUMENTS_BAD;
    *way = (struct p11_way){ .mech = p11_mech_find(mechanism->mechanism) };
    if (way->mech == NULL || (way->mech->flags & flags) == 0)
        return p11_refuse(CKR_MECHANISM_INVALID, "mechanism 0x%lx is not "
            "offered for this", mechanism->mechanism);
    way->hash = way->mech->hash;
    if (way->mech->pss)
        rv = read_pss(mechanism, way);
    else if (mechanism->ulParameterLen != 0)
        rv = CKR_MECHANISM_PARAM_INVALID;
    if (rv != CKR_OK || (flags & (CKF_SIGN | CKF_VERIFY)) == 0)
        return rv;
    scheme = way->mech->pss ? way->hash->pss : way->mech->scheme;
    way->scheme = scu_scheme_by_name(scheme);
    return way->scheme != NULL ? CKR_OK : CKR_MECHANISM_INVALID;
}
