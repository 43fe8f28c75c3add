/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_SLOTS_H
#define CHIP_SLOTS_H

#include "chip/object.h"
#include "deadline.h"

/*
 * Room in the chip
 * ----------------
 * Within a turn what stands in the registry may be flushed,
 * in this order: what processes left that have ended; what was not used for
 * longest, of whatever process; of our own what this operation used before.
 * Without turns: the least recently used of our own. Never: what is in no
 * registry, keep and its ancestors, the session of ours. Prepared commands are
 * lost.
 */

/*
 * After a command that found no slot (SCU_E_SLOTS): frees one of the kind that
 * it lacked, or waits for a moment, since those of other programs come and go.
 * SCU_OK: try again. SCU_E_SLOTS, when end is past, with who has them.
 */
int slots_make_room(struct scu_chip *chip, const struct chip_object *keep,
    struct deadline end);

/* True where an object was flushed. */
bool slots_free_object(struct scu_chip *chip, const struct chip_object *keep);

/*
 * When all that is known to be ours was flushed: flushes what processes left
 * that have ended, and what faults left of ours.
 */
void slots_tidy(struct scu_chip *chip);

/* How long full slots of other programs are waited for. */
#define CHIP_SLOT_WAIT_MS 2000

#endif
