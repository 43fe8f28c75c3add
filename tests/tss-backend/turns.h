/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TURNS_H
#define TESTS_TURNS_H

#include "chip/chip.h"
#include "tests/tss-backend/provisioned.h"

#include <scu/key.h>
#include <sys/types.h>

/* What the tests of processes that share a chip have in common. */

/* Signs with a P-256 key. */
int turns_sign(struct scu_key *key);

/* The same; the test fails where it does. */
void turns_must_sign(struct scu_key *key);

/* A new P-256 key; the caller frees it. */
struct scu_key *turns_key(struct scu_chip *chip);

/* How many the chip has. */
unsigned turns_objects(const struct provisioned *p);
unsigned turns_sessions(const struct provisioned *p);

/* The file of the registry, its content, and how many entries it has. */
void turns_path(const struct provisioned *p, char path[256]);
void turns_read(const struct provisioned *p, struct registry *registry);
void turns_write(const struct provisioned *p, const struct registry *registry);
size_t turns_entries(const struct provisioned *p);

/*
 * cmocka set-up: a provisioned chip to which nobody is connected; and
 * tear-down: nothing is in it, nor in the registry.
 */
int turns_setup(void **state);
int turns_teardown(void **state);

/*
 * In a child: a key of its own and so many signatures, then, where ready is a
 * descriptor, an octet to it and no end. Never returns.
 */
void turns_child(const struct provisioned *p, int times, int ready)
    __attribute__((noreturn));

/* A process that has a key and a session in the chip, and waits. */
pid_t turns_idle(const struct provisioned *p);

/* SIGKILL. */
void turns_kill(pid_t pid);

/*
 * A process that was killed with a key and a session in the chip. (It makes its
 * key itself, for which a chip of three slots wants two free ones.)
 */
void turns_leave_behind(const struct provisioned *p);

/* A whole life of a connection, with one signature. */
void turns_one(const struct provisioned *p);

#endif
