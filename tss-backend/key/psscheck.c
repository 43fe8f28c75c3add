/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/psscheck.h"

#include "chip/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

static EVP_PKEY *
import_public(struct ossl_lib_ctx_st *lib, const struct scu_public *key)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(key->n, (int)key->n_len, NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(lib, "RSA", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;

    if (build == NULL || n == NULL || ctx == NULL ||
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, key->e) != 1)
        goto out;
    params = OSSL_PARAM_BLD_to_param(build);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
out:
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

/* 1: verifies with this salt length; otherwise it does not, or an error. */
static int
verify(struct ossl_lib_ctx_st *lib, EVP_PKEY *pkey, size_t sig_len,
    const struct pss_claim *claim)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(lib, pkey, NULL);
    EVP_MD *md = EVP_MD_fetch(lib, crypto_hash_name(claim->hash->id), NULL);
    int ok = 0;

    if (ctx != NULL && md != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)claim->salt_len) == 1)
        ok = EVP_PKEY_verify(ctx, claim->sig, sig_len, claim->digest,
            crypto_hash_size(claim->hash->id));
    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

int
psscheck(struct ossl_lib_ctx_st *lib, const struct scu_public *key,
    const struct pss_claim *claim)
{
    EVP_PKEY *pkey;
    int ok = 0;

    (void)ERR_set_mark();
    pkey = import_public(lib, key);
    if (pkey != NULL)
        ok = verify(lib, pkey, key->n_len, claim);
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    if (ok == 1)
        return SCU_OK;
    return err_set(SCU_E_UNSUPPORTED, "the chip chose another PSS salt than "
        "one of %zu octets: take a key that may also decrypt, which is "
        "padded for on the host", claim->salt_len);
}
