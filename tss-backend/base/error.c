/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/error.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tpm2_types.h>

struct error_row {
    int rc;
    int exit;
    const char *name;
    const char *text;
};

static const struct error_row errors[] = {
    { .rc = SCU_OK, .exit = 0, .name = "SCU_OK", .text = "success" },
#define ERROR_ROW(NAME, VALUE, CKR, EXIT, TEXT)                               \
    { .rc = (VALUE), .exit = (EXIT), .name = "SCU_E_" #NAME, .text = TEXT },
    SCU_ERROR_LIST(ERROR_ROW)
#undef ERROR_ROW
};

static _Thread_local char detail[512];

static const struct error_row *
find(int rc)
{
    static const struct error_row unknown = {
        .exit = 1, .name = "SCU_E_UNKNOWN", .text = "unknown error",
    };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (errors[i].rc == rc)
            return &errors[i];
    return &unknown;
}

const char *
scu_error_name(int rc)
{
    return find(rc)->name;
}

const char *
scu_error_text(int rc)
{
    return find(rc)->text;
}

int
scu_error_exit(int rc)
{
    return find(rc)->exit;
}

const char *
scu_error_detail(void)
{
    return detail;
}

/* Its levels are those of common/log. */
_Static_assert((int)SCU_LOG_ERROR == (int)LOG_LEVEL_ERROR &&
    (int)SCU_LOG_WARN == (int)LOG_LEVEL_WARN &&
    (int)SCU_LOG_INFO == (int)LOG_LEVEL_INFO &&
    (int)SCU_LOG_DEBUG == (int)LOG_LEVEL_DEBUG, "levels of the log");

void
scu_log(enum scu_log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_vline((enum log_level)level, format, args);
    va_end(args);
}

int
err_set(int rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    log_line(LOG_LEVEL_DEBUG, "%s: %s", scu_error_name(rc), detail);
    return rc;
}

int
err_memory(void)
{
    return err_set(SCU_E_MEMORY, "out of memory on the host");
}

int
err_prefix(int rc, const char *format, ...)
{
    char rest[sizeof(detail)];
    va_list args;
    size_t len;

    memcpy(rest, detail, sizeof(rest));
    va_start(args, format);
    (void)vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    len = strlen(detail);
    (void)snprintf(detail + len, sizeof(detail) - len, "%s", rest);
    return rc;
}

/*
 * Codes of the chip. Format-one codes (bit 7 set) are compared without their
 * handle, session or parameter number; the others as they are.
 */
struct tpm_row {
    TSS2_RC code;
    int rc;
};

static const struct tpm_row tpm_codes[] = {
    { TPM2_RC_AUTH_FAIL, SCU_E_AUTH },
    { TPM2_RC_BAD_AUTH, SCU_E_AUTH },
    { TPM2_RC_AUTH_MISSING, SCU_E_AUTH_NEEDED },
    { TPM2_RC_AUTH_UNAVAILABLE, SCU_E_LOCKED },
    { TPM2_RC_LOCKOUT, SCU_E_LOCKED },
    { TPM2_RC_INTEGRITY, SCU_E_FOREIGN_KEY },
    { TPM2_RC_BINDING, SCU_E_FOREIGN_KEY },
    { TPM2_RC_ECC_POINT, SCU_E_ARG },
    { TPM2_RC_HANDLE, SCU_E_NOT_FOUND },
    { TPM2_RC_CURVE, SCU_E_UNSUPPORTED },
    { TPM2_RC_KEY_SIZE, SCU_E_UNSUPPORTED },
    { TPM2_RC_ASYMMETRIC, SCU_E_UNSUPPORTED },
    { TPM2_RC_HASH, SCU_E_UNSUPPORTED },
    { TPM2_RC_SCHEME, SCU_E_UNSUPPORTED },
    { TPM2_RC_SYMMETRIC, SCU_E_UNSUPPORTED },
    { TPM2_RC_COMMAND_CODE, SCU_E_UNSUPPORTED },
    { TPM2_RC_OBJECT_MEMORY, SCU_E_SLOTS },
    { TPM2_RC_SESSION_MEMORY, SCU_E_SLOTS },
    { TPM2_RC_OBJECT_HANDLES, SCU_E_SLOTS },
    { TPM2_RC_SESSION_HANDLES, SCU_E_SLOTS },
    { TPM2_RC_CONTEXT_GAP, SCU_E_SLOTS },
    { TPM2_RC_NV_SPACE, SCU_E_SLOTS },
    { TPM2_RC_NV_DEFINED, SCU_E_EXISTS },
    { TPM2_RC_REFERENCE_H0, SCU_E_LOST },
    { TPM2_RC_REFERENCE_H1, SCU_E_LOST },
    { TPM2_RC_REFERENCE_H2, SCU_E_LOST },
    { TPM2_RC_REFERENCE_S0, SCU_E_LOST },
    { TPM2_RC_REFERENCE_S1, SCU_E_LOST },
    { TPM2_RC_REFERENCE_S2, SCU_E_LOST },
    { TPM2_RC_RETRY, SCU_E_BUSY },
    { TPM2_RC_YIELDED, SCU_E_BUSY },
    { TPM2_RC_TESTING, SCU_E_BUSY },
    { TPM2_RC_NV_RATE, SCU_E_BUSY },
    { TPM2_RC_NV_UNAVAILABLE, SCU_E_BUSY },
    { TPM2_RC_INITIALIZE, SCU_E_NOT_STARTED },
};

/* Bad values of a link or its loader come from its configuration. */
static const struct tpm_row conf_codes[] = {
    { TSS2_BASE_RC_BAD_VALUE, SCU_E_CONF },
    { TSS2_BASE_RC_NOT_SUPPORTED, SCU_E_CONF },
    { TSS2_BASE_RC_ABI_MISMATCH, SCU_E_CONF },
};

/* Codes of the layers on the host, without the layer's number. */
static const struct tpm_row host_codes[] = {
    { TSS2_BASE_RC_IO_ERROR, SCU_E_IO },
    { TSS2_BASE_RC_NO_CONNECTION, SCU_E_NO_CHIP },
    { TSS2_BASE_RC_TRY_AGAIN, SCU_E_BUSY },
    { TSS2_BASE_RC_NOT_IMPLEMENTED, SCU_E_UNSUPPORTED },
    { TSS2_BASE_RC_MALFORMED_RESPONSE, SCU_E_TAMPERED },
    { TSS2_BASE_RC_INSUFFICIENT_RESPONSE, SCU_E_TAMPERED },
    { TSS2_BASE_RC_MEMORY, SCU_E_MEMORY },
};

static int
look_up(const struct tpm_row *rows, size_t n, TSS2_RC code, int otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].code == code)
            return rows[i].rc;
    return otherwise;
}

static int
of_host(TSS2_RC rc)
{
    TSS2_RC base = rc & ~TSS2_RC_LAYER_MASK;
    int otherwise = SCU_E_INTERNAL;

    if ((rc & TSS2_RC_LAYER_MASK) == TSS2_TCTI_RC_LAYER)
        otherwise = look_up(conf_codes,
            sizeof(conf_codes) / sizeof(conf_codes[0]), base, otherwise);
    return look_up(host_codes, sizeof(host_codes) / sizeof(host_codes[0]),
        base, otherwise);
}

bool
err_is_chips(TSS2_RC rc)
{
    TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;

    return layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_RC_LAYER ||
        layer == TSS2_RESMGR_TPM_RC_LAYER;
}

int
err_of_tss(TSS2_RC rc)
{
    if (rc == TSS2_RC_SUCCESS)
        return SCU_OK;
    if (!err_is_chips(rc))
        return of_host(rc);
    rc &= ~TSS2_RC_LAYER_MASK;
    if ((rc & TPM2_RC_FMT1) != 0)
        rc &= TPM2_RC_FMT1 | 0x3f;
    return look_up(tpm_codes, sizeof(tpm_codes) / sizeof(tpm_codes[0]), rc,
        SCU_E_CHIP);
}

int
err_tss(TSS2_RC rc, const char *what)
{
    if (rc == TSS2_RC_SUCCESS)
        return SCU_OK;
    return err_set(err_of_tss(rc), "%s: %s (0x%x)", what,
        Tss2_RC_Decode(rc), rc);
}
