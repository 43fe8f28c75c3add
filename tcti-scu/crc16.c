/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "crc16.h"

#define POLYNOMIAL 0x8408u /* 0x1021 with its bits in reverse */

/* Bit by bit: a bus of 100 octets per millisecond is slower by far. */
uint16_t
crc16(const uint8_t *data, size_t len)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 1) != 0 ? crc >> 1 ^ POLYNOMIAL
                                            : crc >> 1);
    }
    return crc;
}
