/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_SLOTS_H
#define CHIP_SLOTS_H

#include "chip/object.h"
#include "deadline.h"

/*
 * Room in the chip. Within a turn what stands in the registry may be flushed,
 * in this order: what processes left that have ended; what was not used for
 * longest, of whatever process; of our own what this operation used before.
 * Without turns: the least recently used of our own. Never: what is in no
 * registry, keep and its ancestors, the session of ours.
 * Each returns true where a slot is free now. Prepared commands are lost.
 */
bool slots_free_object(struct scu_chip *chip, const struct chip_object *keep);
bool slots_free_session(struct scu_chip *chip);

/* At the end: flushes what processes left that have ended. */
void slots_tidy(struct scu_chip *chip);

/* How long full slots of other programs are waited for. */
#define CHIP_SLOT_WAIT_MS 2000

/*
 * One pause of the wait for a slot (first handle of its kind: transient or
 * loaded session). SCU_E_SLOTS with who holds them when end is past.
 */
int chip_slots_wait(struct scu_chip *chip, struct deadline end,
    TPM2_HANDLE first);

#endif
