/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_CONNECTOR_FIXTURE_H
#define TESTS_TCTI_CONNECTOR_FIXTURE_H

#include "connector.h"

/* The chip's end between a line and a TPM that the test plays. */
#define EPOCH 0x0102030405060708
#define OTHER 0x1112131415161718

struct fixture {
    struct connector chip;
    int64_t now;
    /* The TPM */
    bool slow; /* does not end before the test says so */
    bool running;
    unsigned starts, cancels;
    uint8_t locality;
    uint8_t command[WIRE_MESSAGE];
    size_t command_len;
    uint8_t response[64];
    size_t response_len;
    /* What the chip said */
    uint8_t line[4 * WIRE_LINE];
    size_t line_len;
    struct wire_frame said[8];
    size_t n_said;
    struct wire_collector collector;
};

extern const uint8_t command[12]; /* TPM2_GetRandom */

/* The fixture of cmocka: a chip that has just started. */
int setup(void **state);
int teardown(void **state);

/* A frame for the chip; what it said before is forgotten. */
void give(struct fixture *f, uint8_t type, uint64_t epoch, uint16_t number,
    const void *payload, size_t len);
void hello(struct fixture *f, uint64_t epoch);
void send_command(struct fixture *f, uint64_t epoch, uint16_t number);

/* The i-th frame that the chip said must be this one; or the only one. */
void said(const struct fixture *f, size_t i, uint8_t type, uint16_t number);
void only(const struct fixture *f, uint8_t type, uint16_t number);

/* A command under way that does not end, as number 1; and its end. */
void under_way(struct fixture *f);
void finish(struct fixture *f);

#endif
