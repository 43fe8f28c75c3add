/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_GOODBYE_H
#define CHIP_GOODBYE_H

struct scu_chip;

/*
 * Many programs free nothing before they end, and a bare chip has three slots
 * for the keys of all programs. So what a process has in its chips is flushed
 * when it ends by exit(3) or by returning from main(). One that is killed, or
 * ends by _exit(2), leaves it there.
 *
 * goodbye_add() and goodbye_remove() say which chips there are; any thread.
 */
void goodbye_add(struct scu_chip *chip);
void goodbye_remove(struct scu_chip *chip);

/*
 * There is something to say goodbye to. Called when a link was opened: what
 * the TCTI and libcrypto do at exit comes after, since they were there before.
 * Any number of times.
 */
void goodbye_arrange(void);

#endif
