/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Prepared tokens: who takes them, and what else may lie in their folder. */
#include "store/pool.h"
#include "tests/tss-backend/store/tokens.h"

#include <dirent.h>
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

#define NOBODY 65534

static int
init(struct scu_chip *chip)
{
    struct scu_token *token = NULL;
    int rc = scu_token_init(chip, "t", SO_PIN, strlen(SO_PIN), 0, &token);

    scu_token_free(&token);
    return rc;
}

static void
prepare(struct provisioned *p, size_t count)
{
    size_t prepared = 0;

    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, count,
        &prepared), SCU_OK);
}

static void
path_of(const struct provisioned *p, const char *name, char path[1024])
{
    (void)snprintf(path, 1024, "%s/pool/%s", p->state, name);
}

static void
hide_owner(const struct provisioned *p, bool hidden)
{
    char shown[512], aside[1100];

    (void)snprintf(shown, sizeof(shown), "%s/authorisations", p->state);
    (void)snprintf(aside, sizeof(aside), "%s/aside", p->state);
    assert_int_equal(hidden ? rename(shown, aside) : rename(aside, shown), 0);
}

static unsigned
indices(struct provisioned *p)
{
    struct scu_chip_info info;

    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    return info.nv_indices;
}

/* The only file's name, or "" where there is none. */
static void
only_file(const struct provisioned *p, char name[256])
{
    char path[1024];
    const struct dirent *entry;
    DIR *dir;

    path_of(p, "", path);
    dir = opendir(path);
    assert_non_null(dir);
    name[0] = '\0';
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.') {
            assert_string_equal(name, "");
            (void)snprintf(name, 256, "%s", entry->d_name);
        }
    assert_int_equal(closedir(dir), 0);
}

static void
write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* --- hostile files --------------------------------------------------------------- */

/* Whatever lies there, it is not opened, followed or waited for, and what was
 * prepared is found. */
static void
take__among_hostile_files(void **state)
{
    struct provisioned *p = *state;
    char path[1024], other[512];

    prepare(p, 1);
    hide_owner(p, true);
    path_of(p, "00000001", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    path_of(p, "00000002", path);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(other, sizeof(other), "%s/pins", p->state);
    path_of(p, "00000003", path);
    assert_int_equal(symlink(other, path), 0);
    path_of(p, "00000004", path);
    write_file(path, "");
    path_of(p, "00000005", path);
    write_file(path, "01800200 00 00\n01800201 00 00\n");
    path_of(p, "00000006", path);
    write_file(path, "01800200");
    /* A handle that is no index. */
    path_of(p, "00000007", path);
    write_file(path, "81000001 "
        "0000000000000000000000000000000000000000000000000000000000000000 "
        "00\n");
    path_of(p, "not-a-pair", path);
    write_file(path, "x");
    assert_int_equal(init(p->chip), SCU_OK);
    assert_int_equal(init(p->chip), SCU_E_AUTH_NEEDED);
    assert_int_equal(access(other, F_OK), 0);
}

/* What another user put there is neither taken nor swept. */
static void
take__nothing_of_others(void **state)
{
    struct provisioned *p = *state;
    char path[1024], swept[1100], name[256];
    unsigned before;

    if (geteuid() != 0)
        skip();
    prepare(p, 1);
    before = indices(p);
    only_file(p, name);
    path_of(p, name, path);
    assert_int_equal(chown(path, NOBODY, NOBODY), 0);
    hide_owner(p, true);
    assert_int_equal(init(p->chip), SCU_E_AUTH_NEEDED);
    hide_owner(p, false);
    (void)snprintf(swept, sizeof(swept), "%s.new", path);
    assert_int_equal(rename(path, swept), 0);
    prepare(p, 1);
    assert_int_equal(access(swept, F_OK), 0);
    assert_int_equal(indices(p), before + 2);
    /* Nor where all can write the folder. */
    path_of(p, "", path);
    assert_int_equal(chmod(path, 0777), 0);
    hide_owner(p, true);
    assert_int_equal(init(p->chip), SCU_E_AUTH_NEEDED);
}

/* --- of no use ------------------------------------------------------------------------ */

/* The owner took the indices away: the pair is set aside, the next taken. */
static void
take__pair_without_indices(void **state)
{
    struct provisioned *p = *state;
    char path[1024], name[256], aside[1100];
    unsigned before = indices(p);

    prepare(p, 1);
    only_file(p, name);
    path_of(p, name, path);
    (void)snprintf(aside, sizeof(aside), "%s.new", path);
    /* The sweep undefines them; the file comes back as from a backup. */
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(link(aside, path), 0);
    prepare(p, 0);
    assert_int_equal(indices(p), before);
    assert_int_equal(access(path, F_OK), 0);
    hide_owner(p, true);
    assert_int_equal(init(p->chip), SCU_E_AUTH_NEEDED);
    assert_int_equal(access(path, F_OK), -1);
    hide_owner(p, false);
    prepare(p, 0);
    only_file(p, name);
    assert_string_equal(name, "");
    assert_int_equal(init(p->chip), SCU_OK);
}

/* --- many at once --------------------------------------------------------------------- */

#define USERS 4

/* Each in a store of its own, on the same pool. */
static int
take_in_child(struct provisioned *p, int i)
{
    struct pool_pair pair = { 0 };
    struct scu_chip *chip;
    char store[300];
    int rc;

    (void)snprintf(store, sizeof(store), "%s/user-%d", p->state, i);
    if (setenv("SCU_STORE", store, 1) != 0)
        return 2;
    chip = provisioned_connect(p);
    rc = pool_take(chip, &pair);
    if (rc == SCU_OK)
        pool_done(chip, &pair);
    pool_pair_clear(&pair);
    scu_chip_free(&chip);
    return rc == SCU_OK ? 0 : rc == SCU_E_NOT_FOUND ? 1 : 2;
}

static int
wait_for(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
take__each_pair_once(void **state)
{
    struct provisioned *p = *state;
    pid_t pid[USERS];
    int none = 0;
    char name[256];

    prepare(p, USERS - 1);
    hide_owner(p, true);
    scu_chip_free(&p->chip);
    for (int i = 0; i < USERS; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0)
            _exit(take_in_child(p, i));
    }
    for (int i = 0; i < USERS; i++) {
        int status = wait_for(pid[i]);

        assert_in_range(status, 0, 1);
        none += status;
    }
    assert_int_equal(none, 1);
    only_file(p, name);
    assert_string_equal(name, "");
    p->chip = provisioned_connect(p);
}

static int
prepare_in_child(struct provisioned *p)
{
    struct scu_chip *chip = provisioned_connect(p);
    size_t prepared = 0;
    int rc = scu_token_prepare(chip, NULL, 0, 2, &prepared);

    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s\n", scu_error_detail());
    scu_chip_free(&chip);
    return rc == SCU_OK ? 0 : 1;
}

/* Two administrators: neither takes the other's unfinished work away. */
static void
prepare__two_at_once(void **state)
{
    struct provisioned *p = *state;
    unsigned before = indices(p), made = 0;
    pid_t pid[2];

    scu_chip_free(&p->chip);
    for (int i = 0; i < 2; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0)
            _exit(prepare_in_child(p));
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(wait_for(pid[i]), 0);
    p->chip = provisioned_connect(p);
    hide_owner(p, true);
    while (init(p->chip) == SCU_OK)
        made++;
    assert_int_equal(made, 2);
    assert_int_equal(indices(p), before + 2 * made);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(take__among_hostile_files),
        TEST(take__nothing_of_others),
        TEST(take__pair_without_indices),
        TEST(take__each_pair_once),
        TEST(prepare__two_at_once),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
