/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_CLOCK_H
#define CHIP_CLOCK_H

#include <scu/chip.h>

/*
 * Looks at the chip's clock
 * -------------------------
 * TPM2_ReadClock through the session, so that its answer is authentic, and
 * what it says is held against the record (record.h, resets.h). When:
 *
 *   after a loss      a session or handle was lost, the link failed, the chip
 *                     was not started: one command more in the operation that
 *                     goes on after it
 *   after a boot      with the first session of the first process that uses
 *                     the chip since the host was started, as the record says:
 *                     one command more. Later ones send none.
 *   info, quote       which ask anyway: no command more
 *
 * Where no record can be kept, there is nothing to look for.
 */

/* TPM2_ReadClock; with clear set it is hearsay. */
int chip_read_clock(struct scu_chip *chip, bool clear,
    struct scu_clock *clock);

/* Within an operation, the session stands: looks where that is due. */
int clock_look_if_due(struct scu_chip *chip);

/* What the chip just said, authenticated. */
void clock_seen(struct scu_chip *chip, const struct scu_clock *now);

#endif
