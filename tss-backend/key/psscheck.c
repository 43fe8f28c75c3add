/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/psscheck.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* 1: verifies with this salt length; otherwise it does not, or an error. */
static int
verify(OSSL_LIB_CTX *lib, EVP_PKEY *pkey, const struct pss_claim *claim)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(lib, pkey, NULL);
    EVP_MD *md = EVP_MD_fetch(lib, crypto_hash_name(claim->hash->id), NULL);
    int ok = 0;

    if (ctx != NULL && md != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
        EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)claim->salt_len) == 1)
        ok = EVP_PKEY_verify(ctx, claim->sig,
            (size_t)EVP_PKEY_get_size(pkey), claim->digest,
            crypto_hash_size(claim->hash->id));
    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

int
psscheck(struct crypto *crypto, const TPMT_PUBLIC *key,
    const struct pss_claim *claim)
{
    EVP_PKEY *pkey;
    int ok = 0;

    (void)ERR_set_mark();
    pkey = crypto_public_key(crypto, key);
    if (pkey != NULL)
        ok = verify(crypto_lib(crypto), pkey, claim);
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    if (ok == 1)
        return SCU_OK;
    return err_set(SCU_E_UNSUPPORTED, "the chip chose another PSS salt than "
        "one of %zu octets: take a key that may also decrypt, which is "
        "padded for on the host", claim->salt_len);
}
