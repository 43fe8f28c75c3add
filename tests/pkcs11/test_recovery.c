/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The PKCS#11 door: what happens to chip and bus in the middle of signing. */
#include "tests/lib/faults.h"

#include <dlfcn.h>
#include <pkcs11.h>
#include <scu/provision.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURES 2000

static CK_UTF8CHAR so_pin[] = "so-pin-98765", user_pin[] = "user-pin-4321";

struct door {
    struct sim *sim;
    struct faults *faults;
    void *library;
    CK_FUNCTION_LIST *p11;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_key, private_key;
};

static void
ok(CK_RV rv)
{
    assert_int_equal(rv, CKR_OK);
}

static void
provision(void)
{
    const struct scu_provision_options options = { 0 };
    struct scu_provision_report report;
    struct scu_chip *chip = NULL;

    assert_int_equal(scu_chip_open(NULL, &chip), SCU_OK);
    assert_int_equal(scu_provision(chip, &options, &report), SCU_OK);
    scu_chip_free(&chip);
}

static void
load_module(struct door *d)
{
    const char *build = getenv("top_builddir");
    CK_C_GetFunctionList get = NULL;
    char path[4096];

    assert_non_null(build);
    (void)snprintf(path, sizeof(path), "%s/pkcs11/.libs/scu-pkcs11.so",
        build);
    d->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (d->library == NULL)
        fail_msg("%s", dlerror());
    *(void **)&get = dlsym(d->library, "C_GetFunctionList");
    assert_non_null(get);
    ok(get(&d->p11));
}

static void
make_token(struct door *d)
{
    CK_UTF8CHAR label[33] = "one                             ";
    CK_ULONG n = 1;

    ok(d->p11->C_Initialize(NULL));
    ok(d->p11->C_GetSlotList(CK_FALSE, &d->slot, &n));
    ok(d->p11->C_InitToken(d->slot, so_pin, sizeof(so_pin) - 1, label));
    ok(d->p11->C_OpenSession(d->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
        NULL, NULL, &d->session));
    ok(d->p11->C_Login(d->session, CKU_SO, so_pin, sizeof(so_pin) - 1));
    ok(d->p11->C_InitPIN(d->session, user_pin, sizeof(user_pin) - 1));
    ok(d->p11->C_Logout(d->session));
    ok(d->p11->C_Login(d->session, CKU_USER, user_pin, sizeof(user_pin) - 1));
}

static void
make_key(struct door *d)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EC_KEY_PAIR_GEN };
    CK_BYTE p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        { CKA_TOKEN, &yes, 1 }, { CKA_EC_PARAMS, p256, sizeof(p256) },
    };

    ok(d->p11->C_GenerateKeyPair(d->session, &mechanism, template, 2,
        template, 1, &d->public_key, &d->private_key));
}

static int
setup(void **state)
{
    struct door *d = calloc(1, sizeof(*d));
    char tcti[300], folder[4200];

    *state = d;
    if (d == NULL || (d->sim = sim_new()) == NULL ||
        (d->faults = faults_new(d->sim, tcti)) == NULL)
        return -1;
    (void)snprintf(folder, sizeof(folder), "%s/state", sim_dir(d->sim));
    (void)setenv("SCU_TCTI", tcti, 1);
    (void)setenv("SCU_STATE", folder, 1);
    provision();
    load_module(d);
    make_token(d);
    make_key(d);
    return 0;
}

static int
teardown(void **state)
{
    struct door *d = *state;

    ok(d->p11->C_Finalize(NULL));
    (void)dlclose(d->library);
    faults_free(&d->faults);
    sim_free(&d->sim);
    free(d);
    return 0;
}

static void
must_sign(struct door *d, unsigned number, const char *after)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_BYTE digest[32] = { (CK_BYTE)number, (CK_BYTE)(number >> 8), 1 };
    CK_BYTE sig[64];
    CK_ULONG len = sizeof(sig);
    CK_RV rv;

    ok(d->p11->C_SignInit(d->session, &mechanism, d->private_key));
    rv = d->p11->C_Sign(d->session, digest, sizeof(digest), sig, &len);
    if (rv != CKR_OK)
        fail_msg("signature %u, %s: CKR 0x%lx", number, after, rv);
    ok(d->p11->C_VerifyInit(d->session, &mechanism, d->public_key));
    ok(d->p11->C_Verify(d->session, digest, sizeof(digest), sig, len));
}

static void
C_Sign__goes_on_whatever_happens(void **state)
{
    struct door *d = *state;
    const unsigned step = SIGNATURES / ((unsigned)fault_row_count + 1);
    const unsigned tries = faults_sent(d->faults, "PolicySecret");
    const char *after = "nothing";
    size_t next = 0;

    for (unsigned i = 0; i < SIGNATURES; i++) {
        bool now = i > 0 && i % step == 0 && next < fault_row_count;

        if (now) {
            after = fault_rows[next].name;
            faults_arm(d->faults, &fault_rows[next++]);
        }
        must_sign(d, i, after);
        if (now && !faults_happened(d->faults))
            fail_msg("%s did not happen", after);
    }
    assert_int_equal(next, fault_row_count);
    /* The login outlives all that, and needs no PIN again. */
    assert_int_equal(faults_sent(d->faults, "PolicySecret"), tries);
}

/* The module's slots and logins stay as they are while the chip is away. */
static void
C_Sign__chip_that_nobody_starts(void **state)
{
    struct door *d = *state;
    static const struct fault off = {
        .name = "off", .at = "Sign", .events = FAULT_OFF_FOR_GOOD,
    };
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_BYTE digest[32] = { 1 }, sig[64];
    CK_ULONG len = sizeof(sig);

    faults_arm(d->faults, &off);
    ok(d->p11->C_SignInit(d->session, &mechanism, d->private_key));
    assert_int_equal(d->p11->C_Sign(d->session, digest, sizeof(digest), sig,
        &len), CKR_DEVICE_ERROR);
    faults_now(d->faults, FAULT_POWER_CUT);
    must_sign(d, 0, "a start");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C_Sign__goes_on_whatever_happens),
        cmocka_unit_test(C_Sign__chip_that_nobody_starts),
    };

    return cmocka_run_group_tests_name("recovery through PKCS#11", tests,
        setup, teardown);
}
