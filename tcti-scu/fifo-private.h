/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_FIFO_PRIVATE_H
#define TCTI_SCU_FIFO_PRIVATE_H

#include "fifo.h"

/*
 * Single accesses to registers, and waiting for their bits; for fifo.c only.
 * Returns are those of fifo.h. Bits that must be zero are looked at in each
 * ACCESS and STS: they tell a chip from a bus that floats.
 */

/* Bits, times and states: PTP 1.04, tables 19 and 20, section 6.5. */
#define ACCESS_VALID 0x80u
#define ACCESS_ACTIVE 0x20u
#define ACCESS_SEIZED 0x10u
#define ACCESS_REQUEST 0x02u
#define ACCESS_RELEASE ACCESS_ACTIVE
#define ACCESS_ZERO 0x48u

#define STS_CANCEL 0x01000000u
#define STS_BURST(STS) ((STS) >> 8 & 0xffffu)
#define STS_VALID 0x80u
#define STS_READY 0x40u
#define STS_GO 0x20u
#define STS_DATA 0x10u
#define STS_EXPECT 0x08u
#define STS_RETRY 0x02u
#define STS_ZERO 0x23u

#define INT_GLOBAL 0x80000000u
#define INT_DATA 0x01u
#define INT_ALL 0x87u

#define TIMEOUT_A_US 750000
#define TIMEOUT_B_US 2000000
#define TIMEOUT_C_US 200000
#define READY_FIRST_US 20000 /* most chips are ready in less */

int fifo_read_number(struct fifo *fifo, enum ptp_register reg,
    uint32_t *value);
int fifo_write_octet(struct fifo *fifo, enum ptp_register reg, uint8_t value);
int fifo_read_access(struct fifo *fifo, uint8_t *access);
int fifo_read_status(struct fifo *fifo, uint32_t *sts);
int fifo_write_status(struct fifo *fifo, uint32_t value);

/* Until the bits of wanted are set in ACCESS, for timeout A. */
int fifo_await_access(struct fifo *fifo, uint8_t wanted, uint8_t *access);
/* Until the bits of mask in STS are as wanted, and valid. */
int fifo_await_status(struct fifo *fifo, uint32_t mask, uint32_t wanted,
    int64_t limit_us, uint32_t *sts);

/*
 * How much the next access to the FIFO carries, of what is left, once the
 * chip has room or data for it. *sts is the last one read; its burst count
 * falls with what is taken of it.
 */
int fifo_next_piece(struct fifo *fifo, size_t left, uint32_t *sts, size_t *n);

/*
 * Interrupts are on from before the start of a command until its answer has
 * been read, where there is a line for them. Errors do not matter: a line that
 * brings nothing is not relied on.
 */
void fifo_arm(struct fifo *fifo);
void fifo_disarm(struct fifo *fifo);

/* How long to pause, when so much time has gone by in vain. */
int64_t fifo_pause_after(int64_t gone_us);

#endif
