/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/registry.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* What can be read is written, and that reads as the same. */
static void
round_trip(const uint8_t *data, size_t size)
{
    struct registry registry, again;
    uint8_t page[REGISTRY_PAGE];

    if (registry_decode(data, size, &registry) != NULL)
        return;
    registry_encode(&registry, page);
    if (registry_decode(page, sizeof(page), &again) != NULL ||
        memcmp(&registry, &again, sizeof(registry)) != 0)
        abort();
}

/*
 * The input as it is; and, since a damaged head or sum is found at once, as the
 * entries of a page whose head and sum are right.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct registry registry = { .id = 1 };
    uint8_t page[REGISTRY_PAGE];

    round_trip(data, size);
    if (size > 0)
        memcpy(registry.entry, data,
            size < sizeof(registry.entry) ? size : sizeof(registry.entry));
    registry_encode(&registry, page);
    round_trip(page, sizeof(page));
    return 0;
}
