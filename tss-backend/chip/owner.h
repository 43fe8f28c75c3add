/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_OWNER_H
#define CHIP_OWNER_H

#include "chip/registry.h"

/*
 * Processes as owners of what is in a chip. An id alone names no process: it
 * is given anew when its process has ended. With the time at which the process
 * began it does.
 */

/* This process, and a new instance within it; the name of its program. */
void owner_of_self(struct registry_owner *owner,
    char program[REGISTRY_PROGRAM_MAX]);

/*
 * False where the process has surely ended. A process that cannot be looked at
 * counts as alive. (In a container others may look dead: so this decides only
 * what is flushed first, never what may be flushed.)
 */
bool owner_is_alive(const struct registry_owner *owner);

/* The name of the program that a process runs; "?" where it is not known. */
void owner_program(long pid, char program[REGISTRY_PROGRAM_MAX]);

/*
 * The state ('R', 'S', 'Z', ...) and the start time out of the text of
 * /proc/PID/stat; false where it is not of that form.
 */
bool owner_parse_stat(const char *text, char *state, uint64_t *start);

#endif
