/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "printable.h"

#include <stddef.h>
#include <stdint.h>

/*
 * RFC 3629, 4: what the second octet may be depends on the first; all others
 * are 80..BF.
 */
struct lead {
    uint8_t first, last;
    uint8_t min, max; /* of the second octet */
    uint8_t len;
};

static const struct lead leads[] = {
    { .first = 0x00, .last = 0x7f, .min = 0x00, .max = 0x00, .len = 1 },
    { .first = 0xc2, .last = 0xdf, .min = 0x80, .max = 0xbf, .len = 2 },
    { .first = 0xe0, .last = 0xe0, .min = 0xa0, .max = 0xbf, .len = 3 },
    { .first = 0xe1, .last = 0xec, .min = 0x80, .max = 0xbf, .len = 3 },
    { .first = 0xed, .last = 0xed, .min = 0x80, .max = 0x9f, .len = 3 },
    { .first = 0xee, .last = 0xef, .min = 0x80, .max = 0xbf, .len = 3 },
    { .first = 0xf0, .last = 0xf0, .min = 0x90, .max = 0xbf, .len = 4 },
    { .first = 0xf1, .last = 0xf3, .min = 0x80, .max = 0xbf, .len = 4 },
    { .first = 0xf4, .last = 0xf4, .min = 0x80, .max = 0x8f, .len = 4 },
};

/* Octets of the character at p, 0 where there is none. NUL ends the text. */
static size_t
character(const uint8_t *p)
{
    const struct lead *lead = NULL;

    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
        if (p[0] >= leads[i].first && p[0] <= leads[i].last)
            lead = &leads[i];
    if (lead == NULL)
        return 0;
    if (lead->len > 1 && (p[1] < lead->min || p[1] > lead->max))
        return 0;
    for (size_t i = 2; i < lead->len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return lead->len;
}

static bool
is_control(const uint8_t *p)
{
    return p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
}

void
printable(char *text, bool keep_controls)
{
    uint8_t *p = (uint8_t *)text;
    size_t len;

    while (*p != 0) {
        len = character(p);
        if (len == 0 || (!keep_controls && is_control(p))) {
            for (size_t i = 0; i < (len == 0 ? 1 : len); i++)
                p[i] = '?';
            len = len == 0 ? 1 : len;
        }
        p += len;
    }
}
