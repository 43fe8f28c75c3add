/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_COMMANDS_H
#define TESTS_LIB_COMMANDS_H

#include <stddef.h>
#include <stdint.h>

#define COMMAND_NAME_MAX 40

/*
 * The name of a TPM 2.0 command code as Part 3 has it, without "TPM2_";
 * "0x........" for codes without a name. Writes to name (COMMAND_NAME_MAX
 * octets) and returns it.
 */
const char *command_name(uint32_t code, char *name);

/* Its code, or 0. */
uint32_t command_code(const char *name);

#endif
