/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_FAIL_H
#define TCTI_SCU_FAIL_H

#include <tss2/tss2_common.h>

/*
 * The one line of a failure, at the place that knows its cause; returns rc,
 * so that it reads "return tcti_fail(...)". The text names cause and remedy.
 */
TSS2_RC tcti_fail(TSS2_RC rc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
