/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_OBJECT_H
#define PKCS11_OBJECT_H

#include "attr.h"
#include "session.h"

/*
 * Objects
 * -------
 * An entry is what a handle stands for: an object of the store, or one that
 * lives in this process as long as a session does. An object of the store
 * keeps its handle as long as it is seen. Under the module's mutex, apart from
 * p11_objects_free().
 */
struct p11_object;

/* By handle, as the session may see it; NULL otherwise. */
struct p11_object *p11_object_find(const struct p11_session *session,
    CK_OBJECT_HANDLE handle);
/* All that the session may see, in turn: NULL begins and ends. */
struct p11_object *p11_object_next(const struct p11_session *session,
    struct p11_object *object);

/*
 * Makes the entries of a slot those that the store has now. Reading the store
 * may have to wait for the chip, so that is done between the others, without
 * the mutex; p11_listing_end() comes in any case, without it, too.
 */
struct p11_listing {
    struct scu_token *token;
    CK_OBJECT_HANDLE last;
    struct scu_object **found;
    size_t count;
    struct p11_object *gone;
};
void p11_listing_begin(struct p11_listing *l, const struct p11_slot *slot);
CK_RV p11_listing_read(const char *function, struct p11_listing *l);
CK_RV p11_listing_apply(struct p11_listing *l, struct p11_slot *slot);
void p11_listing_end(struct p11_listing *l);

/*
 * New entries. A stored one takes a reference of its own, and gives the
 * handle of an object that is there already. A session's takes over
 * attributes and, where it is not NULL, key; they are gone in any case.
 */
CK_RV p11_object_add_stored(struct p11_slot *slot, struct scu_object *stored,
    CK_OBJECT_HANDLE *handle);
CK_RV p11_object_add_own(const struct p11_session *session,
    struct p11_template *template, struct scu_key *key,
    CK_OBJECT_HANDLE *handle);

/*
 * Takes entries out of the table and puts them before those in *list: all of
 * a session, the private ones of a slot, all of a slot, one. They are freed
 * when the mutex is not held any more, because their keys may be in the chip.
 */
void p11_objects_detach(struct p11_object **list, const struct p11_slot *slot,
    CK_SESSION_HANDLE owner);
void p11_objects_detach_private(struct p11_object **list,
    const struct p11_slot *slot);
void p11_objects_detach_slot(struct p11_object **list,
    const struct p11_slot *slot);
void p11_object_detach(struct p11_object **list, struct p11_object *object);
void p11_objects_free(struct p11_object **list);
void p11_objects_clear(void);

CK_OBJECT_HANDLE p11_object_handle(const struct p11_object *object);
unsigned p11_object_kind(const struct p11_object *object);
/* NULL for a session's object. */
struct scu_object *p11_object_stored(const struct p11_object *object);
/* The private key of a session's object; borrowed, NULL for all others. */
struct scu_key *p11_object_own_key(const struct p11_object *object);
/* Attributes of a session's object. */
struct attrs *p11_object_own(struct p11_object *object);
bool p11_object_is_private(const struct p11_object *object);

/* The value of an attribute, as PKCS#11 has it; borrowed, or in itself. */
struct p11_value {
    const void *data;
    CK_ULONG len;
    CK_ULONG number;
    CK_BBOOL flag;
};

/* CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_SENSITIVE. */
CK_RV p11_object_value(struct p11_object *object, CK_ATTRIBUTE_TYPE type,
    struct p11_value *value);
/* Whether a boolean attribute is there and true. */
bool p11_object_says(struct p11_object *object, CK_ATTRIBUTE_TYPE type);

/*
 * The key to sign with, a reference; CKR_KEY_TYPE_INCONSISTENT,
 * CKR_KEY_FUNCTION_NOT_PERMITTED. The key to verify with, the same.
 */
CK_RV p11_object_sign_key(const char *function, struct p11_object *object,
    struct scu_key **key);
CK_RV p11_object_public_key(struct p11_object *object, EVP_PKEY **key);

#endif
