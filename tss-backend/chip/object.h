/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_OBJECT_H
#define CHIP_OBJECT_H

#include "chip/crypto.h"

#include <scu/chip.h>

/*
 * An object that may or may not be in the chip. Its owner fills public,
 * private and parent, or a persistent handle; chip_object_use() loads it.
 * The chip keeps a list of those that it holds and evicts the least recently
 * used when a slot is wanted.
 */
struct chip_object {
    struct chip_object *next; /* the chip's list */
    struct chip_object *parent; /* NULL: persistent or primary */
    TPM2_HANDLE handle;     /* 0: not in the chip */
    bool persistent;        /* handle is given and never flushed */
    bool suspect;           /* may have been lost: compare Names first */
    TPMI_RH_HIERARCHY hierarchy; /* of a primary: made from public */
    uint64_t used;          /* the chip's tick at its last use */
    TPM2B_PUBLIC public;
    TPM2B_PRIVATE private;
    TPM2B_NAME name;        /* computed, never taken from the bus */
};

/*
 * The object's handle, loading it (and its parent) where it is not in the
 * chip: TPM2_Load or CreatePrimary; a persistent one of which the public area
 * is not known yet: TPM2_ReadPublic. Evicts objects when slots are short
 * (slots.h); waits a bounded time when others hold them. Prepared commands are
 * lost.
 * SCU_E_FOREIGN_KEY where the chip does not take it, SCU_E_SLOTS.
 */
int chip_object_use(struct scu_chip *chip, struct chip_object *object,
    TPM2_HANDLE *handle);

/* Flushes it where it is in the chip and takes it from the list. */
void chip_object_drop(struct scu_chip *chip, struct chip_object *object);

/*
 * Makes room for a command that takes a slot for itself (TPM2_Create does):
 * flushes an object (slots.h). False where there is none.
 */
bool chip_objects_evict(struct scu_chip *chip);

/* After a loss: all loaded ones are compared before their next use. */
void chip_objects_suspect(struct scu_chip *chip);

/*
 * At the beginning of a turn: those that the registry does not have any more
 * are not in the chip. With anew set the registry was lost: they are entered
 * again and compared before their next use.
 */
void chip_objects_settle(struct scu_chip *chip, bool anew);

/* In a forked child: they are the parent's. */
void chip_objects_forget(struct scu_chip *chip);

#endif
