/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed octets: parts of what is hashed, fields of what is parsed. */
struct bytes {
    const void *data;
    size_t len;
};

/*
 * Fills a TPM2B: &b.size, b.buffer, sizeof(b.buffer). SCU_E_ARG where the
 * data is longer than the buffer; nothing is changed then.
 */
int b2_set(uint16_t *size, uint8_t *buffer, size_t capacity,
    const void *data, size_t len);

/* Lower-case hexadecimal, terminated; text holds 2 * len + 1. */
void hex_encode(const void *data, size_t len, char *text);

/*
 * Reads text of 2 * n hexadecimal digits, n <= capacity. SCU_E_ARG where it
 * is not that.
 */
int hex_decode(const char *text, uint8_t *data, size_t capacity, size_t *len);

#endif
