/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Policies: the digest computed here is the one that the chip has. */
#include "policy/policy.h"

#include "chip/authorisations.h"
#include "tests/tss-backend/provisioned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Those of a PIN index but for the secret, and one each. */
static const struct policy branches[] = {
    { .n = 2, .step = {
        { .kind = POLICY_NV_WRITTEN, .written = false },
        { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_Write },
    } },
    { .n = 1, .step = {
        { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_Read },
    } },
    { .n = 2, .step = {
        { .kind = POLICY_AUTH_VALUE },
        { .kind = POLICY_NV_WRITTEN, .written = true },
    } },
};

static const struct policy either = {
    .n = 2,
    .step = {
        { .kind = POLICY_OR, .branches = branches, .n_branches = 3 },
        { .kind = POLICY_AUTH_VALUE },
    },
};

/* That of the owner, who is in the provisioning file. */
static struct policy
with_secret(void)
{
    struct policy policy = {
        .n = 2,
        .step = {
            { .kind = POLICY_SECRET },
            { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_ChangeAuth },
        },
    };

    chip_handle_name(TPM2_RH_OWNER, &policy.step[0].name);
    return policy;
}

struct comparison {
    const struct policy *policy;
    struct policy_choice choice;
    TPM2B_DIGEST chip, host;
};

static int
compare(struct scu_chip *chip, void *arg)
{
    struct comparison *c = arg;
    struct session session = { 0 };
    TPM2B_NAME name;
    const struct chip_command command = {
        .code = TPM2_CC_PolicyGetDigest, .handles = 1, .names = { &name },
    };
    int rc = policy_digest(chip->crypto, c->policy, &c->host);

    if (rc == SCU_OK)
        rc = policy_start(chip, &session);
    if (rc == SCU_OK)
        rc = policy_satisfy(chip, &session, c->policy, &c->choice);
    chip_handle_name(session.handle, &name);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_PolicyGetDigest_Prepare(chip->sys,
            session.handle), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    c->chip.size = 0;
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_PolicyGetDigest_Complete(chip->sys,
            &c->chip), command.code);
    policy_end(chip, &session);
    return rc;
}

static void
check(struct provisioned *p, struct comparison *c)
{
    assert_int_equal(chip_perform(p->chip, 0, compare, c), SCU_OK);
    assert_int_equal(c->chip.size, c->host.size);
    assert_memory_equal(c->chip.buffer, c->host.buffer, c->host.size);
}

static void
digest__each_step_as_the_chip(void **state)
{
    struct provisioned *p = *state;

    for (size_t i = 0; i < 3; i++) {
        struct comparison c = { .policy = &branches[i] };

        check(p, &c);
    }
}

static void
digest__any_branch_as_the_chip(void **state)
{
    struct provisioned *p = *state;

    for (size_t i = 0; i < 3; i++) {
        struct comparison c = { .policy = &either, .choice.branch = i };

        check(p, &c);
    }
}

static void
digest__secret_as_the_chip(void **state)
{
    struct provisioned *p = *state;
    const struct policy policy = with_secret();
    struct authorisations files;
    struct comparison c = {
        .policy = &policy, .choice.handle = TPM2_RH_OWNER,
    };

    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    c.choice.secret = files.owner;
    check(p, &c);
    authorisations_clear(&files);
}

/* Computed by another program (the sums of Part 3, by hand). */
static void
digest__known_value(void **state)
{
    static const uint8_t expected[32] = {
        0x8f, 0xcd, 0x21, 0x69, 0xab, 0x92, 0x69, 0x4e,
        0x0c, 0x63, 0x3f, 0x1a, 0xb7, 0x72, 0x84, 0x2b,
        0x82, 0x41, 0xbb, 0xc2, 0x02, 0x88, 0x98, 0x1f,
        0xc7, 0xac, 0x1e, 0xdd, 0xc1, 0xfd, 0xdb, 0x0e,
    };
    const struct policy policy = {
        .n = 1, .step = { { .kind = POLICY_AUTH_VALUE } },
    };
    struct crypto *crypto = crypto_new();
    TPM2B_DIGEST digest;

    (void)state;
    assert_non_null(crypto);
    assert_int_equal(policy_digest(crypto, &policy, &digest), SCU_OK);
    assert_int_equal(digest.size, sizeof(expected));
    assert_memory_equal(digest.buffer, expected, sizeof(expected));
    crypto_free(&crypto);
}

static void
digest__single_branch_is_refused(void **state)
{
    const struct policy policy = {
        .n = 1, .step = { {
            .kind = POLICY_OR, .branches = branches, .n_branches = 1,
        } },
    };
    struct crypto *crypto = crypto_new();
    TPM2B_DIGEST digest;

    (void)state;
    assert_int_equal(policy_digest(crypto, &policy, &digest),
        SCU_E_INTERNAL);
    crypto_free(&crypto);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(digest__each_step_as_the_chip),
        TEST(digest__any_branch_as_the_chip),
        TEST(digest__secret_as_the_chip),
        cmocka_unit_test(digest__known_value),
        cmocka_unit_test(digest__single_branch_is_refused),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
