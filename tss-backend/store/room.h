/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_ROOM_H
#define STORE_ROOM_H

#include "chip/chip.h"

/*
 * SCU_E_TOKENS_FULL, noted with how many tokens the chip holds and what to do.
 * Asks the chip; from outside of operations.
 */
int room_full(struct scu_chip *chip);

#endif
