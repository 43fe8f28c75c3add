/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* libscu's door: what happens to chip and bus in the middle of signing. */
#include "tests/lib/faults.h"
#include "tests/tss-backend/key/judge.h"
#include "tests/tss-backend/provisioned.h"

#include <scu/key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURES 2000

struct run {
    struct provisioned *p;
    struct faults *faults;
    struct scu_chip *chip;
    struct scu_key *key;
    char tcti[300];
};

static int
setup(void **state)
{
    struct run *r = calloc(1, sizeof(*r));
    void *p = NULL;

    *state = r;
    if (r == NULL || provisioned_setup(&p) != 0)
        return -1;
    r->p = p;
    scu_chip_free(&r->p->chip);
    r->faults = faults_new(r->p->sim, r->tcti);
    const struct scu_chip_options options = {
        .tcti = r->tcti, .state = r->p->state,
    };
    if (r->faults == NULL || scu_chip_open(&options, &r->chip) != SCU_OK)
        return -1;
    return scu_key_generate(r->chip, scu_alg_by_name("P-256"), NULL, 0,
        &r->key) == SCU_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    struct run *r = *state;
    void *p = r->p;

    scu_key_free(&r->key);
    scu_chip_free(&r->chip);
    faults_free(&r->faults);
    (void)provisioned_teardown(&p);
    free(r);
    return 0;
}

/* Of another digest each time, and by another's judgement. */
static int
sign(struct run *r, unsigned number)
{
    const struct scu_scheme *scheme = scu_scheme_by_name("ECDSA-SHA256");
    uint8_t digest[32] = { (uint8_t)number, (uint8_t)(number >> 8), 1 };
    uint8_t sig[128];
    size_t len = sizeof(sig);
    int rc = scu_key_sign(r->key, scheme, 0, digest, sizeof(digest), sig,
        &len);

    if (rc == SCU_OK)
        assert_true(judge_verifies(r->key, scheme, 0, digest, sizeof(digest),
            sig, len));
    return rc;
}

/* Nothing is left over of what was made anew. */
static void
must_be_clean(struct run *r, const char *after)
{
    unsigned objects = provisioned_count(r->p, CHIP_TRANSIENT_FIRST);
    unsigned sessions = provisioned_count(r->p, TPM2_LOADED_SESSION_FIRST);

    if (objects != 1 || sessions != 1)
        fail_msg("after %s the chip has %u objects, %u sessions", after,
            objects, sessions);
}

static void
must_sign(struct run *r, unsigned number, const char *after)
{
    int rc = sign(r, number);

    if (rc != SCU_OK)
        fail_msg("signature %u, %s: %s: %s", number, after,
            scu_error_name(rc), scu_error_detail());
}

/* Each fault at a signature of its own, evenly among all of them. */
static void
sign__goes_on_whatever_happens(void **state)
{
    struct run *r = *state;
    const unsigned step = SIGNATURES / ((unsigned)fault_row_count + 1);
    const char *after = "nothing";
    size_t next = 0;

    for (unsigned i = 0; i < SIGNATURES; i++) {
        if (i > 0 && i % step == 0 && next < fault_row_count) {
            faults_arm(r->faults, &fault_rows[next]);
            after = fault_rows[next++].name;
            must_sign(r, i, after);
            if (!faults_happened(r->faults))
                fail_msg("%s did not happen", after);
            must_be_clean(r, after);
            continue;
        }
        must_sign(r, i, after);
    }
    assert_int_equal(next, fault_row_count);
}

/* What became of one is no burden to the next. */
static void
sign__two_faults_in_a_row(void **state)
{
    struct run *r = *state;

    for (size_t i = 0; i < fault_row_count; i++) {
        if (fault_rows[i].gone_ms > 0 || fault_rows[i].unplugged_ms > 0)
            continue;
        for (unsigned n = 0; n < 3; n++) {
            faults_arm(r->faults, &fault_rows[i]);
            must_sign(r, n, fault_rows[i].name);
        }
    }
}

/* A lockout of others' keys: ours do not take part in it. */
static void
sign__goes_on_in_a_lockout(void **state)
{
    struct run *r = *state;
    struct scu_chip_info info;

    provisioned_lock_out(r->p);
    for (unsigned i = 0; i < 100; i++)
        must_sign(r, i, "in a lockout");
    assert_int_equal(scu_chip_info(r->chip, &info), SCU_OK);
    assert_true(info.in_lockout);
}

/* It would only be refused again, and may count. */
static void
sign__lockout_is_told_and_not_repeated(void **state)
{
    struct run *r = *state;
    static const struct fault fault = {
        .name = "LOCKOUT", .at = "Sign", .refuse = "Sign", .rc = 0x921,
        .times = 100,
    };
    static const struct fault nothing = { .name = "nothing", .at = "Clear" };
    unsigned before;

    must_sign(r, 0, "nothing");
    before = faults_all(r->faults);
    faults_arm(r->faults, &fault);
    assert_int_equal(sign(r, 1), SCU_E_LOCKED);
    assert_int_equal(faults_all(r->faults), before + 1);
    assert_non_null(strstr(scu_error_text(SCU_E_LOCKED), "lockout"));
    faults_arm(r->faults, &nothing);
    must_sign(r, 2, "LOCKOUT");
}

/* Whoever did not start it is not named, but what to do. */
static void
sign__chip_that_nobody_starts(void **state)
{
    struct run *r = *state;
    static const struct fault fault = {
        .name = "off", .at = "Sign", .events = FAULT_OFF_FOR_GOOD,
    };
    unsigned before;

    faults_arm(r->faults, &fault);
    assert_int_equal(sign(r, 0), SCU_E_NOT_STARTED);
    assert_non_null(strstr(scu_error_detail(), "startup = if-needed"));
    /* It was waited for; not once more by each call. */
    before = faults_all(r->faults);
    assert_int_equal(sign(r, 1), SCU_E_NOT_STARTED);
    assert_in_range(faults_all(r->faults) - before, 1, 10);
    faults_now(r->faults, FAULT_POWER_CUT);
    must_sign(r, 2, "a start");
}

/* A chip that is gone is waited for once. */
static void
sign__chip_that_stays_away(void **state)
{
    struct run *r = *state;
    int rc;

    must_sign(r, 0, "nothing");
    sim_kill(r->p->sim);
    rc = sign(r, 1);
    assert_true(rc == SCU_E_IO || rc == SCU_E_NO_CHIP);
    assert_true(r->chip->absent);
    rc = sign(r, 2);
    assert_true(rc == SCU_E_IO || rc == SCU_E_NO_CHIP);
    assert_int_equal(sim_restart(r->p->sim), 0);
    must_sign(r, 3, "its return");
    assert_false(r->chip->absent);
}

/* --- what is not repeated ------------------------------------------------- */

static int
extend(struct scu_chip *chip, void *arg)
{
    const struct chip_command command = {
        .code = TPM2_CC_PCR_Extend, .clear = true, .handles = 1,
    };
    const TPML_DIGEST_VALUES digests = {
        .count = 1, .digests = { { .hashAlg = TPM2_ALG_SHA256 } },
    };
    const TSS2L_SYS_AUTH_COMMAND empty = {
        .count = 1, .auths = { { .sessionHandle = TPM2_RH_PW } },
    };
    int rc;

    (void)arg;
    rc = chip_prepared(Tss2_Sys_PCR_Extend_Prepare(chip->sys, 16, &digests),
        command.code);
    if (rc == SCU_OK)
        rc = err_tss(Tss2_Sys_SetCmdAuths(chip->sys, &empty), "a test");
    return rc == SCU_OK ? chip_run(chip, &command) : rc;
}

/* It is sent once, whatever is said of it: done, or an error. */
static void
perform__extend_is_never_repeated(void **state)
{
    struct run *r = *state;

    for (size_t i = 0; i < fault_row_count; i++) {
        struct fault fault = fault_rows[i];
        unsigned sent = faults_sent(r->faults, "PCR_Extend");
        unsigned done = faults_executed(r->faults, "PCR_Extend");
        int rc;

        if (fault.gone_ms > 0 || fault.unplugged_ms > 0)
            continue;
        fault.at = "PCR_Extend";
        if (fault.refuse != NULL && strcmp(fault.refuse, "Sign") == 0)
            fault.refuse = "PCR_Extend";
        must_sign(r, 0, "nothing");
        faults_arm(r->faults, &fault);
        rc = chip_perform(r->chip, 0, extend, NULL);
        assert_true(faults_happened(r->faults));
        sent = faults_sent(r->faults, "PCR_Extend") - sent;
        done = faults_executed(r->faults, "PCR_Extend") - done;
        if (sent != 1 || (done == 1) != (rc == SCU_OK || fault.after))
            fail_msg("%s: %s, sent %u times, done %u times: %s", fault.name,
                scu_error_name(rc), sent, done, scu_error_detail());
    }
}

/* What is lost before it begins does not keep it from beginning. */
static void
perform__extend_after_a_loss(void **state)
{
    static const unsigned losses[] = {
        FAULT_FLUSH_SESSIONS, FAULT_POWER_CUT, FAULT_RESUME, FAULT_KILL,
    };
    struct run *r = *state;

    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        unsigned sent = faults_sent(r->faults, "PCR_Extend");

        must_sign(r, 0, "nothing");
        faults_now(r->faults, losses[i]);
        assert_int_equal(chip_perform(r->chip, 0, extend, NULL), SCU_OK);
        assert_int_equal(faults_sent(r->faults, "PCR_Extend"), sent + 1);
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sign__goes_on_whatever_happens),
        TEST(sign__two_faults_in_a_row),
        TEST(sign__goes_on_in_a_lockout),
        TEST(sign__lockout_is_told_and_not_repeated),
        TEST(sign__chip_that_nobody_starts),
        TEST(sign__chip_that_stays_away),
        TEST(perform__extend_is_never_repeated),
        TEST(perform__extend_after_a_loss),
    };

    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
