/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/public.h"

#include "chip/crypto.h"
#include "key/alg.h"

#include <string.h>
#include <tss2/tss2_mu.h>

static int
check_rsa(const TPMT_PUBLIC *public)
{
    const TPM2B_PUBLIC_KEY_RSA *n = &public->unique.rsa;
    unsigned bits = public->parameters.rsaDetail.keyBits;

    if (bits < 1024 || bits > 8U * KEY_MAX_MODULUS || bits % 8 != 0)
        return err_set(SCU_E_UNSUPPORTED,
            "an RSA key of that size is not supported");
    if (n->size != bits / 8 || (n->buffer[0] & 0x80) == 0 ||
        (n->buffer[n->size - 1] & 1) == 0)
        return err_set(SCU_E_KEYFILE,
            "the RSA modulus is not of the key's size");
    return SCU_OK;
}

static int
check_ecc(const TPMT_PUBLIC *public)
{
    const TPMS_ECC_POINT *point = &public->unique.ecc;
    const struct scu_alg *alg = alg_of_public(public);

    if (alg == NULL)
        return err_set(SCU_E_UNSUPPORTED,
            "an EC key on that curve is not supported");
    if (point->x.size == 0 || point->x.size > alg->size ||
        point->y.size == 0 || point->y.size > alg->size)
        return err_set(SCU_E_KEYFILE,
            "the EC point is not of the curve's size");
    return SCU_OK;
}

int
public_check(const TPMT_PUBLIC *public)
{
    size_t name_size = crypto_hash_size(public->nameAlg);

    if (name_size == 0)
        return err_set(SCU_E_UNSUPPORTED, "its nameAlg is not supported");
    if (public->authPolicy.size != 0 && public->authPolicy.size != name_size)
        return err_set(SCU_E_KEYFILE,
            "the authPolicy is not of the nameAlg's size");
    if (public->type == TPM2_ALG_RSA)
        return check_rsa(public);
    if (public->type == TPM2_ALG_ECC)
        return check_ecc(public);
    return err_set(SCU_E_UNSUPPORTED, "neither an RSA nor an EC key");
}

/* The size field is looked at here: the unmarshaller does not hold it against
 * what it reads. */
int
public_read(const uint8_t *data, size_t len, TPM2B_PUBLIC *public)
{
    size_t done = 2;

    memset(public, 0, sizeof(*public));
    if (len < 2 || len - 2 != (size_t)(data[0] << 8 | data[1]))
        return err_set(SCU_E_KEYFILE,
            "not a TPM2B_PUBLIC: its size field is wrong");
    if (Tss2_MU_TPMT_PUBLIC_Unmarshal(data, len, &done, &public->publicArea)
        != TSS2_RC_SUCCESS)
        return err_set(SCU_E_KEYFILE,
            "not a TPM2B_PUBLIC: it cannot be taken apart");
    if (done != len)
        return err_set(SCU_E_KEYFILE,
            "not a TPM2B_PUBLIC: something stands behind it");
    return public_check(&public->publicArea);
}
