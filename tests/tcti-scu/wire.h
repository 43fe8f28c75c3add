/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_WIRE_H
#define TESTS_TCTI_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Frames as docs/uart-link.md has them, written from that page alone: it
 * shares nothing with tcti-scu/uart-frame.c, and computes otherwise.
 */
#define WIRE_MESSAGE 4096 /* octets of a TPM message */
#define WIRE_PAYLOAD (1 + WIRE_MESSAGE)
#define WIRE_PLAIN (11 + WIRE_PAYLOAD + 4)
#define WIRE_ENCODED 4129
#define WIRE_LINE (WIRE_ENCODED + 2) /* with the zero octets around it */

enum wire_type {
    WIRE_HELLO = 0x01,
    WIRE_COMMAND = 0x02,
    WIRE_POLL = 0x03,
    WIRE_CANCEL = 0x04,
    WIRE_WELCOME = 0x81,
    WIRE_WORKING = 0x82,
    WIRE_RESPONSE = 0x83,
    WIRE_UNKNOWN = 0x84,
};

struct wire_frame {
    uint8_t type;
    uint64_t epoch;
    uint16_t number;
    size_t len;
    uint8_t payload[WIRE_PAYLOAD];
};

/* CRC-32, bit by bit. */
uint32_t wire_crc(const uint8_t *data, size_t len);

/* COBS; out has room for len + len / 254 + 1. Octets written. */
size_t wire_stuff(const uint8_t *plain, size_t len, uint8_t *out);

/* Its inverse; out has room for len. false: this is no COBS. */
bool wire_unstuff(const uint8_t *in, size_t len, uint8_t *out, size_t *out_len);

/* As it is on the line, in WIRE_LINE octets at most. */
size_t wire_write(const struct wire_frame *frame, uint8_t *out);

/* What was between two zero octets. false: not a frame. */
bool wire_read(const uint8_t *in, size_t len, struct wire_frame *frame);

/* Collects what is between zero octets. */
struct wire_collector {
    uint8_t data[WIRE_ENCODED];
    size_t len;
    bool spilt; /* longer than any frame */
};

/*
 * Takes the next octet. true: a frame is in it whole; it starts anew with the
 * next octet.
 */
bool wire_collect(struct wire_collector *collector, uint8_t octet,
    struct wire_frame *frame);

#endif
