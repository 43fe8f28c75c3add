/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "hex.h"

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int
hex_read(const char *text, size_t len, uint8_t *data, size_t capacity,
    size_t *n)
{
    int high, low;

    *n = 0;
    if (len % 2 != 0 || len / 2 > capacity)
        return -1;
    for (size_t i = 0; i < len / 2; i++) {
        high = digit(text[2 * i]);
        low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        data[i] = (uint8_t)(high << 4 | low);
    }
    *n = len / 2;
    return 0;
}

void
hex_write(const uint8_t *data, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 0xf];
    }
    text[2 * len] = '\0';
}
