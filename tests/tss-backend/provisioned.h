/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TSS_BACKEND_PROVISIONED_H
#define TESTS_TSS_BACKEND_PROVISIONED_H

#include "base/bytes.h"
#include "chip/chip.h"
#include "tests/lib/swtpm.h"

#include <scu/provision.h>

/*
 * A simulated chip, its state folder, and a connection to it. The folder is
 * inside the simulator's, so that it goes with it.
 */
struct provisioned {
    struct sim *sim;
    char state[256];
    struct scu_chip *chip;
};

/* cmocka set-up: provisioned, owner and lockout authorisations random. */
int provisioned_setup(void **state);

/* cmocka set-up: nothing provisioned yet. */
int unprovisioned_setup(void **state);

/* cmocka tear-down of both. */
int provisioned_teardown(void **state);

/* Another connection to the same chip with the same pins, or NULL. */
struct scu_chip *provisioned_connect(const struct provisioned *p);

/*
 * How many handles of a kind the chip holds (CHIP_TRANSIENT_FIRST,
 * TPM2_LOADED_SESSION_FIRST, CHIP_PERSISTENT_FIRST), asked from outside
 * libscu's connection.
 */
unsigned provisioned_count(const struct provisioned *p, uint32_t first);

/*
 * Takes slots as a program would that knows nothing of libscu: n objects
 * (primaries of the null hierarchy) and m sessions stay in the chip.
 */
void provisioned_crowd(const struct provisioned *p, unsigned objects,
    unsigned sessions);

/* Changes a hierarchy's authorisation from outside; false: old is wrong. */
bool provisioned_change_auth(const struct provisioned *p, uint32_t hierarchy,
    struct bytes old, struct bytes fresh);

/*
 * Defines an NV index of so many octets as a program would that knows nothing
 * of libscu; the owner authorisation is empty. False: there is no room.
 */
bool provisioned_define(const struct provisioned *p, uint32_t handle,
    uint16_t size);

/*
 * Fills the chip's NV memory with such indices, until not even one of 8
 * octets fits, and then takes the last ones away again: room for so many PIN
 * indices at least.
 */
void provisioned_fill(const struct provisioned *p, unsigned spare);

/*
 * Guesses the password of a key of its own until the chip's dictionary-attack
 * lockout is active.
 */
void provisioned_lock_out(const struct provisioned *p);

/* Flushes everything transient from outside. */
void provisioned_flush_all(const struct provisioned *p);

/* Flushes what there is of one kind of handle from outside. */
void provisioned_flush(const struct provisioned *p, uint32_t first);

#endif
