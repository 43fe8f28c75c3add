/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_OWNER_H
#define STORE_OWNER_H

#include "chip/chip.h"

/*
 * The owner authorisation, from the provisioning file where this process may
 * read it; *owner NULL where the chip has none. SCU_E_AUTH_NEEDED where it is
 * set and not known here. The caller frees it. TPM2_GetCapability.
 */
int owner_find(struct scu_chip *chip, struct secret **owner);

#endif
