/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/rsapad.h"

#include "chip/crypto.h"
#include "key/der.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

/* DigestInfo ::= SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING }. */
#define DIGEST_INFO_MAX (4 + 2 + 2 + 9 + 2 + 2 + CRYPTO_MAX_DIGEST)

/* 00 01, at least eight ff, 00. */
#define PKCS1_OVERHEAD 11

static void
digest_info(const struct key_hash *hash, const uint8_t *digest, size_t len,
    struct der_out *der)
{
    const uint8_t *end = der->p;
    const uint8_t *algorithm_end;

    der_put(der, digest, len);
    der_put_header(der, DER_OCTET_STRING, len);
    algorithm_end = der->p;
    der_put_header(der, DER_NULL, 0);
    der_put(der, hash->oid, hash->oid_len);
    der_put_header(der, DER_OID, hash->oid_len);
    der_put_header(der, DER_SEQUENCE, (size_t)(algorithm_end - der->p));
    der_put_header(der, DER_SEQUENCE, (size_t)(end - der->p));
}

int
rsapad_pkcs1(const struct key_hash *hash, const uint8_t *data, size_t len,
    uint8_t *em, size_t em_len)
{
    uint8_t room[DIGEST_INFO_MAX];
    struct der_out der = { .start = room, .p = room + sizeof(room) };

    if (hash != NULL) {
        digest_info(hash, data, len, &der);
        if (der.overflow)
            return err_set(SCU_E_INTERNAL, "a DigestInfo did not fit");
        data = der.p;
        len = (size_t)(room + sizeof(room) - der.p);
    }
    if (em_len < PKCS1_OVERHEAD || len > em_len - PKCS1_OVERHEAD)
        return err_set(SCU_E_ARG, "%zu octets do not fit into an RSA "
            "signature of %zu", len, em_len);
    em[0] = 0;
    em[1] = 1;
    memset(em + 2, 0xff, em_len - len - 3);
    em[em_len - len - 1] = 0;
    if (len > 0)
        memcpy(em + em_len - len, data, len);
    return SCU_OK;
}

int
rsapad_salt_len(const struct key_hash *hash, int salt, size_t em_len,
    size_t *len)
{
    size_t hash_len = crypto_hash_size(hash->id);
    size_t most;

    /* EM = maskedDB || H || bc, DB = 00.. 01 salt. */
    if (em_len < hash_len + 2)
        return err_set(SCU_E_ARG, "the modulus is too short for PSS");
    most = em_len - hash_len - 2;
    if (salt == SCU_SALT_MAX)
        *len = most;
    else if (salt == SCU_SALT_DIGEST)
        *len = hash_len;
    else if (salt >= 0)
        *len = (size_t)salt;
    else
        return err_set(SCU_E_ARG, "%d is not a salt length", salt);
    if (*len > most)
        return err_set(SCU_E_ARG, "a salt of %zu octets does not fit, at "
            "most %zu do", *len, most);
    return SCU_OK;
}

/* A hash and its running state. */
struct hasher {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    size_t size;
};

static int
hash_parts(const struct hasher *hasher, const struct bytes *parts, size_t n,
    uint8_t *out)
{
    if (EVP_DigestInit_ex2(hasher->ctx, hasher->md, NULL) != 1)
        return SCU_E_INTERNAL;
    for (size_t i = 0; i < n; i++)
        if (EVP_DigestUpdate(hasher->ctx, parts[i].data, parts[i].len) != 1)
            return SCU_E_INTERNAL;
    if (EVP_DigestFinal_ex(hasher->ctx, out, NULL) != 1)
        return SCU_E_INTERNAL;
    return SCU_OK;
}

/* XORs MGF1(seed) over data (RFC 8017, B.2.1). */
static int
mask(const struct hasher *hasher, const uint8_t *seed, uint8_t *data,
    size_t len)
{
    uint8_t block[CRYPTO_MAX_DIGEST];
    uint8_t counter[4] = { 0 };
    const struct bytes parts[] = {
        { seed, hasher->size },
        { counter, sizeof(counter) },
    };
    int rc;

    for (size_t done = 0; done < len; done += hasher->size) {
        if ((rc = hash_parts(hasher, parts, 2, block)) != SCU_OK)
            return rc;
        for (size_t i = 0; i < hasher->size && done + i < len; i++)
            data[done + i] ^= block[i];
        counter[3]++;
    }
    return SCU_OK;
}

/* EM = (DB xor MGF1(H)) || H || bc, DB = 00.. 01 salt; lengths are checked. */
static int
encode_pss(const struct hasher *hasher, const uint8_t *digest,
    struct bytes salt, uint8_t *em, size_t em_len)
{
    static const uint8_t zeros[8] = { 0 };
    const struct bytes parts[] = {
        { zeros, sizeof(zeros) },
        { digest, hasher->size },
        salt,
    };
    size_t db_len = em_len - hasher->size - 1;
    uint8_t *h = em + db_len;
    int rc;

    if ((rc = hash_parts(hasher, parts, 3, h)) != SCU_OK)
        return rc;
    memset(em, 0, db_len - salt.len - 1);
    em[db_len - salt.len - 1] = 1;
    if (salt.len > 0)
        memcpy(h - salt.len, salt.data, salt.len);
    if ((rc = mask(hasher, h, em, db_len)) != SCU_OK)
        return rc;
    em[0] &= 0x7f; /* one bit less than the modulus */
    h[hasher->size] = 0xbc;
    return SCU_OK;
}

int
rsapad_pss(struct ossl_lib_ctx_st *lib, const struct key_hash *hash,
    const uint8_t *digest, size_t salt_len, uint8_t *em, size_t em_len)
{
    uint8_t salt[KEY_MAX_MODULUS];
    struct hasher hasher = { .size = crypto_hash_size(hash->id) };
    int rc = SCU_E_INTERNAL;

    if (em_len > sizeof(salt) || em_len < hasher.size + 2 ||
        salt_len > em_len - hasher.size - 2)
        return err_set(SCU_E_ARG, "the modulus is too short for PSS");
    (void)ERR_set_mark();
    hasher.md = EVP_MD_fetch(lib, crypto_hash_name(hash->id), NULL);
    hasher.ctx = EVP_MD_CTX_new();
    if (hasher.md == NULL || hasher.ctx == NULL ||
        (salt_len > 0 && RAND_bytes_ex(lib, salt, salt_len, 0) != 1))
        goto out;
    rc = encode_pss(&hasher, digest, (struct bytes){ salt, salt_len }, em,
        em_len);
out:
    EVP_MD_CTX_free(hasher.ctx);
    EVP_MD_free(hasher.md);
    (void)ERR_pop_to_mark();
    if (rc != SCU_OK)
        return err_set(rc, "libcrypto could not make PSS padding");
    return SCU_OK;
}
