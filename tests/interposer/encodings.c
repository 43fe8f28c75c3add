/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "encodings.h"

#include <string.h>

/* Each octet under a mask: as it is, its complement, the pads of HMAC. */
static void
mask(const struct encoding *e, const uint8_t *in, uint8_t *out)
{
    for (size_t i = 0; i < e->in; i++)
        out[i] = in[i] ^ (uint8_t)e->parameter;
}

/* Words of so many octets, their ends exchanged. */
static void
swap(const struct encoding *e, const uint8_t *in, uint8_t *out)
{
    size_t n = e->parameter;

    for (size_t i = 0; i < e->in; i++)
        out[i] = in[i / n * n + (n - 1 - i % n)];
}

/* So many bits to the left. */
static void
shift(const struct encoding *e, const uint8_t *in, uint8_t *out)
{
    unsigned k = e->parameter;

    for (size_t i = 0; i < e->out; i++)
        out[i] = (uint8_t)(in[i] << k | in[i + 1] >> (8 - k));
}

/* Digits from parameter on: 'a' or 'A'. */
static void
hex(const struct encoding *e, const uint8_t *in, uint8_t *out)
{
    for (size_t i = 0; i < 2 * e->in; i++) {
        unsigned digit = i % 2 == 0 ? in[i / 2] >> 4 : in[i / 2] & 15u;

        out[i] = (uint8_t)(digit < 10 ? '0' + digit :
            e->parameter + digit - 10);
    }
}

/* In front of each pair of digits. */
static void
hex_with(const struct encoding *e, const uint8_t *in, uint8_t *out)
{
    static const struct encoding plain = { .in = 8, .parameter = 'a' };
    uint8_t digits[16];
    size_t step = e->out / e->in;

    hex(&plain, in, digits);
    for (size_t i = 0; i < e->in; i++) {
        out[i * step] = (uint8_t)e->parameter;
        if (step == 4)
            out[i * step + 1] = 'x';
        memcpy(out + i * step + step - 2, digits + 2 * i, 2);
    }
}

/* UTF-16 of octets as they are; parameter: where the octet stands. */
static void
wide(const struct encoding *e, const uint8_t *in, uint8_t *out)
{
    memset(out, 0, e->out);
    for (size_t i = 0; i < e->in; i++)
        out[2 * i + e->parameter] = in[i];
}

/* bits per digit in an alphabet, most significant first. */
static void
base(const struct encoding *e, const uint8_t *in, uint8_t *out)
{
    static const char *const alphabets[] = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    };
    unsigned bits = e->parameter == 2 ? 5 : 6;

    for (size_t i = 0; i < e->out; i++) {
        unsigned digit = 0;

        for (size_t b = i * bits; b < (i + 1) * bits; b++)
            digit = digit << 1 | ((unsigned)in[b / 8] >> (7 - b % 8) & 1u);
        out[i] = (uint8_t)alphabets[e->parameter][digit];
    }
}

#define SHIFT(K)                                                              \
    { .name = "shifted by " #K, .in = 9, .out = 8, .parameter = (K),          \
        .encode = shift }

const struct encoding encodings[] = {
    { .name = "plain", .in = 8, .out = 8, .encode = mask },
    { .name = "complement", .in = 8, .out = 8, .parameter = 0xff,
        .encode = mask },
    { .name = "inner pad", .in = 8, .out = 8, .parameter = 0x36,
        .encode = mask },
    { .name = "outer pad", .in = 8, .out = 8, .parameter = 0x5c,
        .encode = mask },
    { .name = "reversed", .in = 8, .out = 8, .parameter = 8, .encode = swap },
    { .name = "swapped by 2", .in = 8, .out = 8, .parameter = 2,
        .encode = swap },
    { .name = "swapped by 4", .in = 8, .out = 8, .parameter = 4,
        .encode = swap },
    SHIFT(1), SHIFT(2), SHIFT(3), SHIFT(4), SHIFT(5), SHIFT(6), SHIFT(7),
    { .name = "hex", .in = 8, .out = 16, .parameter = 'a', .encode = hex },
    { .name = "HEX", .in = 8, .out = 16, .parameter = 'A', .encode = hex },
    { .name = "percent", .in = 8, .out = 24, .parameter = '%',
        .encode = hex_with },
    { .name = "colons", .in = 8, .out = 24, .parameter = ':',
        .encode = hex_with },
    { .name = "backslash x", .in = 8, .out = 32, .parameter = '\\',
        .encode = hex_with },
    { .name = "UTF-16LE", .in = 8, .out = 16, .parameter = 0, .encode = wide },
    { .name = "UTF-16BE", .in = 8, .out = 16, .parameter = 1, .encode = wide },
    { .name = "base64", .in = 9, .out = 12, .parameter = 0, .encode = base },
    { .name = "base64url", .in = 9, .out = 12, .parameter = 1,
        .encode = base },
    { .name = "base32", .in = 10, .out = 16, .parameter = 2,
        .encode = base },
};
const size_t encodings_n = sizeof(encodings) / sizeof(encodings[0]);
