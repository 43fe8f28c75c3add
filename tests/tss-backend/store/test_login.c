/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* PINs: what a login costs, what counts, what locks, what survives. */
#include "tests/tss-backend/chipfix.h"
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static unsigned
words(const char *text)
{
    unsigned n = *text != '\0';

    for (; *text != '\0'; text++)
        n += *text == ' ';
    return n;
}

/* --- commands, counted at the socket ------------------------------------------ */

static void
login__golden_lists(void **state)
{
    struct chipfix *fix = chipfix_new(true);
    struct provisioned view = { .sim = fix->sim };
    struct scu_token *token;
    struct scu_object *key, **list = NULL;
    size_t n = 0;

    (void)state;
    (void)snprintf(view.state, sizeof(view.state), "%s",
        fix->provisioned->state);
    view.chip = fix->chip;
    token = token_made(&view, 0);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    scu_object_free(&key);
    scu_token_free(&token);
    scu_chip_free(&fix->chip);

    chipfix_count(fix);
    fix->chip = chipfix_connect(fix);
    token = token_only(fix->chip);
    assert_int_equal(scu_object_list(token, &list, &n), SCU_OK);
    assert_int_equal(n, 0);
    assert_string_equal(chipfix_commands(fix), "");
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "StartAuthSession "
        "StartAuthSession Load PolicySecret PolicyAuthValue Unseal");
    assert_int_equal(scu_object_list(token, &list, &n), SCU_OK);
    assert_int_equal(n, 1);
    assert_int_equal(token_sign(list[0]), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "StartAuthSession "
        "StartAuthSession Load PolicySecret PolicyAuthValue Unseal "
        "Load Sign");
    chipfix_count(fix);
    assert_int_equal(token_sign(list[0]), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "Sign");
    assert_int_equal(chipfix_sessions(fix), 1);
    scu_object_list_free(&list, n);
    scu_token_free(&token);
    assert_int_equal(chipfix_transients(fix), 0);
    chipfix_free(fix);
}

static void
init__some_twenty_commands(void **state)
{
    struct chipfix *fix = chipfix_new(true);
    struct scu_token *token = NULL;

    (void)state;
    chipfix_count(fix);
    assert_int_equal(scu_token_init(fix->chip, "t", SO_PIN, strlen(SO_PIN),
        0, &token), SCU_OK);
    assert_in_range(words(chipfix_commands(fix)), 14, 22);
    assert_int_equal(chipfix_sessions(fix), 1);
    assert_int_equal(chipfix_transients(fix), 0);
    scu_token_free(&token);
    chipfix_free(fix);
}

/* A link that answers RETRY: the PIN is not tried again by itself. */
static void
login__pin_is_never_repeated(void **state)
{
    static const uint32_t answers[] = {
        TPM2_RC_RETRY, TPM2_RC_REFERENCE_S0, TPM2_RC_SESSION_MEMORY,
    };
    struct chipfix *fix = chipfix_new(true);
    struct provisioned view = { .sim = fix->sim, .chip = fix->chip };
    struct scu_token *token = token_made(&view, 3);

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        char commands[4096];
        const char *first;

        chipfix_count(fix);
        chipfix_refuse(fix, TPM2_CC_PolicySecret, answers[i]);
        assert_int_not_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
        chipfix_refuse(fix, 0, 0);
        (void)snprintf(commands, sizeof(commands), "%s",
            chipfix_commands(fix));
        first = strstr(commands, "PolicySecret");
        assert_non_null(first);
        assert_null(strstr(first + 1, "PolicySecret"));
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
    }
    scu_token_free(&token);
    chipfix_free(fix);
}

/* --- counting ------------------------------------------------------------------- */

static void
check_counts(struct scu_token *token, unsigned user, unsigned so)
{
    struct scu_pin_status status = token_status(token);

    assert_int_equal(status.user_failed, user);
    assert_int_equal(status.so_failed, so);
}

static void
login__wrong_pin_counts_through_power_cuts(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(token_login(token, SCU_USER_NORMAL, "wrong-pin"),
            SCU_E_AUTH);
        assert_non_null(strstr(scu_error_detail(), "wrong"));
        assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
        token_power_cut(p);
        check_counts(token, i, 0);
    }
    assert_true(token_status(token).user_locked);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_PIN_LOCKED);
    assert_non_null(strstr(scu_error_detail(), "SO"));
    check_counts(token, 3, 0);
    token_power_cut(p);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_PIN_LOCKED);
    /* The SO unlocks it. */
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(scu_token_set_user_pin(token, "fresh-pin", 9), SCU_OK);
    check_counts(token, 0, 0);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_AUTH);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, "fresh-pin"),
        SCU_OK);
    check_counts(token, 0, 0);
    scu_token_free(&token);
}

static void
login__default_limit_is_ten(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 0);

    for (unsigned i = 0; i < SCU_PIN_TRIES_DEFAULT; i++)
        assert_int_equal(token_login(token, SCU_USER_SO, "no-such"),
            SCU_E_AUTH);
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN),
        SCU_E_PIN_LOCKED);
    check_counts(token, 0, SCU_PIN_TRIES_DEFAULT);
    assert_true(token_status(token).so_locked);
    /* Each PIN counts for itself. */
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    scu_token_free(&token);
}

static void
login__tokens_count_for_themselves(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *one = token_made(p, 3), *two = NULL;

    assert_int_equal(scu_token_init(p->chip, "two", "other-so-pin", 12, 3,
        &two), SCU_OK);
    assert_int_equal(token_login(one, SCU_USER_SO, "wrong"), SCU_E_AUTH);
    check_counts(one, 0, 1);
    check_counts(two, 0, 0);
    assert_int_equal(token_login(two, SCU_USER_NORMAL, USER_PIN),
        SCU_E_PIN_UNSET);
    scu_token_free(&one);
    scu_token_free(&two);
}

static void
login__ten_power_cuts_lock_nothing(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_chip_info info;
    struct scu_object *key = NULL;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(token_sign(key), SCU_OK);
        token_power_cut(p);
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
        assert_int_equal(token_sign(key), SCU_OK);
        token_power_cut(p);
    }
    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    assert_int_equal(info.lockout_counter, 0);
    assert_false(info.in_lockout);
    check_counts(token, 0, 0);
    scu_object_free(&key);
    scu_token_free(&token);
}

/* --- the right PIN is never burnt --------------------------------------------- */

static void
login__stale_session_burns_nothing(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    for (int i = 0; i < 5; i++) {
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
        switch (i) {
        case 0: /* others took everything */
            provisioned_flush_all(p);
            break;
        case 1: /* the handle is somebody else's session now */
            provisioned_flush(p, TPM2_LOADED_SESSION_FIRST);
            provisioned_crowd(p, 0, 1);
            break;
        case 2:
            provisioned_flush_all(p);
            break;
        case 3: /* a power cut, and others come first */
            token_power_cut(p);
            provisioned_crowd(p, 2, 1);
            break;
        default:
            provisioned_flush_all(p);
            break;
        }
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
        check_counts(token, 0, 0);
    }
    scu_token_free(&token);
}

/* Also not by one who has the PIN, on a view that was never told. */
static void
login__two_connections_at_once(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3), *other;
    struct scu_chip *chip = provisioned_connect(p);

    assert_non_null(chip);
    other = token_only(chip);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
        assert_int_equal(token_login(other, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
    }
    check_counts(token, 0, 0);
    scu_token_free(&other);
    scu_chip_free(&chip);
    scu_token_free(&token);
}

static int
child(struct provisioned *p, struct scu_token *token, struct scu_object *key)
{
    int rc = scu_token_logged_in(token, NULL) ? 1 :
        token_sign(key) != SCU_E_AUTH_NEEDED ? 2 :
        token_login(token, SCU_USER_NORMAL, USER_PIN) != SCU_OK ? 3 :
        token_sign(key) != SCU_OK ? 4 : 0;

    scu_object_free(&key);
    scu_token_free(&token);
    scu_chip_free(&p->chip);
    return rc;
}

static void
login__child_is_logged_out(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key = NULL;
    int status = -1;
    pid_t pid;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child(p, token, key));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    /* The parent is not disturbed. */
    assert_true(scu_token_logged_in(token, NULL));
    assert_int_equal(token_sign(key), SCU_OK);
    scu_object_free(&key);
    scu_token_free(&token);
}

static void
login__pin_of_wrong_length(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    char longest[SCU_PIN_MAX + 1];

    memset(longest, 'x', sizeof(longest));
    assert_int_equal(token_login(token, SCU_USER_NORMAL, "abc"),
        SCU_E_PIN_LENGTH);
    assert_int_equal(scu_token_login(token, SCU_USER_NORMAL, longest,
        SCU_PIN_MAX + 1), SCU_E_PIN_LENGTH);
    assert_int_equal(scu_token_login(token, SCU_USER_NORMAL, NULL, 0),
        SCU_E_PIN_LENGTH);
    check_counts(token, 0, 0);
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(scu_token_set_user_pin(token, longest, SCU_PIN_MAX),
        SCU_OK);
    assert_int_equal(scu_token_login(token, SCU_USER_NORMAL, longest,
        SCU_PIN_MAX), SCU_OK);
    scu_token_free(&token);
}

static void
login__token_of_another_chip(void **state)
{
    struct provisioned *p = *state;
    struct provisioned *other = NULL;
    struct scu_token *token = token_made(p, 3);
    struct scu_token_info info;

    assert_int_equal(setenv("SCU_STORE", p->state, 1), 0);
    assert_int_equal(provisioned_setup((void **)&other), 0);
    assert_int_equal(unsetenv("SCU_STORE"), 0);
    scu_token_free(&token);
    token = token_only(other->chip);
    scu_token_info(token, &info);
    assert_true(info.other_chip);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_OTHER_CHIP);
    assert_non_null(strstr(scu_error_detail(), "another chip"));
    scu_token_free(&token);
    provisioned_teardown((void **)&other);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login__golden_lists),
        cmocka_unit_test(init__some_twenty_commands),
        cmocka_unit_test(login__pin_is_never_repeated),
        TEST(login__wrong_pin_counts_through_power_cuts),
        TEST(login__default_limit_is_ten),
        TEST(login__tokens_count_for_themselves),
        TEST(login__ten_power_cuts_lock_nothing),
        TEST(login__stale_session_burns_nothing),
        TEST(login__two_connections_at_once),
        TEST(login__child_is_logged_out),
        TEST(login__pin_of_wrong_length),
        TEST(login__token_of_another_chip),
    };

    return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
