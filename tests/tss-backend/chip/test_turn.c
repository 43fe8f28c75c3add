/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Processes that share a bare chip with three slots of each kind. */
#include "tests/tss-backend/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 5 /* more than there are slots */
#define OFTEN 200

/* --- slots for all -------------------------------------------------------- */

static void
turns__more_processes_than_slots(void **state)
{
    struct provisioned *p = *state;
    pid_t children[MANY];
    int status;

    for (size_t i = 0; i < MANY; i++) {
        assert_true((children[i] = fork()) >= 0);
        if (children[i] == 0)
            turns_child(p, OFTEN, -1);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

/* Those that keep their key and session while others come and go. */
static void
turns__idle_processes_give_way(void **state)
{
    struct provisioned *p = *state;
    pid_t idle[MANY];

    for (size_t i = 0; i < MANY; i++)
        idle[i] = turns_idle(p);
    assert_true(turns_objects(p) > 0);
    assert_int_equal(turns_sessions(p), 3);
    turns_one(p);
    for (size_t i = 0; i < MANY; i++)
        turns_kill(idle[i]);
    turns_one(p);
}

/* The handle is the same, and another key's: the owner sees it beforehand. */
static void
turns__an_evicted_key_is_loaded_anew(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip[2] = { provisioned_connect(p),
        provisioned_connect(p) };
    struct scu_key *key[2] = { turns_key(chip[0]), turns_key(chip[1]) };

    /* One is left: the parent takes one while a key is loaded. */
    provisioned_crowd(p, 1, 0);
    for (int i = 0; i < 6; i++) {
        turns_must_sign(key[i % 2]);
        assert_int_equal(turns_objects(p), 2);
    }
    for (int i = 0; i < 2; i++) {
        scu_key_free(&key[i]);
        scu_chip_free(&chip[i]);
    }
    assert_int_equal(turns_objects(p), 1);
    provisioned_flush_all(p);
}

/* None of them had a fault to recover from: each saw what became of its own. */
static void
turns__an_evicted_session_is_no_fault(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip[MANY];
    uint8_t octet;

    for (size_t i = 0; i < MANY; i++)
        chip[i] = provisioned_connect(p);
    for (size_t i = 0; i < 3 * MANY; i++) {
        assert_int_equal(scu_chip_random(chip[i % MANY], &octet, 1), SCU_OK);
        assert_true(turns_sessions(p) <= 3);
    }
    for (size_t i = 0; i < MANY; i++)
        scu_chip_free(&chip[i]);
}

/* Two fit. The first was not used for an hour, the second a moment ago. */
static void
turns__the_idlest_goes_first(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip[3];
    struct scu_key *key[3];
    struct registry registry;
    TPM2_HANDLE handle[2];

    for (size_t i = 0; i < 3; i++) {
        chip[i] = provisioned_connect(p);
        key[i] = turns_key(chip[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        turns_must_sign(key[i]);
        handle[i] = chip[i]->loaded->handle;
    }
    turns_read(p, &registry);
    registry_find(&registry, handle[0])->used -= 3600;
    turns_write(p, &registry);
    turns_must_sign(key[2]);
    assert_int_equal(chip[2]->loaded->handle, handle[0]);
    turns_read(p, &registry);
    assert_true(registry_same_owner(&chip[1]->turn.me,
        &registry_find(&registry, handle[1])->owner));
    for (size_t i = 0; i < 3; i++) {
        turns_must_sign(key[i]);
        scu_key_free(&key[i]);
        scu_chip_free(&chip[i]);
    }
}

/* The key that it is salted to is loaded for it, for a moment. */
static void
turns__a_session_wants_an_object_slot(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip = provisioned_connect(p);
    struct scu_key *key = turns_key(chip);

    turns_must_sign(key);
    provisioned_crowd(p, 2, 0);
    assert_int_equal(turns_objects(p), 3);
    provisioned_flush(p, TPM2_LOADED_SESSION_FIRST);
    p->chip = provisioned_connect(p);
    assert_int_equal(scu_chip_random(p->chip, &(uint8_t){ 0 }, 1), SCU_OK);
    assert_int_equal(turns_objects(p), 2);
    scu_key_free(&key);
    scu_chip_free(&chip);
    scu_chip_free(&p->chip);
    provisioned_flush_all(p);
}

/* --- what is not in the registry ------------------------------------------ */

static void
strangers__are_never_flushed(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip = provisioned_connect(p);
    struct scu_key *key = turns_key(chip);

    provisioned_crowd(p, 3, 1);
    assert_int_equal(turns_sign(key), SCU_E_SLOTS);
    assert_non_null(strstr(scu_error_detail(),
        "0x80000000 0x80000001 0x80000002"));
    assert_non_null(strstr(scu_error_detail(), "tpm2_flushcontext"));
    scu_key_free(&key);
    scu_chip_free(&chip);
    assert_int_equal(turns_objects(p), 3);
    assert_int_equal(turns_sessions(p), 1);
    provisioned_flush_all(p);
}

static void
strangers__sessions_are_never_flushed(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip = provisioned_connect(p);
    uint8_t octet;

    provisioned_crowd(p, 0, 3);
    assert_int_equal(scu_chip_random(chip, &octet, 1), SCU_E_SLOTS);
    assert_non_null(strstr(scu_error_detail(), "0x02000000 0x02000001"));
    scu_chip_free(&chip);
    assert_int_equal(turns_sessions(p), 3);
    provisioned_flush_all(p);
}

/* --- what the dead leave -------------------------------------------------- */

static void
dead__leftovers_go_with_the_next(void **state)
{
    struct provisioned *p = *state;

    turns_leave_behind(p);
    assert_int_equal(turns_sessions(p), 1);
    turns_one(p);
}

/* While it works, too: it need not end for that. */
static void
dead__leftovers_make_room(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip;
    struct scu_key *key;

    for (int i = 0; i < 3; i++)
        turns_leave_behind(p);
    assert_int_equal(turns_sessions(p), 3);
    chip = provisioned_connect(p);
    key = turns_key(chip);
    turns_must_sign(key);
    scu_key_free(&key);
    scu_chip_free(&chip);
}

/* Whether a process was killed in the moment in which it made a session. */
static bool
session_unfinished(const struct provisioned *p)
{
    struct registry registry;

    turns_read(p, &registry);
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        if (registry.entry[i].kind == REGISTRY_SESSION &&
            registry.entry[i].handle == 0)
            return true;
    return false;
}

static void
dead__killed_at_any_moment(void **state)
{
    struct provisioned *p = *state;
    struct timespec pause = { 0, 0 };
    pid_t pid;

    for (int i = 0; i < 12; i++) {
        assert_true((pid = fork()) >= 0);
        if (pid == 0)
            turns_child(p, OFTEN, -1);
        pause.tv_nsec = i * 3000000;
        (void)nanosleep(&pause, NULL);
        turns_kill(pid);
        turns_one(p);
        assert_int_equal(turns_objects(p), 0);
        /* Only such a session cannot be told from another program's. */
        if (turns_sessions(p) > 0)
            assert_true(session_unfinished(p));
        provisioned_flush_all(p);
    }
    turns_leave_behind(p);
    turns_one(p);
}

/* Its id was given to another process, which lives: this one. */
static void
dead__a_reused_process_id_is_no_owner(void **state)
{
    struct provisioned *p = *state;
    struct registry registry;

    turns_leave_behind(p);
    turns_read(p, &registry);
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        registry.entry[i].owner.pid = (uint32_t)getpid();
    turns_write(p, &registry);
    turns_one(p);
}

/* It was killed before it could write down the handle that it got. */
static struct registry_entry *
unname(struct registry *registry)
{
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        if (registry->entry[i].kind == REGISTRY_OBJECT) {
            registry->entry[i].handle = 0;
            return &registry->entry[i];
        }
    fail_msg("no object in the registry");
    return NULL;
}

static void
dead__an_object_is_found_by_its_name(void **state)
{
    struct provisioned *p = *state;
    struct registry registry;

    provisioned_crowd(p, 1, 0);
    turns_leave_behind(p);
    turns_read(p, &registry);
    (void)unname(&registry);
    turns_write(p, &registry);
    turns_one(p);
    assert_int_equal(turns_objects(p), 1);
    provisioned_flush_all(p);
}

/* The Name of an object that another program has there. */
static int
read_name(struct scu_chip *chip, void *arg)
{
    TPM2B_PUBLIC public;

    return chip_read_public(chip, CHIP_TRANSIENT_FIRST, true, &public, arg);
}

static int
tidy(struct scu_chip *chip, void *arg)
{
    (void)arg;
    slots_tidy(chip);
    return SCU_OK;
}

/* Two of that Name: one is another program's, so both are let be. */
static void
dead__of_two_of_a_name_none_is_flushed(void **state)
{
    struct provisioned *p = *state;
    struct registry registry;
    TPM2B_NAME name = { 0 };

    turns_leave_behind(p);
    provisioned_flush(p, CHIP_TRANSIENT_FIRST);
    provisioned_crowd(p, 2, 0);
    p->chip = provisioned_connect(p);
    assert_int_equal(chip_perform(p->chip, CHIP_BARE, read_name, &name),
        SCU_OK);
    turns_read(p, &registry);
    registry_set_name(unname(&registry), &name);
    turns_write(p, &registry);
    assert_int_equal(chip_perform(p->chip, CHIP_BARE, tidy, NULL), SCU_OK);
    assert_int_equal(turns_objects(p), 2);
    assert_int_equal(turns_sessions(p), 0);
    provisioned_flush_all(p);
}

/* The chip lost its power since, and now others have these handles. */
static void
dead__entries_end_with_the_power(void **state)
{
    struct provisioned *p = *state;

    turns_leave_behind(p);
    assert_int_equal(turns_entries(p), 2);
    assert_int_equal(sim_restart(p->sim), 0);
    provisioned_crowd(p, 1, 2);
    turns_one(p);
    assert_int_equal(turns_objects(p), 1);
    assert_int_equal(turns_sessions(p), 2);
    provisioned_flush_all(p);
}

/* Somebody flushed it, and another program's object has its handle. */
static void
dead__another_object_of_its_handle_stays(void **state)
{
    struct provisioned *p = *state;

    turns_leave_behind(p);
    provisioned_flush_all(p);
    provisioned_crowd(p, 1, 0);
    assert_int_equal(turns_entries(p), 2);
    turns_one(p);
    assert_int_equal(turns_objects(p), 1);
    provisioned_flush_all(p);
}

#define TURN_TEST(t)                                                          \
    cmocka_unit_test_setup_teardown(t, turns_setup, turns_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TURN_TEST(turns__more_processes_than_slots),
        TURN_TEST(turns__idle_processes_give_way),
        TURN_TEST(turns__an_evicted_key_is_loaded_anew),
        TURN_TEST(turns__an_evicted_session_is_no_fault),
        TURN_TEST(turns__the_idlest_goes_first),
        TURN_TEST(turns__a_session_wants_an_object_slot),
        TURN_TEST(strangers__are_never_flushed),
        TURN_TEST(strangers__sessions_are_never_flushed),
        TURN_TEST(dead__leftovers_go_with_the_next),
        TURN_TEST(dead__leftovers_make_room),
        TURN_TEST(dead__killed_at_any_moment),
        TURN_TEST(dead__a_reused_process_id_is_no_owner),
        TURN_TEST(dead__an_object_is_found_by_its_name),
        TURN_TEST(dead__of_two_of_a_name_none_is_flushed),
        TURN_TEST(dead__entries_end_with_the_power),
        TURN_TEST(dead__another_object_of_its_handle_stays),
    };

    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
