/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_KERNEL_EMULATOR_H
#define TESTS_KERNEL_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What executes the commands of QEMU's chip: swtpm's control protocol, as much
 * of it as QEMU speaks, and behind it no TPM but the test, which says what is
 * answered, and when. It serves in a thread of its own.
 */
struct emulator;

/* Listens at path. The test fails where it cannot. */
struct emulator *emulator_new(const char *path);
void emulator_free(struct emulator **emulator);

/* The answer to each command from now on, by default TPM_RC_INITIALIZE. */
void emulator_answer(struct emulator *emulator, const uint8_t *response,
    size_t len);

/*
 * Held, a command gets its answer when it is let go; when it is cancelled,
 * TPM_RC_CANCELED.
 */
void emulator_hold(struct emulator *emulator, bool held);

/*
 * Waits for a command that is not answered yet: until then a cancel misses it.
 */
void emulator_await(struct emulator *emulator);

/* The last command. Its length; 0 where none came since the last call. */
size_t emulator_command(struct emulator *emulator, uint8_t *command,
    size_t max);

#endif
