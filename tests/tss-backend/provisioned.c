/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/tss-backend/provisioned.h"

#include "key/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tctildr.h>

#include <cmocka.h>

struct scu_chip *
provisioned_connect(const struct provisioned *p)
{
    const struct scu_chip_options options = {
        .tcti = sim_tcti(p->sim), .state = p->state,
    };
    struct scu_chip *chip = NULL;

    if (scu_chip_open(&options, &chip) != SCU_OK)
        return NULL;
    return chip;
}

int
unprovisioned_setup(void **state)
{
    struct provisioned *p = calloc(1, sizeof(*p));

    *state = p;
    if (p == NULL || (p->sim = sim_new()) == NULL)
        return -1;
    (void)snprintf(p->state, sizeof(p->state), "%s/pinned",
        sim_dir(p->sim));
    p->chip = provisioned_connect(p);
    return p->chip == NULL ? -1 : 0;
}

int
provisioned_setup(void **state)
{
    const struct scu_provision_options options = { 0 };
    struct scu_provision_report report;
    struct provisioned *p;

    if (unprovisioned_setup(state) != 0)
        return -1;
    p = *state;
    if (scu_provision(p->chip, &options, &report) == SCU_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", scu_error_detail());
    return -1;
}

int
provisioned_teardown(void **state)
{
    struct provisioned *p = *state;

    scu_chip_free(&p->chip);
    sim_free(&p->sim);
    free(p);
    return 0;
}

/* A bare connection beside libscu's. */
struct outside {
    TSS2_TCTI_CONTEXT *tcti;
    TSS2_SYS_CONTEXT *sys;
};

static void
outside_open(const struct provisioned *p, struct outside *o)
{
    TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
    size_t size = Tss2_Sys_GetContextSize(0);
    char conf[256];

    (void)snprintf(conf, sizeof(conf), "swtpm:path=%s", sim_socket(p->sim));
    assert_int_equal(Tss2_TctiLdr_Initialize(conf, &o->tcti), 0);
    o->sys = calloc(1, size);
    assert_non_null(o->sys);
    assert_int_equal(Tss2_Sys_Initialize(o->sys, size, o->tcti, &abi), 0);
}

static void
outside_close(struct outside *o)
{
    Tss2_Sys_Finalize(o->sys);
    free(o->sys);
    Tss2_TctiLdr_Finalize(&o->tcti);
}

static void
list(struct outside *o, uint32_t first, TPML_HANDLE *handles)
{
    TPMS_CAPABILITY_DATA data = { 0 };
    TPMI_YES_NO more;

    assert_int_equal(Tss2_Sys_GetCapability(o->sys, NULL, TPM2_CAP_HANDLES,
        first, TPM2_MAX_CAP_HANDLES, &more, &data, NULL), 0);
    *handles = data.data.handles;
}

unsigned
provisioned_count(const struct provisioned *p, uint32_t first)
{
    struct outside o = { 0 };
    TPML_HANDLE handles;

    outside_open(p, &o);
    list(&o, first, &handles);
    outside_close(&o);
    return handles.count;
}

void
provisioned_crowd(const struct provisioned *p, unsigned objects,
    unsigned sessions)
{
    const TSS2L_SYS_AUTH_COMMAND auth = {
        .count = 1, .auths = { { .sessionHandle = TPM2_RH_PW } },
    };
    const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION pcrs = { 0 };
    const TPM2B_NONCE nonce = { .size = 16 };
    const TPM2B_ENCRYPTED_SECRET salt = { 0 };
    const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
    struct outside o = { 0 };
    TPM2B_PUBLIC template;
    TPM2_HANDLE handle;

    template_storage_ecc(&template);
    outside_open(p, &o);
    for (unsigned i = 0; i < objects; i++) {
        TSS2L_SYS_AUTH_RESPONSE answer = { 0 };
        TPM2B_PUBLIC public = { 0 };

        assert_int_equal(Tss2_Sys_CreatePrimary(o.sys, TPM2_RH_NULL, &auth,
            &sensitive, &template, &outside, &pcrs, &handle, &public, NULL,
            NULL, NULL, NULL, &answer), 0);
    }
    for (unsigned i = 0; i < sessions; i++) {
        TPM2B_NONCE answer = { 0 };

        assert_int_equal(Tss2_Sys_StartAuthSession(o.sys, TPM2_RH_NULL,
            TPM2_RH_NULL, NULL, &nonce, &salt, TPM2_SE_HMAC, &none,
            TPM2_ALG_SHA256, &handle, &answer, NULL), 0);
    }
    outside_close(&o);
}

static void
set_auth(TPM2B_AUTH *auth, struct bytes value)
{
    assert_int_equal(b2_set(&auth->size, auth->buffer, sizeof(auth->buffer),
        value.data, value.len), SCU_OK);
    while (auth->size > 0 && auth->buffer[auth->size - 1] == 0)
        auth->size--;
}

bool
provisioned_change_auth(const struct provisioned *p, uint32_t hierarchy,
    struct bytes old, struct bytes fresh)
{
    TSS2L_SYS_AUTH_COMMAND auth = {
        .count = 1, .auths = { { .sessionHandle = TPM2_RH_PW } },
    };
    TSS2L_SYS_AUTH_RESPONSE answer = { 0 };
    struct outside o = { 0 };
    TPM2B_AUTH value = { 0 };
    TSS2_RC rc;

    set_auth(&auth.auths[0].hmac, old);
    set_auth(&value, fresh);
    outside_open(p, &o);
    rc = Tss2_Sys_HierarchyChangeAuth(o.sys, hierarchy, &auth, &value,
        &answer);
    outside_close(&o);
    return rc == TSS2_RC_SUCCESS;
}

static bool
define(struct outside *o, TPM2_HANDLE handle, uint16_t size)
{
    const TSS2L_SYS_AUTH_COMMAND auth = {
        .count = 1, .auths = { { .sessionHandle = TPM2_RH_PW } },
    };
    const TPM2B_NV_PUBLIC public = {
        .nvPublic = {
            .nvIndex = handle, .nameAlg = TPM2_ALG_SHA256,
            .attributes = TPMA_NV_OWNERREAD | TPMA_NV_OWNERWRITE,
            .authPolicy.size = 32, .dataSize = size,
        },
    };
    const TPM2B_AUTH value = { .size = 32, .buffer = { 1, [31] = 1 } };
    TSS2L_SYS_AUTH_RESPONSE answer = { 0 };
    TSS2_RC rc = Tss2_Sys_NV_DefineSpace(o->sys, TPM2_RH_OWNER, &auth,
        &value, &public, &answer);

    assert_true(rc == TSS2_RC_SUCCESS || rc == TPM2_RC_NV_SPACE);
    return rc == TSS2_RC_SUCCESS;
}

bool
provisioned_define(const struct provisioned *p, uint32_t handle,
    uint16_t size)
{
    struct outside o = { 0 };
    bool defined;

    outside_open(p, &o);
    defined = define(&o, handle, size);
    outside_close(&o);
    return defined;
}

void
provisioned_fill(const struct provisioned *p, unsigned spare)
{
    const TSS2L_SYS_AUTH_COMMAND auth = {
        .count = 1, .auths = { { .sessionHandle = TPM2_RH_PW } },
    };
    const uint16_t sizes[] = { 2048, 256, 8 };
    TPM2_HANDLE next = 0x01000000;
    struct outside o = { 0 };

    outside_open(p, &o);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        while (define(&o, next, sizes[i]))
            next++;
    for (unsigned i = 0; i < spare; i++) {
        TSS2L_SYS_AUTH_RESPONSE answer = { 0 };

        assert_int_equal(Tss2_Sys_NV_UndefineSpace(o.sys, TPM2_RH_OWNER,
            --next, &auth, &answer), 0);
    }
    outside_close(&o);
}

void
provisioned_lock_out(const struct provisioned *p)
{
    const TSS2L_SYS_AUTH_COMMAND none = {
        .count = 1, .auths = { { .sessionHandle = TPM2_RH_PW } },
    };
    const TSS2L_SYS_AUTH_COMMAND guess = {
        .count = 1, .auths = { {
            .sessionHandle = TPM2_RH_PW, .hmac = { .size = 1, .buffer = "x" },
        } },
    };
    const TPM2B_SENSITIVE_CREATE sensitive = {
        .sensitive.userAuth = { .size = 2, .buffer = "no" },
    };
    const TPM2B_DATA nothing = { 0 };
    const TPML_PCR_SELECTION pcrs = { 0 };
    TSS2L_SYS_AUTH_RESPONSE answer = { 0 };
    TPM2B_PUBLIC template, public = { 0 };
    struct outside o = { 0 };
    TPM2_HANDLE handle;
    TSS2_RC rc = 0;

    template_storage_ecc(&template);
    template.publicArea.objectAttributes &= ~(TPMA_OBJECT)TPMA_OBJECT_NODA;
    outside_open(p, &o);
    assert_int_equal(Tss2_Sys_CreatePrimary(o.sys, TPM2_RH_NULL, &none,
        &sensitive, &template, &nothing, &pcrs, &handle, &public, NULL, NULL,
        NULL, NULL, &answer), 0);
    for (int i = 0; i < 100 && rc != TPM2_RC_LOCKOUT; i++) {
        TSS2L_SYS_AUTH_RESPONSE a = { 0 };
        TPM2B_PRIVATE made = { 0 };
        TPM2B_PUBLIC child = { 0 };

        rc = Tss2_Sys_Create(o.sys, handle, &guess, &sensitive, &template,
            &nothing, &pcrs, &made, &child, NULL, NULL, NULL, &a);
    }
    assert_int_equal(rc, TPM2_RC_LOCKOUT);
    assert_int_equal(Tss2_Sys_FlushContext(o.sys, handle), 0);
    outside_close(&o);
}

void
provisioned_flush(const struct provisioned *p, uint32_t first)
{
    struct outside o = { 0 };
    TPML_HANDLE handles;

    outside_open(p, &o);
    list(&o, first, &handles);
    for (uint32_t i = 0; i < handles.count; i++)
        assert_int_equal(Tss2_Sys_FlushContext(o.sys, handles.handle[i]), 0);
    outside_close(&o);
}

void
provisioned_flush_all(const struct provisioned *p)
{
    provisioned_flush(p, CHIP_TRANSIENT_FIRST);
    provisioned_flush(p, TPM2_LOADED_SESSION_FIRST);
}
