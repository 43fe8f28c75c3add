/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The life of a token on a simulated chip. */
#include "tests/tss-backend/chipfix.h"
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
init__makes_a_token(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = NULL;
    struct scu_token_info info;
    struct stat st;
    char path[512];

    assert_int_equal(scu_token_init(p->chip, "first", SO_PIN, strlen(SO_PIN),
        0, &token), SCU_OK);
    scu_token_info(token, &info);
    assert_string_equal(info.label, "first");
    assert_int_equal(strlen(info.serial), 16);
    assert_false(info.user_pin_set || info.other_chip);
    assert_int_equal(info.tries, SCU_PIN_TRIES_DEFAULT);
    (void)snprintf(path, sizeof(path), "%s/store.db", p->state);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    scu_token_free(&token);
}

static void
life__login_generate_sign_logout(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 0);
    struct scu_object *key, **list = NULL;
    enum scu_user who;
    size_t n = 0;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_true(scu_token_logged_in(token, &who));
    assert_int_equal(who, SCU_USER_NORMAL);
    key = token_key(token, "k");
    assert_true(scu_object_is_private(key));
    assert_int_equal(token_sign(key), SCU_OK);
    scu_object_free(&key);
    token_reconnect(p, &token);
    assert_int_equal(scu_object_list(token, &list, &n), SCU_OK);
    assert_int_equal(n, 0);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_object_list(token, &list, &n), SCU_OK);
    assert_int_equal(n, 1);
    assert_int_equal(token_sign(list[0]), SCU_OK);
    scu_token_logout(token);
    assert_int_equal(token_sign(list[0]), SCU_E_AUTH_NEEDED);
    scu_object_list_free(&list, n);
    scu_token_free(&token);
}

/* --- failures on the way ------------------------------------------------------ */

/* The chip says this to a command of scu_token_init(): nothing stays behind. */
static void
init_fails(uint32_t command, uint32_t answer, int expected)
{
    struct chipfix *fix = chipfix_new(true);
    struct scu_token *token = NULL, **all = NULL;
    struct scu_chip_info before, after;
    size_t n = 1;

    assert_int_equal(scu_chip_info(fix->chip, &before), SCU_OK);
    chipfix_refuse(fix, command, answer);
    assert_int_equal(scu_token_init(fix->chip, "t", SO_PIN, strlen(SO_PIN),
        0, &token), expected);
    assert_null(token);
    chipfix_refuse(fix, 0, 0);
    assert_int_equal(scu_chip_info(fix->chip, &after), SCU_OK);
    assert_int_equal(after.nv_indices, before.nv_indices);
    assert_int_equal(scu_token_list(fix->chip, &all, &n), SCU_OK);
    assert_int_equal(n, 0);
    assert_int_equal(scu_token_init(fix->chip, "t", SO_PIN, strlen(SO_PIN),
        0, &token), SCU_OK);
    scu_token_free(&token);
    chipfix_free(fix);
}

static void
init__no_room_in_the_chip(void **state)
{
    (void)state;
    init_fails(TPM2_CC_NV_DefineSpace, TPM2_RC_NV_SPACE, SCU_E_TOKENS_FULL);
}

static void
init__first_write_fails(void **state)
{
    (void)state;
    init_fails(TPM2_CC_NV_Write, TPM2_RC_FAILURE, SCU_E_CHIP);
}

static void
init__arguments(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = NULL;

    assert_int_equal(scu_token_init(p->chip, "", SO_PIN, strlen(SO_PIN), 0,
        &token), SCU_E_ARG);
    assert_int_equal(scu_token_init(p->chip,
        "a label of more than thirty-two octets", SO_PIN, strlen(SO_PIN), 0,
        &token), SCU_E_ARG);
    assert_int_equal(scu_token_init(p->chip, "t", "abc", 3, 0, &token),
        SCU_E_PIN_LENGTH);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(init__makes_a_token),
        TEST(init__arguments),
        cmocka_unit_test(init__no_room_in_the_chip),
        cmocka_unit_test(init__first_write_fails),
        TEST(life__login_generate_sign_logout),
    };

    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
