/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_BENCH_P11_H
#define TESTS_BENCH_P11_H

#include <pkcs11.h>

/*
 * A program's way through a PKCS#11 module, as far as the bench goes. Stands
 * apart from the rest of it: tests/bench/p11-first.c is made of this alone.
 */

/* PINs of the tokens that the bench makes. */
#define P11_SO_PIN "so-12345"
#define P11_PIN "user-12345"

/* How the bench signs, by libscu's names of schemes. */
struct p11_scheme {
    const char *name;
    CK_MECHANISM_TYPE mechanism;
    CK_ULONG in, out; /* octets: what is signed, the signature */
};

struct p11 {
    CK_FUNCTION_LIST *call;
    CK_SLOT_ID slot; /* the first with a token */
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    const struct p11_scheme *scheme;
    const char *step; /* the last that was taken, for messages */
};

/*
 * Each step answers as the module does. A module stays loaded until the
 * process ends.
 */
CK_RV p11_load(struct p11 *p, const char *path);
/* C_Initialize for threads, C_GetSlotList. */
CK_RV p11_start(struct p11 *p);
/* C_OpenSession; read-only where write is CK_FALSE. */
CK_RV p11_open(struct p11 *p, CK_BBOOL write, CK_SESSION_HANDLE *session);
/* C_Login in p->session. */
CK_RV p11_login(struct p11 *p, CK_USER_TYPE user, const char *pin);
/* Searches p->session for a private key and notes how it signs. */
CK_RV p11_find(struct p11 *p, const char *label, const char *scheme);
/* C_SignInit and C_Sign. From any thread, in a session of its own. */
CK_RV p11_sign(const struct p11 *p, CK_SESSION_HANDLE session);

/* All that a program does up to its first signature. */
CK_RV p11_first(struct p11 *p, const char *path, const char *label,
    const char *scheme);

#endif
