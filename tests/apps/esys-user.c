/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

/*
 * A program of others: ESYS, and nothing of this stack but the TCTI that the
 * loader finds by the name on the command line. Makes a key below a primary
 * one, signs with it in a salted HMAC session with encrypted parameters, waits
 * for other commands by poll(2), and leaves the chip as it was.
 *
 * Each step is a line, "ok ..." or "not ok ..."; exits with 0 when all are ok.
 */
#define WAITS_MAX 100000
#define POLL_MS 20000

struct user {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR primary, key, session;
    unsigned waits; /* calls of poll(2) */
    bool failed;
};

static const TPM2B_AUTH password = {
    .size = 8, .buffer = { 's', 'e', 'c', 'r', 'e', 't', '-', '8' },
};

static const TPM2B_DIGEST digest = {
    .size = 32, .buffer = { 1, 2, 3, 4, 5, 6, 7, 8 },
};

static const TPMT_SIG_SCHEME ecdsa = {
    .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256,
};

#define ATTRIBUTES (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT \
    | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH \
    | TPMA_OBJECT_NODA)

static const TPM2B_PUBLIC storage_key = { .publicArea = {
    .type = TPM2_ALG_ECC,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes = ATTRIBUTES | TPMA_OBJECT_RESTRICTED
        | TPMA_OBJECT_DECRYPT,
    .parameters.eccDetail = {
        .symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
            .mode.aes = TPM2_ALG_CFB },
        .scheme.scheme = TPM2_ALG_NULL,
        .curveID = TPM2_ECC_NIST_P256,
        .kdf.scheme = TPM2_ALG_NULL,
    },
} };

static const TPM2B_PUBLIC signing_key = { .publicArea = {
    .type = TPM2_ALG_ECC,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes = ATTRIBUTES | TPMA_OBJECT_SIGN_ENCRYPT,
    .parameters.eccDetail = {
        .symmetric.algorithm = TPM2_ALG_NULL,
        .scheme.scheme = TPM2_ALG_NULL,
        .curveID = TPM2_ECC_NIST_P256,
        .kdf.scheme = TPM2_ALG_NULL,
    },
} };

/* Takes its time on any chip. */
static const TPM2B_PUBLIC rsa_key = { .publicArea = {
    .type = TPM2_ALG_RSA,
    .nameAlg = TPM2_ALG_SHA256,
    .objectAttributes = ATTRIBUTES | TPMA_OBJECT_SIGN_ENCRYPT,
    .parameters.rsaDetail = {
        .symmetric.algorithm = TPM2_ALG_NULL,
        .scheme.scheme = TPM2_ALG_NULL,
        .keyBits = 2048,
    },
} };

/* Whether rc is the one that is wanted. */
static bool
step(struct user *u, const char *what, TSS2_RC rc, TSS2_RC wanted)
{
    bool good = rc == wanted;

    if (good)
        printf("ok %s\n", what);
    else
        printf("not ok %s: %s\n", what, Tss2_RC_Decode(rc));
    u->failed = u->failed || !good;
    return good;
}

static bool
works(struct user *u, const char *what, TSS2_RC rc)
{
    return step(u, what, rc, TSS2_RC_SUCCESS);
}

/* --- one call after the other -------------------------------------------- */

static bool
make_primary(struct user *u)
{
    const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
    const TPM2B_DATA outside = { .size = 0 };
    const TPML_PCR_SELECTION pcrs = { .count = 0 };

    return works(u, "CreatePrimary", Esys_CreatePrimary(u->esys,
        ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
        &sensitive, &storage_key, &outside, &pcrs, &u->primary, NULL, NULL,
        NULL, NULL));
}

static bool
start_session(struct user *u)
{
    const TPMT_SYM_DEF aes = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
        .mode.aes = TPM2_ALG_CFB,
    };
    const TPMA_SESSION wanted = TPMA_SESSION_CONTINUESESSION
        | TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT;

    return works(u, "StartAuthSession, salted", Esys_StartAuthSession(u->esys,
            u->primary, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
            ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &aes, TPM2_ALG_SHA256,
            &u->session))
        && works(u, "its parameters are encrypted",
            Esys_TRSess_SetAttributes(u->esys, u->session, wanted, 0xff));
}

static bool
make_key(struct user *u)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {
        .sensitive.userAuth = password,
    };
    const TPM2B_DATA outside = { .size = 0 };
    const TPML_PCR_SELECTION pcrs = { .count = 0 };
    TPM2B_PRIVATE *private = NULL;
    TPM2B_PUBLIC *public = NULL;
    bool good;

    good = works(u, "Create", Esys_Create(u->esys, u->primary, u->session,
            ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &signing_key, &outside,
            &pcrs, &private, &public, NULL, NULL, NULL))
        && works(u, "Load", Esys_Load(u->esys, u->primary, u->session,
            ESYS_TR_NONE, ESYS_TR_NONE, private, public, &u->key));
    Esys_Free(private);
    Esys_Free(public);
    return good;
}

static TSS2_RC
sign(struct user *u, TPMT_SIGNATURE **signature)
{
    const TPMT_TK_HASHCHECK ticket = {
        .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL,
    };

    return Esys_Sign(u->esys, u->key, u->session, ESYS_TR_NONE, ESYS_TR_NONE,
        &digest, &ecdsa, &ticket, signature);
}

static bool
use_key(struct user *u)
{
    TPM2B_DIGEST other = digest;
    TPMT_TK_VERIFIED *ticket = NULL;
    TPMT_SIGNATURE *signature = NULL;
    bool good;

    good = step(u, "Sign without the password is refused",
            sign(u, &signature),
            TPM2_RC_BAD_AUTH + TPM2_RC_S + TPM2_RC_1)
        && works(u, "the password",
            Esys_TR_SetAuth(u->esys, u->key, &password))
        && works(u, "Sign", sign(u, &signature))
        && works(u, "VerifySignature", Esys_VerifySignature(u->esys, u->key,
            u->session, ESYS_TR_NONE, ESYS_TR_NONE, &digest, signature,
            &ticket));
    Esys_Free(ticket);
    ticket = NULL;
    other.buffer[0] ^= 1;
    if (good)
        good = step(u, "of another digest it is not one",
            Esys_VerifySignature(u->esys, u->key, ESYS_TR_NONE, ESYS_TR_NONE,
                ESYS_TR_NONE, &other, signature, &ticket),
            TPM2_RC_SIGNATURE + TPM2_RC_P + TPM2_RC_2);
    Esys_Free(signature);
    return good;
}

/* --- the same without blocking ------------------------------------------- */

/* Until something may have happened. false: nothing did, or an error. */
static bool
wait_for_chip(struct user *u)
{
    TSS2_TCTI_POLL_HANDLE *handles = NULL;
    size_t n = 0;
    int ready;

    if (++u->waits > WAITS_MAX
        || Esys_GetPollHandles(u->esys, &handles, &n) != TSS2_RC_SUCCESS)
        return false;
    for (size_t i = 0; i < n; i++)
        handles[i].events |= POLLIN; /* tpm2-abrmd's TCTI leaves that to us */
    ready = poll(handles, n, POLL_MS);
    Esys_Free(handles);
    return ready > 0;
}

static bool
again(struct user *u, TSS2_RC rc)
{
    return (rc & ~TSS2_RC_LAYER_MASK) == TSS2_BASE_RC_TRY_AGAIN
        && wait_for_chip(u);
}

static bool
random_by_poll(struct user *u)
{
    TPM2B_DIGEST *octets = NULL;
    TSS2_RC rc;
    bool good;

    /* Its command has nothing that could be encrypted. */
    rc = Esys_TRSess_SetAttributes(u->esys, u->session,
        TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_ENCRYPT, 0xff);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_GetRandom_Async(u->esys, u->session, ESYS_TR_NONE,
            ESYS_TR_NONE, 16);
    if (!works(u, "GetRandom_Async", rc))
        return false;
    do {
        rc = Esys_GetRandom_Finish(u->esys, &octets);
    } while (again(u, rc));
    good = works(u, "GetRandom_Finish", rc)
        && works(u, "gives what was asked for", octets->size == 16 ? 0 : 1);
    Esys_Free(octets);
    return good;
}

static bool
primary_by_poll(struct user *u)
{
    const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
    const TPM2B_DATA outside = { .size = 0 };
    const TPML_PCR_SELECTION pcrs = { .count = 0 };
    ESYS_TR key = ESYS_TR_NONE;
    TSS2_RC rc;

    rc = Esys_CreatePrimary_Async(u->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
        ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &rsa_key, &outside, &pcrs);
    if (!works(u, "CreatePrimary_Async", rc))
        return false;
    do {
        rc = Esys_CreatePrimary_Finish(u->esys, &key, NULL, NULL, NULL, NULL);
    } while (again(u, rc));
    return works(u, "CreatePrimary_Finish", rc)
        && works(u, "FlushContext", Esys_FlushContext(u->esys, key));
}

static bool
by_poll(struct user *u)
{
    bool good = works(u, "no call is to block", Esys_SetTimeout(u->esys, 0))
        && random_by_poll(u) && primary_by_poll(u);

    (void)Esys_SetTimeout(u->esys, TSS2_TCTI_TIMEOUT_BLOCK);
    printf("%u waits by poll\n", u->waits);
    return good;
}

/* --- the life of a program ----------------------------------------------- */

static bool
connect_to(struct user *u, const char *tcti)
{
    return works(u, "the loader finds the TCTI",
            Tss2_TctiLdr_Initialize(tcti, &u->tcti))
        && works(u, "ESYS begins",
            Esys_Initialize(&u->esys, u->tcti, NULL));
}

static void
leave(struct user *u)
{
    const ESYS_TR handles[] = { u->key, u->primary, u->session };

    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        if (handles[i] != ESYS_TR_NONE)
            (void)works(u, "FlushContext",
                Esys_FlushContext(u->esys, handles[i]));
    Esys_Finalize(&u->esys);
    Tss2_TctiLdr_Finalize(&u->tcti);
}

int
main(int argc, char **argv)
{
    struct user u = {
        .primary = ESYS_TR_NONE, .key = ESYS_TR_NONE, .session = ESYS_TR_NONE,
    };

    if (argc != 2) {
        fprintf(stderr, "usage: esys-user TCTI\n");
        return 2;
    }
    if (connect_to(&u, argv[1]))
        (void)(make_primary(&u) && start_session(&u) && make_key(&u)
            && use_key(&u) && by_poll(&u));
    leave(&u);
    return u.failed ? 1 : 0;
}
