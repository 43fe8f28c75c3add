/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-private.h"

#include <string.h>

/* --- I2C ----------------------------------------------------------------- */

/* Registers of their own, and those that SPI has at other places. */
static const struct {
    uint8_t address;
    unsigned offset;
} places[] = {
    { 0x04, ACCESS }, { 0x08, INT_ENABLE }, { 0x10, INT_STATUS },
    { 0x14, INTF_CAPABILITY }, { 0x18, STS }, { 0x24, DATA_FIFO },
    { 0x48, DID_VID },
};

/* CRC-16 of the profile, by the long division as it is defined. */
static uint16_t
sum(const uint8_t *data, size_t len)
{
    uint16_t crc = 0;

    for (size_t i = 0; i < 8 * len; i++) {
        unsigned bit = (unsigned)data[i / 8] >> i % 8 & 1u;

        bit ^= crc & 1u;
        crc = (uint16_t)(crc >> 1);
        if (bit != 0)
            crc ^= 0x8408;
    }
    return crc;
}

static void
read_sum(const struct model *m, uint8_t *data, size_t len)
{
    uint16_t crc = m->state == MODEL_COMPLETION ? sum(m->out, m->out_len) :
        sum(m->in, m->in_len);

    if (len == 2 && m->sums) {
        data[0] = (uint8_t)(crc >> 8);
        data[1] = (uint8_t)crc;
    }
}

static void
i2c_read(struct model *m, uint8_t *data, size_t len)
{
    uint32_t capability = 2 | 1u << 7 | (uint32_t)m->knobs.guard_us << 9
        | 0xfu << 17 | 1u << 29;

    memset(data, 0xff, len);
    if (m->address == 0x00) {
        m->counts.accesses++;
        data[0] = m->locality;
    } else if (m->address == 0x30) {
        m->counts.accesses++;
        model_put_number(data, len, capability);
    } else if (m->address == 0x44) {
        m->counts.accesses++;
        read_sum(m, data, len);
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i].address == m->address)
            model_read(m, m->locality, places[i].offset, data, len);
    if (m->knobs.dead)
        memset(data, 0, len);
}

static void
i2c_write(struct model *m, const uint8_t *data, size_t len)
{
    if (len == 0)
        return;
    if (m->address == 0x00) {
        m->counts.accesses++;
        m->locality = data[0];
    } else if (m->address == 0x40) {
        m->counts.accesses++;
        m->sums = data[0] == 1;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i].address == m->address)
            model_write(m, m->locality, places[i].offset, data, len);
}

static bool
acknowledged(struct model *m)
{
    m->transfers++;
    if (m->knobs.nacks > 0) {
        m->knobs.nacks--;
        return false;
    }
    return m->knobs.nack_each == 0 || m->transfers % m->knobs.nack_each != 0;
}

bool
model_i2c(struct model *m, bool read, uint8_t *data, size_t len)
{
    if (model_now_us() - m->last_us < m->knobs.guard_us)
        m->counts.guard_faults++;
    model_note_time(m);
    m->counts.octets += (unsigned)len + 1;
    if (acknowledged(m)) {
        if (read)
            i2c_read(m, data, len);
        else if (len > 0) {
            m->address = data[0];
            i2c_write(m, data + 1, len - 1);
        }
        m->last_us = model_now_us();
        return true;
    }
    m->last_us = model_now_us();
    return false;
}
