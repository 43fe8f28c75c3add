/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CHIPOUT_H
#define TOOLS_CHIPOUT_H

#include "out.h"

#include <scu/provision.h>
#include <scu/token.h>

/* Parts of the output that several commands have. */

/* What an empty owner authorisation means. */
#define CHIPOUT_ADVISORY                                                      \
    "advisory only: the owner authorisation is empty, so that whoever "       \
    "reaches the chip can undo it"

/* Link and folder of the pins. */
void chipout_place(struct out *out, const struct scu_chip *chip);

/* Handles, Names and the trust in them. */
void chipout_pins(struct out *out, const struct scu_provision_report *pins);

/*
 * How many tokens the chip holds, and for how many more there is room, read
 * from the chip. An error of libscu is recorded.
 */
int chipout_room(struct out *out, struct scu_chip *chip);

#endif
