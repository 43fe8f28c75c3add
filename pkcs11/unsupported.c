/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * What this module does not do (yet): a row for each entry point. The rows
 * are checked against the prototypes of the standard by the compiler.
 */
#include "p11.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define UNSUPPORTED(name, ...)             \
    CK_RV name(__VA_ARGS__)                \
    {                                      \
        return CKR_FUNCTION_NOT_SUPPORTED; \
    }

/* Parameters that several have in common. */
#define SESSION CK_SESSION_HANDLE session
#define KEYED SESSION, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key
#define IN CK_BYTE_PTR in, CK_ULONG in_len
#define OUT CK_BYTE_PTR out, CK_ULONG_PTR out_len
#define PARAMETER CK_VOID_PTR parameter, CK_ULONG parameter_len
#define EXTRA CK_BYTE_PTR extra, CK_ULONG extra_len
#define TEMPLATE CK_ATTRIBUTE_PTR template, CK_ULONG count
#define MADE CK_OBJECT_HANDLE_PTR made

/* --- 2.40 ----------------------------------------------------------------- */

UNSUPPORTED(C_GetOperationState, SESSION, OUT)
UNSUPPORTED(C_SetOperationState, SESSION, IN, CK_OBJECT_HANDLE encryption,
    CK_OBJECT_HANDLE authentication)
UNSUPPORTED(C_EncryptInit, KEYED)
UNSUPPORTED(C_Encrypt, SESSION, IN, OUT)
UNSUPPORTED(C_EncryptUpdate, SESSION, IN, OUT)
UNSUPPORTED(C_EncryptFinal, SESSION, OUT)
UNSUPPORTED(C_DecryptInit, KEYED)
UNSUPPORTED(C_Decrypt, SESSION, IN, OUT)
UNSUPPORTED(C_DecryptUpdate, SESSION, IN, OUT)
UNSUPPORTED(C_DecryptFinal, SESSION, OUT)
UNSUPPORTED(C_DigestKey, SESSION, CK_OBJECT_HANDLE key)
UNSUPPORTED(C_SignRecoverInit, KEYED)
UNSUPPORTED(C_SignRecover, SESSION, IN, OUT)
UNSUPPORTED(C_VerifyRecoverInit, KEYED)
UNSUPPORTED(C_VerifyRecover, SESSION, IN, OUT)
UNSUPPORTED(C_DigestEncryptUpdate, SESSION, IN, OUT)
UNSUPPORTED(C_DecryptDigestUpdate, SESSION, IN, OUT)
UNSUPPORTED(C_SignEncryptUpdate, SESSION, IN, OUT)
UNSUPPORTED(C_DecryptVerifyUpdate, SESSION, IN, OUT)
UNSUPPORTED(C_GenerateKey, SESSION, CK_MECHANISM_PTR mechanism, TEMPLATE, MADE)
UNSUPPORTED(C_WrapKey, KEYED, CK_OBJECT_HANDLE wrapped, OUT)
UNSUPPORTED(C_UnwrapKey, KEYED, IN, TEMPLATE, MADE)
UNSUPPORTED(C_DeriveKey, KEYED, TEMPLATE, MADE)

/* --- 3.0 ------------------------------------------------------------------ */

UNSUPPORTED(C_LoginUser, SESSION, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin,
    CK_ULONG pin_len, CK_UTF8CHAR_PTR name, CK_ULONG name_len)
UNSUPPORTED(C_MessageEncryptInit, KEYED)
UNSUPPORTED(C_EncryptMessage, SESSION, PARAMETER, EXTRA, IN, OUT)
UNSUPPORTED(C_EncryptMessageBegin, SESSION, PARAMETER, EXTRA)
UNSUPPORTED(C_EncryptMessageNext, SESSION, PARAMETER, IN, OUT, CK_FLAGS flags)
UNSUPPORTED(C_MessageEncryptFinal, SESSION)
UNSUPPORTED(C_MessageDecryptInit, KEYED)
UNSUPPORTED(C_DecryptMessage, SESSION, PARAMETER, EXTRA, IN, OUT)
UNSUPPORTED(C_DecryptMessageBegin, SESSION, PARAMETER, EXTRA)
UNSUPPORTED(C_DecryptMessageNext, SESSION, PARAMETER, IN, OUT, CK_FLAGS flags)
UNSUPPORTED(C_MessageDecryptFinal, SESSION)
UNSUPPORTED(C_MessageSignInit, KEYED)
UNSUPPORTED(C_SignMessage, SESSION, PARAMETER, IN, OUT)
UNSUPPORTED(C_SignMessageBegin, SESSION, PARAMETER)
UNSUPPORTED(C_SignMessageNext, SESSION, PARAMETER, IN, OUT)
UNSUPPORTED(C_MessageSignFinal, SESSION)
UNSUPPORTED(C_MessageVerifyInit, KEYED)
UNSUPPORTED(C_VerifyMessage, SESSION, PARAMETER, IN, EXTRA)
UNSUPPORTED(C_VerifyMessageBegin, SESSION, PARAMETER)
UNSUPPORTED(C_VerifyMessageNext, SESSION, PARAMETER, IN, EXTRA)
UNSUPPORTED(C_MessageVerifyFinal, SESSION)

/* --- functions run in parallel: gone since 2.0 ---------------------------- */

CK_RV
C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    return CKR_FUNCTION_NOT_PARALLEL;
}

CK_RV
C_CancelFunction(CK_SESSION_HANDLE session)
{
    return CKR_FUNCTION_NOT_PARALLEL;
}
