/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "quirks.h"

#include <stddef.h>

const char *const quirk_words[] = {
    "none", "no-expect", "burst-32", "release-delay", "wake-pulse",
    "access-delay", NULL,
};

#define ALL 0xffffffffu
#define VENDOR 0x0000ffffu

/*
 * Only what drivers in wide use do for the same chips. Others, as Expect bits
 * that lie, were seen on chips that are on no bus of ours: by name only.
 */
static const struct {
    uint32_t did_vid;
    uint32_t mask;
    uint32_t quirks;
} known[] = {
    /* Google's Cr50 and Ti50: Linux, coreboot. */
    { 0x00281ae0, ALL, QUIRK_WAKE_PULSE | QUIRK_ACCESS_DELAY },
    { 0x504a6666, ALL, QUIRK_WAKE_PULSE | QUIRK_ACCESS_DELAY },
    /* Nuvoton, one device: Linux, since 2026. */
    { 0x00fe1050, ALL, QUIRK_RELEASE_DELAY },
    /* STMicroelectronics: wolfTPM takes no other burst count. */
    { 0x0000104a, VENDOR, QUIRK_BURST_32 },
};

uint32_t
quirks_of(uint32_t did_vid, uint32_t named)
{
    uint32_t quirks = named & ~QUIRK_NONE;

    if ((named & QUIRK_NONE) != 0)
        return quirks;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if ((did_vid & known[i].mask) == known[i].did_vid)
            quirks |= known[i].quirks;
    return quirks;
}
