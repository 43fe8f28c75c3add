/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/der.h"

#include <string.h>

/* Length octets: 00..7f, 81 80..ff, 82 0100..ffff. */
static const char *
take_length(struct der *in, size_t *len)
{
    size_t octets, n = 0;

    if (in->len == 0)
        return "the length is missing";
    octets = *in->p & 0x7fU;
    if ((*in->p++ & 0x80) == 0) {
        in->len--;
        *len = octets;
        return NULL;
    }
    in->len--;
    if (octets == 0)
        return "the length is indefinite (BER, not DER)";
    if (octets > 2)
        return "the length is beyond what a key file can have";
    if (octets > in->len)
        return "the length is cut off";
    for (size_t i = 0; i < octets; i++)
        n = n << 8 | *in->p++;
    in->len -= octets;
    if (n < 0x80 || (octets == 2 && n < 0x100))
        return "the length is not minimal (BER, not DER)";
    *len = n;
    return NULL;
}

const char *
der_take(struct der *in, uint8_t tag, struct der *body)
{
    struct der at = *in;
    const char *wrong;
    size_t len;

    if (at.len == 0)
        return "missing";
    if (*at.p != tag)
        return "another type of element stands here";
    at.p++;
    at.len--;
    wrong = take_length(&at, &len);
    if (wrong != NULL)
        return wrong;
    if (len > at.len)
        return "longer than what contains it";
    body->p = at.p;
    body->len = len;
    in->p = at.p + len;
    in->len = at.len - len;
    return NULL;
}

bool
der_next_is(const struct der *in, uint8_t tag)
{
    return in->len > 0 && *in->p == tag;
}

void
der_put(struct der_out *out, const void *data, size_t len)
{
    if (out->overflow || (size_t)(out->p - out->start) < len) {
        out->overflow = true;
        return;
    }
    out->p -= len;
    if (len > 0)
        memcpy(out->p, data, len);
}

void
der_put_header(struct der_out *out, uint8_t tag, size_t len)
{
    uint8_t header[4] = { tag };
    size_t n = 2;

    if (len > UINT16_MAX) {
        out->overflow = true;
        return;
    }
    if (len < 0x80) {
        header[1] = (uint8_t)len;
    } else if (len < 0x100) {
        header[1] = 0x81;
        header[2] = (uint8_t)len;
        n = 3;
    } else {
        header[1] = 0x82;
        header[2] = (uint8_t)(len >> 8);
        header[3] = (uint8_t)len;
        n = 4;
    }
    der_put(out, header, n);
}

void
der_put_unsigned(struct der_out *out, const uint8_t *data, size_t len)
{
    static const uint8_t zero = 0;

    while (len > 0 && *data == 0) {
        data++;
        len--;
    }
    der_put(out, data, len);
    /* The first bit is the sign; and zero itself takes one octet. */
    if (len == 0 || (*data & 0x80) != 0) {
        der_put(out, &zero, 1);
        len++;
    }
    der_put_header(out, DER_INTEGER, len);
}
