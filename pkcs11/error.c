/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "p11.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int rc;
    CK_RV rv;
} images[] = {
#define IMAGE(name, value, ckr, exit, text) { value, CKR_##ckr },
    SCU_ERROR_LIST(IMAGE)
#undef IMAGE
};

CK_RV
p11_rv(int rc)
{
    if (rc == SCU_OK)
        return CKR_OK;
    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
        if (images[i].rc == rc)
            return images[i].rv;
    return CKR_FUNCTION_FAILED;
}

CK_RV
p11_failed(const char *function, int rc)
{
    const char *detail = scu_error_detail();

    if (rc == SCU_OK)
        return CKR_OK;
    if (detail[0] == '\0')
        scu_log(SCU_LOG_ERROR, "%s: %s", function, scu_error_text(rc));
    else
        scu_log(SCU_LOG_ERROR, "%s: %s (%s)", function, scu_error_text(rc),
            detail);
    return p11_rv(rc);
}

CK_RV
p11_token_failed(const char *function, int rc)
{
    CK_RV rv = p11_failed(function, rc);

    return rc == SCU_E_NOT_FOUND ? CKR_DEVICE_REMOVED : rv;
}

CK_RV
p11_refuse(CK_RV rv, const char *format, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    scu_log(SCU_LOG_INFO, "pkcs11: %s", text);
    return rv;
}

void
p11_pad(CK_UTF8CHAR *field, size_t size, const char *text)
{
    size_t len = strnlen(text, size);

    memset(field, ' ', size);
    memcpy(field, text, len);
}
