/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_EVIDENCE_H
#define TOOLS_EVIDENCE_H

#include <scu/attest.h>

/* Evidence as a file: docs/evidence.md, schema "scu.evidence/1". */

/* Longer than any that evidence_write() makes. */
#define EVIDENCE_FILE_MAX 65536

/* One line of JSON, terminated; the caller frees it. NULL: no memory. */
char *evidence_write(const struct scu_evidence *evidence);

/*
 * Reads one. The text may come from an enemy: it must be exactly one object of
 * that schema, with each member once and no other. SCU_E_ARG where it is not,
 * with one line of cause in why; SCU_E_MEMORY. The caller frees *evidence.
 */
int evidence_read(const char *text, size_t len,
    struct scu_evidence **evidence, char *why, size_t why_size);

#endif
