/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/crypto.h"

#include "base/error.h"
#include "chip/crypto-private.h"

#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define KDFA_MAX_BITS 512
#define CFB_BLOCK 16

static const struct hash_row {
    TPMI_ALG_HASH id;
    size_t size;
    const char *name;
} hashes[] = {
    { TPM2_ALG_SHA256, 32, "SHA2-256" },
    { TPM2_ALG_SHA384, 48, "SHA2-384" },
    { TPM2_ALG_SHA512, 64, "SHA2-512" },
    { TPM2_ALG_SHA1, 20, "SHA1" },
};

static const struct hash_row *
find_hash(TPMI_ALG_HASH hash)
{
    for (size_t i = 0; i < CRYPTO_HASHES; i++)
        if (hashes[i].id == hash)
            return &hashes[i];
    return NULL;
}

_Static_assert(sizeof(hashes) / sizeof(hashes[0]) == CRYPTO_HASHES,
    "CRYPTO_HASHES counts the rows");

size_t
crypto_hash_size(TPMI_ALG_HASH hash)
{
    const struct hash_row *row = find_hash(hash);

    return row == NULL ? 0 : row->size;
}

const char *
crypto_hash_name(TPMI_ALG_HASH hash)
{
    const struct hash_row *row = find_hash(hash);

    return row == NULL ? NULL : row->name;
}

/* SHA-256 HMAC with the digest set for good; only the key changes. */
static EVP_MAC_CTX *
new_mac(OSSL_LIB_CTX *lib)
{
    char digest[] = "SHA2-256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(lib, "HMAC", NULL);
    EVP_MAC_CTX *ctx = NULL;

    if (mac != NULL)
        ctx = EVP_MAC_CTX_new(mac);
    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_MAC_free(mac);
    return ctx;
}

struct crypto *
crypto_new(void)
{
    struct crypto *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->lib = OSSL_LIB_CTX_new();
    if (c->lib == NULL)
        goto fail;
    c->provider = OSSL_PROVIDER_load(c->lib, "default");
    /* Of hashes, where libcrypto's choice would have it look for ciphers,
     * which crypto_ready_cipher() does at a better time. */
    if (c->provider == NULL ||
        RAND_set_DRBG_type(c->lib, "HASH-DRBG", NULL, NULL, "SHA2-256") != 1)
        goto fail;
    for (size_t i = 0; i < CRYPTO_HASHES; i++)
        c->md[i] = EVP_MD_fetch(c->lib, hashes[i].name, NULL);
    c->mac = new_mac(c->lib);
    c->digest = EVP_MD_CTX_new();
    c->cipher = EVP_CIPHER_CTX_new();
    if (c->md[0] == NULL || c->mac == NULL || c->digest == NULL ||
        c->cipher == NULL)
        goto fail;
    return c;
fail:
    crypto_free(&c);
    return NULL;
}

void
crypto_free(struct crypto **crypto)
{
    struct crypto *c = crypto == NULL ? NULL : *crypto;

    if (c == NULL)
        return;
    EVP_CIPHER_CTX_free(c->cipher);
    EVP_MD_CTX_free(c->digest);
    EVP_MAC_CTX_free(c->mac);
    EVP_CIPHER_free(c->cfb);
    for (size_t i = 0; i < CRYPTO_HASHES; i++)
        EVP_MD_free(c->md[i]);
    if (c->provider != NULL)
        (void)OSSL_PROVIDER_unload(c->provider);
    OSSL_LIB_CTX_free(c->lib);
    free(c);
    *crypto = NULL;
}

OSSL_LIB_CTX *
crypto_lib(const struct crypto *crypto)
{
    return crypto->lib;
}

int
crypto_failed(const char *what)
{
    return err_set(SCU_E_INTERNAL, "libcrypto refused %s", what);
}

int
crypto_random(struct crypto *crypto, void *data, size_t len)
{
    if (RAND_bytes_ex(crypto->lib, data, len, 0) != 1)
        return crypto_failed("random octets");
    return SCU_OK;
}

int
crypto_hash(struct crypto *crypto, TPMI_ALG_HASH hash,
    const struct bytes *parts, size_t n, uint8_t *out)
{
    const struct hash_row *row = find_hash(hash);
    EVP_MD_CTX *ctx = crypto->digest;

    if (row == NULL || crypto->md[row - hashes] == NULL)
        return err_set(SCU_E_UNSUPPORTED, "hash 0x%x is not known here", hash);
    if (EVP_DigestInit_ex2(ctx, crypto->md[row - hashes], NULL) != 1)
        return crypto_failed(row->name);
    for (size_t i = 0; i < n; i++)
        if (EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
            return crypto_failed(row->name);
    if (EVP_DigestFinal_ex(ctx, out, NULL) != 1)
        return crypto_failed(row->name);
    return SCU_OK;
}

int
crypto_hmac(struct crypto *crypto, struct bytes key,
    const struct bytes *parts, size_t n, uint8_t *out)
{
    size_t len = 0;

    if (EVP_MAC_init(crypto->mac, key.data, key.len, NULL) != 1)
        return crypto_failed("HMAC");
    for (size_t i = 0; i < n; i++)
        if (parts[i].len > 0 && EVP_MAC_update(crypto->mac, parts[i].data,
                parts[i].len) != 1)
            return crypto_failed("HMAC");
    if (EVP_MAC_final(crypto->mac, out, &len, CRYPTO_SHA256_SIZE) != 1 ||
        len != CRYPTO_SHA256_SIZE)
        return crypto_failed("HMAC");
    return SCU_OK;
}

void
crypto_ready_cipher(struct crypto *crypto)
{
    if (crypto->cfb == NULL)
        crypto->cfb = EVP_CIPHER_fetch(crypto->lib, "AES-128-CFB", NULL);
}

int
crypto_cfb(struct crypto *crypto, const uint8_t *key, const uint8_t *iv,
    bool encrypt, void *data, size_t len)
{
    EVP_CIPHER_CTX *ctx = crypto->cipher;
    int done = 0;
    int rc = SCU_OK;

    if (len > INT32_MAX)
        return err_set(SCU_E_ARG, "parameter too long to encrypt");
    crypto_ready_cipher(crypto);
    if (EVP_CipherInit_ex2(ctx, crypto->cfb, key, iv, encrypt, NULL) != 1 ||
        EVP_CipherUpdate(ctx, data, &done, data, (int)len) != 1 ||
        (size_t)done != len)
        rc = crypto_failed("AES-128-CFB");
    /* The key schedule must not outlive the command. */
    (void)EVP_CIPHER_CTX_reset(ctx);
    return rc;
}

int
crypto_kdfa(struct crypto *crypto, struct bytes key, const char *label,
    struct bytes u, struct bytes v, size_t bits, uint8_t *out)
{
    uint8_t block[CRYPTO_SHA256_SIZE];
    uint32_t length = htobe32((uint32_t)bits);
    uint32_t counter = 0;
    size_t left = bits / 8, n;
    int rc = SCU_OK;

    if (bits % 8 != 0 || bits > KDFA_MAX_BITS)
        return err_set(SCU_E_ARG, "KDFa of %zu bits", bits);
    for (uint32_t i = 1; left > 0; i++) {
        counter = htobe32(i);
        const struct bytes parts[] = {
            { &counter, sizeof(counter) },
            { label, strlen(label) + 1 },
            u,
            v,
            { &length, sizeof(length) },
        };
        rc = crypto_hmac(crypto, key, parts, 5, block);
        if (rc != SCU_OK)
            break;
        n = left < sizeof(block) ? left : sizeof(block);
        memcpy(out, block, n);
        out += n;
        left -= n;
    }
    explicit_bzero(block, sizeof(block));
    return rc;
}

int
crypto_kdfe(struct crypto *crypto, TPMI_ALG_HASH hash, struct bytes z,
    const char *label, struct bytes u, struct bytes v, uint8_t *out)
{
    uint32_t counter = htobe32(1);
    const struct bytes parts[] = {
        { &counter, sizeof(counter) },
        z,
        { label, strlen(label) + 1 },
        u,
        v,
    };

    return crypto_hash(crypto, hash, parts, 5, out);
}

int
crypto_name(struct crypto *crypto, const TPMT_PUBLIC *public,
    TPM2B_NAME *name)
{
    uint8_t area[sizeof(TPMT_PUBLIC)];
    struct bytes part = { area, 0 };
    size_t size = crypto_hash_size(public->nameAlg);
    size_t offset = 0;
    int rc;

    name->size = 0;
    if (size == 0)
        return err_set(SCU_E_UNSUPPORTED, "name hash 0x%x is not known here",
            public->nameAlg);
    rc = err_tss(Tss2_MU_TPMT_PUBLIC_Marshal(public, area, sizeof(area),
        &part.len), "public area");
    if (rc != SCU_OK)
        return rc;
    rc = err_tss(Tss2_MU_UINT16_Marshal(public->nameAlg, name->name,
        sizeof(name->name), &offset), "name");
    if (rc != SCU_OK)
        return rc;
    rc = crypto_hash(crypto, public->nameAlg, &part, 1, name->name + offset);
    if (rc == SCU_OK)
        name->size = (uint16_t)(offset + size);
    return rc;
}
