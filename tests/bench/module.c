/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Modules of PKCS#11, where they keep things, and their tokens. */
#include "module.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Folders of the stores, below the place's. */
static const struct {
    const char *variable, *folder;
} stores[] = {
    { "SCU_STORE", "p11-scu" },
    { "TPM2_PKCS11_STORE", "p11-tpm2" },
    { "SOFTHSM2_CONF", "p11-soft" }, /* plus ".conf", a file */
};

void
module_path(const struct module *module, char path[BENCH_PATH_MAX])
{
    const char *given = getenv(module->variable);
    char own[BENCH_PATH_MAX / 2];
    const char *end;
    ssize_t len;

    len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[len < 0 ? 0 : len] = '\0';
    end = strrchr(own, '/');
    if (given != NULL && given[0] != '\0')
        (void)snprintf(path, BENCH_PATH_MAX, "%s", given);
    else if (module->ours && end != NULL)
        (void)snprintf(path, BENCH_PATH_MAX, "%.*s/%s", (int)(end - own), own,
            module->path);
    else
        (void)snprintf(path, BENCH_PATH_MAX, "%s", module->path);
}

bool
module_present(const struct module *module)
{
    char path[BENCH_PATH_MAX];

    module_path(module, path);
    return module->ours || dlopen(path, RTLD_NOW | RTLD_LOCAL) != NULL;
}

void
module_environment(const struct bench_link *link, const struct place *place)
{
    char text[BENCH_PATH_MAX];

    bench_tcti(place, link, text);
    (void)setenv("SCU_TCTI", text, 1);
    (void)setenv("TPM2_PKCS11_TCTI", text, 1);
    (void)setenv("SCU_STATE", place->state, 1);
    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        bench_path(place, stores[i].folder,
            strcmp(stores[i].variable, "SOFTHSM2_CONF") == 0 ? ".conf" : "",
            text);
        (void)setenv(stores[i].variable, text, 1);
    }
    /* Of the libraries below the peer's module: not for this table. */
    (void)setenv("TSS2_LOG", "all+NONE", 1);
    (void)setenv("TPM2_PKCS11_LOG_LEVEL", "0", 1);
}

enum outcome
module_checked(const struct p11 *p, CK_RV rv)
{
    const char *why = rv == CKR_OK ? NULL : dlerror();
    char text[512];

    if (rv == CKR_OK)
        return BENCH_OK;
    (void)snprintf(text, sizeof(text), "0x%lx %s", rv, why == NULL ? "" : why);
    return bench_failed(p->step, text);
}

/* --- a token, once ---------------------------------------------------------- */

static enum outcome
make_stores(const struct place *place)
{
    char path[BENCH_PATH_MAX];
    FILE *conf;

    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        bench_path(place, stores[i].folder, "", path);
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return bench_failed(path, strerror(errno));
    }
    conf = fopen(getenv("SOFTHSM2_CONF"), "we");
    if (conf == NULL || fprintf(conf, "directories.tokendir = %s\n", path) < 0
        || fclose(conf) != 0)
        return bench_failed("SOFTHSM2_CONF", "cannot be written");
    return BENCH_OK;
}

/* With both PINs. */
static CK_RV
make_token(struct p11 *p)
{
    CK_UTF8CHAR label[33] = "bench                           ";
    CK_UTF8CHAR so_pin[] = P11_SO_PIN, pin[] = P11_PIN;
    CK_RV rv = p11_start(p);

    if (rv == CKR_OK) {
        p->step = "C_InitToken";
        rv = p->call->C_InitToken(p->slot, so_pin, sizeof(so_pin) - 1, label);
    }
    if (rv == CKR_OK)
        rv = p->call->C_Finalize(NULL);
    if (rv == CKR_OK)
        rv = p11_start(p);
    if (rv == CKR_OK)
        rv = p11_open(p, CK_TRUE, &p->session);
    if (rv == CKR_OK)
        rv = p11_login(p, CKU_SO, P11_SO_PIN);
    if (rv == CKR_OK) {
        p->step = "C_InitPIN";
        rv = p->call->C_InitPIN(p->session, pin, sizeof(pin) - 1);
    }
    return rv == CKR_OK ? p->call->C_Finalize(NULL) : rv;
}

/* The attribute that tells a kind of key, and how it is made. */
struct kind {
    const char *label;
    CK_MECHANISM_TYPE mechanism;
    CK_ATTRIBUTE size;
};

static CK_RV
make_key(struct p11 *p, const struct kind *kind)
{
    CK_MECHANISM mechanism = { .mechanism = kind->mechanism };
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE keys[2];
    char label[16], id[] = "0";
    CK_BYTE exponent[] = { 1, 0, 1 };
    CK_ATTRIBUTE public[] = {
        { CKA_TOKEN, &yes, sizeof(yes) }, { CKA_VERIFY, &yes, sizeof(yes) },
        { CKA_LABEL, label, strlen(kind->label) }, { CKA_ID, id, 1 },
        kind->size, { CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) },
    };
    CK_ATTRIBUTE private[] = {
        { CKA_TOKEN, &yes, sizeof(yes) }, { CKA_PRIVATE, &yes, sizeof(yes) },
        { CKA_SIGN, &yes, sizeof(yes) },
        { CKA_LABEL, label, strlen(kind->label) }, { CKA_ID, id, 1 },
    };
    bool rsa = kind->size.type == CKA_MODULUS_BITS;

    (void)snprintf(label, sizeof(label), "%s", kind->label);
    id[0] = rsa ? '1' : '2';
    p->step = "C_GenerateKeyPair";
    return p->call->C_GenerateKeyPair(p->session, &mechanism, public,
        rsa ? 6 : 5, private, 5, &keys[0], &keys[1]);
}

/*
 * Each as a program of its own would: tpm2-pkcs11 keeps what it has made in
 * the chip, which is full with the second.
 */
static CK_RV
make_keys(struct p11 *p)
{
    /* OBJECT IDENTIFIER 1.2.840.10045.3.1.7 */
    CK_BYTE p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    CK_ULONG bits = 2048;
    const struct kind kinds[] = {
        { "p256", CKM_EC_KEY_PAIR_GEN,
            { CKA_EC_PARAMS, p256, sizeof(p256) } },
        { "rsa2048", CKM_RSA_PKCS_KEY_PAIR_GEN,
            { CKA_MODULUS_BITS, &bits, sizeof(bits) } },
    };
    CK_RV rv = CKR_OK;

    for (size_t i = 0; rv == CKR_OK && i < 2; i++) {
        rv = p11_start(p);
        if (rv == CKR_OK)
            rv = p11_open(p, CK_TRUE, &p->session);
        if (rv == CKR_OK)
            rv = p11_login(p, CKU_USER, P11_PIN);
        if (rv == CKR_OK)
            rv = make_key(p, &kinds[i]);
        if (rv == CKR_OK)
            rv = p->call->C_Finalize(NULL);
    }
    return rv;
}

static enum outcome
prepare(const struct module *module, const struct place *place)
{
    const struct bench_link link = { "scu:swtpm:path=", "" };
    char path[BENCH_PATH_MAX];
    struct p11 p = { 0 };
    enum outcome rc;
    CK_RV rv;

    if (!module_present(module))
        return BENCH_ABSENT;
    module_environment(&link, place);
    rc = make_stores(place);
    if (rc != BENCH_OK)
        return rc;
    module_path(module, path);
    rv = p11_load(&p, path);
    if (rv == CKR_OK)
        rv = make_token(&p);
    if (rv == CKR_OK)
        rv = make_keys(&p);
    return module_checked(&p, rv) == BENCH_OK ? BENCH_OK :
        bench_failed(path, "has no token");
}

enum outcome
bench_prepare_token(const struct module *module, const struct place *place)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit((int)prepare(module, place));
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return bench_failed(module->path, "has no token");
    return (enum outcome)WEXITSTATUS(status);
}
