/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_CRYPTO_PRIVATE_H
#define CHIP_CRYPTO_PRIVATE_H

#include <openssl/types.h>

/* Shared by crypto.c and salt.c only. */
#define CRYPTO_HASHES 4

struct crypto {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *provider;
    EVP_MD *md[CRYPTO_HASHES];
    EVP_CIPHER *cfb;
    EVP_MAC_CTX *mac;
    EVP_MD_CTX *digest;
    EVP_CIPHER_CTX *cipher;
};

/* SCU_E_INTERNAL, noted. */
int crypto_failed(const char *what);

#endif
