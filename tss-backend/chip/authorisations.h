/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_AUTHORISATIONS_H
#define CHIP_AUTHORISATIONS_H

#include "base/error.h"
#include "secret.h"

/*
 * The file "authorisations" (0600) of a chip's state folder: the hierarchy
 * authorisations that provisioning made up, as "owner = HEX" and
 * "lockout = HEX". Not needed at run time.
 */
struct authorisations {
    struct secret *owner; /* NULL: not in the file */
    struct secret *lockout;
};

/* A missing file gives empty ones. SCU_E_FILE where others may read it. */
int authorisations_read(const char *folder, struct authorisations *out);

/* Replaces the file, power-cut safe; it is on the disk when this returns. */
int authorisations_write(const char *folder, const struct authorisations *in);

/*
 * Sets the file of a chip that is given up aside, as "authorisations-NAME"
 * after the Name of its storage key: the chip may come back.
 */
int authorisations_retire(const char *folder, const char *name);

/* Wipes. */
void authorisations_clear(struct authorisations *authorisations);

#endif
