/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_INTERPOSER_ENCODINGS_H
#define TESTS_INTERPOSER_ENCODINGS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Ways in which a secret may be written. Each takes in octets of the secret,
 * wherever in it they begin, and gives out octets that must not be seen.
 */
#define ENCODED_MAX 64
#define ENCODED_IN_MAX 12

struct encoding {
    const char *name;
    size_t in, out;
    unsigned parameter;
    void (*encode)(const struct encoding *e, const uint8_t *in,
        uint8_t *out);
};

extern const struct encoding encodings[];
extern const size_t encodings_n;

#endif
