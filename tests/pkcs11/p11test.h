/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PKCS11_P11TEST_H
#define TESTS_PKCS11_P11TEST_H

#include "p11.h"
#include "tests/pkcs11/fakescu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/*
 * What the tests of the module have in common. A test begins with a module
 * that is initialised, on a store with the token "one" and its two PINs, and a
 * session that writes; *state points to the session's handle.
 */
#define SO_PIN "sopin"
#define USER_PIN "userpin"

int p11_setup(void **state);
/* The same on an empty store, without a session. */
int p11_setup_empty(void **state);
/* Finalizes, and finds what was not given back. */
int p11_teardown(void **state);

#define P11_TEST(name) \
    cmocka_unit_test_setup_teardown(name, p11_setup, p11_teardown)
#define P11_TEST_EMPTY(name) \
    cmocka_unit_test_setup_teardown(name, p11_setup_empty, p11_teardown)

CK_SESSION_HANDLE p11_session_of(void **state);
void p11_log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user);
CK_SLOT_ID p11_first_slot(void);

/* Key pairs with label "key" and CKA_ID 1. curve: 256 or 384; bits: RSA. */
struct p11_pair {
    CK_OBJECT_HANDLE public, private;
};
struct p11_pair p11_make_ec(CK_SESSION_HANDLE session, unsigned curve,
    bool token);
struct p11_pair p11_make_rsa(CK_SESSION_HANDLE session, bool token);

/* How many objects of a class are found. */
CK_ULONG p11_count(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class);

/* An attribute's value, at most size octets; its length. */
CK_ULONG p11_get(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *value, size_t size);
CK_ULONG p11_get_ulong(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type);
CK_BBOOL p11_get_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type);

extern CK_BBOOL p11_true, p11_false;
extern CK_BYTE p11_p256[10], p11_p384[7];

#define STRING(s) (CK_UTF8CHAR *)(uintptr_t)(s)
#define ATTR(t, v) { .type = t, .pValue = &(v), .ulValueLen = sizeof(v) }
#define TEXT(t, s) \
    { .type = t, .pValue = STRING(s), .ulValueLen = sizeof(s) - 1 }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
