/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_TURN_PRIVATE_H
#define CHIP_TURN_PRIVATE_H

#include "chip/turn.h"

/* What turn.c needs of turn-file.c. */

/*
 * Logs once why there are no turns: that is no error, things are as with one
 * process alone.
 */
void turn_complain(struct turn *turn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Finds out the place; false where a socket is not there, or not yet. */
bool turn_locate(struct scu_chip *chip);

/*
 * Opens the file, making it where it is missing; one that is not to be believed
 * is not kept. Complains.
 */
bool turn_open(struct turn *turn);

/* Whether the open file is one to believe, and to wait for. Complains. */
bool turn_check_file(struct turn *turn, int fd);

#endif
