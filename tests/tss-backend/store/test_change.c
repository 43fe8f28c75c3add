/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Changes of PINs, and what is left where they are interrupted. */
#include "tests/tss-backend/chipfix.h"
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEW_PIN "a-new-pin"

static int
change(struct scu_token *token, enum scu_user who, const char *from,
    const char *to)
{
    return scu_token_change_pin(token, who, from, strlen(from), to,
        strlen(to));
}

static void
check_pin(struct scu_token *token, enum scu_user who, const char *right,
    const char *wrong)
{
    assert_int_equal(token_login(token, who, wrong), SCU_E_AUTH);
    assert_int_equal(token_login(token, who, right), SCU_OK);
}

static void
change__own_pin_of_both(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key = NULL;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    assert_int_equal(change(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN),
        SCU_OK);
    /* Who is logged in stays so. */
    assert_int_equal(token_sign(key), SCU_OK);
    check_pin(token, SCU_USER_NORMAL, NEW_PIN, USER_PIN);
    assert_int_equal(token_sign(key), SCU_OK);
    assert_int_equal(change(token, SCU_USER_SO, SO_PIN, "new-so-pin"),
        SCU_OK);
    check_pin(token, SCU_USER_SO, "new-so-pin", SO_PIN);
    /* The SO can still do what an SO does. */
    assert_int_equal(scu_token_set_user_pin(token, USER_PIN,
        strlen(USER_PIN)), SCU_OK);
    check_pin(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN);
    scu_object_free(&key);
    scu_token_free(&token);
}

static void
change__wrong_old_pin_counts(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    assert_int_equal(change(token, SCU_USER_NORMAL, "not-it", NEW_PIN),
        SCU_E_AUTH);
    assert_int_equal(token_status(token).user_failed, 1);
    assert_int_equal(change(token, SCU_USER_NORMAL, USER_PIN, "abc"),
        SCU_E_PIN_LENGTH);
    assert_int_equal(token_status(token).user_failed, 1);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    scu_token_free(&token);
}

static void
change__only_the_so_sets_the_users(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    assert_int_equal(scu_token_set_user_pin(token, NEW_PIN, 9),
        SCU_E_AUTH_NEEDED);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_token_set_user_pin(token, NEW_PIN, 9),
        SCU_E_AUTH_NEEDED);
    scu_token_free(&token);
}

/*
 * Power fails between two steps of a change: before the index has the new
 * PIN the old one opens, and the blob of the new one is in the way of nothing.
 */
static void
change__cut_before_the_index(void **state)
{
    struct chipfix *fix = chipfix_new(true);
    struct provisioned view = { .sim = fix->sim, .chip = fix->chip };
    struct scu_token *token = token_made(&view, 3);

    (void)state;
    for (int i = 0; i < 6; i++) {
        chipfix_refuse(fix, TPM2_CC_NV_ChangeAuth, TPM2_RC_FAILURE);
        assert_int_equal(change(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN),
            SCU_E_CHIP);
        chipfix_refuse(fix, 0, 0);
        token_power_cut(&view);
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
        assert_int_equal(token_status(token).user_failed, 0);
    }
    assert_int_equal(change(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN),
        SCU_OK);
    check_pin(token, SCU_USER_NORMAL, NEW_PIN, USER_PIN);
    scu_token_free(&token);
    chipfix_free(fix);
}

/* Behind the index: the store still has both blobs. */
static void
change__cut_behind_the_index(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    /* What a power cut would leave: the old blob is there again, first as the
     * older, then as the newer one. */
    token_sql(p, "CREATE TABLE kept AS SELECT * FROM pins WHERE who = 1;");
    assert_int_equal(change(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN),
        SCU_OK);
    token_sql(p, "INSERT INTO pins SELECT 1, token, who, blob FROM kept "
        "WHERE NOT EXISTS (SELECT 1 FROM pins WHERE id = 1);"
        "INSERT INTO pins (token, who, blob) SELECT token, who, blob "
        "FROM kept; DROP TABLE kept;");
    token_power_cut(p);
    check_pin(token, SCU_USER_NORMAL, NEW_PIN, USER_PIN);
    assert_int_equal(token_status(token).user_failed, 0);
    /* The next change takes away what was left. */
    assert_int_equal(change(token, SCU_USER_NORMAL, NEW_PIN, "third-pin"),
        SCU_OK);
    check_pin(token, SCU_USER_NORMAL, "third-pin", NEW_PIN);
    scu_token_free(&token);
}

static void
set_user_pin__interrupted_is_repeated(void **state)
{
    struct chipfix *fix = chipfix_new(true);
    struct provisioned view = { .sim = fix->sim, .chip = fix->chip };
    struct scu_token *token = token_made(&view, 3);

    (void)state;
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    chipfix_refuse(fix, TPM2_CC_NV_Write, TPM2_RC_FAILURE);
    assert_int_equal(scu_token_set_user_pin(token, NEW_PIN, 9), SCU_E_CHIP);
    chipfix_refuse(fix, 0, 0);
    token_power_cut(&view);
    assert_int_equal(scu_token_set_user_pin(token, NEW_PIN, 9), SCU_OK);
    check_pin(token, SCU_USER_NORMAL, NEW_PIN, USER_PIN);
    scu_token_free(&token);
    chipfix_free(fix);
}

/* An SO who never comes to the end leaves the user's own PIN in force. */
static void
set_user_pin__interrupted_many_times(void **state)
{
    struct chipfix *fix = chipfix_new(true);
    struct provisioned view = { .sim = fix->sim, .chip = fix->chip };
    struct scu_token *token = token_made(&view, 3);

    (void)state;
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    chipfix_refuse(fix, TPM2_CC_NV_ChangeAuth, TPM2_RC_FAILURE);
    for (int i = 0; i < 6; i++)
        assert_int_equal(scu_token_set_user_pin(token, NEW_PIN, 9),
            SCU_E_CHIP);
    chipfix_refuse(fix, 0, 0);
    check_pin(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN);
    scu_token_free(&token);
    chipfix_free(fix);
}

/* The chip has the new PIN: that the old blob cannot go now is no failure. */
static void
change__old_blob_stays(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    token_sql(p, "CREATE TRIGGER stay BEFORE DELETE ON pins BEGIN "
        "SELECT RAISE(ABORT, 'no'); END;");
    assert_int_equal(change(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN),
        SCU_OK);
    token_sql(p, "DROP TRIGGER stay");
    check_pin(token, SCU_USER_NORMAL, NEW_PIN, USER_PIN);
    assert_int_equal(change(token, SCU_USER_NORMAL, NEW_PIN, USER_PIN),
        SCU_OK);
    check_pin(token, SCU_USER_NORMAL, USER_PIN, NEW_PIN);
    scu_token_free(&token);
}

/* Somebody else's index stands where the token's was: it stays. */
static void
remove__spares_the_index_of_another(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3), *other = NULL;
    struct scu_chip_info info;
    char sql[200];

    /* A row with the other one's handles, as a store from a backup has. */
    assert_int_equal(scu_token_init(p->chip, "other", SO_PIN, strlen(SO_PIN),
        3, &other), SCU_OK);
    (void)snprintf(sql, sizeof(sql), "UPDATE tokens SET so_index = %u, "
        "user_index = %u WHERE label = 'test'", other->row.index[0],
        other->row.index[1]);
    token_sql(p, sql);
    scu_token_free(&token);
    assert_int_equal(scu_token_find(p->chip, "test", NULL, &token), SCU_OK);
    assert_int_equal(scu_token_remove(token), SCU_OK);
    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    assert_in_range(info.nv_indices, 4, 64);
    assert_int_equal(token_login(other, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(token_status(other).so_failed, 0);
    scu_token_free(&token);
    scu_token_free(&other);
}

static void
reinit__keeps_the_so_and_nothing_else(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key = NULL, **list = NULL;
    struct scu_token_info before, after;
    size_t n = 0;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    scu_object_free(&key);
    scu_token_info(token, &before);
    assert_int_equal(scu_token_reinit(token, "again", "not-it", 6),
        SCU_E_AUTH);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_token_reinit(token, "again", SO_PIN,
        strlen(SO_PIN)), SCU_OK);
    assert_false(scu_token_logged_in(token, NULL));
    scu_token_info(token, &after);
    assert_string_equal(after.label, "again");
    assert_string_equal(after.serial, before.serial);
    assert_false(after.user_pin_set);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_PIN_UNSET);
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(scu_token_set_user_pin(token, USER_PIN,
        strlen(USER_PIN)), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_object_list(token, &list, &n), SCU_OK);
    assert_int_equal(n, 0);
    key = token_key(token, "another");
    assert_int_equal(token_sign(key), SCU_OK);
    scu_object_free(&key);
    scu_token_free(&token);
}

static void
remove__takes_the_indices_away(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip_info before, after;
    struct scu_token *token, **all = NULL;
    size_t n = 1;

    assert_int_equal(scu_chip_info(p->chip, &before), SCU_OK);
    token = token_made(p, 3);
    assert_int_equal(scu_chip_info(p->chip, &after), SCU_OK);
    assert_int_equal(after.nv_indices, before.nv_indices + 2);
    assert_int_equal(scu_token_remove(token), SCU_OK);
    assert_int_equal(scu_chip_info(p->chip, &after), SCU_OK);
    assert_int_equal(after.nv_indices, before.nv_indices);
    assert_int_equal(scu_token_list(p->chip, &all, &n), SCU_OK);
    assert_int_equal(n, 0);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_NOT_FOUND);
    scu_token_free(&token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(change__own_pin_of_both),
        TEST(change__wrong_old_pin_counts),
        TEST(change__only_the_so_sets_the_users),
        cmocka_unit_test(change__cut_before_the_index),
        TEST(change__cut_behind_the_index),
        cmocka_unit_test(set_user_pin__interrupted_is_repeated),
        cmocka_unit_test(set_user_pin__interrupted_many_times),
        TEST(change__old_blob_stays),
        TEST(remove__spares_the_index_of_another),
        TEST(reinit__keeps_the_so_and_nothing_else),
        TEST(remove__takes_the_indices_away),
    };

    return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
