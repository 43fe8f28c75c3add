/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_RECOVER_H
#define CHIP_RECOVER_H

#include "deadline.h"

#include <stdbool.h>

struct scu_chip;

/*
 * Recovery
 * --------
 * What may be done about a failure of an operation, so that it is tried again
 * (recover.c has it as a table):
 *
 *   lost    a session or an object is not ours any more: it is made anew
 *   link    no answer: the link is opened anew; at once at first, then with
 *           growing pauses for some seconds in all. Also a chip that nobody
 *           has started yet.
 *   busy    the chip asks for patience: growing pauses, bounded
 *   slots   one object or session less in the chip, or others are waited for
 *
 * All else is a result: a wrong PIN, an active lockout (TPM_RC_LOCKOUT), an
 * answer that is not authentic. A chip that has never answered is not waited
 * for, so that a program without one learns that at once; one that was waited
 * for in vain is not waited for again before it has answered.
 *
 * An operation is repeated only where that is harmless: a repeatable one up to
 * chip_commit(); another one only where none of its commands was sent, since
 * a refusal proves nothing: somebody on the bus may have made it up.
 */

/* How often, and how long, one operation was tried. Begins as zero. */
struct patience {
    int losses, faults, pauses;
    long pause; /* in ms, the next one for the link */
    bool waits_link, waits_room; /* the deadlines are set */
    struct deadline link, room;
};

/*
 * After an operation that failed by rc: makes ready for another try, also for
 * the next operation. Whether one may help. No command.
 */
bool recover(struct scu_chip *chip, int rc);

/* Whether doing it again does no harm. */
bool recover_is_harmless(const struct scu_chip *chip, unsigned flags);

/*
 * Waits as rc wants it. False where patience is at its end. May send commands
 * (slots.h).
 */
bool recover_wait(struct scu_chip *chip, struct patience *patience, int rc);

/*
 * How long a chip is waited for that has answered before: while its connector
 * is plugged in again, its board or simulator starts. Below the time limit of
 * the TCTI (tcti-scu(7)), so that this one decides.
 */
#define RECOVER_LINK_WAIT_MS 6000

#endif
