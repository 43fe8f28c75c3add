/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_CRC16_H
#define TCTI_SCU_CRC16_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of TPMs on I2C: CRC-16 with the polynomial 0x1021, reflected,
 * start 0, no final exclusive-or. Of "123456789" it is 0x2189.
 */
uint16_t crc16(const uint8_t *data, size_t len);

#endif
