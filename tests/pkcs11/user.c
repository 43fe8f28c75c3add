/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user MODULE: a program that uses a token, one step at a time, so that the
 * chip commands of each step can be counted and the world can change between
 * them. Reads a step per line from standard input, answers each with a line:
 * the CKR_ code in hexadecimal, 0 for well done, and after it what was asked.
 *
 *   init                C_Initialize and C_GetSlotList; the number of slots
 *   open                a session that writes, on the first slot
 *   login PIN           of the user;  so PIN: of the SO
 *   logout
 *   key LABEL           finds a private key
 *   sign                of 32 octets with ECDSA, verified with the public key
 *   make LABEL          a key pair, P-256
 *   note LABEL          stores a data object
 *   objects             how many there are; privates: private keys
 *   random              8 octets
 *   flags               of the token, hexadecimal;  state: of the session
 *   pin OLD NEW         C_SetPIN;  initpin PIN: C_InitPIN by the SO
 *   token SO_PIN        C_InitToken of the first slot, label "anew"
 *   limit OCTETS        no file grows beyond that; 0: as far as it wants
 *   threads N           N threads sign 8 times each, a session each
 *   child               a child initialises the module anew and ends it
 *   close, final        C_CloseSession, C_Finalize
 */
#include "config.h"

#include <dlfcn.h>
#include <pkcs11.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 8

static CK_FUNCTION_LIST *p11;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE private_key, public_key;
static CK_ULONG answer; /* what is said after the code */
static CK_BYTE digest[32] = "This is as long as a digest is.";

static CK_RV
init(const char *argument)
{
    CK_SLOT_ID slots[8];
    CK_RV rv = p11->C_Initialize(NULL);

    (void)argument;
    answer = 8;
    if (rv == CKR_OK)
        rv = p11->C_GetSlotList(CK_TRUE, slots, &answer);
    slot = rv == CKR_OK ? slots[0] : 0;
    return rv;
}

static CK_RV
open_session(const char *argument)
{
    (void)argument;
    return p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
        NULL, &session);
}

static CK_RV
log_in(CK_USER_TYPE user, const char *pin)
{
    CK_UTF8CHAR copy[128];

    (void)snprintf((char *)copy, sizeof(copy), "%s", pin);
    return p11->C_Login(session, user, copy, strlen(pin));
}

static CK_RV
login_user(const char *pin)
{
    return log_in(CKU_USER, pin);
}

static CK_RV
login_so(const char *pin)
{
    return log_in(CKU_SO, pin);
}

static CK_RV
log_out(const char *argument)
{
    (void)argument;
    return p11->C_Logout(session);
}

static CK_RV
find(const CK_ATTRIBUTE *wanted, CK_ULONG count, CK_OBJECT_HANDLE *found,
    CK_ULONG max)
{
    CK_ATTRIBUTE template[2];
    CK_RV rv;

    for (CK_ULONG i = 0; i < count; i++)
        template[i] = wanted[i];
    rv = p11->C_FindObjectsInit(session, template, count);
    if (rv == CKR_OK)
        rv = p11->C_FindObjects(session, found, max, &answer);
    if (rv == CKR_OK)
        rv = p11->C_FindObjectsFinal(session);
    return rv;
}

static CK_RV
find_key(const char *label)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    char copy[64];
    CK_ATTRIBUTE wanted[] = {
        { CKA_CLASS, &class, sizeof(class) },
        { CKA_LABEL, copy, strlen(label) },
    };
    CK_RV rv;

    (void)snprintf(copy, sizeof(copy), "%s", label);
    rv = find(wanted, 2, &private_key, 1);
    if (rv != CKR_OK || answer != 1)
        return rv != CKR_OK ? rv : CKR_OBJECT_HANDLE_INVALID;
    class = CKO_PUBLIC_KEY;
    rv = find(wanted, 2, &public_key, 1);
    return rv != CKR_OK || answer == 1 ? rv : CKR_OBJECT_HANDLE_INVALID;
}

static CK_RV
sign_in(CK_SESSION_HANDLE in)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_BYTE sig[64];
    CK_ULONG len = sizeof(sig);
    CK_RV rv = p11->C_SignInit(in, &mechanism, private_key);

    if (rv == CKR_OK)
        rv = p11->C_Sign(in, digest, sizeof(digest), sig, &len);
    if (rv == CKR_OK)
        rv = p11->C_VerifyInit(in, &mechanism, public_key);
    if (rv == CKR_OK)
        rv = p11->C_Verify(in, digest, sizeof(digest), sig, len);
    return rv;
}

static CK_RV
sign(const char *argument)
{
    (void)argument;
    return sign_in(session);
}

static CK_RV
make_note(const char *label)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL yes = CK_TRUE;
    char copy[64];
    CK_ATTRIBUTE template[] = {
        { CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &yes, 1 },
        { CKA_LABEL, copy, strlen(label) },
    };

    (void)snprintf(copy, sizeof(copy), "%s", label);
    return p11->C_CreateObject(session, template, 3, &answer);
}

static CK_RV
make_key(const char *label)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_BYTE p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    CK_BBOOL yes = CK_TRUE;
    char copy[64];
    CK_ATTRIBUTE template[] = {
        { CKA_TOKEN, &yes, 1 }, { CKA_LABEL, copy, strlen(label) },
        { CKA_EC_PARAMS, p256, sizeof(p256) },
    };

    (void)snprintf(copy, sizeof(copy), "%s", label);
    return p11->C_GenerateKeyPair(session, &mechanism, template, 3, template,
        2, &public_key, &private_key);
}

static CK_RV
count_private(const char *argument)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted = { CKA_CLASS, &class, sizeof(class) };
    CK_OBJECT_HANDLE found[64];

    (void)argument;
    return find(&wanted, 1, found, 64);
}

static CK_RV
count_objects(const char *argument)
{
    CK_OBJECT_HANDLE found[64];

    (void)argument;
    return find(NULL, 0, found, 64);
}

static CK_RV
get_random(const char *argument)
{
    CK_BYTE octets[8];

    (void)argument;
    return p11->C_GenerateRandom(session, octets, sizeof(octets));
}

static CK_RV
get_flags(const char *argument)
{
    CK_TOKEN_INFO info = { 0 };
    CK_RV rv = p11->C_GetTokenInfo(slot, &info);

    (void)argument;
    answer = info.flags;
    return rv;
}

static CK_RV
get_state(const char *argument)
{
    CK_SESSION_INFO info = { 0 };
    CK_RV rv = p11->C_GetSessionInfo(session, &info);

    (void)argument;
    answer = info.state;
    return rv;
}

/* "OLD NEW" */
static CK_RV
change_pin(const char *argument)
{
    CK_UTF8CHAR copy[256], *new;

    (void)snprintf((char *)copy, sizeof(copy), "%s", argument);
    new = copy + strcspn((char *)copy, " ");
    if (*new == '\0')
        return CKR_ARGUMENTS_BAD;
    *new++ = '\0';
    return p11->C_SetPIN(session, copy, strlen((char *)copy), new,
        strlen((char *)new));
}

static CK_RV
init_pin(const char *pin)
{
    CK_UTF8CHAR copy[128];

    (void)snprintf((char *)copy, sizeof(copy), "%s", pin);
    return p11->C_InitPIN(session, copy, strlen(pin));
}

static CK_RV
init_token(const char *pin)
{
    CK_UTF8CHAR copy[128], label[33] = "anew                            ";

    (void)snprintf((char *)copy, sizeof(copy), "%s", pin);
    return p11->C_InitToken(slot, copy, strlen(pin), label);
}

/* What a full disk is for a process: its writes fail, and it lives on. */
static CK_RV
limit_files(const char *octets)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        return CKR_GENERAL_ERROR;
    limit.rlim_cur = (rlim_t)atol(octets);
    if (limit.rlim_cur == 0)
        limit.rlim_cur = limit.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    return setrlimit(RLIMIT_FSIZE, &limit) == 0 ? CKR_OK : CKR_GENERAL_ERROR;
}

static void *
sign_often(void *arg)
{
    CK_RV *rv = arg;
    CK_SESSION_HANDLE own;

    *rv = p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &own);
    for (int i = 0; *rv == CKR_OK && i < 8; i++)
        *rv = sign_in(own);
    return NULL;
}

static CK_RV
sign_in_threads(const char *number)
{
    int n = atoi(number) < MAX_THREADS ? atoi(number) : MAX_THREADS;
    pthread_t thread[MAX_THREADS];
    CK_RV rv[MAX_THREADS], worst = CKR_OK;

    for (int i = 0; i < n; i++)
        if (pthread_create(&thread[i], NULL, sign_often, &rv[i]) != 0)
            return CKR_GENERAL_ERROR;
    for (int i = 0; i < n; i++) {
        (void)pthread_join(thread[i], NULL);
        if (rv[i] != CKR_OK)
            worst = rv[i];
    }
    return worst;
}

static CK_RV
child_life(void)
{
    CK_RV rv = p11->C_Finalize(NULL);

    if (rv != CKR_CRYPTOKI_NOT_INITIALIZED)
        return CKR_GENERAL_ERROR;
    rv = init("");
    if (rv == CKR_OK)
        rv = open_session("");
    if (rv == CKR_OK)
        rv = get_random("");
    return rv == CKR_OK ? p11->C_Finalize(NULL) : rv;
}

static CK_RV
bear_child(const char *argument)
{
    int status = 0;
    pid_t pid = fork();

    (void)argument;
    if (pid == 0)
        _exit(child_life() == CKR_OK ? 0 : 1);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return CKR_GENERAL_ERROR;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CKR_OK :
        CKR_FUNCTION_FAILED;
}

static CK_RV
close_session(const char *argument)
{
    (void)argument;
    return p11->C_CloseSession(session);
}

static CK_RV
finalize(const char *argument)
{
    (void)argument;
    return p11->C_Finalize(NULL);
}

static const struct {
    const char *name;
    CK_RV (*run)(const char *argument);
} steps[] = {
    { "init", init }, { "open", open_session }, { "login", login_user },
    { "so", login_so }, { "logout", log_out }, { "key", find_key },
    { "sign", sign }, { "make", make_key }, { "note", make_note },
    { "objects", count_objects }, { "privates", count_private },
    { "random", get_random }, { "flags", get_flags }, { "state", get_state },
    { "pin", change_pin }, { "initpin", init_pin }, { "token", init_token },
    { "limit", limit_files },
    { "threads", sign_in_threads }, { "child", bear_child },
    { "close", close_session }, { "final", finalize },
};

static CK_RV
step(char *line)
{
    char *argument;

    line[strcspn(line, "\n")] = '\0';
    argument = line + strcspn(line, " ");
    if (*argument != '\0')
        *argument++ = '\0';
    answer = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (strcmp(steps[i].name, line) == 0)
            return steps[i].run(argument);
    return CKR_ARGUMENTS_BAD;
}

int
main(int argc, char **argv)
{
    void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    union {
        void *object;
        CK_C_GetFunctionList function;
    } get = { NULL };
    char line[256];

    if (module != NULL)
        get.object = dlsym(module, "C_GetFunctionList");
    if (get.object == NULL || get.function(&p11) != CKR_OK) {
        (void)fprintf(stderr, "user: no module: %s\n", dlerror());
        return 2;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        CK_RV rv = step(line);

        (void)printf("%lx %lx\n", rv, answer);
        (void)fflush(stdout);
    }
    return 0;
}
