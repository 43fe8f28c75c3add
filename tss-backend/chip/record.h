/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_RECORD_H
#define CHIP_RECORD_H

#include "base/error.h"

#include <scu/chip.h>

/*
 * What was last seen of the chip's clock, and what happened to the chip, in
 * the file "resets": lines "key = value", mode 0600, replaced as a whole. It
 * stands in the chip's state folder where that is the user's own; a user of
 * the system's pins has one of his own beside his store. It proves nothing to
 * others, and who can write it can make it forget.
 */
#define RECORD_TEXT_MAX 80

struct record {
    char boot[RECORD_TEXT_MAX]; /* of the host, when it was last looked */
    char key[RECORD_TEXT_MAX];  /* Name of the storage key, hexadecimal */
    struct scu_clock clock;
    size_t n;                   /* the latest is the last */
    struct scu_chip_event event[SCU_EVENTS_MAX];
};

/*
 * SCU_E_NOT_FOUND where there is none; SCU_E_FILE where it is damaged, or
 * others could have written it.
 */
int record_read(const char *path, struct record *record);

/* Replaces the file so that a power cut leaves the old or the new one. */
int record_write(const char *path, const struct record *record);

/* The oldest one goes where there is no room. */
void record_add(struct record *record, const struct scu_chip_event *event);

/* Which boot of the host this is; empty where that is not known. */
void record_boot(char boot[RECORD_TEXT_MAX]);

#endif
