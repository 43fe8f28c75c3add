/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fail.h"
#include "log.h"

TSS2_RC
tcti_fail(TSS2_RC rc, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_vline(LOG_LEVEL_ERROR, format, ap);
    va_end(ap);
    return rc;
}
