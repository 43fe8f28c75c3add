/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_LINK_H
#define CHIP_LINK_H

#include <stdbool.h>
#include <tss2/tss2_tcti.h>

/*
 * Opens a link by a tctildr string. SCU_E_CONF where the string is not valid,
 * else SCU_E_NO_CHIP, with cause and remedy.
 */
int link_load(const char *tcti, TSS2_TCTI_CONTEXT **context);

/* Whether it is a link of this project's TCTI, whose habits are known. */
bool link_is_own(const char *tcti);

#endif
