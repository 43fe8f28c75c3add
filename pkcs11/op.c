/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "op.h"

#include "crypto.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* What is signed as it is, is no longer than a modulus. */
#define DATA_MAX 512
/* Of PKCS#1 1.5: 00 01, eight or more FF, 00. */
#define PKCS1_OVERHEAD 11

struct p11_op {
    enum p11_use use;
    struct p11_way way;
    struct scu_key *key; /* signs */
    EVP_PKEY *public;    /* verifies */
    size_t size;         /* of signature or digest */
    bool parted;
    EVP_MD_CTX *md;      /* NULL: data are collected below */
    uint8_t data[DATA_MAX];
    size_t len;
};

static bool
start_hash(struct p11_op *op)
{
    EVP_MD *md = EVP_MD_fetch(p11_libctx(), op->way.hash->name, NULL);
    bool ok;

    op->md = EVP_MD_CTX_new();
    ok = md != NULL && op->md != NULL &&
        EVP_DigestInit_ex2(op->md, md, NULL) == 1;
    EVP_MD_free(md);
    return ok;
}

CK_RV
p11_op_new(enum p11_use use, const struct p11_way *way, struct p11_op **op)
{
    struct p11_op *new = calloc(1, sizeof(*new));

    if (new == NULL)
        return CKR_HOST_MEMORY;
    new->use = use;
    new->way = *way;
    if (p11_libctx() == NULL || (way->mech->hash != NULL && !start_hash(new))) {
        p11_op_free(&new);
        return CKR_HOST_MEMORY;
    }
    if (use == P11_DIGEST)
        new->size = way->hash->size;
    *op = new;
    return CKR_OK;
}

void
p11_op_free(struct p11_op **op)
{
    struct p11_op *old = op == NULL ? NULL : *op;

    if (old == NULL)
        return;
    EVP_MD_CTX_free(old->md);
    EVP_PKEY_free(old->public);
    scu_key_free(&old->key);
    explicit_bzero(old, sizeof(*old));
    free(old);
    *op = NULL;
}

enum p11_use
p11_op_use(const struct p11_op *op)
{
    return op->use;
}

size_t
p11_op_size(const struct p11_op *op)
{
    return op->size;
}

/* A modulus holds a hash, a salt and two octets, or PKCS#1's padding. */
static CK_RV
check_size(const struct p11_op *op, size_t size)
{
    const struct p11_way *way = &op->way;

    if (way->mech->kind != SCU_KIND_RSA)
        return CKR_OK;
    if (!way->mech->pss)
        return size > PKCS1_OVERHEAD ? CKR_OK : CKR_KEY_SIZE_RANGE;
    if (size < way->hash->size + 2)
        return CKR_KEY_SIZE_RANGE;
    return (size_t)way->salt <= size - 2 - way->hash->size ? CKR_OK :
        p11_refuse(CKR_MECHANISM_PARAM_INVALID, "a key of %zu bits has no "
            "room for a salt of %d octets", 8 * size, way->salt);
}

CK_RV
p11_op_set_key(struct p11_op *op, struct scu_key *key)
{
    struct scu_public public;
    CK_RV rv;

    scu_key_public(key, &public);
    if (public.kind != op->way.mech->kind)
        return CKR_KEY_TYPE_INCONSISTENT;
    rv = check_size(op, public.n_len);
    if (rv != CKR_OK)
        return rv;
    op->size = public.kind == SCU_KIND_EC ? 2 * public.xy_len : public.n_len;
    op->key = key;
    return CKR_OK;
}

CK_RV
p11_op_set_public(struct p11_op *op, EVP_PKEY *key)
{
    bool ec = op->way.mech->kind == SCU_KIND_EC;
    CK_RV rv;

    if (!EVP_PKEY_is_a(key, ec ? "EC" : "RSA"))
        return CKR_KEY_TYPE_INCONSISTENT;
    rv = check_size(op, (size_t)EVP_PKEY_get_size(key));
    if (rv != CKR_OK)
        return rv;
    op->size = ec ? 2 * (((size_t)EVP_PKEY_get_bits(key) + 7) / 8) :
        (size_t)EVP_PKEY_get_size(key);
    op->public = key;
    return CKR_OK;
}

CK_RV
p11_op_update(struct p11_op *op, const void *data, size_t len, bool part)
{
    if (!part && op->parted)
        return CKR_OPERATION_ACTIVE;
    op->parted = part;
    if (len == 0)
        return CKR_OK;
    if (data == NULL)
        return CKR_ARGUMENTS_BAD;
    if (op->md != NULL)
        return EVP_DigestUpdate(op->md, data, len) == 1 ? CKR_OK :
            CKR_FUNCTION_FAILED;
    if (len > sizeof(op->data) - op->len)
        return CKR_DATA_LEN_RANGE;
    memcpy(op->data + op->len, data, len);
    op->len += len;
    return CKR_OK;
}

/* The digest, or the data as they came, in op->data. */
static CK_RV
finish_data(struct p11_op *op)
{
    unsigned len = 0;

    if (op->md != NULL) {
        if (EVP_DigestFinal_ex(op->md, op->data, &len) != 1)
            return CKR_FUNCTION_FAILED;
        op->len = len;
        return CKR_OK;
    }
    if (op->way.mech->pss)
        return op->len == op->way.hash->size ? CKR_OK : CKR_DATA_LEN_RANGE;
    if (op->way.mech->kind == SCU_KIND_RSA)
        return op->len <= op->size - PKCS1_OVERHEAD ? CKR_OK :
            CKR_DATA_LEN_RANGE;
    return op->len > 0 ? CKR_OK : CKR_DATA_LEN_RANGE;
}

static CK_RV
sign(const char *function, struct p11_op *op, uint8_t *out)
{
    size_t len = scu_key_signature_size(op->key);
    uint8_t *sig = malloc(len);
    CK_RV rv = CKR_FUNCTION_FAILED;
    int rc;

    if (sig == NULL)
        return CKR_HOST_MEMORY;
    rc = scu_key_sign(op->key, op->way.scheme, op->way.salt, op->data,
        op->len, sig, &len);
    if (rc != SCU_OK)
        rv = p11_failed(function, rc);
    else if (op->way.mech->kind == SCU_KIND_EC)
        rv = p11_ecdsa_to_raw(sig, len, out, op->size / 2) ? CKR_OK :
            CKR_FUNCTION_FAILED;
    else if (len == op->size) {
        memcpy(out, sig, len);
        rv = CKR_OK;
    }
    free(sig);
    return rv;
}

CK_RV
p11_op_result(const char *function, struct p11_op *op, uint8_t *out)
{
    CK_RV rv = finish_data(op);

    if (rv != CKR_OK)
        return rv;
    if (op->use == P11_SIGN)
        return sign(function, op, out);
    memcpy(out, op->data, op->len);
    return CKR_OK;
}

CK_RV
p11_op_verify(struct p11_op *op, const uint8_t *sig, size_t len)
{
    struct scu_attribute data = { .value = op->data };
    struct scu_attribute signature = { .value = sig, .len = len };
    uint8_t *der = NULL;
    CK_RV rv;

    if (sig == NULL)
        return CKR_ARGUMENTS_BAD;
    if (len != op->size)
        return CKR_SIGNATURE_LEN_RANGE;
    rv = finish_data(op);
    if (rv != CKR_OK)
        return rv;
    data.len = op->len;
    if (op->way.mech->kind == SCU_KIND_EC) {
        der = malloc(p11_ecdsa_der_max(len / 2));
        if (der == NULL)
            return CKR_HOST_MEMORY;
        signature.value = der;
        signature.len = p11_ecdsa_to_der(sig, len / 2, der);
    }
    rv = p11_verify(op->public, &op->way, &data, &signature);
    free(der);
    return rv;
}
