/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Several processes and threads on one token. */
#include "tests/tss-backend/store/tokens.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS 8

/* What is to be repeated: others were quicker, or hold the chip's slots. */
static bool
again(int rc)
{
    return rc == SCU_E_BUSY || rc == SCU_E_SLOTS;
}

/* A child that runs, and its exit status. */
static pid_t
start(struct provisioned *p, int (*run)(struct scu_token *token))
{
    pid_t pid = fork();
    struct scu_chip *chip;
    struct scu_token *token;
    int status;

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    chip = provisioned_connect(p);
    token = token_only(chip);
    status = run(token);
    scu_token_free(&token);
    scu_chip_free(&chip);
    _exit(status);
}

static int
ended(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* --- the same PIN, changed by two at once ------------------------------------------ */

/* 0: it was changed; 1: the old one is wrong by now. */
static int
change_to(struct scu_token *token, const char *pin)
{
    int rc;

    do {
        rc = scu_token_change_pin(token, SCU_USER_NORMAL, USER_PIN,
            strlen(USER_PIN), pin, strlen(pin));
    } while (again(rc));
    if (rc != SCU_OK && rc != SCU_E_AUTH)
        (void)fprintf(stderr, "%s\n", scu_error_detail());
    return rc == SCU_OK ? 0 : rc == SCU_E_AUTH ? 1 : 2;
}

static int
change_to_first(struct scu_token *token)
{
    return change_to(token, "first-pin");
}

static int
change_to_second(struct scu_token *token)
{
    return change_to(token, "second-pin");
}

static void
change__two_at_once(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 10);
    struct scu_object *key;
    pid_t pid[2];
    int first, second;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    scu_object_free(&key);
    scu_token_free(&token);
    scu_chip_free(&p->chip);
    for (int i = 0; i < ROUNDS; i++) {
        pid[0] = start(p, change_to_first);
        pid[1] = start(p, change_to_second);
        first = ended(pid[0]);
        second = ended(pid[1]);
        /* One of them did, and its PIN is the one. */
        assert_int_equal(first + second, 1);
        p->chip = provisioned_connect(p);
        token = token_only(p->chip);
        assert_int_equal(token_status(token).user_failed, 1);
        assert_int_equal(scu_token_change_pin(token, SCU_USER_NORMAL,
            first == 0 ? "first-pin" : "second-pin",
            first == 0 ? 9 : 10, USER_PIN, strlen(USER_PIN)), SCU_OK);
        scu_token_free(&token);
        scu_chip_free(&p->chip);
    }
    p->chip = provisioned_connect(p);
}

/* --- logins while the PIN changes, and while the token is made anew ------------------ */

static int
log_in_often(struct scu_token *token)
{
    for (int i = 0; i < 4 * ROUNDS; i++) {
        int rc;

        /* Made anew in between: told so, and logged in next time. */
        do {
            rc = token_login(token, SCU_USER_SO, SO_PIN);
        } while (again(rc));
        if (rc != SCU_OK) {
            (void)fprintf(stderr, "%s\n", scu_error_detail());
            return 1;
        }
    }
    return 0;
}

/* The SO's PIN is right all the time: no login fails, none counts. */
static void
login__while_it_is_made_anew(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 10);
    pid_t pid;

    scu_token_free(&token);
    scu_chip_free(&p->chip);
    pid = start(p, log_in_often);
    p->chip = provisioned_connect(p);
    token = token_only(p->chip);
    for (int i = 0; i < ROUNDS; i++) {
        int rc;

        do {
            rc = scu_token_reinit(token, "anew", SO_PIN, strlen(SO_PIN));
        } while (again(rc));
        if (rc != SCU_OK)
            fail_msg("%s", scu_error_detail());
    }
    assert_int_equal(ended(pid), 0);
    assert_int_equal(token_status(token).so_failed, 0);
    scu_token_free(&token);
}

/* What is told by a view whose login the new token has outlived. */
static void
objects__of_a_token_made_anew(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 10), *other;
    struct scu_chip *chip = provisioned_connect(p);
    struct scu_object **all = NULL, *object = NULL;
    size_t n = 0;

    other = token_only(chip);
    assert_int_equal(token_login(other, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_token_reinit(token, "anew", SO_PIN, strlen(SO_PIN)),
        SCU_OK);
    assert_int_equal(scu_object_list(other, &all, &n), SCU_E_AUTH_NEEDED);
    assert_non_null(strstr(scu_error_detail(), "anew"));
    assert_int_equal(scu_object_create(other, SCU_OBJECT_PUBLIC, NULL, 0,
        &object), SCU_E_AUTH_NEEDED);
    scu_token_free(&other);
    scu_chip_free(&chip);
    scu_token_free(&token);
}

/* --- threads ------------------------------------------------------------------------- */

#define THREADS 4

static void *
use_token(void *arg)
{
    struct scu_token *token = arg;
    struct scu_object **all = NULL, *object = NULL;
    const struct scu_attribute label = {
        .type = 3, .value = (const uint8_t *)"label", .len = 5,
    };
    struct scu_token_info info;
    size_t n = 0, len;

    for (int i = 0; i < ROUNDS; i++) {
        int rc = token_login(token, SCU_USER_NORMAL, USER_PIN);

        if (rc == SCU_OK)
            rc = scu_object_create(token, SCU_OBJECT_PRIVATE, &label, 1,
                &object);
        if (rc == SCU_OK)
            rc = scu_object_list(token, &all, &n);
        for (size_t k = 0; k < n; k++)
            (void)scu_object_attribute(all[k], 3, &len);
        scu_token_info(token, &info);
        scu_object_list_free(&all, n);
        scu_object_free(&object);
        if (rc != SCU_OK) {
            (void)fprintf(stderr, "%s\n", scu_error_detail());
            return arg;
        }
    }
    return NULL;
}

static void
threads__share_a_token(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 10);
    struct scu_object **all = NULL;
    pthread_t thread[THREADS];
    void *failed = NULL;
    size_t n = 0;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, use_token, token),
            0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(token_status(token).user_failed, 0);
    assert_int_equal(scu_object_list(token, &all, &n), SCU_OK);
    assert_int_equal(n, THREADS * ROUNDS);
    scu_object_list_free(&all, n);
    scu_token_free(&token);
}

/* --- forks ---------------------------------------------------------------------------- */

struct forking {
    struct scu_token *token;
    atomic_bool stop;
};

static void *
write_all_the_time(void *arg)
{
    struct forking *f = arg;

    while (!atomic_load(&f->stop)) {
        struct scu_object *object = NULL;
        int rc = scu_object_create(f->token, SCU_OBJECT_PUBLIC, NULL, 0,
            &object);

        if (rc == SCU_OK)
            rc = scu_object_delete(object);
        scu_object_free(&object);
        if (rc != SCU_OK) {
            (void)fprintf(stderr, "%s\n", scu_error_detail());
            return arg;
        }
    }
    return NULL;
}

/* In the child of a program whose other thread may have been anywhere. */
static int
after_fork(struct scu_token *token)
{
    struct scu_object **all = NULL;
    struct scu_token_info info;
    size_t n = 0;

    if (scu_token_logged_in(token, NULL))
        return 1;
    scu_token_info(token, &info);
    if (scu_object_list(token, &all, &n) != SCU_OK) {
        (void)fprintf(stderr, "child: %s\n", scu_error_detail());
        return 2;
    }
    scu_object_list_free(&all, n);
    return 0;
}

static void
fork__while_another_thread_writes(void **state)
{
    struct provisioned *p = *state;
    struct forking f = { .token = token_made(p, 10) };
    pthread_t thread;
    void *failed = NULL;

    assert_int_equal(token_login(f.token, SCU_USER_NORMAL, USER_PIN),
        SCU_OK);
    assert_int_equal(pthread_create(&thread, NULL, write_all_the_time, &f),
        0);
    for (int i = 0; i < 10 * ROUNDS; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            (void)alarm(60); /* a child that hangs is one that failed */
            _exit(after_fork(f.token));
        }
        assert_int_equal(ended(pid), 0);
    }
    atomic_store(&f.stop, true);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    scu_token_free(&f.token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(change__two_at_once),
        TEST(login__while_it_is_made_anew),
        TEST(objects__of_a_token_made_anew),
        TEST(threads__share_a_token),
        TEST(fork__while_another_thread_writes),
    };

    return cmocka_run_group_tests_name("many", tests, NULL, NULL);
}
