/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Reading and searching objects. */
#include "object.h"

#include <stdlib.h>
#include <string.h>

/* --- attributes ----------------------------------------------------------- */

static CK_RV
read_one(struct p11_object *object, CK_ATTRIBUTE *a)
{
    struct p11_value value = { 0 };
    CK_ULONG room = a->ulValueLen;
    CK_RV rv = p11_object_value(object, a->type, &value);

    a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (rv != CKR_OK)
        return rv;
    if (a->pValue != NULL) {
        if (room < value.len)
            return CKR_BUFFER_TOO_SMALL;
        if (value.len > 0)
            memcpy(a->pValue, value.data, value.len);
    }
    a->ulValueLen = value.len;
    return CKR_OK;
}

/* Each attribute is answered; the last one that failed says how. */
CK_RV
C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE which,
    CK_ATTRIBUTE_PTR template, CK_ULONG count)
{
    struct p11_session *session;
    struct p11_object *object;
    CK_RV rv = p11_session_enter(handle, &session), one;

    if (rv != CKR_OK)
        return rv;
    object = p11_object_find(session, which);
    if (object == NULL)
        rv = CKR_OBJECT_HANDLE_INVALID;
    else if (template == NULL && count > 0)
        rv = CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; object != NULL && template != NULL && i < count; i++) {
        one = read_one(object, &template[i]);
        if (one != CKR_OK)
            rv = one;
    }
    p11_leave();
    return rv;
}

CK_RV
C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE which,
    CK_ULONG_PTR size)
{
    const struct p11_rule *rule;
    struct p11_session *session;
    struct p11_object *object;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    object = p11_object_find(session, which);
    if (object == NULL)
        rv = CKR_OBJECT_HANDLE_INVALID;
    else if (size == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else
        *size = 0;
    for (size_t i = 0; rv == CKR_OK && (rule = p11_rule_at(i)) != NULL; i++) {
        struct p11_value value = { 0 };

        if (p11_object_value(object, rule->type, &value) == CKR_OK &&
            p11_rule_find(p11_object_kind(object), rule->type) == rule)
            *size += value.len;
    }
    p11_leave();
    return rv;
}

/* --- search --------------------------------------------------------------- */

static bool
matches(struct p11_object *object, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        const CK_ATTRIBUTE *a = &template[i];
        struct p11_value value = { 0 };

        if (p11_object_value(object, a->type, &value) != CKR_OK ||
            value.len != a->ulValueLen)
            return false;
        if (value.len > 0 && (a->pValue == NULL ||
            memcmp(value.data, a->pValue, value.len) != 0))
            return false;
    }
    return true;
}

/* Notes all that match. */
static CK_RV
collect(struct p11_session *session, const CK_ATTRIBUTE *template,
    CK_ULONG count)
{
    struct p11_object *object = NULL;
    CK_OBJECT_HANDLE *more;
    size_t room = 0;

    while ((object = p11_object_next(session, object)) != NULL) {
        if (!matches(object, template, count))
            continue;
        if (session->found_count == room) {
            room = room == 0 ? 16 : 2 * room;
            more = reallocarray(session->found, room, sizeof(*more));
            if (more == NULL) {
                p11_session_end_search(session);
                return CKR_HOST_MEMORY;
            }
            session->found = more;
        }
        session->found[session->found_count++] = p11_object_handle(object);
    }
    session->searching = true;
    return CKR_OK;
}

CK_RV
C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE_PTR template,
    CK_ULONG count)
{
    struct p11_listing listing = { 0 };
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    if (session->searching)
        rv = CKR_OPERATION_ACTIVE;
    else if (template == NULL && count > 0)
        rv = CKR_ARGUMENTS_BAD;
    else
        p11_listing_begin(&listing, session->slot);
    p11_leave();
    if (rv == CKR_OK)
        rv = p11_listing_read("C_FindObjectsInit", &listing);
    if (rv == CKR_OK)
        rv = p11_session_enter(handle, &session);
    if (rv == CKR_OK) {
        rv = session->searching ? CKR_OPERATION_ACTIVE :
            p11_listing_apply(&listing, session->slot);
        if (rv == CKR_OK)
            rv = collect(session, template, count);
        p11_leave();
    }
    p11_listing_end(&listing);
    return rv;
}

CK_RV
C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE_PTR list,
    CK_ULONG max, CK_ULONG_PTR count)
{
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);
    size_t n;

    if (rv != CKR_OK)
        return rv;
    if (!session->searching)
        rv = CKR_OPERATION_NOT_INITIALIZED;
    else if (list == NULL || count == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else {
        n = session->found_count - session->found_next;
        if (n > max)
            n = max;
        if (n > 0)
            memcpy(list, session->found + session->found_next,
                n * sizeof(*list));
        session->found_next += n;
        *count = n;
    }
    p11_leave();
    return rv;
}

CK_RV
C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    if (!session->searching)
        rv = CKR_OPERATION_NOT_INITIALIZED;
    p11_session_end_search(session);
    p11_leave();
    return rv;
}
