/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * The lists of functions, 2.40 and 3.0. The header pkcs11f.h is a list of all
 * entry points in their order; each becomes an initialiser of its own name.
 */
#include "p11.h"

#include <string.h>

#define CK_PKCS11_FUNCTION_INFO(name) .name = name,

CK_FUNCTION_LIST p11_functions = {
    .version = { 2, 40 },
#define CK_PKCS11_2_0_ONLY 1
#include <pkcs11f.h>
#undef CK_PKCS11_2_0_ONLY
};

CK_FUNCTION_LIST_3_0 p11_functions_3_0 = {
    .version = { 3, 0 },
#define CK_PKCS11_3_0 1
#include <pkcs11f.h>
#undef CK_PKCS11_3_0
};

#undef CK_PKCS11_FUNCTION_INFO

static char name[] = "PKCS 11";

/* The first is what is given to those who do not mind. */
static CK_INTERFACE interfaces[] = {
    { (CK_UTF8CHAR_PTR)name, &p11_functions_3_0, 0 },
    { (CK_UTF8CHAR_PTR)name, &p11_functions, 0 },
};
#define INTERFACES (sizeof(interfaces) / sizeof(interfaces[0]))

SCU_API CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    *list = &p11_functions;
    return CKR_OK;
}

SCU_API CK_RV
C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
    CK_ULONG room;

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    room = *count;
    *count = INTERFACES;
    if (list == NULL)
        return CKR_OK;
    if (room < INTERFACES)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

/* Each list begins with its version. */
static bool
fits(const CK_INTERFACE *interface, const CK_UTF8CHAR *wanted,
    const CK_VERSION *version, CK_FLAGS flags)
{
    const CK_VERSION *has = interface->pFunctionList;

    if (wanted != NULL && strcmp((const char *)wanted, name) != 0)
        return false;
    if (version != NULL &&
        (version->major != has->major || version->minor != has->minor))
        return false;
    return (interface->flags & flags) == flags;
}

SCU_API CK_RV
C_GetInterface(CK_UTF8CHAR_PTR wanted, CK_VERSION_PTR version,
    CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags)
{
    if (interface == NULL)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < INTERFACES; i++)
        if (fits(&interfaces[i], wanted, version, flags)) {
            *interface = &interfaces[i];
            return CKR_OK;
        }
    return CKR_FUNCTION_FAILED;
}
