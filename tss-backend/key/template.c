/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/template.h"

#include "key/alg.h"

/* Made in this chip, bound to it, used by password, no lockout. */
#define OWN                                                                   \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |                         \
        TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |          \
        TPMA_OBJECT_NODA)

#define AES_128_CFB                                                           \
    {                                                                         \
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,                        \
        .mode.aes = TPM2_ALG_CFB,                                             \
    }

static const TPMT_PUBLIC storage_ecc = {
    .type = TPM2_ALG_ECC,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes = OWN | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
    .parameters.eccDetail = {
        .symmetric = AES_128_CFB,
        .scheme.scheme = TPM2_ALG_NULL,
        .curveID = TPM2_ECC_NIST_P256,
        .kdf.scheme = TPM2_ALG_NULL,
    },
};

static const TPMT_PUBLIC storage_rsa = {
    .type = TPM2_ALG_RSA,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes = OWN | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
    .parameters.rsaDetail = {
        .symmetric = AES_128_CFB,
        .scheme.scheme = TPM2_ALG_NULL,
        .keyBits = 2048,
        .exponent = 0,
    },
};

static const TPMT_PUBLIC attestation = {
    .type = TPM2_ALG_ECC,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes =
        OWN | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
    .parameters.eccDetail = {
        .symmetric.algorithm = TPM2_ALG_NULL,
        .scheme = {
            .scheme = TPM2_ALG_ECDSA,
            .details.ecdsa.hashAlg = TPM2_ALG_SHA256,
        },
        .curveID = TPM2_ECC_NIST_P256,
        .kdf.scheme = TPM2_ALG_NULL,
    },
};

static const TPMT_PUBLIC key_ecc = {
    .type = TPM2_ALG_ECC,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes = OWN | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_DECRYPT,
    .parameters.eccDetail = {
        .symmetric.algorithm = TPM2_ALG_NULL,
        .scheme.scheme = TPM2_ALG_NULL,
        .kdf.scheme = TPM2_ALG_NULL,
    },
};

static const TPMT_PUBLIC key_rsa = {
    .type = TPM2_ALG_RSA,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes = OWN | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_DECRYPT,
    .parameters.rsaDetail = {
        .symmetric.algorithm = TPM2_ALG_NULL,
        .scheme.scheme = TPM2_ALG_NULL,
        .exponent = 0,
    },
};

/* size 0: the marshaller computes it. */
static void
fill(TPM2B_PUBLIC *public, const TPMT_PUBLIC *template)
{
    public->size = 0;
    public->publicArea = *template;
}

void
template_storage_ecc(TPM2B_PUBLIC *public)
{
    fill(public, &storage_ecc);
}

void
template_storage_rsa(TPM2B_PUBLIC *public)
{
    fill(public, &storage_rsa);
}

void
template_attestation(TPM2B_PUBLIC *public)
{
    fill(public, &attestation);
}

void
template_key(const struct scu_alg *alg, TPM2B_PUBLIC *public)
{
    if (alg->kind == SCU_KIND_EC) {
        fill(public, &key_ecc);
        public->publicArea.parameters.eccDetail.curveID = alg->curve;
    } else {
        fill(public, &key_rsa);
        public->publicArea.parameters.rsaDetail.keyBits = alg->bits;
    }
}

void
template_imported(const struct scu_alg *alg, TPM2B_PUBLIC *public)
{
    template_key(alg, public);
    public->publicArea.objectAttributes &= ~(TPMA_OBJECT_FIXEDTPM |
        TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN);
}
