/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The table of object handles. */
#include "object-private.h"

#include <stdlib.h>

static struct p11_object *objects;
static CK_OBJECT_HANDLE last_handle;

/* --- looking -------------------------------------------------------------- */

static bool
may_see(const struct p11_session *session, const struct p11_object *object)
{
    return object->slot == session->slot && (!object->private ||
        p11_slot_logged_in(object->slot, SCU_USER_NORMAL));
}

struct p11_object *
p11_object_next(const struct p11_session *session, struct p11_object *object)
{
    object = object == NULL ? objects : object->next;
    while (object != NULL && !may_see(session, object))
        object = object->next;
    return object;
}

struct p11_object *
p11_object_find(const struct p11_session *session, CK_OBJECT_HANDLE handle)
{
    struct p11_object *object = p11_object_next(session, NULL);

    while (object != NULL && object->handle != handle)
        object = p11_object_next(session, object);
    return object;
}

CK_OBJECT_HANDLE
p11_object_handle(const struct p11_object *object)
{
    return object->handle;
}

unsigned
p11_object_kind(const struct p11_object *object)
{
    return object->kind;
}

struct scu_object *
p11_object_stored(const struct p11_object *object)
{
    return object->stored;
}

struct scu_key *
p11_object_own_key(const struct p11_object *object)
{
    return object->stored == NULL ? object->key : NULL;
}

struct attrs *
p11_object_own(struct p11_object *object)
{
    return &object->own;
}

bool
p11_object_is_private(const struct p11_object *object)
{
    return object->private;
}

/* --- coming --------------------------------------------------------------- */

/* Entries stand in the order in which they came, that of the store. */
static struct p11_object *
add(struct p11_slot *slot, unsigned kind)
{
    struct p11_object **end = &objects, *object = calloc(1, sizeof(*object));

    if (object == NULL)
        return NULL;
    while (*end != NULL)
        end = &(*end)->next;
    *end = object;
    object->handle = ++last_handle;
    object->slot = slot;
    object->kind = kind;
    return object;
}

static struct p11_object *
find_stored(const struct p11_slot *slot, uint64_t id)
{
    struct p11_object *object = objects;

    while (object != NULL && (object->slot != slot ||
        object->stored == NULL || scu_object_id(object->stored) != id))
        object = object->next;
    return object;
}

/* The key stays loaded in the chip; what is new may be new attributes. */
static void
renew(struct p11_object *object, struct scu_object *stored)
{
    struct scu_object *old = object->stored;

    object->stored = scu_object_ref(stored);
    scu_object_free(&old);
    if (object->kind & P11_PUBLIC) {
        attrs_clear(&object->own);
        object->completed = false;
    }
}

CK_RV
p11_object_add_stored(struct p11_slot *slot, struct scu_object *stored,
    CK_OBJECT_HANDLE *handle)
{
    struct p11_object *object = find_stored(slot, scu_object_id(stored));
    unsigned kind;

    *handle = CK_INVALID_HANDLE;
    if (object != NULL)
        renew(object, stored);
    else {
        kind = p11_stored_kind(stored);
        if (kind == 0) /* of a later version: not ours to show */
            return CKR_OK;
        object = add(slot, kind);
        if (object == NULL)
            return CKR_HOST_MEMORY;
        object->stored = scu_object_ref(stored);
        object->private = scu_object_is_private(stored);
    }
    object->seen = true;
    *handle = object->handle;
    return CKR_OK;
}

CK_RV
p11_object_add_own(const struct p11_session *session,
    struct p11_template *template, struct scu_key *key,
    CK_OBJECT_HANDLE *handle)
{
    struct p11_object *object = add(session->slot, template->kind);

    if (object == NULL) {
        scu_key_free(&key);
        return CKR_HOST_MEMORY;
    }
    object->owner = session->handle;
    object->private = template->private;
    object->key = key;
    object->own = template->attrs;
    template->attrs = (struct attrs){ 0 };
    *handle = object->handle;
    return CKR_OK;
}

void
p11_listing_begin(struct p11_listing *l, const struct p11_slot *slot)
{
    *l = (struct p11_listing){ .last = last_handle };
    (void)p11_slot_token(slot, &l->token);
}

CK_RV
p11_listing_read(const char *function, struct p11_listing *l)
{
    /* An empty slot has no objects. */
    return l->token == NULL ? CKR_OK :
        p11_token_failed(function, scu_object_list(l->token, &l->found,
            &l->count));
}

/* What came after the reading began is not missing in it. */
CK_RV
p11_listing_apply(struct p11_listing *l, struct p11_slot *slot)
{
    bool user = p11_slot_logged_in(slot, SCU_USER_NORMAL);
    CK_OBJECT_HANDLE handle;
    struct p11_object *next;
    CK_RV rv = CKR_OK;

    for (struct p11_object *o = objects; o != NULL; o = o->next)
        o->seen = o->slot != slot || o->stored == NULL || o->handle > l->last;
    for (size_t i = 0; i < l->count && rv == CKR_OK; i++)
        if (user || !scu_object_is_private(l->found[i]))
            rv = p11_object_add_stored(slot, l->found[i], &handle);
    for (struct p11_object *o = objects; o != NULL && rv == CKR_OK; o = next) {
        next = o->next;
        if (!o->seen)
            p11_object_detach(&l->gone, o);
    }
    return rv;
}

void
p11_listing_end(struct p11_listing *l)
{
    p11_objects_free(&l->gone);
    scu_object_list_free(&l->found, l->count);
    scu_token_free(&l->token);
}

/* --- going ---------------------------------------------------------------- */

typedef bool condition(const struct p11_object *object,
    const struct p11_slot *slot, CK_SESSION_HANDLE owner);

static void
detach(struct p11_object **list, condition *goes, const struct p11_slot *slot,
    CK_SESSION_HANDLE owner)
{
    struct p11_object **at = &objects;

    while (*at != NULL) {
        struct p11_object *object = *at;

        if (!goes(object, slot, owner)) {
            at = &object->next;
            continue;
        }
        *at = object->next;
        object->next = *list;
        *list = object;
    }
}

static bool
is_owned(const struct p11_object *object, const struct p11_slot *slot,
    CK_SESSION_HANDLE owner)
{
    return object->slot == slot && object->owner == owner;
}

static bool
is_private(const struct p11_object *object, const struct p11_slot *slot,
    CK_SESSION_HANDLE owner)
{
    (void)owner;
    return object->slot == slot && object->private;
}

static bool
is_of_slot(const struct p11_object *object, const struct p11_slot *slot,
    CK_SESSION_HANDLE owner)
{
    (void)owner;
    return object->slot == slot;
}

void
p11_objects_detach(struct p11_object **list, const struct p11_slot *slot,
    CK_SESSION_HANDLE owner)
{
    detach(list, is_owned, slot, owner);
}

void
p11_objects_detach_private(struct p11_object **list,
    const struct p11_slot *slot)
{
    detach(list, is_private, slot, 0);
}

void
p11_objects_detach_slot(struct p11_object **list, const struct p11_slot *slot)
{
    detach(list, is_of_slot, slot, 0);
}

void
p11_object_detach(struct p11_object **list, struct p11_object *object)
{
    struct p11_object **at = &objects;

    while (*at != NULL && *at != object)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = object->next;
    object->next = *list;
    *list = object;
}

void
p11_objects_free(struct p11_object **list)
{
    while (*list != NULL) {
        struct p11_object *next = (*list)->next;

        scu_key_free(&(*list)->key);
        scu_object_free(&(*list)->stored);
        attrs_clear(&(*list)->own);
        free(*list);
        *list = next;
    }
}

void
p11_objects_clear(void)
{
    p11_objects_free(&objects);
}
