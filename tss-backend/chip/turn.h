/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_TURN_H
#define CHIP_TURN_H

#include "chip/owner.h"
#include "chip/place.h"
#include "chip/registry.h"

#include <scu/chip.h>

/*
 * Turns between processes
 * -----------------------
 * A bare chip has a few slots for the objects and sessions of all processes,
 * and any process can use and flush those of any other. So libscu's processes
 * take turns: one operation at a time, under a lock on a file that says what
 * is in the chip and whose it is. Whoever needs a slot may then flush what
 * idle processes have there; they find that out at the beginning of their next
 * turn and load it anew.
 *
 * What is in the chip and stands in no entry belongs to other programs and is
 * never touched. So an entry is written before the command that makes what it
 * is about, and taken out after the command that flushes it: there may be an
 * entry too many, never one too few. At first it has no handle, since only the
 * chip's answer tells that; a process that is killed in between leaves it so.
 * An object is then found by its Name, which is known before. A session cannot
 * be told from another program's; it is left alone, and `scu status` says so.
 * (A list of handles before and after would not help: other programs make
 * theirs meanwhile. And it would cost a command each time.)
 *
 * An entry is believed as far as this: a flush of an object compares its Name
 * first, a flush of a session makes sure that it is loaded. All that is used
 * is named in the command's HMAC.
 *
 * All of this is under the chip's mutex. Behind a resource manager, and where
 * the file cannot be had, there are no turns, and these functions do nothing.
 */
struct turn {
    struct turn_place place;
    bool placed; /* place was found out */
    struct lockfile *lock;
    bool held;       /* the lock, and registry is what the file says */
    bool broken;     /* this turn the file cannot be written: no registry */
    bool complained; /* once is enough */
    bool known;      /* registry is what stood there when our turn ended */
    bool stamped;    /* a use is still to be noted in the file */
    int64_t quantum_end;
    uint32_t began;  /* second at which the turn began */
    size_t rotation; /* of equals that are flushed (slots.c) */
    uint64_t made;   /* entries of what this turn made: a bit for each */
    uint64_t first_tick; /* of the chip, at its beginning */
    struct registry_entry *making;
    struct registry_owner me;
    char program[REGISTRY_PROGRAM_MAX];
    struct registry registry;
    uint8_t page[REGISTRY_PAGE];
};

/* How long a turn is waited for: the chip may be making an RSA key. */
#define TURN_WAIT_MS 120000

/* A turn that others wait for is taken again without queueing for so long. */
#define TURN_QUANTUM_MS 50

/*
 * Begins a turn; what others flushed since the last one is marked as not
 * loaded. SCU_OK also where there are no turns; SCU_E_BUSY, with who has the
 * turn. No command.
 */
int turn_begin(struct scu_chip *chip, int32_t wait_ms);

/*
 * Looks at the registry without a turn, and waits for none: what it says at
 * this moment, who has the turn (0: nobody). NULL, or why there are no turns
 * at this chip. With the chip's mutex. No file is made.
 */
const char *turn_peek(struct scu_chip *chip, struct registry *registry,
    long *holder);

/* Ends it, where there is one. */
void turn_end(struct scu_chip *chip);

/* In a forked child: the parent's turn and entries are not its own. */
void turn_after_fork(struct scu_chip *chip);

/* Frees; the turn must have ended. */
void turn_free(struct scu_chip *chip);

/* Whether there is a registry to go by now. */
bool turn_is_held(const struct scu_chip *chip);

/*
 * What follows makes an object (with its Name, or NULL where that is not known
 * yet) or a session. SCU_E_SLOTS where the registry is full.
 */
int turn_expect(struct scu_chip *chip, enum registry_kind kind,
    const TPM2B_NAME *name);

/* It was made: rc SCU_OK, its handle and Name (NULL: a session); or not. */
void turn_made(struct scu_chip *chip, int rc, TPM2_HANDLE handle,
    const TPM2B_NAME *name);

/* The chip does not have this handle any more, or not from us. */
void turn_gone(struct scu_chip *chip, TPM2_HANDLE handle);

/* It is used now. */
void turn_touch(struct scu_chip *chip, TPM2_HANDLE handle);

/*
 * For objects of ours at the beginning of a turn: whether the registry still
 * has it; and where the registry was lost, to enter it again.
 */
bool turn_has(struct scu_chip *chip, TPM2_HANDLE handle,
    const TPM2B_NAME *name);
bool turn_enter_again(struct scu_chip *chip, TPM2_HANDLE handle,
    const TPM2B_NAME *name);

/* Whether this turn made what the entry is about. */
bool turn_has_made(const struct scu_chip *chip,
    const struct registry_entry *entry);

/* Writes the registry after a change of an entry. */
void turn_write(struct scu_chip *chip);

#endif
