/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Public keys as attributes. */
#include "crypto.h"

const struct scu_alg *
p11_rsa_alg(CK_ULONG bits)
{
    const struct scu_alg *alg;

    for (size_t i = 0; (alg = scu_alg_at(i)) != NULL; i++)
        if (scu_alg_kind(alg) == SCU_KIND_RSA && scu_alg_bits(alg) == bits)
            return alg;
    return NULL;
}

CK_RV
p11_public_attrs(const struct scu_key *key, struct attrs *attrs)
{
    int rc = keyattrs_set_public(attrs, key);

    if (rc == SCU_E_UNSUPPORTED)
        return CKR_CURVE_NOT_SUPPORTED;
    return rc == SCU_OK ? CKR_OK : p11_rv(rc);
}
