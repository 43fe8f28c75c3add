/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * Each change of tokens, killed at each of its steps: what the next program
 * finds works or is repaired by it, nothing is lost, and no index stays
 * behind in the chip.
 */
#include "tests/tss-backend/store/dying.h"
#include "tests/tss-backend/store/tokens.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>


static void
ok(int rc)
{
    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s: %s\n", scu_error_name(rc),
            scu_error_detail());
    assert_int_equal(rc, SCU_OK);
}

/* --- what is there ---------------------------------------------------------------- */

static unsigned
indices(struct provisioned *p)
{
    struct scu_chip_info info;

    ok(scu_chip_info(p->chip, &info));
    return info.nv_indices;
}

static size_t
tokens(struct provisioned *p)
{
    struct scu_token **all = NULL;
    size_t n = 0;

    ok(scu_token_list(p->chip, &all, &n));
    scu_token_list_free(&all, n);
    return n;
}

static void
remove_all(struct provisioned *p)
{
    struct scu_token **all = NULL;
    size_t n = 0;

    ok(scu_token_list(p->chip, &all, &n));
    for (size_t i = 0; i < n; i++)
        ok(scu_token_remove(all[i]));
    scu_token_list_free(&all, n);
}

/* Files of prepared tokens, whatever they are called. */
static unsigned
pool_files(const struct provisioned *p)
{
    char path[512];
    const struct dirent *entry;
    unsigned n = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/pool", p->state);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    if (dir != NULL)
        (void)closedir(dir);
    return n;
}

/* --- making ------------------------------------------------------------------------- */

static unsigned before; /* indices in the chip without any token */

static int
run_init(struct scu_chip *chip)
{
    struct scu_token *token = NULL;
    int rc = scu_token_init(chip, "killed", SO_PIN, strlen(SO_PIN), 3,
        &token);

    scu_token_free(&token);
    return rc;
}

/* A token that is listed is whole; the next one that is made sweeps. */
static void
check_init(struct provisioned *p)
{
    size_t n = tokens(p);
    struct scu_token *token;

    assert_in_range(n, 0, 1);
    if (n == 1) {
        token = token_only(p->chip);
        ok(token_login(token, SCU_USER_SO, SO_PIN));
        ok(scu_token_set_user_pin(token, USER_PIN, strlen(USER_PIN)));
        ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
        assert_int_equal(token_status(token).tries, 3);
        scu_token_free(&token);
    }
    ok(run_init(p->chip));
    assert_int_equal(tokens(p), n + 1);
    assert_int_equal(indices(p), before + 2 * (n + 1));
    remove_all(p);
    assert_int_equal(indices(p), before);
}

static void
killed__init(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change change = { run_init, check_init };

    before = indices(p);
    dying_everywhere(p, &change);
    dying_at_each_step(p, &change, DYING_OF_THE_LINK);
}

/* --- from the pool -------------------------------------------------------------------- */

static int
run_prepare(struct scu_chip *chip)
{
    size_t prepared = 0;

    return scu_token_prepare(chip, NULL, 0, 1, &prepared);
}

static void
hide_owner(const struct provisioned *p, bool hidden)
{
    char shown[512], aside[512];

    (void)snprintf(shown, sizeof(shown), "%s/authorisations", p->state);
    (void)snprintf(aside, sizeof(aside), "%s/aside", p->state);
    assert_int_equal(hidden ? rename(shown, aside) : rename(aside, shown), 0);
}

/* Makes tokens of all that is prepared. */
static size_t
use_up_the_pool(struct provisioned *p)
{
    size_t n = 0;
    int rc;

    hide_owner(p, true);
    while ((rc = run_init(p->chip)) == SCU_OK)
        n++;
    assert_int_equal(rc, SCU_E_AUTH_NEEDED);
    hide_owner(p, false);
    assert_int_equal(pool_files(p), 0);
    return n;
}

static void
check_prepare(struct provisioned *p)
{
    size_t n;

    /* The next one sweeps; then all that the chip has is in the pool. */
    ok(run_prepare(p->chip));
    n = use_up_the_pool(p);
    assert_in_range(n, 1, 2);
    assert_int_equal(indices(p), before + 2 * n);
    remove_all(p);
    assert_int_equal(indices(p), before);
}

static void
killed__prepare(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change change = { run_prepare, check_prepare };

    before = indices(p);
    dying_at_each_step(p, &change, DYING_AT_COMMAND);
    dying_at_each_step(p, &change, DYING_OF_THE_LINK);
}

/* Not only listed: also what the pool holds is neither lost nor used twice. */
static void
check_init_from_pool(struct provisioned *p)
{
    struct scu_token *token;
    size_t n = tokens(p), more;

    assert_in_range(n, 0, 1);
    hide_owner(p, false);
    more = use_up_the_pool(p);
    assert_int_equal(n + more, 1);
    token = token_only(p->chip);
    ok(token_login(token, SCU_USER_SO, SO_PIN));
    ok(scu_token_set_user_pin(token, USER_PIN, strlen(USER_PIN)));
    ok(token_login(token, SCU_USER_NORMAL, USER_PIN));
    scu_token_free(&token);
    assert_int_equal(indices(p), before + 2);
    remove_all(p);
    assert_int_equal(indices(p), before);
    ok(run_prepare(p->chip));
    hide_owner(p, true);
}

static void
killed__init_from_pool(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change change = { run_init, check_init_from_pool };

    before = indices(p);
    ok(run_prepare(p->chip));
    hide_owner(p, true);
    dying_everywhere(p, &change);
    dying_at_each_step(p, &change, DYING_OF_THE_LINK);
}

/* --- away ------------------------------------------------------------------------------- */

static int
run_remove(struct scu_chip *chip)
{
    struct scu_token *token = token_only(chip);
    int rc = scu_token_remove(token);

    scu_token_free(&token);
    return rc;
}

static void
check_remove(struct provisioned *p)
{
    struct scu_token *token;

    remove_all(p);
    /* What is half gone is not listed: the next one that is made sweeps. */
    ok(run_init(p->chip));
    assert_int_equal(indices(p), before + 2);
    token = token_only(p->chip);
    ok(token_login(token, SCU_USER_SO, SO_PIN));
    scu_token_free(&token);
}

static void
killed__remove(void **state)
{
    struct provisioned *p = *state;
    const struct dying_change change = { run_remove, check_remove };

    before = indices(p);
    ok(run_init(p->chip));
    dying_everywhere(p, &change);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed__init),
        TEST(killed__prepare),
        TEST(killed__init_from_pool),
        TEST(killed__remove),
    };

    return cmocka_run_group_tests_name("killed", tests, NULL, NULL);
}
