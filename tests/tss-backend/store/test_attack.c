/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Who wants in without the PIN: with the owner authorisation, or with a
 * policy of his own. test_secrets.c has those on the bus. */
#include "chip/authorisations.h"
#include "tests/tss-backend/chipfix.h"
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include <cmocka.h>

/* --- with the owner authorisation --------------------------------------------- */

struct redefinition {
    struct scu_token *token;
    struct secret *owner, *auth;
    TPMA_NV attributes;  /* 0: the same */
    bool again;          /* the old index goes first */
    bool own_name;       /* its Names are computed from these attributes */
};

/* The Name that an index with these attributes has. */
static int
name_index(struct scu_chip *chip, const TPMS_NV_PUBLIC *public,
    TPM2B_NAME *name)
{
    uint8_t area[sizeof(TPMS_NV_PUBLIC)];
    struct bytes part = { area, 0 };

    assert_int_equal(Tss2_MU_TPMS_NV_PUBLIC_Marshal(public, area,
        sizeof(area), &part.len), 0);
    return crypto_hash(chip->crypto, TPM2_ALG_SHA256, &part, 1,
        name->name + 2);
}

static int
redefine(struct scu_chip *chip, void *arg)
{
    struct redefinition *r = arg;
    bool defined = false;
    struct pin_index *index;
    int rc = token_ready_vault(chip, r->token);

    if (rc != SCU_OK)
        return rc;
    index = &r->token->vault->index[SCU_USER_NORMAL];
    if (r->attributes != 0)
        index->public.nvPublic.attributes = r->attributes;
    if (r->own_name)
        rc = name_index(chip, &index->public.nvPublic, &index->fresh);
    if (rc == SCU_OK && r->again)
        rc = pin_index_undefine(chip, index, r->owner);
    if (rc == SCU_OK)
        rc = pin_index_define(chip, index, r->owner, r->auth, 1000000,
            &defined);
    return rc;
}

/* The authValue that a PIN gives. */
static int
derive(struct scu_chip *chip, void *arg)
{
    struct redefinition *r = arg;
    struct pin_auths auths = { 0 };
    int rc = pin_derive(chip->crypto, &r->token->row, SCU_USER_NORMAL,
        (struct bytes){ "evil-pin", 8 }, &auths);

    r->auth = auths.index;
    secret_free(&auths.seal);
    return rc;
}

/*
 * The index has the same Name and the attacker's PIN: PolicySecret passes,
 * and the blob still wants the authValue of the true PIN.
 */
static void
attack__same_name_with_another_pin(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct authorisations files;
    struct redefinition r = { .token = token, .again = true };

    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    r.owner = files.owner;
    assert_int_equal(chip_perform(p->chip, CHIP_OFFLINE, derive, &r),
        SCU_OK);
    assert_int_equal(chip_perform(p->chip, 0, redefine, &r), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, "evil-pin"),
        SCU_E_AUTH);
    assert_non_null(strstr(scu_error_detail(), "defined anew"));
    assert_false(scu_token_logged_in(token, NULL));
    secret_free(&r.auth);
    authorisations_clear(&files);
    scu_token_free(&token);
}

/* Without it the index can neither be taken away nor defined. */
static void
attack__index_without_the_owner(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct redefinition r = { .token = token, .again = true };

    r.owner = secret_new("guessed", 7);
    r.auth = secret_new("x", 1);
    assert_int_not_equal(chip_perform(p->chip, 0, redefine, &r), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    secret_free(&r.owner);
    secret_free(&r.auth);
    scu_token_free(&token);
}

static int
take_away(struct scu_chip *chip, void *arg)
{
    struct redefinition *r = arg;
    int rc = token_ready_vault(chip, r->token);

    return rc == SCU_OK ? pin_index_undefine(chip,
        &r->token->vault->index[SCU_USER_NORMAL], r->owner) : rc;
}

/* The owner took it away: that is told, and is no wrong PIN. */
static void
attack__index_taken_away(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct authorisations files;
    struct redefinition r = { .token = token };

    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    r.owner = files.owner;
    assert_int_equal(chip_perform(p->chip, 0, take_away, &r), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_FOREIGN_KEY);
    assert_non_null(strstr(scu_error_detail(), "index"));
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(scu_token_remove(token), SCU_OK);
    authorisations_clear(&files);
    scu_token_free(&token);
}

/* An index that would lose its count is another one to us: no login by it. */
static void
attack__orderly_index_is_refused(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct authorisations files;
    struct redefinition r = {
        .token = token, .again = true,
        .attributes = PIN_INDEX_ATTRIBUTES | TPMA_NV_ORDERLY,
    };

    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    r.owner = files.owner;
    assert_int_equal(chip_perform(p->chip, CHIP_OFFLINE, derive, &r),
        SCU_OK);
    /* The chip takes such an index; its first write fails, as its Name is
     * not the one that is written to. So the attacker writes by its own. */
    assert_int_not_equal(chip_perform(p->chip, 0, redefine, &r), SCU_OK);
    assert_int_not_equal(token_login(token, SCU_USER_NORMAL, "evil-pin"),
        SCU_OK);
    r.own_name = true;
    assert_int_equal(chip_perform(p->chip, 0, redefine, &r), SCU_OK);
    scu_token_free(&token);
    token = token_only(p->chip);
    assert_int_not_equal(token_login(token, SCU_USER_NORMAL, "evil-pin"),
        SCU_OK);
    assert_int_not_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_OK);
    secret_free(&r.auth);
    authorisations_clear(&files);
    scu_token_free(&token);
}

/* --- on the policy ---------------------------------------------------------------- */

struct policy_try {
    struct scu_token *token;
    struct policy policy;
    TPM2_CC code;
    int satisfied, ran;
};

/* Satisfies a policy of the attacker's, and runs a command on the index. */
static int
try_policy(struct scu_chip *chip, void *arg)
{
    struct policy_try *t = arg;
    struct secret *guess = secret_new("guess", 5);
    const struct pin_index *index;
    struct session session = { 0 };
    const struct policy_choice choice = { 0 };
    struct chip_command command = {
        .code = t->code, .handles = t->code == TPM2_CC_NV_ChangeAuth ? 1 : 2,
        .auths = 1, .companion = true,
    };
    const TPM2B_AUTH auth = { .size = 4, .buffer = "evil" };
    const TPM2B_MAX_NV_BUFFER counts = { .size = 8 };
    TSS2_RC prepared;

    assert_non_null(guess);
    assert_int_equal(token_ready_vault(chip, t->token), SCU_OK);
    index = &t->token->vault->index[SCU_USER_NORMAL];
    assert_int_equal(policy_start(chip, &session), SCU_OK);
    t->satisfied = policy_satisfy(chip, &session, &t->policy, &choice);
    command.auth[0].session = &session;
    command.auth[0].value = guess;
    command.names[0] = command.names[1] = &index->name;
    prepared = t->code == TPM2_CC_NV_ChangeAuth ?
        Tss2_Sys_NV_ChangeAuth_Prepare(chip->sys, index->handle, &auth) :
        Tss2_Sys_NV_Write_Prepare(chip->sys, index->handle, index->handle,
            &counts, 0);
    assert_int_equal(chip_prepared(prepared, t->code), SCU_OK);
    t->ran = chip_run(chip, &command);
    policy_end(chip, &session);
    secret_free(&guess);
    return SCU_OK;
}

/*
 * PolicyAuthValue with NV_ChangeAuth is how one would change one's own PIN;
 * the chip does not count wrong ones there, so no index has that branch.
 */
static void
attack__no_branch_by_auth_value(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct policy_try t = {
        .token = token, .code = TPM2_CC_NV_ChangeAuth,
        .policy = { .n = 2, .step = {
            { .kind = POLICY_AUTH_VALUE },
            { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_ChangeAuth },
        } },
    };

    assert_int_equal(chip_perform(p->chip, 0, try_policy, &t), SCU_OK);
    assert_int_equal(t.satisfied, SCU_OK);
    assert_int_not_equal(t.ran, SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    for (size_t i = 0; i < PIN_BRANCHES; i++) {
        const struct policy *b =
            &token->vault->index[SCU_USER_NORMAL].branches[i];

        for (size_t k = 0; k < b->n; k++)
            assert_int_not_equal(b->step[k].kind, POLICY_AUTH_VALUE);
        assert_int_equal(b->step[b->n - 1].kind, POLICY_COMMAND_CODE);
    }
    scu_token_free(&token);
}

/* The first write is the first only. */
static void
attack__second_first_write(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct policy_try t = { .token = token, .code = TPM2_CC_NV_Write };

    assert_int_equal(token_login(token, SCU_USER_NORMAL, "wrong"),
        SCU_E_AUTH);
    t.policy = (struct policy){ .n = 1, .step = { {
        .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_Write,
    } } };
    assert_int_equal(chip_perform(p->chip, 0, try_policy, &t), SCU_OK);
    assert_int_not_equal(t.ran, SCU_OK);
    t.policy = (struct policy){ .n = 1, .step = { {
        .kind = POLICY_OR,
        .branches = token->vault->index[SCU_USER_NORMAL].branches +
            PIN_FIRST_WRITE,
        .n_branches = 2,
    } } };
    assert_int_equal(chip_perform(p->chip, 0, try_policy, &t), SCU_OK);
    assert_int_not_equal(t.ran, SCU_OK);
    assert_int_equal(token_status(token).user_failed, 1);
    scu_token_free(&token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(attack__same_name_with_another_pin),
        TEST(attack__index_without_the_owner),
        TEST(attack__index_taken_away),
        TEST(attack__orderly_index_is_refused),
        TEST(attack__no_branch_by_auth_value),
        TEST(attack__second_first_write),
    };

    return cmocka_run_group_tests_name("attack", tests, NULL, NULL);
}
