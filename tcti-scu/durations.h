/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_DURATIONS_H
#define TCTI_SCU_DURATIONS_H

#include <stdint.h>

/*
 * The longest time, in milliseconds, that a chip may take to execute a
 * command, by its code: 120 000 for codes without a row of their own.
 */
int32_t duration_of(uint32_t command_code);

#endif
