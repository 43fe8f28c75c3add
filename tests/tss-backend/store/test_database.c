/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The file: damaged, newer, read-only, full, gone, and two at once. */
#include "store/pool.h"
#include "tests/tss-backend/store/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534

static void
path_of(const struct provisioned *p, const char *file, char path[512])
{
    (void)snprintf(path, 512, "%s/%s", p->state, file);
}

static int
list(struct provisioned *p, size_t *n)
{
    struct scu_token **all = NULL;
    int rc = scu_token_list(p->chip, &all, n);

    scu_token_list_free(&all, *n);
    return rc;
}

static void
store__missing_has_no_tokens(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = NULL;
    size_t n = 1;

    assert_int_equal(list(p, &n), SCU_OK);
    assert_int_equal(n, 0);
    assert_int_equal(scu_token_find(p->chip, "x", NULL, &token),
        SCU_E_NOT_FOUND);
}

static void
store__damaged_is_told(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    char path[512];
    uint8_t junk[4096];
    size_t n;
    int fd;

    scu_token_free(&token);
    path_of(p, "store.db", path);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    memset(junk, 0x5a, sizeof(junk));
    /* The pages of the tables; then the head. */
    for (off_t at = 4096; at < lseek(fd, 0, SEEK_END); at += 4096)
        assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
    assert_int_equal(list(p, &n), SCU_E_STORE);
    assert_non_null(strstr(scu_error_detail(), "store.db"));
    assert_non_null(strstr(scu_error_detail(), "backup"));
    assert_int_equal(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
    assert_int_equal(list(p, &n), SCU_E_STORE);
    assert_int_equal(close(fd), 0);
}

static void
store__truncated_is_told(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    char path[512];
    size_t n;

    scu_token_free(&token);
    path_of(p, "store.db", path);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(list(p, &n), SCU_E_STORE);
    assert_int_equal(truncate(path, 50), 0);
    assert_int_equal(list(p, &n), SCU_E_STORE);
}

static void
store__newer_is_left_alone(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    size_t n;

    token_sql(p, "PRAGMA user_version = 2");
    assert_int_equal(list(p, &n), SCU_E_STORE_NEWER);
    assert_non_null(strstr(scu_error_detail(), "newer"));
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_STORE_NEWER);
    scu_token_free(&token);
    assert_int_equal(scu_token_init(p->chip, "t", SO_PIN, strlen(SO_PIN), 0,
        &token), SCU_E_STORE_NEWER);
    token_sql(p, "PRAGMA user_version = 1");
    assert_int_equal(list(p, &n), SCU_OK);
    assert_int_equal(n, 1);
}

static void
store__of_others_is_refused(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    char path[512], link[512];
    size_t n;

    scu_token_free(&token);
    path_of(p, "store.db", path);
    path_of(p, "elsewhere.db", link);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(list(p, &n), SCU_E_FILE);
    assert_non_null(strstr(scu_error_detail(), "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(p->state, 0777), 0);
    assert_int_equal(list(p, &n), SCU_E_FILE);
    assert_int_equal(chmod(p->state, 0700), 0);
    assert_int_equal(rename(path, link), 0);
    assert_int_equal(symlink(link, path), 0);
    assert_int_equal(list(p, &n), SCU_E_FILE);
}

static void
store__deleted_under_a_running_process(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3), *fresh = NULL;
    const struct scu_attribute attribute = {
        .type = 3, .value = (const uint8_t *)"x", .len = 1,
    };
    struct scu_object *key, *other = NULL, **all = NULL;
    char path[512];
    size_t n;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    path_of(p, "store.db", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(list(p, &n), SCU_OK);
    assert_int_equal(n, 0);
    assert_int_equal(scu_object_list(token, &all, &n), SCU_E_NOT_FOUND);
    assert_int_equal(scu_object_create(token, SCU_OBJECT_PUBLIC, &attribute,
        1, &other), SCU_E_NOT_FOUND);
    assert_non_null(strstr(scu_error_detail(), "not in the store any more"));
    /* What is in memory still works. */
    assert_int_equal(token_sign(key), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_NOT_FOUND);
    /* A new store is made, and the old view does not take it for its own. */
    assert_int_equal(scu_token_init(p->chip, "fresh", SO_PIN, strlen(SO_PIN),
        0, &fresh), SCU_OK);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
        SCU_E_NOT_FOUND);
    scu_object_free(&key);
    scu_token_free(&fresh);
    scu_token_free(&token);
}

/* --- in a child, with other rights or limits --------------------------------------- */

static void
in_child(struct provisioned *p, int (*run)(struct provisioned *))
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(p));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* 0, or the number of the step that failed. */
static int
read_only(struct provisioned *p)
{
    struct scu_token *token = NULL;
    struct database *database = NULL;
    size_t n = 0;

    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
        return 1;
    if (list(p, &n) != SCU_OK || n != 1)
        return 2;
    if (database_open(p->chip, DATABASE_WRITE, &database) != SCU_E_READ_ONLY)
        return 3;
    if (strstr(scu_error_detail(), "store.db") == NULL)
        return 4;
    if (scu_token_init(p->chip, "t", SO_PIN, strlen(SO_PIN), 0, &token) !=
        SCU_E_READ_ONLY)
        return 5;
    return 0;
}

static void
store__read_only_folder(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    char path[512];

    scu_token_free(&token);
    path_of(p, "store.db", path);
    if (geteuid() == 0) {
        assert_int_equal(chmod(sim_dir(p->sim), 0755), 0);
        assert_int_equal(chown(p->state, NOBODY, NOBODY), 0);
        assert_int_equal(chown(path, NOBODY, NOBODY), 0);
        path_of(p, "store.lock", path);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(chmod(p->state, 0555), 0);
    in_child(p, read_only);
    assert_int_equal(chmod(p->state, 0700), 0);
    assert_int_equal(chown(p->state, geteuid(), getegid()), 0);
}

/* No file grows: what a full disk says, but for its number. */
static int
full(struct provisioned *p)
{
    struct scu_token *token = token_only(p->chip);
    uint8_t large[60000] = { 1 };
    const struct scu_attribute attribute = {
        .type = 17, .value = large, .len = sizeof(large),
    };
    struct rlimit limit = { 0 };
    struct scu_object *object = NULL, **all = NULL;
    struct stat st;
    char path[512];
    size_t n = 0;

    path_of(p, "store.db", path);
    if (stat(path, &st) != 0)
        return 7;
    limit.rlim_cur = limit.rlim_max = (rlim_t)st.st_size + 8192;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (token_login(token, SCU_USER_NORMAL, USER_PIN) != SCU_OK)
        return 1;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    if (scu_object_create(token, SCU_OBJECT_PUBLIC, &attribute, 1,
            &object) != SCU_E_DISK_FULL)
        return 3;
    if (strstr(scu_error_detail(), "nothing was changed") == NULL)
        return 4;
    if (scu_object_list(token, &all, &n) != SCU_OK || n != 1)
        return 5;
    if (token_sign(all[0]) != SCU_OK)
        return 6;
    scu_object_list_free(&all, n);
    scu_token_free(&token);
    scu_chip_free(&p->chip);
    return 0;
}

static void
store__full_disk_loses_nothing(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_object *key;

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    key = token_key(token, "k");
    scu_object_free(&key);
    scu_token_free(&token);
    in_child(p, full);
    token = token_only(p->chip);
    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    scu_token_free(&token);
}

/* --- two at once --------------------------------------------------------------------- */

static int
init_one(struct provisioned *p)
{
    struct scu_token *token = NULL;
    struct scu_chip *chip = provisioned_connect(p);
    int rc = scu_token_init(chip, "both", SO_PIN, strlen(SO_PIN), 0, &token);

    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s\n", scu_error_detail());
    scu_token_free(&token);
    scu_chip_free(&chip);
    return rc == SCU_OK ? 0 : 1;
}

static void
store__two_initialise_at_once(void **state)
{
    struct provisioned *p = *state;
    int status;
    pid_t pid[2];
    size_t n = 0;

    scu_chip_free(&p->chip);
    for (size_t i = 0; i < 2; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0)
            _exit(init_one(p));
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    p->chip = provisioned_connect(p);
    assert_int_equal(list(p, &n), SCU_OK);
    assert_int_equal(n, 2);
}

/* --- without the owner authorisation ---------------------------------------------------- */

static void
hide_owner(const struct provisioned *p)
{
    char from[512], to[512];

    path_of(p, "authorisations", from);
    path_of(p, "hidden", to);
    assert_int_equal(rename(from, to), 0);
}

static void
init__without_owner_names_the_remedy(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = NULL;
    size_t n = 1;

    hide_owner(p);
    assert_int_equal(scu_token_init(p->chip, "t", SO_PIN, strlen(SO_PIN), 0,
        &token), SCU_E_AUTH_NEEDED);
    assert_non_null(strstr(scu_error_detail(), "scu provision --tokens"));
    assert_null(token);
    assert_int_equal(list(p, &n), SCU_OK);
    assert_int_equal(n, 0);
}

static void
init__unprovisioned_is_told(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = NULL;

    assert_int_equal(mkdir(p->state, 0700), 0);
    assert_int_equal(scu_token_init(p->chip, "t", SO_PIN, strlen(SO_PIN), 0,
        &token), SCU_E_UNPROVISIONED);
    assert_non_null(strstr(scu_error_detail(), "scu provision"));
}

static void
pool__gives_tokens_without_the_owner(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token;
    struct scu_object *key;
    size_t prepared = 0;

    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 2,
        &prepared), SCU_OK);
    assert_int_equal(prepared, 2);
    hide_owner(p);
    for (int i = 0; i < 2; i++) {
        token = token_made(p, 5);
        assert_int_equal(token_status(token).tries, 5);
        assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN),
            SCU_OK);
        key = token_key(token, "k");
        assert_int_equal(token_sign(key), SCU_OK);
        scu_object_free(&key);
        scu_token_free(&token);
    }
    assert_int_equal(scu_token_init(p->chip, "t", SO_PIN, strlen(SO_PIN), 0,
        &token), SCU_E_AUTH_NEEDED);
}

/* --- leftovers ---------------------------------------------------------------------------- */

static void
init__sweeps_what_a_power_cut_left(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 3);
    struct scu_chip_info before, after;
    size_t n = 0;

    scu_token_free(&token);
    assert_int_equal(scu_chip_info(p->chip, &before), SCU_OK);
    /* As if power had failed before it was ready. */
    token_sql(p, "UPDATE tokens SET ready = 0");
    assert_int_equal(list(p, &n), SCU_OK);
    assert_int_equal(n, 0);
    token = token_made(p, 3);
    assert_int_equal(scu_chip_info(p->chip, &after), SCU_OK);
    assert_int_equal(after.nv_indices, before.nv_indices);
    assert_int_equal(list(p, &n), SCU_OK);
    assert_int_equal(n, 1);
    scu_token_free(&token);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(store__missing_has_no_tokens),
        TEST(store__damaged_is_told),
        TEST(store__truncated_is_told),
        TEST(store__newer_is_left_alone),
        TEST(store__of_others_is_refused),
        TEST(store__deleted_under_a_running_process),
        TEST(store__read_only_folder),
        TEST(store__full_disk_loses_nothing),
        TEST(store__two_initialise_at_once),
        TEST(init__without_owner_names_the_remedy),
        cmocka_unit_test_setup_teardown(init__unprovisioned_is_told,
            unprovisioned_setup, provisioned_teardown),
        TEST(pool__gives_tokens_without_the_owner),
        TEST(init__sweeps_what_a_power_cut_left),
    };

    return cmocka_run_group_tests_name("database", tests, NULL, NULL);
}
