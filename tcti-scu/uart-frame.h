/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_UART_FRAME_H
#define TCTI_SCU_UART_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames of the UART link, and their form on the line: docs/uart-link.md. */
#define UART_PAYLOAD_MAX 4097
#define UART_HEAD 11
#define UART_FRAME_MAX (UART_HEAD + UART_PAYLOAD_MAX + 4)
/* Encoded: an octet more for each 254, and a zero before and behind. */
#define UART_CODED_MAX (UART_FRAME_MAX + (UART_FRAME_MAX + 253) / 254)
#define UART_LINE_MAX (UART_CODED_MAX + 2)

enum uart_type {
    UART_HELLO = 0x01,
    UART_COMMAND = 0x02,
    UART_POLL = 0x03,
    UART_CANCEL = 0x04,
    UART_WELCOME = 0x81,
    UART_WORKING = 0x82,
    UART_RESPONSE = 0x83,
    UART_UNKNOWN = 0x84,
};

struct uart_frame {
    uint8_t type;
    uint64_t epoch;
    uint16_t number;
    const uint8_t *payload;
    size_t len;
};

/* Writes a frame as it goes over the line; the octets written. */
size_t uart_encode(const struct uart_frame *frame, uint8_t line[UART_LINE_MAX]);

/* What comes in, up to the next zero. */
struct uart_decoder {
    uint8_t data[UART_CODED_MAX];
    size_t len;
    bool spoilt;      /* too long: dropped up to the next zero */
    uint64_t damaged; /* frames dropped so far */
};

/*
 * Takes an octet. true: a sound frame is complete; its payload stays valid
 * until the next octet.
 */
bool uart_decode(struct uart_decoder *decoder, uint8_t octet,
    struct uart_frame *frame);

/* CRC-32 of Ethernet; 0xCBF43926 of "123456789". */
uint32_t uart_crc(const uint8_t *data, size_t len);

#endif
