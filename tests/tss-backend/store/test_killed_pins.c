/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * Changes of PINs, of the whole token and of its objects, killed at each of
 * their steps: what the next program finds is as it was or as it was to be.
 */
#include "tests/tss-backend/store/dying.h"
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEW_PIN "a-new-pin"

static void
ok(int rc)
{
    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s: %s\n", scu_error_name(rc),
            scu_error_detail());
    assert_int_equal(rc, SCU_OK);
}

static unsigned
indices(struct provisioned *p)
{
    struct scu_chip_info info;

    ok(scu_chip_info(p->chip, &info));
    return info.nv_indices;
}

static size_t
objects(struct scu_token *token)
{
    struct scu_object **all = NULL;
    size_t n = 0;

    ok(scu_object_list(token, &all, &n));
    for (size_t i = 0; i < n; i++)
        ok(token_sign(all[i]));
    scu_object_list_free(&all, n);
    return n;
}

static int
login_either(struct scu_token *token, enum scu_user who, const char *one,
    const char *other, const char **right)
{
    *right = one;
    if (token_login(token, who, one) == SCU_OK)
        return SCU_OK;
    *right = other;
    return token_login(token, who, other);
}

static unsigned before; /* indices in the chip without any token */

/* --- PINs ------------------------------------------------------------------------------- */

static int
run_change_user(struct scu_chip *chip)
{
    struct scu_token *token = token_only(chip);
    int rc = scu_token_change_pin(token, SCU_USER_NORMAL, USER_PIN,
        strlen(USER_PIN), NEW_PIN, strlen(NEW_PIN));

    scu_token_free(&token);
    return rc;
}

static int
run_change_so(struct scu_chip *chip)
{
    struct scu_token *token = token_only(chip);
    int rc = scu_token_change_pin(token, SCU_USER_SO, SO_PIN, strlen(SO_PIN),
        NEW_PIN, strlen(NEW_PIN));

    scu_token_free(&token);
    return rc;
}

/* The old one or the new one; and then the old one again. */
static void
check_changed(struct provisioned *p, enum scu_user who, const char *old)
{
    struct scu_token *token = token_only(p->chip);
    const char *right = NULL;

    ok(login_either(token, who, old, NEW_PIN, &right));
    ok(scu_token_change_pin(token, who, right, strlen(right), old,
        strlen(old)));
    ok(token_login(token, SCU_USER_SO, SO_PIN));
    ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
    assert_int_equal(objects(token), 1);
    scu_token_free(&token);
    assert_int_equal(indices(p), before + 2);
}

static void
check_change_user(struct provisioned *p)
{
    check_changed(p, SCU_USER_NORMAL, USER_PIN);
}

static void
check_change_so(struct provisioned *p)
{
    check_changed(p, SCU_USER_SO, SO_PIN);
}

/* A token with a key, which all these must keep. */
static void
make_token(struct provisioned *p)
{
    struct scu_token *token;
    struct scu_object *key;

    before = indices(p);
    token = token_made(p, 10);
    ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
    key = token_key(token, "k");
    scu_object_free(&key);
    scu_token_free(&token);
}

static void
killed__change_of_pin(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change user = { run_change_user, check_change_user };
    const struct dying_change so = { run_change_so, check_change_so };

    make_token(p);
    dying_everywhere(p, &user);
    dying_at_each_step(p, &user, DYING_OF_THE_LINK);
    dying_at_each_step(p, &so, DYING_AT_COMMAND);
}

static int
run_set(struct scu_chip *chip)
{
    struct scu_token *token = token_only(chip);
    int rc = token_login(token, SCU_USER_SO, SO_PIN);

    if (rc == SCU_OK)
        rc = scu_token_set_user_pin(token, NEW_PIN, strlen(NEW_PIN));
    scu_token_free(&token);
    return rc;
}

static void
check_set(struct provisioned *p)
{
    struct scu_token *token = token_only(p->chip);
    const char *right = NULL;

    ok(login_either(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN, &right));
    assert_int_equal(objects(token), 1);
    ok(token_login(token, SCU_USER_SO, SO_PIN));
    ok(scu_token_set_user_pin(token, USER_PIN, strlen(USER_PIN)));
    ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
    assert_int_equal(token_status(token).user_failed, 0);
    scu_token_free(&token);
}

static void
killed__set_user_pin(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change change = { run_set, check_set };

    make_token(p);
    dying_everywhere(p, &change);
}

/* --- again, and away ------------------------------------------------------------------------ */

static int
run_reinit(struct scu_chip *chip)
{
    struct scu_token *token = token_only(chip);
    int rc = scu_token_reinit(token, "anew", SO_PIN, strlen(SO_PIN));

    scu_token_free(&token);
    return rc;
}

/* As it was, or made anew. */
static void
check_reinit(struct provisioned *p)
{
    struct scu_token *token = token_only(p->chip);
    struct scu_token_info info;
    struct scu_object *key;

    scu_token_info(token, &info);
    ok(token_login(token, SCU_USER_SO, SO_PIN));
    if (strcmp(info.label, "anew") == 0) {
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_E_PIN_UNSET);
        ok(token_login(token, SCU_USER_SO, SO_PIN));
        ok(scu_token_set_user_pin(token, USER_PIN, strlen(USER_PIN)));
        ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
        assert_int_equal(objects(token), 0);
        key = token_key(token, "k");
        scu_object_free(&key);
    } else {
        ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
        assert_int_equal(objects(token), 1);
    }
    assert_int_equal(indices(p), before + 2);
    /* Its label is the old one's again. */
    ok(scu_token_reinit(token, "test", SO_PIN, strlen(SO_PIN)));
    ok(token_login(token, SCU_USER_SO, SO_PIN));
    ok(scu_token_set_user_pin(token, USER_PIN, strlen(USER_PIN)));
    ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
    key = token_key(token, "k");
    scu_object_free(&key);
    scu_token_free(&token);
}

static void
killed__reinit(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change change = { run_reinit, check_reinit };

    make_token(p);
    dying_everywhere(p, &change);
}

/* --- objects ---------------------------------------------------------------------------------- */

static int
run_generate(struct scu_chip *chip)
{
    struct scu_token *token = token_only(chip);
    struct scu_object *key = NULL;
    int rc = token_login(token, SCU_USER_NORMAL, USER_PIN);

    if (rc == SCU_OK)
        rc = scu_object_generate(token, scu_alg_by_name("P-256"), NULL, 0,
            &key);
    scu_object_free(&key);
    scu_token_free(&token);
    return rc;
}

static void
check_generate(struct provisioned *p)
{
    static size_t had = 1;
    struct scu_token *token = token_only(p->chip);
    size_t n;

    ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
    n = objects(token);
    assert_in_range(n, had, had + 1);
    had = n;
    scu_token_free(&token);
}

static void
killed__generate(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change change = { run_generate, check_generate };

    make_token(p);
    dying_at_each_step(p, &change, DYING_AT_DISK);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed__change_of_pin),
        TEST(killed__set_user_pin),
        TEST(killed__reinit),
        TEST(killed__generate),
    };

    return cmocka_run_group_tests_name("killed-pins", tests, NULL, NULL);
}
