/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * The floor: ESYS and libtss2-sys with nothing around them. Rows in a session
 * are what ESYS makes of the protection that libscu always gives.
 */
#include "bench.h"
#include "keyblob.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_sys.h>
#include <tss2/tss2_tctildr.h>

#define RANDOM_OCTETS 32

struct esys {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *context;
    TSS2_SYS_CONTEXT *sys;
    ESYS_TR storage, key, session;
    TPMT_SIG_SCHEME scheme;
    TPM2B_DIGEST digest;
};

/* Schemes of the table's ESYS rows, by libscu's names. */
static const struct scheme {
    const char *name;
    TPMI_ALG_SIG_SCHEME tpm;
    TPMI_ALG_HASH hash;
    uint16_t size;
} schemes[] = {
    { "ECDSA-SHA256", TPM2_ALG_ECDSA, TPM2_ALG_SHA256, 32 },
    { "ECDSA-SHA384", TPM2_ALG_ECDSA, TPM2_ALG_SHA384, 48 },
    { "RSASSA-SHA256", TPM2_ALG_RSASSA, TPM2_ALG_SHA256, 32 },
};

static enum outcome
checked(TSS2_RC rc, const char *what)
{
    return rc == TSS2_RC_SUCCESS ? BENCH_OK :
        bench_failed(what, Tss2_RC_Decode(rc));
}

static void
esys_teardown(void *state)
{
    struct esys *e = state;

    if (e->context != NULL) {
        if (e->key != ESYS_TR_NONE)
            (void)Esys_FlushContext(e->context, e->key);
        if (e->session != ESYS_TR_NONE)
            (void)Esys_FlushContext(e->context, e->session);
        Esys_Finalize(&e->context);
    }
    if (e->sys != NULL)
        Tss2_Sys_Finalize(e->sys);
    free(e->sys);
    Tss2_TctiLdr_Finalize(&e->tcti);
    free(e);
}

static struct esys *
open_link(const struct row *row, const struct place *place)
{
    struct esys *e = calloc(1, sizeof(*e));
    char conf[BENCH_PATH_MAX];

    if (e == NULL)
        return NULL;
    e->storage = e->key = e->session = ESYS_TR_NONE;
    bench_tcti(place, row->link, conf);
    if (checked(Tss2_TctiLdr_Initialize(conf, &e->tcti), conf) != BENCH_OK) {
        esys_teardown(e);
        return NULL;
    }
    tap_attach(e->tcti);
    return e;
}

/* Salted to the storage key, as libscu's, with AES-CFB. */
static enum outcome
start_session(struct esys *e)
{
    const TPMT_SYM_DEF symmetric = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
        .mode.aes = TPM2_ALG_CFB,
    };
    enum outcome rc;

    rc = checked(Esys_StartAuthSession(e->context, e->storage, ESYS_TR_NONE,
        ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC,
        &symmetric, TPM2_ALG_SHA256, &e->session), "session");
    return rc;
}

static enum outcome
set_attributes(struct esys *e, TPMA_SESSION attributes)
{
    return checked(Esys_TRSess_SetAttributes(e->context, e->session,
        attributes | TPMA_SESSION_CONTINUESESSION, 0xff), "session");
}

static enum outcome
open_esys(struct esys *e, bool with_session)
{
    enum outcome rc;

    rc = checked(Esys_Initialize(&e->context, e->tcti, NULL), "ESYS");
    if (rc == BENCH_OK)
        rc = checked(Esys_TR_FromTPMPublic(e->context, STORAGE_HANDLE,
            ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &e->storage),
            "storage key");
    if (rc == BENCH_OK && with_session)
        rc = start_session(e);
    return rc;
}

static enum outcome
load_key(struct esys *e, const struct row *row, const struct place *place)
{
    TPM2B_PUBLIC public = { 0 };
    TPM2B_PRIVATE private = { 0 };
    enum outcome rc;

    rc = keyblob_read(place, row->key, &public, &private);
    if (rc == BENCH_OK)
        rc = checked(Esys_Load(e->context, e->storage, ESYS_TR_PASSWORD,
            ESYS_TR_NONE, ESYS_TR_NONE, &private, &public, &e->key), "Load");
    return rc;
}

static enum outcome
set_scheme(struct esys *e, const char *name)
{
    const size_t n = sizeof(schemes) / sizeof(schemes[0]);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(schemes[i].name, name) != 0)
            continue;
        e->scheme.scheme = schemes[i].tpm;
        e->scheme.details.any.hashAlg = schemes[i].hash;
        e->digest.size = schemes[i].size;
        memset(e->digest.buffer, 0x5c, e->digest.size);
        return BENCH_OK;
    }
    return bench_failed(name, "no such scheme");
}

static enum outcome
sign_setup(const struct row *row, const struct place *place, void **state)
{
    struct esys *e = open_link(row, place);
    enum outcome rc = BENCH_FAILED;

    if (e == NULL)
        return rc;
    rc = set_scheme(e, row->scheme);
    if (rc == BENCH_OK)
        rc = open_esys(e, row->protect);
    if (rc == BENCH_OK)
        rc = load_key(e, row, place);
    if (rc == BENCH_OK && row->protect)
        rc = set_attributes(e, TPMA_SESSION_DECRYPT);
    if (rc != BENCH_OK) {
        esys_teardown(e);
        e = NULL;
    }
    *state = e;
    return rc;
}

static enum outcome
sign_once(void *state)
{
    struct esys *e = state;
    const TPMT_TK_HASHCHECK ticket = {
        .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL,
    };
    TPMT_SIGNATURE *out = NULL;
    ESYS_TR auth = e->session == ESYS_TR_NONE ? ESYS_TR_PASSWORD : e->session;
    enum outcome rc;

    rc = checked(Esys_Sign(e->context, e->key, auth, ESYS_TR_NONE,
        ESYS_TR_NONE, &e->digest, &e->scheme, &ticket, &out), "Sign");
    Esys_Free(out);
    return rc;
}

static enum outcome
random_setup(const struct row *row, const struct place *place, void **state)
{
    struct esys *e = open_link(row, place);
    enum outcome rc = BENCH_FAILED;

    if (e == NULL)
        return rc;
    rc = open_esys(e, true);
    if (rc == BENCH_OK)
        rc = set_attributes(e, TPMA_SESSION_ENCRYPT);
    if (rc != BENCH_OK) {
        esys_teardown(e);
        e = NULL;
    }
    *state = e;
    return rc;
}

static enum outcome
random_once(void *state)
{
    struct esys *e = state;
    TPM2B_DIGEST *out = NULL;
    enum outcome rc;

    rc = checked(Esys_GetRandom(e->context, e->session, ESYS_TR_NONE,
        ESYS_TR_NONE, RANDOM_OCTETS, &out), "GetRandom");
    Esys_Free(out);
    return rc;
}

static enum outcome
sys_setup(const struct row *row, const struct place *place, void **state)
{
    TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
    size_t size = Tss2_Sys_GetContextSize(0);
    struct esys *e = open_link(row, place);
    enum outcome rc = BENCH_FAILED;

    if (e == NULL)
        return rc;
    e->sys = calloc(1, size);
    if (e->sys != NULL)
        rc = checked(Tss2_Sys_Initialize(e->sys, size, e->tcti, &abi), "Sys");
    if (rc != BENCH_OK) {
        esys_teardown(e);
        e = NULL;
    }
    *state = e;
    return rc;
}

static enum outcome
sys_once(void *state)
{
    struct esys *e = state;
    TPM2B_DIGEST out = { 0 };

    return checked(Tss2_Sys_GetRandom(e->sys, NULL, RANDOM_OCTETS, &out,
        NULL), "GetRandom");
}

const struct row_ops esys_sign_ops = {
    .setup = sign_setup, .once = sign_once, .teardown = esys_teardown,
};

const struct row_ops esys_random_ops = {
    .setup = random_setup, .once = random_once, .teardown = esys_teardown,
};

const struct row_ops sys_random_ops = {
    .setup = sys_setup, .once = sys_once, .teardown = esys_teardown,
};
