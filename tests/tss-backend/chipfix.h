/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_CHIPFIX_H
#define TESTS_CHIPFIX_H

#include "tests/tss-backend/provisioned.h"

/*
 * A provisioned chip behind a counting proxy, and a connection through it.
 */
struct chipfix {
    struct scu_chip *chip;
    struct sim *sim;
    struct provisioned *provisioned;
    struct counter *counter;
    char tcti[256];       /* through the proxy */
};

/*
 * Makes one, its owner authorisation empty unless owner_auth is set. Fails
 * the test where that is not possible.
 */
struct chipfix *chipfix_new(bool owner_auth);

/* The chip must have no key left. Takes NULL. */
void chipfix_free(struct chipfix *fix);

/* As group setup and teardown of cmocka; *state is the fixture. */
int chipfix_setup(void **state);
int chipfix_teardown(void **state);

/* Another connection to the same chip; the caller frees it. */
struct scu_chip *chipfix_connect(struct chipfix *fix);

/* Forgets the commands counted so far. */
void chipfix_count(struct chipfix *fix);

/* The commands since then, "Load Sign"; valid until the next call. */
const char *chipfix_commands(struct chipfix *fix);

/*
 * Until further notice the chip seems to answer this command with rc;
 * code 0: no more.
 */
void chipfix_refuse(struct chipfix *fix, uint32_t code, uint32_t rc);

/* The number of objects and sessions in the chip, seen from outside. */
unsigned chipfix_transients(struct chipfix *fix);
unsigned chipfix_sessions(struct chipfix *fix);

/* Flushes all objects and no session, as `tpm2_flushcontext -t` does. */
void chipfix_flush(struct chipfix *fix);

#endif
