/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_HEX_H
#define TOOLS_HEX_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads len characters, pairs of hexadecimal digits. 0; -1 where they are not
 * that, or more than capacity octets.
 */
int hex_read(const char *text, size_t len, uint8_t *data, size_t capacity,
    size_t *n);

/* Lower-case digits, terminated; text holds 2 * len + 1. */
void hex_write(const uint8_t *data, size_t len, char *text);

#endif
