/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_CHIPOUT_H
#define TOOLS_CHIPOUT_H

#include "out.h"

#include <scu/provision.h>

/* Parts of the output that several commands have. */

/* What an empty owner authorisation means. */
#define CHIPOUT_ADVISORY                                                      \
    "advisory only: the owner authorisation is empty, so that whoever "       \
    "reaches the chip can undo it"

/* Link and folder of the pins. */
void chipout_place(struct out *out, const struct scu_chip *chip);

/* Handles, Names and the trust in them. */
void chipout_pins(struct out *out, const struct scu_provision_report *pins);

#endif
