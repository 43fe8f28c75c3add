/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_DER_H
#define KEY_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The little of DER (X.690) that key files and signatures need: tags of one
 * octet, definite and minimal lengths of up to 64 KiB.
 *
 * libcrypto's ASN.1 templates were not taken: a failure there is a line in
 * the application's error queue that names a field but not what is wrong at
 * which octet, BER passes, and what a field holds that is not understood yet
 * (policies) could not be written back octet for octet.
 */
enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8_STRING = 0x0c,
    DER_SEQUENCE = 0x30,
    DER_EXPLICIT = 0xa0, /* + number */
};

/* What is still to be read, or the contents of an element. */
struct der {
    const uint8_t *p;
    size_t len;
};

/*
 * Takes the next element. Returns NULL, with *in behind it and its contents
 * in *body, or what is wrong with it, with nothing changed.
 */
const char *der_take(struct der *in, uint8_t tag, struct der *body);

/* Whether the next element has this tag. */
bool der_next_is(const struct der *in, uint8_t tag);

/*
 * Room that is filled from its end to its beginning, so that lengths are
 * known when they are written. p is the first octet written.
 */
struct der_out {
    uint8_t *start;
    uint8_t *p;
    bool overflow; /* something did not fit: what is there is worthless */
};

void der_put(struct der_out *out, const void *data, size_t len);

/* The header of len octets that stand at out->p. */
void der_put_header(struct der_out *out, uint8_t tag, size_t len);

/* A non-negative INTEGER from big-endian octets, leading zeros allowed. */
void der_put_unsigned(struct der_out *out, const uint8_t *data, size_t len);

#endif
