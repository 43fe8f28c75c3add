/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_OBJECT_PRIVATE_H
#define PKCS11_OBJECT_PRIVATE_H

#include "object.h"

/* Of object.c (the table) and value.c (the attributes) only. */
struct p11_object {
    CK_OBJECT_HANDLE handle;
    struct p11_slot *slot;
    CK_SESSION_HANDLE owner;   /* 0: an object of the store */
    struct scu_object *stored; /* NULL: a session's object */
    struct scu_key *key;       /* NULL: none, or not wanted yet */
    unsigned kind;
    bool private;
    bool completed;            /* computed attributes are in own */
    bool seen;                 /* by the refresh that is going on */
    struct attrs own;
    struct p11_object *next;
};

/* 0 where it is none that the module knows. */
unsigned p11_stored_kind(struct scu_object *stored);

#endif
