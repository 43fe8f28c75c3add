/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/bytes.h"

#include "base/error.h"

#include <string.h>

int
b2_set(uint16_t *size, uint8_t *buffer, size_t capacity, const void *data,
    size_t len)
{
    if (len > capacity || len > UINT16_MAX)
        return err_set(SCU_E_ARG, "%zu octets where %zu fit", len, capacity);
    if (len > 0)
        memcpy(buffer, data, len);
    *size = (uint16_t)len;
    return SCU_OK;
}

void
hex_encode(const void *data, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[p[i] >> 4];
        text[2 * i + 1] = digits[p[i] & 0xf];
    }
    text[2 * len] = '\0';
}

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
hex_decode(const char *text, uint8_t *data, size_t capacity, size_t *len)
{
    size_t n = strlen(text);
    int high, low;

    if (n % 2 != 0 || n / 2 > capacity)
        return err_set(SCU_E_ARG, "not %zu octets in hexadecimal", capacity);
    for (size_t i = 0; i < n / 2; i++) {
        high = digit(text[2 * i]);
        low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            /* What stands there may be a part of a secret. */
            return err_set(SCU_E_ARG, "octet %zu is not hexadecimal", i);
        data[i] = (uint8_t)(high << 4 | low);
    }
    *len = n / 2;
    return SCU_OK;
}
