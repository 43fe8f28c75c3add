/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_OP_H
#define PKCS11_OP_H

#include "mech.h"

/*
 * The engine
 * ----------
 * One way for all of C_Sign..., C_Verify... and C_Digest...: data come in,
 * all at once or in parts, are hashed or collected, and at the end there is a
 * signature, a digest, or a verdict. No mutex is held; an operation is one
 * thread's at a time.
 */
enum p11_use {
    P11_SIGN,
    P11_VERIFY,
    P11_DIGEST,
    P11_USES,
};

struct p11_op;

/* CKR_HOST_MEMORY, CKR_MECHANISM_INVALID. The caller frees it. */
CK_RV p11_op_new(enum p11_use use, const struct p11_way *way,
    struct p11_op **op);
/* Takes NULL, nulls the pointer. A signing key's reference is given back. */
void p11_op_free(struct p11_op **op);

enum p11_use p11_op_use(const struct p11_op *op);

/*
 * The key: for signatures a reference, which the operation then owns; for
 * verification the public key, the same. An error leaves it with the caller:
 * CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE, CKR_MECHANISM_PARAM_INVALID
 * for a salt that it cannot hold.
 */
CK_RV p11_op_set_key(struct p11_op *op, struct scu_key *key);
CK_RV p11_op_set_public(struct p11_op *op, EVP_PKEY *key);

/* Octets that a result has, known from the beginning. */
size_t p11_op_size(const struct p11_op *op);

/*
 * More data. part: of several, after which the whole cannot come at once any
 * more (CKR_OPERATION_ACTIVE). CKR_DATA_LEN_RANGE.
 */
CK_RV p11_op_update(struct p11_op *op, const void *data, size_t len,
    bool part);

/* Signature or digest, p11_op_size() octets. One command of the chip. */
CK_RV p11_op_result(const char *function, struct p11_op *op, uint8_t *out);

/* CKR_OK, CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE. */
CK_RV p11_op_verify(struct p11_op *op, const uint8_t *sig, size_t len);

#endif
