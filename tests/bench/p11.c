/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "p11.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define SLOTS_MAX 16
#define SIGNED_MAX 256
#define SIGNATURE_MAX 512

static const struct p11_scheme schemes[] = {
    { "ECDSA-SHA256", CKM_ECDSA, 32, 64 },
    { "RSASSA-SHA256", CKM_SHA256_RSA_PKCS, 256, 256 },
};

CK_RV
p11_load(struct p11 *p, const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    union {
        void *object;
        CK_C_GetFunctionList function;
    } get = { NULL };

    p->step = "dlopen";
    if (module != NULL)
        get.object = dlsym(module, "C_GetFunctionList");
    return get.object == NULL ? CKR_GENERAL_ERROR : get.function(&p->call);
}

CK_RV
p11_start(struct p11 *p)
{
    CK_C_INITIALIZE_ARGS threads = { .flags = CKF_OS_LOCKING_OK };
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_RV rv;

    p->step = "C_Initialize";
    rv = p->call->C_Initialize(&threads);
    if (rv != CKR_OK)
        return rv;
    p->step = "C_GetSlotList";
    rv = p->call->C_GetSlotList(CK_TRUE, slots, &count);
    if (rv == CKR_OK && count == 0)
        rv = CKR_TOKEN_NOT_PRESENT;
    if (rv == CKR_OK)
        p->slot = slots[0];
    return rv;
}

CK_RV
p11_open(struct p11 *p, CK_BBOOL write, CK_SESSION_HANDLE *session)
{
    CK_FLAGS flags = CKF_SERIAL_SESSION;

    if (write == CK_TRUE)
        flags |= CKF_RW_SESSION;
    p->step = "C_OpenSession";
    return p->call->C_OpenSession(p->slot, flags, NULL, NULL, session);
}

CK_RV
p11_login(struct p11 *p, CK_USER_TYPE user, const char *pin)
{
    CK_UTF8CHAR copy[64];

    (void)snprintf((char *)copy, sizeof(copy), "%s", pin);
    p->step = "C_Login";
    return p->call->C_Login(p->session, user, copy, strlen(pin));
}

CK_RV
p11_find(struct p11 *p, const char *label, const char *scheme)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ULONG found = 0;
    char copy[64];
    CK_ATTRIBUTE wanted[] = {
        { CKA_CLASS, &class, sizeof(class) },
        { CKA_LABEL, copy, strlen(label) },
    };
    CK_RV rv;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strcmp(schemes[i].name, scheme) == 0)
            p->scheme = &schemes[i];
    (void)snprintf(copy, sizeof(copy), "%s", label);
    p->step = "C_FindObjects";
    rv = p->call->C_FindObjectsInit(p->session, wanted, 2);
    if (rv == CKR_OK)
        rv = p->call->C_FindObjects(p->session, &p->key, 1, &found);
    if (rv == CKR_OK)
        rv = p->call->C_FindObjectsFinal(p->session);
    if (rv == CKR_OK && (found != 1 || p->scheme == NULL))
        rv = CKR_KEY_HANDLE_INVALID;
    return rv;
}

CK_RV
p11_sign(const struct p11 *p, CK_SESSION_HANDLE session)
{
    CK_MECHANISM mechanism = { .mechanism = p->scheme->mechanism };
    CK_BYTE in[SIGNED_MAX], out[SIGNATURE_MAX];
    CK_ULONG len = sizeof(out);
    CK_RV rv;

    memset(in, 0x5c, sizeof(in));
    rv = p->call->C_SignInit(session, &mechanism, p->key);
    if (rv == CKR_OK)
        rv = p->call->C_Sign(session, in, p->scheme->in, out, &len);
    if (rv == CKR_OK && len != p->scheme->out)
        rv = CKR_SIGNATURE_LEN_RANGE;
    return rv;
}

CK_RV
p11_first(struct p11 *p, const char *path, const char *label,
    const char *scheme)
{
    CK_RV rv = p11_load(p, path);

    if (rv == CKR_OK)
        rv = p11_start(p);
    if (rv == CKR_OK)
        rv = p11_open(p, CK_FALSE, &p->session);
    if (rv == CKR_OK)
        rv = p11_login(p, CKU_USER, P11_PIN);
    if (rv == CKR_OK)
        rv = p11_find(p, label, scheme);
    if (rv == CKR_OK) {
        p->step = "C_Sign";
        rv = p11_sign(p, p->session);
    }
    return rv;
}
