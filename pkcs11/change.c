/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* C_SetAttributeValue, C_DestroyObject. */
#include "object.h"

/* Whether a session may write to an object at all. */
static CK_RV
may_write(const struct p11_session *session, struct p11_object *object,
    CK_ATTRIBUTE_TYPE permission)
{
    if (object == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    if (p11_object_stored(object) != NULL && !session->writes)
        return CKR_SESSION_READ_ONLY;
    return p11_object_says(object, permission) ? CKR_OK :
        CKR_ACTION_PROHIBITED;
}

static CK_RV
change(struct p11_object *object, const CK_ATTRIBUTE *attributes,
    CK_ULONG count)
{
    struct p11_template t = { .kind = p11_object_kind(object) };
    struct scu_object *stored = p11_object_stored(object);
    CK_RV rv = p11_template_read(&t, P11_MODIFY, attributes, count);

    if (rv == CKR_OK && stored != NULL)
        rv = p11_failed("C_SetAttributeValue",
            scu_object_update(stored, t.attrs.item, t.attrs.count));
    for (size_t i = 0; rv == CKR_OK && stored == NULL && i < t.attrs.count; i++)
        rv = p11_attrs_set(p11_object_own(object), t.attrs.item[i].type,
            t.attrs.item[i].value, t.attrs.item[i].len);
    p11_template_clear(&t);
    return rv;
}

CK_RV
C_SetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE which,
    CK_ATTRIBUTE_PTR template, CK_ULONG count)
{
    struct p11_session *session;
    struct p11_object *object;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    object = p11_object_find(session, which);
    rv = may_write(session, object, CKA_MODIFIABLE);
    if (rv == CKR_OK)
        rv = change(object, template, count);
    p11_leave();
    return rv;
}

CK_RV
C_DestroyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE which)
{
    struct p11_object *object, *gone = NULL;
    struct p11_session *session;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    object = p11_object_find(session, which);
    rv = may_write(session, object, CKA_DESTROYABLE);
    if (rv == CKR_OK && p11_object_stored(object) != NULL)
        rv = p11_failed("C_DestroyObject",
            scu_object_delete(p11_object_stored(object)));
    if (rv == CKR_OK)
        p11_object_detach(&gone, object);
    p11_leave();
    p11_objects_free(&gone);
    return rv;
}
