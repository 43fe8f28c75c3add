/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <scu/error.h>
#include <stdbool.h>
#include <tss2/tss2_common.h>

/*
 * Notes what happened for scu_error_detail() of this thread and returns rc,
 * so that a failure is noted once, where it is found:
 *     return err_set(SCU_E_FILE, "%s: %s", path, strerror(errno));
 * Cause first, then, where the code's text does not say it, the remedy.
 */
int err_set(int rc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for out of memory. */
int err_memory(void);

/* Puts text in front of what was noted last: "FILE: " ... Returns rc. */
int err_prefix(int rc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The image of a TSS2 return code (of the chip, the link or the library),
 * noted as "WHAT: decoded text (0xCODE)". TSS2_RC_SUCCESS gives SCU_OK.
 */
int err_tss(TSS2_RC rc, const char *what);

/* The same image without noting anything. */
int err_of_tss(TSS2_RC rc);

/*
 * Whether a code is the chip's own answer or a resource manager's before it:
 * a failure of the host or the link otherwise.
 */
bool err_is_chips(TSS2_RC rc);

#endif
