/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "wire.h"

#include <string.h>

#define HEADER 11
#define TRAILER 4

uint32_t
wire_crc(const uint8_t *data, size_t len)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    }
    return crc ^ 0xffffffff;
}

/* How many octets from p on are not zero; 254 are enough. */
static size_t
run_of(const uint8_t *p, const uint8_t *end)
{
    size_t n = 0;

    while (n < 254 && p + n < end && p[n] != 0)
        n++;
    return n;
}

size_t
wire_stuff(const uint8_t *plain, size_t len, uint8_t *out)
{
    const uint8_t *p = plain, *end = plain + len;
    uint8_t *q = out;

    for (;;) {
        size_t n = run_of(p, end);

        *q++ = (uint8_t)(n + 1);
        for (size_t i = 0; i < n; i++)
            *q++ = *p++;
        if (p == end)
            break;
        if (n < 254)
            p++; /* the zero that the code octet stands for */
    }
    return (size_t)(q - out);
}

bool
wire_unstuff(const uint8_t *in, size_t len, uint8_t *out, size_t *out_len)
{
    size_t i = 0, n = 0;

    *out_len = 0;
    while (i < len) {
        size_t run = (size_t)in[i++];

        if (run == 0 || run - 1 > len - i)
            return false;
        for (size_t j = 1; j < run; j++) {
            if (in[i] == 0)
                return false;
            out[n++] = in[i++];
        }
        if (run != 255 && i < len)
            out[n++] = 0;
    }
    *out_len = n;
    return len != 0;
}

size_t
wire_write(const struct wire_frame *frame, uint8_t *out)
{
    uint8_t plain[WIRE_PLAIN];
    size_t len = HEADER + frame->len;
    uint32_t crc;
    size_t n = 0;

    plain[0] = frame->type;
    for (int i = 0; i < 8; i++)
        plain[1 + i] = (uint8_t)(frame->epoch >> (56 - 8 * i));
    plain[9] = (uint8_t)(frame->number >> 8);
    plain[10] = (uint8_t)frame->number;
    memcpy(plain + HEADER, frame->payload, frame->len);
    crc = wire_crc(plain, len);
    for (int i = 0; i < TRAILER; i++)
        plain[len++] = (uint8_t)(crc >> (24 - 8 * i));

    out[n++] = 0;
    n += wire_stuff(plain, len, out + n);
    out[n++] = 0;
    return n;
}

bool
wire_read(const uint8_t *in, size_t len, struct wire_frame *frame)
{
    uint8_t plain[WIRE_ENCODED];
    uint32_t crc = 0;
    size_t n;

    if (len > WIRE_ENCODED || !wire_unstuff(in, len, plain, &n)
        || n < HEADER + TRAILER || n > WIRE_PLAIN)
        return false;
    n -= TRAILER;
    for (int i = 0; i < TRAILER; i++)
        crc = crc << 8 | plain[n + (size_t)i];
    if (crc != wire_crc(plain, n))
        return false;
    frame->type = plain[0];
    frame->epoch = 0;
    for (int i = 0; i < 8; i++)
        frame->epoch = frame->epoch << 8 | plain[1 + i];
    frame->number = (uint16_t)(plain[9] << 8 | plain[10]);
    frame->len = n - HEADER;
    memcpy(frame->payload, plain + HEADER, frame->len);
    return true;
}

bool
wire_collect(struct wire_collector *collector, uint8_t octet,
    struct wire_frame *frame)
{
    bool whole;

    if (octet != 0) {
        if (collector->len == sizeof(collector->data))
            collector->spilt = true;
        else
            collector->data[collector->len++] = octet;
        return false;
    }
    whole = collector->len != 0 && !collector->spilt
        && wire_read(collector->data, collector->len, frame);
    collector->len = 0;
    collector->spilt = false;
    return whole;
}
