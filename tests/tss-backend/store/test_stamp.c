/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* What of the store need not be read again. */
#include "tests/tss-backend/store/tokens.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Seconds by which the wall clock is ahead of the files. */
static time_t ahead;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int rc = __real_clock_gettime(clock, now);

    if (clock == CLOCK_REALTIME)
        now->tv_sec += ahead;
    return rc;
}

static int
setup(void **state)
{
    ahead = 0;
    return provisioned_setup(state);
}

static struct database_stamp
stamp_of(struct provisioned *p)
{
    struct database *database = NULL;
    struct database_stamp stamp;

    assert_int_equal(database_open(p->chip, DATABASE_READ, &database),
        SCU_OK);
    database_stamp(database, &stamp);
    database_close(&database);
    return stamp;
}

static void
store_path(const struct provisioned *p, char path[512])
{
    (void)snprintf(path, 512, "%s/store.db", p->state);
}

static size_t
count(struct scu_token *token)
{
    struct scu_object **all = NULL;
    size_t n = 0;

    if (scu_object_list(token, &all, &n) != SCU_OK)
        fail_msg("%s", scu_error_detail());
    scu_object_list_free(&all, n);
    return n;
}

static void
stamp__of_a_moment_ago_proves_nothing(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct database_stamp stamp = stamp_of(p);

    assert_false(stamp.proof);
    assert_false(database_unchanged(p->chip, &stamp));
    scu_token_free(&token);
}

static void
stamp__old_one_proves(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct database_stamp stamp;
    char path[512];

    ahead = 10;
    stamp = stamp_of(p);
    assert_true(stamp.proof);
    assert_true(database_unchanged(p->chip, &stamp));
    store_path(p, path);
    assert_int_equal(unlink(path), 0);
    assert_false(database_unchanged(p->chip, &stamp));
    scu_token_free(&token);
}

/* Even who sets the time of writing back changes that of the inode. */
static void
stamp__any_change_shows(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct database_stamp stamp;
    struct timespec times[2];
    struct stat st;
    char path[512];

    ahead = 10;
    stamp = stamp_of(p);
    store_path(p, path);
    assert_int_equal(stat(path, &st), 0);
    token_sql(p, "UPDATE tokens SET label = 'x'");
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    ahead = 20;
    assert_false(database_unchanged(p->chip, &stamp));
    scu_token_free(&token);
}

/* While another program writes, too: its lock is not waited for. */
static void
list__does_not_read_a_store_that_stands(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key = NULL;
    sqlite3 *other = NULL;
    char path[512];

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    ahead = 10;
    assert_int_equal(count(token), 1);
    store_path(p, path);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(count(token), 1);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    scu_object_free(&key);
    scu_token_free(&token);
}

static void
list__after_a_login_reads_nothing(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key = NULL;
    sqlite3 *other = NULL;
    char path[512];

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    scu_object_free(&key);
    scu_token_logout(token);
    ahead = 10;
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    store_path(p, path);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(count(token), 1);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    scu_token_free(&token);
}

static void
list__sees_what_others_changed(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key = NULL, **all = NULL;
    size_t n = 0;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    ahead = 10;
    assert_int_equal(count(token), 1);
    token_sql(p, "DELETE FROM objects");
    assert_int_equal(scu_object_list(token, &all, &n), SCU_E_STORE);
    scu_object_free(&key);
    scu_token_free(&token);
}

/* What a login showed is not shown after it. */
static void
list__after_a_logout_is_read_again(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key = NULL;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    scu_object_free(&key);
    ahead = 10;
    assert_int_equal(count(token), 1);
    scu_token_logout(token);
    assert_int_equal(count(token), 0);
    scu_token_free(&token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, setup, provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stamp__of_a_moment_ago_proves_nothing),
        TEST(stamp__old_one_proves),
        TEST(stamp__any_change_shows),
        TEST(list__does_not_read_a_store_that_stands),
        TEST(list__after_a_login_reads_nothing),
        TEST(list__sees_what_others_changed),
        TEST(list__after_a_logout_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
