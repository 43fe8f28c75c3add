/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

#include "object.h"

#include <stdlib.h>
#include <string.h>

static struct p11_session *sessions;
static CK_SESSION_HANDLE last_handle;

void
p11_session_end_search(struct p11_session *session)
{
    free(session->found);
    session->found = NULL;
    session->found_count = session->found_next = 0;
    session->searching = false;
}

static void
free_session(struct p11_session *session)
{
    for (size_t i = 0; i < P11_USES; i++)
        p11_op_free(&session->op[i]);
    p11_session_end_search(session);
    free(session);
}

void
p11_sessions_clear(void)
{
    while (sessions != NULL) {
        struct p11_session *next = sessions->next;

        free_session(sessions);
        sessions = next;
    }
}

static struct p11_session *
find(CK_SESSION_HANDLE handle)
{
    struct p11_session *session = sessions;

    while (session != NULL && session->handle != handle)
        session = session->next;
    return session;
}

CK_RV
p11_session_enter(CK_SESSION_HANDLE handle, struct p11_session **session)
{
    CK_RV rv = p11_enter();

    if (rv != CKR_OK)
        return rv;
    *session = find(handle);
    if (*session != NULL)
        return CKR_OK;
    p11_leave();
    return CKR_SESSION_HANDLE_INVALID;
}

void
p11_sessions_count(const struct p11_slot *slot, CK_ULONG *all,
    CK_ULONG *writing)
{
    *all = *writing = 0;
    for (const struct p11_session *s = sessions; s != NULL; s = s->next)
        if (s->slot == slot) {
            (*all)++;
            *writing += s->writes;
        }
}

void
p11_sessions_end_signing(const struct p11_slot *slot)
{
    for (struct p11_session *s = sessions; s != NULL; s = s->next)
        if (s->slot == slot)
            p11_op_free(&s->op[P11_SIGN]);
}

CK_RV
p11_session_enter_alone(CK_SESSION_HANDLE handle,
    struct p11_session **session)
{
    CK_RV rv = p11_session_enter(handle, session);

    while (rv == CKR_OK && (*session)->slot->settling) {
        p11_wait();
        p11_leave();
        rv = p11_session_enter(handle, session);
    }
    if (rv == CKR_OK)
        (*session)->slot->settling = true;
    return rv;
}

CK_RV
p11_session_take(CK_SESSION_HANDLE handle, enum p11_use use,
    struct p11_op **op)
{
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    *op = session->op[use];
    session->op[use] = NULL;
    p11_leave();
    return *op != NULL ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
}

void
p11_session_put(CK_SESSION_HANDLE handle, struct p11_op *op)
{
    struct p11_session *session;

    if (p11_session_enter(handle, &session) == CKR_OK) {
        if (session->op[p11_op_use(op)] == NULL) {
            session->op[p11_op_use(op)] = op;
            op = NULL;
        }
        p11_leave();
    }
    p11_op_free(&op);
}

/* --- opening and closing -------------------------------------------------- */

static CK_RV
open_session(struct p11_slot *slot, bool writes, CK_SESSION_HANDLE *handle)
{
    struct p11_session *session;

    if (!writes && p11_slot_logged_in(slot, SCU_USER_SO))
        return CKR_SESSION_READ_WRITE_SO_EXISTS;
    session = calloc(1, sizeof(*session));
    if (session == NULL)
        return CKR_HOST_MEMORY;
    session->handle = ++last_handle;
    session->slot = slot;
    session->writes = writes;
    session->next = sessions;
    sessions = session;
    *handle = session->handle;
    return CKR_OK;
}

CK_RV
C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, CK_VOID_PTR application,
    CK_NOTIFY notify, CK_SESSION_HANDLE_PTR handle)
{
    struct p11_slot *slot;
    CK_RV rv = p11_slot_enter(id, &slot);

    (void)application;
    (void)notify;
    if (rv != CKR_OK)
        return rv;
    if (handle == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if ((flags & CKF_SERIAL_SESSION) == 0)
        rv = CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    else
        rv = open_session(slot, (flags & CKF_RW_SESSION) != 0, handle);
    p11_leave();
    return rv;
}

/*
 * Closes the sessions of a slot that we are alone on, or one of them; with the
 * last one the login ends. Leaves the module and the slot: what has to do with
 * the chip comes without the mutex.
 */
static void
close_and_leave(struct p11_slot *slot, CK_SESSION_HANDLE only)
{
    struct p11_session **at = &sessions;
    struct p11_object *objects = NULL;
    struct scu_token *token = NULL;
    CK_ULONG all, writing;

    while (*at != NULL) {
        struct p11_session *s = *at;

        if (s->slot != slot || (only != 0 && s->handle != only)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        p11_objects_detach(&objects, slot, s->handle);
        free_session(s);
    }
    p11_sessions_count(slot, &all, &writing);
    if (all == 0) {
        token = p11_slot_log_out(slot);
        p11_objects_detach_private(&objects, slot);
    }
    p11_leave();
    p11_objects_free(&objects);
    if (token != NULL)
        scu_token_logout(token);
    scu_token_free(&token);
    p11_slot_settled(slot);
}

CK_RV
C_CloseSession(CK_SESSION_HANDLE handle)
{
    struct p11_session *session;
    CK_RV rv = p11_session_enter_alone(handle, &session);

    if (rv == CKR_OK)
        close_and_leave(session->slot, handle);
    return rv;
}

CK_RV
C_CloseAllSessions(CK_SLOT_ID id)
{
    struct p11_slot *slot;
    CK_RV rv = p11_slot_enter_alone(id, &slot);

    if (rv == CKR_OK)
        close_and_leave(slot, 0);
    return rv;
}

static CK_STATE
state_of(const struct p11_session *session)
{
    if (p11_slot_logged_in(session->slot, SCU_USER_SO))
        return CKS_RW_SO_FUNCTIONS;
    if (p11_slot_logged_in(session->slot, SCU_USER_NORMAL))
        return session->writes ? CKS_RW_USER_FUNCTIONS :
            CKS_RO_USER_FUNCTIONS;
    return session->writes ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

CK_RV
C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO_PTR info)
{
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    if (info == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else
        *info = (CK_SESSION_INFO){
            .slotID = session->slot->id,
            .state = state_of(session),
            .flags = CKF_SERIAL_SESSION |
                (session->writes ? CKF_RW_SESSION : 0),
        };
    p11_leave();
    return rv;
}

CK_RV
C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
    static const CK_FLAGS uses[P11_USES] = {
        [P11_SIGN] = CKF_SIGN,
        [P11_VERIFY] = CKF_VERIFY,
        [P11_DIGEST] = CKF_DIGEST,
    };
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    for (size_t i = 0; i < P11_USES; i++)
        if ((flags & uses[i]) != 0)
            p11_op_free(&session->op[i]);
    if ((flags & CKF_FIND_OBJECTS) != 0)
        p11_session_end_search(session);
    p11_leave();
    return CKR_OK;
}
