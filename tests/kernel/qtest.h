/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_KERNEL_QTEST_H
#define TESTS_KERNEL_QTEST_H

#include "emulator.h"

/*
 * A machine of QEMU in which no processor runs: the test itself reads and
 * writes its memory, where a chip with the FIFO interface (TIS) stands, by
 * QEMU's protocol for that, qtest. Its commands go to an emulator.
 */
struct qtest;

/* Whether QEMU is installed. */
bool qtest_there(void);

/* The test fails where it cannot be started. */
struct qtest *qtest_new(void);
void qtest_free(struct qtest **qtest);

/* Belongs to qtest. */
struct emulator *qtest_emulator(struct qtest *qtest);

/* One access of 1, 2 or 4 octets, little endian. */
uint32_t qtest_read(struct qtest *qtest, uint32_t address, size_t len);
void qtest_write(struct qtest *qtest, uint32_t address, uint32_t value,
    size_t len);

#endif
