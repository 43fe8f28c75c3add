/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ATTEST_VERIFY_PCRSEL_H
#define ATTEST_VERIFY_PCRSEL_H

#include "attest/verify-evidence.h"

/*
 * Reads a selection of PCRs:
 *     selection = bank *( "+" bank )
 *     bank      = name ":" range *( "," range )
 *     range     = number [ "-" number ]
 * with the names of verify_banks[] and decimal numbers up to 23. A bank or a
 * PCR that stands there twice is refused: what is meant is not clear. The
 * banks keep their order. SCU_E_ARG with what is wrong where.
 */
int pcrsel_read(const char *text, TPML_PCR_SELECTION *selection);

/* Whether a selection has the PCR. */
bool pcrsel_has(const TPMS_PCR_SELECTION *bank, unsigned index);

/* Whether it has any. */
bool pcrsel_any(const TPMS_PCR_SELECTION *bank);

#endif
