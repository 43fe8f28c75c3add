/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_MAKE_H
#define PKCS11_MAKE_H

#include "object.h"

/*
 * What C_CreateObject and C_GenerateKeyPair have in common. Whether a session
 * may make an object of a template: CKR_SESSION_READ_ONLY,
 * CKR_TOKEN_NOT_RECOGNIZED (an empty slot), CKR_USER_NOT_LOGGED_IN.
 */
CK_RV p11_may_make(const struct p11_session *session,
    const struct p11_template *t);

/* Adds class and type of what the template makes to its attributes. */
CK_RV p11_set_kind(struct p11_template *t);

#endif
