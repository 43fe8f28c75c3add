/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* How the file is opened, made, read and brought to the disk. */
#include "tests/tss-backend/store/tokens.h"

#include <fcntl.h>
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
path_of(const struct provisioned *p, const char *file, char path[512])
{
    (void)snprintf(path, 512, "%s/%s", p->state, file);
}

static struct database *
opened(struct provisioned *p, enum database_use use)
{
    struct database *database = NULL;

    assert_int_equal(database_open(p->chip, use, &database), SCU_OK);
    return database;
}

static int64_t
number(struct database *database, const char *sql)
{
    struct query q;
    int64_t value;

    query_begin(&q, database, sql);
    assert_int_equal(query_step(&q), SCU_OK);
    value = query_int(&q, 0);
    (void)query_end(&q);
    return value;
}

static void
refused(struct database *database, const char *sql)
{
    struct query q;

    query_begin(&q, database, sql);
    assert_int_not_equal(query_run(&q), SCU_OK);
}

static void
journal_mode(struct database *database, const char *expected)
{
    struct query q;

    query_begin(&q, database, "PRAGMA journal_mode");
    assert_int_equal(query_step(&q), SCU_OK);
    assert_string_equal(query_text(&q, 0), expected);
    (void)query_end(&q);
}

/* --- how it is opened -------------------------------------------------------------- */

static void
open__settings(void **state)
{
    static const enum database_use uses[] = { DATABASE_WRITE, DATABASE_READ };
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);

    scu_token_free(&token);
    for (size_t i = 0; i < 2; i++) {
        struct database *d = opened(p, uses[i]);

        journal_mode(d, "delete");
        /* EXTRA: the end of the journal is on the disk, too, when a commit
         * returns. FULL would let a power cut take the commit back. */
        assert_int_equal(number(d, "PRAGMA synchronous"), 3);
        assert_int_equal(number(d, "PRAGMA foreign_keys"), 1);
        assert_int_equal(number(d, "PRAGMA cell_size_check"), 1);
        assert_int_equal(number(d, "PRAGMA secure_delete"), 1);
        assert_int_equal(number(d, "PRAGMA trusted_schema"), 0);
        refused(d, "SELECT load_extension('libm.so.6')");
        /* Defensive: what a statement could damage the file with. */
        refused(d, "UPDATE sqlite_schema SET sql = '' WHERE name = 'pins'");
        database_close(&d);
    }
}

/* Who chose another journal does not keep it. */
static void
open__other_journal_is_undone(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct database *d;

    token_sql(p, "PRAGMA journal_mode = WAL");
    assert_int_equal(token_login(token, SCU_USER_SO, SO_PIN), SCU_OK);
    assert_int_equal(scu_token_set_user_pin(token, "another", 7), SCU_OK);
    d = opened(p, DATABASE_READ);
    journal_mode(d, "delete");
    database_close(&d);
    scu_token_free(&token);
}

/* --- to the disk ---------------------------------------------------------------------- */

static char order[4096];

static void
record(const char *what)
{
    (void)strncat(order, what, sizeof(order) - strlen(order) - 1);
}

static int
recording_unlink(const char *path)
{
    record("unlink ");
    return unlink(path);
}

static int (*open_directory)(const char *path, int *fd);

static int
recording_directory(const char *path, int *fd)
{
    record("folder ");
    return open_directory(path, fd);
}

/* The journal is gone for good before a commit returns. */
static void
commit__reaches_the_folder(void **state)
{
    struct provisioned *p = *state;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    struct scu_token *token = token_made(p, 3);
    struct database *d;
    struct query q;

    assert_non_null(vfs);
    open_directory = (int (*)(const char *, int *))vfs->xGetSystemCall(vfs,
        "openDirectory");
    assert_int_equal(vfs->xSetSystemCall(vfs, "unlink",
        (sqlite3_syscall_ptr)recording_unlink), SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "openDirectory",
        (sqlite3_syscall_ptr)recording_directory), SQLITE_OK);
    d = opened(p, DATABASE_WRITE);
    query_begin(&q, d, "UPDATE tokens SET tries = 4");
    assert_int_equal(query_run(&q), SCU_OK);
    order[0] = '\0';
    assert_int_equal(database_commit(d), SCU_OK);
    assert_non_null(strstr(order, "unlink folder "));
    database_close(&d);
    assert_int_equal(vfs->xSetSystemCall(vfs, NULL, NULL), SQLITE_OK);
    scu_token_free(&token);
}

/* --- how it is made ------------------------------------------------------------------- */

static mode_t
mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void
make__whatever_the_umask(void **state)
{
    static const mode_t masks[] = { 0, 0277, 0777 };
    struct provisioned *p = *state;
    char path[512], journal[512];
    mode_t old;

    path_of(p, "store.db", path);
    path_of(p, "store.db-journal", journal);
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        struct database *d;

        old = umask(masks[i]);
        d = opened(p, DATABASE_WRITE);
        (void)umask(old);
        assert_int_equal(mode_of(path), 0600);
        assert_int_equal(mode_of(journal), 0600);
        assert_int_equal(database_commit(d), SCU_OK);
        database_close(&d);
        assert_int_equal(unlink(path), 0);
    }
}

/* A folder that it makes is private, and so is the file. */
static void
make__folders(void **state)
{
    struct provisioned *p = *state;
    char folder[512], path[600];
    struct scu_chip *chip;
    struct database *d = NULL;

    path_of(p, "some/where", folder);
    assert_int_equal(setenv("SCU_STORE", folder, 1), 0);
    chip = provisioned_connect(p);
    assert_int_equal(unsetenv("SCU_STORE"), 0);
    assert_non_null(chip);
    assert_int_equal(database_open(chip, DATABASE_READ, &d),
        SCU_E_NOT_FOUND);
    assert_int_equal(access(folder, F_OK), -1);
    assert_int_equal(database_open(chip, DATABASE_WRITE, &d), SCU_OK);
    database_close(&d);
    assert_int_equal(mode_of(folder), 0700);
    (void)snprintf(path, sizeof(path), "%s/store.db", folder);
    assert_int_equal(mode_of(path), 0600);
    scu_chip_free(&chip);
}

/* --- what else may stand there ----------------------------------------------------------- */

static void
check_left_alone(struct provisioned *p, const char *sql)
{
    struct database *d = NULL;
    char path[512];

    path_of(p, "store.db", path);
    (void)unlink(path);
    token_sql(p, sql);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(database_open(p->chip, DATABASE_READ, &d), SCU_E_STORE);
    assert_non_null(strstr(scu_error_detail(), "store.db"));
    assert_int_equal(database_open(p->chip, DATABASE_WRITE, &d),
        SCU_E_STORE);
    assert_null(d);
}

static void
open__what_is_no_store(void **state)
{
    struct provisioned *p = *state;
    struct database *d;
    struct scu_token **all = NULL;
    size_t n = 0;
    char path[512];

    check_left_alone(p, "CREATE TABLE bookmarks (url TEXT)");
    check_left_alone(p, "CREATE TABLE tokens (id INTEGER)");
    check_left_alone(p, "CREATE TABLE x (y); PRAGMA user_version = -1");
    check_left_alone(p, "PRAGMA user_version = -1");
    /* The right version without the tables. */
    path_of(p, "store.db", path);
    assert_int_equal(unlink(path), 0);
    token_sql(p, "PRAGMA user_version = 1");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(scu_token_list(p->chip, &all, &n), SCU_E_STORE);
    /* An empty file is what its maker left who was interrupted. */
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(scu_token_list(p->chip, &all, &n), SCU_OK);
    d = opened(p, DATABASE_WRITE);
    assert_int_equal(database_commit(d), SCU_OK);
    database_close(&d);
}

/* --- two at once -------------------------------------------------------------------------- */

#define CHANGES 60

/* In a child: makes and deletes objects. */
static int
busy_writer(struct provisioned *p)
{
    struct scu_chip *chip = provisioned_connect(p);
    struct scu_token *token = token_only(chip);
    int rc = token_login(token, SCU_USER_NORMAL, USER_PIN);

    for (int i = 0; rc == SCU_OK && i < CHANGES; i++) {
        struct scu_object *object = NULL;

        rc = scu_object_create(token, SCU_OBJECT_PUBLIC, NULL, 0, &object);
        if (rc == SCU_OK && i % 2 == 0)
            rc = scu_object_delete(object);
        scu_object_free(&object);
    }
    if (rc != SCU_OK)
        (void)fprintf(stderr, "writer: %s\n", scu_error_detail());
    scu_token_free(&token);
    scu_chip_free(&chip);
    return rc == SCU_OK ? 0 : 1;
}

/* Token's row and objects are read as of one moment: no false alarm. */
static void
list__while_another_writes(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object **all = NULL;
    int status = -1;
    size_t n = 0;
    pid_t pid;

    scu_token_free(&token);
    scu_chip_free(&p->chip);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(busy_writer(p));
    p->chip = provisioned_connect(p);
    token = token_only(p->chip);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (scu_object_list(token, &all, &n) != SCU_OK)
            fail_msg("%s", scu_error_detail());
        scu_object_list_free(&all, n);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(scu_object_list(token, &all, &n), SCU_OK);
    assert_int_equal(n, CHANGES / 2);
    scu_object_list_free(&all, n);
    scu_token_free(&token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open__settings),
        TEST(open__other_journal_is_undone),
        TEST(commit__reaches_the_folder),
        TEST(make__whatever_the_umask),
        TEST(make__folders),
        TEST(open__what_is_no_store),
        TEST(list__while_another_writes),
    };

    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
