/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_P11_H
#define PKCS11_P11_H

#include <openssl/types.h>
#include <pkcs11.h>
#include <scu/token.h>

/*
 * The PKCS#11 module
 * ------------------
 * A slot is a token of the chip's store. Tables of slots, sessions and object
 * handles stand under one mutex of the module. What talks to the chip takes
 * the references that it needs, gives the mutex back, and then works; so a
 * slow chip holds up nobody who only looks at tables.
 *
 * An entry point is a function C_...; those of a subject are in one file. All
 * begin with p11_enter() and end with p11_leave() around what they do to the
 * tables.
 */

/* Locks the module. CKR_CRYPTOKI_NOT_INITIALIZED, unlocked, where it is not. */
CK_RV p11_enter(void);
void p11_leave(void);

/*
 * Between the two: waits until p11_changed(), without the mutex meanwhile.
 * Nothing found before is there for sure behind it.
 */
void p11_wait(void);
void p11_changed(void);

/* The chip; lives until C_Finalize. Between enter and leave. */
struct scu_chip *p11_chip(void);

/*
 * A library context of our own, in which all hashing and public-key work is
 * done: the application may be OpenSSL itself and use us as its provider or
 * engine, and its default context would lead back here. Made at the first
 * call, lives until C_Finalize; any thread. NULL where memory is short.
 */
OSSL_LIB_CTX *p11_libctx(void);

/*
 * The image in PKCS#11 of an error of libscu, from the list in scu/error.h.
 * p11_rv() only maps it; p11_failed() also writes the one line that PKCS#11
 * has no place for: function, text of the error, what happened. It is called
 * right after the call of libscu that failed, in its thread.
 */
CK_RV p11_rv(int rc);
CK_RV p11_failed(const char *function, int rc);

/*
 * The same for what is done to a token as a whole: when that is not found, it
 * was removed, or its store was (CKR_DEVICE_REMOVED).
 */
CK_RV p11_token_failed(const char *function, int rc);

/* Notes at level "info" why an application's request is refused; returns rv. */
CK_RV p11_refuse(CK_RV rv, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fills a field of text, padded with blanks and not terminated. */
void p11_pad(CK_UTF8CHAR *field, size_t size, const char *text);

/* The function lists, for C_GetFunctionList and tests. */
extern CK_FUNCTION_LIST p11_functions;
extern CK_FUNCTION_LIST_3_0 p11_functions_3_0;

#endif
