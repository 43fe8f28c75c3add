/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* A try of a PIN is never made twice, whatever happens to chip and bus. */
#include "tests/lib/faults.h"
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRIES 100 /* so that none of the tests comes to the limit */

struct run {
    struct provisioned *p;
    struct faults *faults;
    struct scu_token *token;
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
    if (r->faults == NULL || scu_chip_open(&options, &r->p->chip) != SCU_OK)
        return -1;
    r->token = token_made(r->p, TRIES);
    return 0;
}

static int
teardown(void **state)
{
    struct run *r = *state;
    void *p = r->p;

    scu_token_free(&r->token);
    scu_chip_free(&r->p->chip);
    faults_free(&r->faults);
    (void)provisioned_teardown(&p);
    free(r);
    return 0;
}

/* The same fault at another command. */
static bool
at(const struct fault *row, const char *command, struct fault *fault)
{
    *fault = *row;
    fault->at = command;
    if (fault->refuse != NULL && strcmp(fault->refuse, "Sign") == 0)
        fault->refuse = command;
    if ((fault->events & FAULT_OFF) == 0 && fault->times > 1)
        fault->times = 1; /* what is over with it */
    return fault->gone_ms == 0 && fault->unplugged_ms == 0;
}

/* PolicySecret is the try. */
static unsigned
tries(struct run *r)
{
    return faults_sent(r->faults, "PolicySecret");
}

static void
login__tries_once_whatever_happens(void **state)
{
    struct run *r = *state;

    for (size_t i = 0; i < fault_row_count; i++) {
        unsigned before;
        struct fault fault;
        int rc;

        if (!at(&fault_rows[i], "PolicySecret", &fault))
            continue;
        before = tries(r);
        faults_arm(r->faults, &fault);
        rc = token_login(r->token, SCU_USER_NORMAL, USER_PIN);
        assert_true(faults_happened(r->faults));
        assert_int_equal(tries(r), before + 1);
        assert_true(rc != SCU_OK && rc != SCU_E_AUTH &&
            rc != SCU_E_PIN_LOCKED);
        /* The right PIN is not burnt by it. */
        assert_int_equal(token_status(r->token).user_failed, 0);
        assert_int_equal(token_login(r->token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
    }
}

/* The chip has counted it, and nobody knows: it counts once. */
static void
login__wrong_pin_counts_once(void **state)
{
    struct run *r = *state;
    uint32_t failed = 0;

    for (size_t i = 0; i < fault_row_count; i++) {
        unsigned before;
        struct fault fault;

        if (!at(&fault_rows[i], "PolicySecret", &fault))
            continue;
        before = tries(r);
        faults_arm(r->faults, &fault);
        assert_int_not_equal(token_login(r->token, SCU_USER_NORMAL,
            "wrong-pin"), SCU_OK);
        assert_int_equal(tries(r), before + 1);
        assert_in_range(token_status(r->token).user_failed, failed,
            failed + 1);
        failed = token_status(r->token).user_failed;
    }
    assert_in_range(failed, 1, fault_row_count);
}

/* Up to the try all is repeated, and the caller sees nothing of it. */
static void
login__goes_on_before_the_try(void **state)
{
    static const char *const steps[] = { "StartAuthSession", "Load" };
    struct run *r = *state;

    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; i < fault_row_count; i++) {
            unsigned before = tries(r);
            struct fault fault;
            int rc;

            scu_token_logout(r->token);
            if (!at(&fault_rows[i], steps[n], &fault))
                continue;
            faults_arm(r->faults, &fault);
            rc = token_login(r->token, SCU_USER_NORMAL, USER_PIN);
            if (rc != SCU_OK)
                fail_msg("%s at %s: %s: %s", fault.name, steps[n],
                    scu_error_name(rc), scu_error_detail());
            assert_true(faults_happened(r->faults));
            assert_int_equal(tries(r), before + 1);
        }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(login__tries_once_whatever_happens),
        TEST(login__wrong_pin_counts_once),
        TEST(login__goes_on_before_the_try),
    };

    return cmocka_run_group_tests_name("recovery of logins", tests, NULL,
        NULL);
}
