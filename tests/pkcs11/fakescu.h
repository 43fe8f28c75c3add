/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PKCS11_FAKESCU_H
#define TESTS_PKCS11_FAKESCU_H

#include <scu/token.h>
#include <stdatomic.h>

/*
 * A libscu without a chip and without a disk, linked in its place: tokens and
 * objects in memory, keys in software. Like the real one it gives new structs
 * for each listing, and its counters outlive them. Its tables, references and
 * counters may be used by several threads; what tests set, before there are.
 */

/* Empties the store. */
void fake_reset(void);

/* The next call of a function with this name fails so, once. */
void fake_fail(const char *function, int rc);

/* What scu.conf would say. */
extern bool fake_spare_token;

/* While this is true no tokens are listed. */
extern bool fake_store_gone;

/*
 * Called in the middle of scu_token_login(), which nobody else gets past;
 * how often that was called.
 */
extern void (*fake_in_login)(void);
extern atomic_uint fake_logins;

/* How often libscu was called for what a chip would have to do. */
extern atomic_uint fake_chip_calls;

/* Structs that were given out and not given back. */
extern atomic_int fake_alive;

/* What was logged last, and how many lines at all. */
extern char fake_log[512];
extern unsigned fake_log_lines;

/* A token as another process would make it: label, PINs "sopin", "userpin". */
void fake_add_token(const char *label);
/* A key row with no attributes but a label, as another door would make it. */
void fake_add_bare_key(const char *alg);

#endif
