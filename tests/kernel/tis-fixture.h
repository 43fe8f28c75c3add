/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_KERNEL_TIS_FIXTURE_H
#define TESTS_KERNEL_TIS_FIXTURE_H

#include "model.h"
#include "qtest.h"

/*
 * The model of a chip's registers beside QEMU's TIS: each step is done on
 * both, and what is read must agree but for what differences[] lists. The
 * test fails where it does not, and tells the number of the step.
 */
#define ACCESS 0x000u
#define INTF_CAPABILITY 0x014u
#define STS 0x018u
#define DATA_FIFO 0x024u
#define DID_VID 0xf00u

#define READY 0x40u
#define GO 0x20u
#define RETRY 0x02u
#define CANCEL 0x01000000u
#define DATA 0x10u
#define EXPECT 0x08u
#define VALID 0x80u
#define BURST 0x00ffff00u

#define REQUEST 0x02u
#define RELEASE 0x20u
#define SEIZE 0x08u

struct fixture {
    struct model model;
    struct qtest *qemu;
    uint8_t response[MODEL_BUFFER];
    size_t response_len;
    int n; /* of the step */
};

/* TPM2_GetRandom, and the answer to each command unless another is given. */
extern const uint8_t command[12], random_octets[20];

int tis_setup(void **state);
int tis_teardown(void **state);

/* Nothing that is started ends by itself; or all ends at once. */
void hold(struct fixture *f, bool held);

/* A register is read, of 1 or 4 octets; QEMU's value. Or written. */
uint32_t look(struct fixture *f, unsigned locality, unsigned offset,
    size_t len);
void put(struct fixture *f, unsigned locality, unsigned offset, uint32_t value,
    size_t len);

/* In locality 0. The bits of mask in STS must be as wanted on both. */
void expect_status(struct fixture *f, uint32_t mask, uint32_t wanted);
/* STS is written. */
void order(struct fixture *f, uint32_t bits);
/* The next octets of the FIFO must be these. */
void take(struct fixture *f, const uint8_t *octets, size_t len);

/* Steps of an exchange in locality 0, looked at on the way. */
void claim(struct fixture *f);
void make_ready(struct fixture *f);
void load(struct fixture *f);
/* Until QEMU is so far, which takes its time; then both must be. */
void await_answer(struct fixture *f);
void await_ready(struct fixture *f);
/* All up to the answer. */
void to_answer(struct fixture *f);

#endif
