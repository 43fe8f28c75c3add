/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uart-frame.h"

#include <string.h>

#define CRC_LEN 4
#define RUN_MAX 0xff /* code of 254 octets with no zero behind them */

uint32_t
uart_crc(const uint8_t *data, size_t len)
{
    /* Four bits at a time: the remainders of 0 to 15. */
    static const uint32_t remainders[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
        0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc = crc >> 4 ^ remainders[(crc ^ data[i]) & 0xf];
        crc = crc >> 4 ^ remainders[(crc ^ data[i] >> 4) & 0xf];
    }
    return ~crc;
}

static void
put_number(uint8_t *out, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static uint64_t
get_number(const uint8_t *in, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | in[i];
    return value;
}

/* --- COBS ----------------------------------------------------------------- */

static size_t
stuff(const uint8_t *in, size_t len, uint8_t *out)
{
    size_t at = 1, code_at = 0;
    uint8_t code = 1;

    for (size_t i = 0; i < len; i++) {
        if (in[i] != 0) {
            out[at++] = in[i];
            code++;
        }
        if (in[i] == 0 || (code == RUN_MAX && i + 1 < len)) {
            out[code_at] = code;
            code_at = at++;
            code = 1;
        }
    }
    out[code_at] = code;
    return at;
}

/* In place: what is written is never ahead of what is read. 0: malformed. */
static size_t
unstuff(uint8_t *data, size_t len)
{
    size_t in = 0, out = 0;
    uint8_t code;

    while (in < len) {
        code = data[in++];
        if ((size_t)code - 1 > len - in)
            return 0;
        memmove(data + out, data + in, code - 1u);
        in += code - 1u;
        out += code - 1u;
        if (code != RUN_MAX && in < len)
            data[out++] = 0;
    }
    return out;
}

/* --- frames --------------------------------------------------------------- */

size_t
uart_encode(const struct uart_frame *frame, uint8_t line[UART_LINE_MAX])
{
    uint8_t plain[UART_FRAME_MAX];
    size_t len = UART_HEAD + frame->len;

    plain[0] = frame->type;
    put_number(plain + 1, frame->epoch, 8);
    put_number(plain + 9, frame->number, 2);
    if (frame->len > 0)
        memcpy(plain + UART_HEAD, frame->payload, frame->len);
    put_number(plain + len, uart_crc(plain, len), CRC_LEN);
    line[0] = 0;
    len = 1 + stuff(plain, len + CRC_LEN, line + 1);
    line[len++] = 0;
    explicit_bzero(plain, sizeof(plain)); /* a command may hold a password */
    return len;
}

static bool
open_frame(struct uart_decoder *d, struct uart_frame *frame)
{
    size_t len = unstuff(d->data, d->len);

    if (len < UART_HEAD + CRC_LEN || len > UART_FRAME_MAX)
        return false;
    len -= CRC_LEN;
    if (get_number(d->data + len, CRC_LEN) != uart_crc(d->data, len))
        return false;
    *frame = (struct uart_frame) {
        .type = d->data[0],
        .epoch = get_number(d->data + 1, 8),
        .number = (uint16_t)get_number(d->data + 9, 2),
        .payload = d->data + UART_HEAD,
        .len = len - UART_HEAD,
    };
    return true;
}

bool
uart_decode(struct uart_decoder *d, uint8_t octet, struct uart_frame *frame)
{
    bool sound;

    if (octet != 0) {
        d->spoilt = d->spoilt || d->len == sizeof(d->data);
        if (!d->spoilt)
            d->data[d->len++] = octet;
        return false;
    }
    if (d->len == 0 && !d->spoilt)
        return false;
    sound = !d->spoilt && open_frame(d, frame);
    if (!sound)
        d->damaged++;
    d->len = 0;
    d->spoilt = false;
    return sound;
}
