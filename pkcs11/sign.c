/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* C_Sign..., C_Verify..., C_Digest...: entry points of the engine. */
#include "crypto.h"
#include "object.h"
#include "session.h"

#include <openssl/evp.h>

static const CK_FLAGS use_flags[P11_USES] = {
    [P11_SIGN] = CKF_SIGN,
    [P11_VERIFY] = CKF_VERIFY,
    [P11_DIGEST] = CKF_DIGEST,
};

/* Gives the operation its key. */
static CK_RV
give_key(struct p11_op *op, struct p11_session *session,
    CK_OBJECT_HANDLE handle)
{
    struct p11_object *object = p11_object_find(session, handle);
    struct scu_key *key = NULL;
    EVP_PKEY *public = NULL;
    CK_RV rv;

    if (object == NULL)
        return CKR_KEY_HANDLE_INVALID;
    if (p11_op_use(op) == P11_SIGN) {
        rv = p11_object_sign_key("C_SignInit", object, &key);
        if (rv == CKR_OK)
            rv = p11_op_set_key(op, key);
        if (rv != CKR_OK)
            scu_key_free(&key);
        return rv;
    }
    rv = p11_object_public_key(object, &public);
    if (rv == CKR_OK)
        rv = p11_op_set_public(op, public);
    if (rv != CKR_OK)
        EVP_PKEY_free(public);
    return rv;
}

static CK_RV
start(enum p11_use use, CK_SESSION_HANDLE handle,
    const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct p11_session *session;
    struct p11_op *op = NULL;
    struct p11_way way;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    if (mechanism == NULL) { /* 3.0: gives the operation up */
        p11_op_free(&session->op[use]);
        p11_leave();
        return CKR_OK;
    }
    if (session->op[use] != NULL)
        rv = CKR_OPERATION_ACTIVE;
    if (rv == CKR_OK)
        rv = p11_way_read(mechanism, use_flags[use], &way);
    if (rv == CKR_OK)
        rv = p11_op_new(use, &way, &op);
    if (rv == CKR_OK && use != P11_DIGEST)
        rv = give_key(op, session, key);
    if (rv == CKR_OK) {
        session->op[use] = op;
        op = NULL;
    }
    p11_op_free(&op);
    p11_leave();
    return rv;
}

static CK_RV
update(enum p11_use use, CK_SESSION_HANDLE handle, const void *data,
    CK_ULONG len)
{
    struct p11_op *op;
    CK_RV rv = p11_session_take(handle, use, &op);

    if (rv != CKR_OK)
        return rv;
    rv = p11_op_update(op, data, len, true);
    if (rv == CKR_OK)
        p11_session_put(handle, op);
    else
        p11_op_free(&op);
    return rv;
}

/* What comes out at the end, for all who have a result. */
struct output {
    const char *function;
    CK_BYTE *data;
    CK_ULONG *len;
};

/*
 * The rule about buffers: who asks for the length, or brings too short a
 * buffer, learns the length, and the operation goes on. whole: data of an
 * operation in one part follow; otherwise they all came before.
 */
static CK_RV
finish(enum p11_use use, CK_SESSION_HANDLE handle,
    const struct scu_attribute *whole, const struct output *out)
{
    struct p11_op *op;
    CK_ULONG room;
    CK_RV rv = p11_session_take(handle, use, &op);

    if (rv != CKR_OK)
        return rv;
    if (out->len == NULL) {
        p11_op_free(&op);
        return CKR_ARGUMENTS_BAD;
    }
    room = *out->len;
    *out->len = p11_op_size(op);
    if (out->data == NULL || room < p11_op_size(op)) {
        p11_session_put(handle, op);
        return out->data == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    if (whole != NULL)
        rv = p11_op_update(op, whole->value, whole->len, false);
    if (rv == CKR_OK)
        rv = p11_op_result(out->function, op, out->data);
    p11_op_free(&op);
    return rv;
}

static CK_RV
verify(CK_SESSION_HANDLE handle, const struct scu_attribute *whole,
    const CK_BYTE *sig, CK_ULONG len)
{
    struct p11_op *op;
    CK_RV rv = p11_session_take(handle, P11_VERIFY, &op);

    if (rv != CKR_OK)
        return rv;
    if (whole != NULL)
        rv = p11_op_update(op, whole->value, whole->len, false);
    if (rv == CKR_OK)
        rv = p11_op_verify(op, sig, len);
    p11_op_free(&op);
    return rv;
}

/* --- signatures ----------------------------------------------------------- */

CK_RV
C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
    return start(P11_SIGN, session, mechanism, key);
}

CK_RV
C_Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len,
    CK_BYTE_PTR sig, CK_ULONG_PTR sig_len)
{
    const struct scu_attribute whole = { .value = data, .len = len };
    const struct output out = { "C_Sign", sig, sig_len };

    return finish(P11_SIGN, session, &whole, &out);
}

CK_RV
C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len)
{
    return update(P11_SIGN, session, data, len);
}

CK_RV
C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR sig, CK_ULONG_PTR sig_len)
{
    const struct output out = { "C_SignFinal", sig, sig_len };

    return finish(P11_SIGN, session, NULL, &out);
}

/* --- verification --------------------------------------------------------- */

CK_RV
C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
    CK_OBJECT_HANDLE key)
{
    return start(P11_VERIFY, session, mechanism, key);
}

CK_RV
C_Verify(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len,
    CK_BYTE_PTR sig, CK_ULONG sig_len)
{
    const struct scu_attribute whole = { .value = data, .len = len };

    return verify(session, &whole, sig, sig_len);
}

CK_RV
C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len)
{
    return update(P11_VERIFY, session, data, len);
}

CK_RV
C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR sig, CK_ULONG sig_len)
{
    return verify(session, NULL, sig, sig_len);
}

/* --- digests: without a login, without the chip --------------------------- */

CK_RV
C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism)
{
    return start(P11_DIGEST, session, mechanism, CK_INVALID_HANDLE);
}

CK_RV
C_Digest(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len,
    CK_BYTE_PTR digest, CK_ULONG_PTR digest_len)
{
    const struct scu_attribute whole = { .value = data, .len = len };
    const struct output out = { "C_Digest", digest, digest_len };

    return finish(P11_DIGEST, session, &whole, &out);
}

CK_RV
C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG len)
{
    return update(P11_DIGEST, session, data, len);
}

CK_RV
C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE_PTR digest,
    CK_ULONG_PTR digest_len)
{
    const struct output out = { "C_DigestFinal", digest, digest_len };

    return finish(P11_DIGEST, session, NULL, &out);
}
