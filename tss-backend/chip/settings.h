/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_SETTINGS_H
#define CHIP_SETTINGS_H

#include <scu/chip.h>

/*
 * Fills name, tcti, state and store of a chip from the options, the
 * environment and scu.conf, in this order. SCU_E_CONF with file and line.
 */
int settings_resolve(const struct scu_chip_options *options,
    struct scu_chip *chip);

#endif
