/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_SESSION_H
#define PKCS11_SESSION_H

#include "op.h"
#include "slot.h"

/*
 * Sessions
 * --------
 * A session belongs to a slot, has up to one operation of each use, and
 * perhaps a search. Under the module's mutex.
 */
struct p11_session {
    CK_SESSION_HANDLE handle;
    struct p11_slot *slot;
    bool writes; /* CKF_RW_SESSION */
    struct p11_op *op[P11_USES];
    bool searching;
    CK_OBJECT_HANDLE *found; /* what the search has still to give */
    size_t found_count, found_next;
    struct p11_session *next;
};

/*
 * p11_enter() and the session of that handle. Nothing is locked where it is
 * not CKR_OK: CKR_SESSION_HANDLE_INVALID.
 */
CK_RV p11_session_enter(CK_SESSION_HANDLE handle,
    struct p11_session **session);

/* The same, alone on its slot: see p11_slot_enter_alone(). */
CK_RV p11_session_enter_alone(CK_SESSION_HANDLE handle,
    struct p11_session **session);

/* How many are open on a slot, and how many of them write. */
void p11_sessions_count(const struct p11_slot *slot, CK_ULONG *all,
    CK_ULONG *writing);

/* Ends the signatures of all sessions on a slot: their keys are gone. */
void p11_sessions_end_signing(const struct p11_slot *slot);

/* Ends the session's search. */
void p11_session_end_search(struct p11_session *session);

void p11_sessions_clear(void);

/*
 * An operation for as long as a function works on it without the mutex:
 * taken from its session, and put back where it goes on.
 * CKR_OPERATION_NOT_INITIALIZED. p11_session_put() frees it where the session
 * has gone meanwhile.
 */
CK_RV p11_session_take(CK_SESSION_HANDLE handle, enum p11_use use,
    struct p11_op **op);
void p11_session_put(CK_SESSION_HANDLE handle, struct p11_op *op);

#endif
