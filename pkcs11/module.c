/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* C_Initialize to C_Finalize: the module's mutex and what lives as long. */
#include "object.h"
#include "p11.h"
#include "session.h"
#include "slot.h"

#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;  /* between C_Initialize and C_Finalize */
static bool forked; /* what the tables hold is the parent's */
static struct scu_chip *chip;
static OSSL_LIB_CTX *libctx;
static OSSL_PROVIDER *software;
static pthread_mutex_t libctx_mutex = PTHREAD_MUTEX_INITIALIZER;

/*
 * The tables are whole in a child, because no thread was changing them when it
 * was made. To the child the module is not initialised (PKCS#11 2.40, 6.7.1).
 */
static void
before_fork(void)
{
    (void)pthread_mutex_lock(&mutex);
    (void)pthread_mutex_lock(&libctx_mutex);
}

static void
after_fork_parent(void)
{
    (void)pthread_mutex_unlock(&libctx_mutex);
    (void)pthread_mutex_unlock(&mutex);
}

static void
after_fork_child(void)
{
    forked = ready;
    ready = false;
    (void)pthread_cond_init(&change, NULL); /* who waited is not here */
    after_fork_parent();
}

void
p11_wait(void)
{
    (void)pthread_cond_wait(&change, &mutex);
}

void
p11_changed(void)
{
    (void)pthread_cond_broadcast(&change);
}

/* What is left from this process, or from the parent of this process. */
static void
tear_down(void)
{
    p11_sessions_clear();
    p11_objects_clear();
    p11_slots_clear();
    scu_chip_free(&chip);
    if (software != NULL)
        (void)OSSL_PROVIDER_unload(software);
    OSSL_LIB_CTX_free(libctx);
    software = NULL;
    libctx = NULL;
    ready = forked = false;
    p11_changed();
}

/*
 * Many programs end without C_Finalize; what they had in the chip would stay
 * there. With other threads about, one may be at work in here: then it does.
 */
static void
at_exit(void)
{
    if (ready && __libc_single_threaded)
        tear_down();
}

/*
 * At the end of a process the last handler that came is the first to go:
 * libcrypto's has to be there before ours, which still needs it.
 */
static void
watch_process(void)
{
    (void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1)
        (void)atexit(at_exit);
}

CK_RV
p11_enter(void)
{
    (void)pthread_mutex_lock(&mutex);
    if (ready)
        return CKR_OK;
    (void)pthread_mutex_unlock(&mutex);
    return CKR_CRYPTOKI_NOT_INITIALIZED;
}

void
p11_leave(void)
{
    (void)pthread_mutex_unlock(&mutex);
}

struct scu_chip *
p11_chip(void)
{
    return chip;
}

OSSL_LIB_CTX *
p11_libctx(void)
{
    OSSL_LIB_CTX *made;

    (void)pthread_mutex_lock(&libctx_mutex);
    if (libctx == NULL && (made = OSSL_LIB_CTX_new()) != NULL) {
        software = OSSL_PROVIDER_load(made, "default");
        if (software == NULL)
            OSSL_LIB_CTX_free(made);
        else
            libctx = made;
    }
    made = libctx;
    (void)pthread_mutex_unlock(&libctx_mutex);
    return made;
}

/*
 * Locks of the operating system are what we use; an application that forbids
 * them by giving only its own cannot be served. What NSS's header calls
 * LibraryParameters stands where the standard has pReserved; what NSS has
 * behind it is not there in arguments of others.
 */
static CK_RV
check_arguments(const CK_C_INITIALIZE_ARGS *args)
{
    int given;

    if (args == NULL)
        return CKR_OK;
    if (args->LibraryParameters != NULL)
        return p11_refuse(CKR_ARGUMENTS_BAD, "C_Initialize: parameters are "
            "passed, and this module takes none");
    given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) +
        (args->LockMutex != NULL) + (args->UnlockMutex != NULL);
    if (given != 0 && given != 4)
        return CKR_ARGUMENTS_BAD;
    if (given == 4 && (args->flags & CKF_OS_LOCKING_OK) == 0)
        return p11_refuse(CKR_CANT_LOCK, "C_Initialize: the application "
            "gives locks of its own and does not allow those of the system");
    return CKR_OK;
}

CK_RV
C_Initialize(CK_VOID_PTR init_args)
{
    CK_RV rv = check_arguments(init_args);
    int rc;

    if (rv != CKR_OK)
        return rv;
    (void)pthread_once(&once, watch_process);
    (void)pthread_mutex_lock(&mutex);
    if (ready) {
        rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
        goto out;
    }
    if (forked)
        tear_down();
    rc = scu_chip_open(NULL, &chip);
    if (rc != SCU_OK)
        rv = p11_failed("C_Initialize", rc);
    ready = rc == SCU_OK;
out:
    (void)pthread_mutex_unlock(&mutex);
    return rv;
}

CK_RV
C_Finalize(CK_VOID_PTR reserved)
{
    CK_RV rv;

    if (reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    rv = p11_enter();
    if (rv != CKR_OK)
        return rv;
    tear_down();
    p11_leave();
    return CKR_OK;
}

CK_RV
C_GetInfo(CK_INFO_PTR info)
{
    CK_RV rv = p11_enter();

    if (rv != CKR_OK)
        return rv;
    p11_leave();
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    memset(info, 0, sizeof(*info));
    info->cryptokiVersion = p11_functions.version;
    info->libraryVersion.minor = 1;
    p11_pad(info->manufacturerID, sizeof(info->manufacturerID),
        P11_MANUFACTURER);
    p11_pad(info->libraryDescription, sizeof(info->libraryDescription),
        ATTR_LIBRARY);
    return CKR_OK;
}
