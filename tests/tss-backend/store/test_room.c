/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* How many tokens a chip holds, and what happens when it is full. */
#include "tests/tss-backend/store/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The owner authorisation stays empty, so that the test can fill the chip. */
static int
setup(void **state)
{
    const struct scu_provision_options options = {
        .owner_auth = SCU_OWNER_AUTH_EMPTY,
    };
    struct scu_provision_report report;
    const struct provisioned *p;

    if (unprovisioned_setup(state) != 0)
        return -1;
    p = *state;
    return scu_provision(p->chip, &options, &report) == SCU_OK ? 0 : -1;
}

static struct scu_token_room
room_of(struct provisioned *p)
{
    struct scu_token_room room;

    assert_int_equal(scu_token_room(p->chip, &room), SCU_OK);
    return room;
}

static int
init(struct provisioned *p)
{
    struct scu_token *token = NULL;
    int rc = scu_token_init(p->chip, "t", SO_PIN, strlen(SO_PIN), 0, &token);

    assert_int_equal(token != NULL, rc == SCU_OK);
    scu_token_free(&token);
    return rc;
}

static size_t
tokens_in_store(struct provisioned *p)
{
    struct scu_token **all = NULL;
    size_t n = 0;

    assert_int_equal(scu_token_list(p->chip, &all, &n), SCU_OK);
    scu_token_list_free(&all, n);
    return n;
}

static void
room__counts_tokens_and_other_indices(void **state)
{
    struct provisioned *p = *state;
    struct scu_token_room room = room_of(p);
    const uint32_t first = room.at_least;
    size_t prepared = 0;

    assert_int_equal(room.in_chip, 0);
    assert_int_equal(room.prepared, 0);
    assert_int_equal(room.other_indices, 0);
    assert_true(first > 0);
    assert_int_equal(init(p), SCU_OK);
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 2, &prepared),
        SCU_OK);
    assert_true(provisioned_define(p, 0x01000000, 2048));
    /* One among ours, which is none of ours. */
    assert_true(provisioned_define(p, 0x01800200, 2048));
    room = room_of(p);
    assert_int_equal(room.in_chip, 3);
    assert_int_equal(room.prepared, 2);
    assert_int_equal(room.other_indices, 2);
    assert_true(room.at_least < first);
}

/* So many tokens as are promised do fit. */
static void
room__what_is_promised_fits(void **state)
{
    struct provisioned *p = *state;
    uint32_t handle = 0x01000000, promised;

    while (room_of(p).at_least > 3)
        assert_true(provisioned_define(p, handle++, 2048));
    promised = room_of(p).at_least;
    assert_true(promised > 0);
    for (uint32_t i = 0; i < promised; i++)
        assert_int_equal(init(p), SCU_OK);
}

static void
init__on_a_full_chip_says_how_many_it_holds(void **state)
{
    struct provisioned *p = *state;
    uint32_t made = 0;
    char expected[64];
    int rc;

    /* With room for some. */
    provisioned_fill(p, 12);
    while ((rc = init(p)) == SCU_OK)
        made++;
    assert_int_equal(rc, SCU_E_TOKENS_FULL);
    assert_true(made > 0);
    (void)snprintf(expected, sizeof(expected), "the chip holds %u token%s (",
        made, made == 1 ? "" : "s");
    assert_non_null(strstr(scu_error_detail(), expected));
    assert_non_null(strstr(scu_error_detail(), "scu token remove"));
    assert_int_equal(room_of(p).in_chip, made);
    assert_int_equal(room_of(p).at_least, 0);
    assert_int_equal(tokens_in_store(p), made);
}

static void
init__after_one_was_removed(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = NULL;

    provisioned_fill(p, 2);
    while (init(p) == SCU_OK)
        continue;
    assert_int_equal(scu_token_find(p->chip, "t", NULL, &token), SCU_OK);
    assert_int_equal(scu_token_remove(token), SCU_OK);
    scu_token_free(&token);
    assert_int_equal(init(p), SCU_OK);
    assert_int_equal(init(p), SCU_E_TOKENS_FULL);
}

static void
init__on_a_full_chip_takes_a_prepared_one(void **state)
{
    struct provisioned *p = *state;
    size_t prepared = 0;

    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 1, &prepared),
        SCU_OK);
    provisioned_fill(p, 0);
    assert_int_equal(init(p), SCU_OK);
    assert_int_equal(scu_token_prepared(p->chip), 0);
    assert_int_equal(init(p), SCU_E_TOKENS_FULL);
    assert_int_equal(tokens_in_store(p), 1);
}

/* --- preparing ---------------------------------------------------------------- */

static void
prepare__until_there_are_so_many(void **state)
{
    struct provisioned *p = *state;
    size_t prepared = 0;

    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 2, &prepared),
        SCU_OK);
    assert_int_equal(prepared, 2);
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 2, &prepared),
        SCU_OK);
    assert_int_equal(prepared, 2);
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 1, &prepared),
        SCU_OK);
    assert_int_equal(prepared, 2);
    assert_int_equal(room_of(p).in_chip, 2);
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 3, &prepared),
        SCU_OK);
    assert_int_equal(prepared, 3);
    assert_int_equal(room_of(p).in_chip, 3);
}

static void
prepare__on_a_full_chip_says_how_many_there_are(void **state)
{
    struct provisioned *p = *state;
    size_t prepared = 0;

    provisioned_fill(p, 4);
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 100, &prepared),
        SCU_E_TOKENS_FULL);
    assert_true(prepared > 0);
    assert_int_equal(room_of(p).prepared, prepared);
    assert_int_equal(room_of(p).in_chip, prepared);
}

static void
prepare__with_an_authorisation_that_is_given(void **state)
{
    struct provisioned *p = *state;
    const struct bytes owner = { "the owner", 9 }, none = { NULL, 0 };
    size_t prepared = 1;

    assert_true(provisioned_change_auth(p, TPM2_RH_OWNER, none, owner));
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 1, &prepared),
        SCU_E_AUTH_NEEDED);
    assert_int_equal(prepared, 0);
    assert_int_equal(scu_token_prepare(p->chip, "another", 7, 1, &prepared),
        SCU_E_AUTH);
    assert_int_equal(prepared, 0);
    assert_int_equal(scu_token_prepare(p->chip, owner.data, owner.len, 1,
        &prepared), SCU_OK);
    assert_int_equal(prepared, 1);
    assert_int_equal(room_of(p).in_chip, 1);
    assert_int_equal(init(p), SCU_OK);
}

/* What a power cut left half-made goes, and so do its indices. */
static void
prepare__sweeps_what_was_not_finished(void **state)
{
    struct provisioned *p = *state;
    char path[512], unfinished[520];
    size_t prepared = 0;

    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 1, &prepared),
        SCU_OK);
    (void)snprintf(path, sizeof(path), "%s/pool/01800100", p->state);
    (void)snprintf(unfinished, sizeof(unfinished), "%s.new", path);
    assert_int_equal(rename(path, unfinished), 0);
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 1, &prepared),
        SCU_OK);
    assert_int_equal(prepared, 1);
    assert_int_equal(access(unfinished, F_OK), -1);
    assert_int_equal(room_of(p).in_chip, 1);
    /* One that another of the group could have planted is left alone. */
    assert_int_equal(rename(path, unfinished), 0);
    assert_int_equal(chmod(unfinished, 0606), 0);
    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 1, &prepared),
        SCU_OK);
    assert_int_equal(access(unfinished, F_OK), 0);
    assert_int_equal(room_of(p).in_chip, 2);
}

/* A file that others could have planted names no tokens. */
static void
prepare__files_open_to_others_do_not_count(void **state)
{
    struct provisioned *p = *state;
    size_t prepared = 0;
    char path[512];

    assert_int_equal(scu_token_prepare(p->chip, NULL, 0, 1, &prepared),
        SCU_OK);
    (void)snprintf(path, sizeof(path), "%s/pool", p->state);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(scu_token_prepared(p->chip), 0);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(scu_token_prepared(p->chip), 1);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, setup, provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(room__counts_tokens_and_other_indices),
        TEST(room__what_is_promised_fits),
        TEST(init__on_a_full_chip_says_how_many_it_holds),
        TEST(init__after_one_was_removed),
        TEST(init__on_a_full_chip_takes_a_prepared_one),
        TEST(prepare__until_there_are_so_many),
        TEST(prepare__on_a_full_chip_says_how_many_there_are),
        TEST(prepare__with_an_authorisation_that_is_given),
        TEST(prepare__sweeps_what_was_not_finished),
        TEST(prepare__files_open_to_others_do_not_count),
    };

    return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
