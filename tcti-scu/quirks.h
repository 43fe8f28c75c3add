/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_QUIRKS_H
#define TCTI_SCU_QUIRKS_H

#include <stdint.h>

/*
 * Ways of chips that are not the TCG's profile's. Which chip has which is in a
 * table by the register DID_VID; quirks= of the configuration adds to it, or
 * turns it off. Sets of them are bits, in the order of their names.
 */
#define QUIRK_NONE 0x01u          /* the table does not count */
#define QUIRK_NO_EXPECT 0x02u     /* Expect cannot be relied on */
#define QUIRK_BURST_32 0x04u      /* 32 octets of the FIFO at a time, at most */
#define QUIRK_RELEASE_DELAY 0x08u /* a locality needs time to be released */
#define QUIRK_WAKE_PULSE 0x10u    /* asleep after a second, till CS falls */
#define QUIRK_ACCESS_DELAY 0x20u  /* time is due between accesses */

#define QUIRK_BURST_MAX 32
#define QUIRK_RELEASE_US 5000
#define QUIRK_SLEEP_US 1000000
#define QUIRK_WAKE_US 1000
#define QUIRK_ACCESS_US 2000

/* Their names; ends with NULL. */
extern const char *const quirk_words[];

/* What the chip has: DID in the upper half, VID in the lower; 0: not known. */
uint32_t quirks_of(uint32_t did_vid, uint32_t named);

#endif
