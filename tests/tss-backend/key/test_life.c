/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"
#include "key/template.h"
#include "tests/tss-backend/chipfix.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Slots, threads, forks, resets: a key works until it is freed, whatever
 * becomes of the chip in between.
 */
static const uint8_t digest[32] = { 0x5c, 1, 2, 3 };

static struct scu_key *
make(struct scu_chip *chip)
{
    struct scu_key *key = NULL;

    if (scu_key_generate(chip, scu_alg_by_name("P-256"), NULL, 0, &key)
        != SCU_OK)
        fail_msg("%s", scu_error_detail());
    return key;
}

/* SCU_OK only where libcrypto takes the signature. */
static int
sign(struct scu_key *key)
{
    const struct scu_scheme *scheme = scu_scheme_by_name("ECDSA-SHA256");
    uint8_t sig[80];
    size_t len = sizeof(sig);
    int rc = scu_key_sign(key, scheme, 0, digest, sizeof(digest), sig, &len);

    if (rc != SCU_OK)
        return rc;
    return judge_verifies(key, scheme, 0, digest, sizeof(digest), sig, len) ?
        SCU_OK : SCU_E_INTERNAL;
}

static void
assert_signs(struct scu_key *key)
{
    int rc = sign(key);

    if (rc != SCU_OK)
        fail_msg("%s: %s", scu_error_name(rc), scu_error_detail());
}

static void
generate__is_one_command_and_loads_nothing(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip);

    scu_key_free(&key);
    assert_null(key);
    chipfix_count(fix);
    key = make(fix->chip);
    assert_string_equal(chipfix_commands(fix), "Create");
    assert_int_equal(chipfix_transients(fix), 0);
    chipfix_count(fix);
    scu_key_free(&key);
    assert_string_equal(chipfix_commands(fix), "");
}

static void
free__flushes_with_the_last_reference(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip);
    struct scu_key *other = scu_key_ref(key);

    assert_ptr_equal(other, key);
    assert_signs(key);
    chipfix_count(fix);
    scu_key_free(&key);
    assert_string_equal(chipfix_commands(fix), "");
    assert_signs(other);
    scu_key_free(&other);
    assert_string_equal(chipfix_commands(fix), "Sign FlushContext");
    assert_int_equal(chipfix_transients(fix), 0);
    scu_key_free(&other);
    scu_key_free(NULL);
}

static void
pem__is_loaded_by_the_first_use(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip), *again = NULL;
    char *pem = NULL;
    size_t len = 0;

    chipfix_count(fix);
    assert_int_equal(scu_key_to_pem(key, &pem, &len), SCU_OK);
    assert_int_equal(scu_key_from_pem(fix->chip, pem, len, &again), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "");
    assert_false(scu_key_needs_password(again));
    assert_signs(again);
    assert_string_equal(chipfix_commands(fix), "Load Sign");
    free(pem);
    scu_key_free(&again);
    scu_key_free(&key);
}

static void
der__round_trip_is_the_same(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip), *again = NULL;
    uint8_t *der = NULL, *twice = NULL;
    size_t len = 0, twice_len = 0;

    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    assert_int_equal(scu_key_from_der(fix->chip, der, len, &again), SCU_OK);
    assert_int_equal(scu_key_to_der(again, &twice, &twice_len), SCU_OK);
    assert_int_equal(len, twice_len);
    assert_memory_equal(der, twice, len);
    free(der);
    free(twice);
    scu_key_free(&again);
    scu_key_free(&key);
}

/* --- slots ----------------------------------------------------------------*/

static void
slots__five_keys_in_turn_on_three(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *keys[5];

    for (size_t i = 0; i < 5; i++)
        keys[i] = make(fix->chip);
    for (size_t i = 0; i < 15; i++)
        assert_signs(keys[i % 5]);
    assert_true(chipfix_transients(fix) <= 3);
    for (size_t i = 0; i < 5; i++)
        scu_key_free(&keys[i]);
    assert_int_equal(chipfix_transients(fix), 0);
}

static void
slots__a_key_is_made_while_all_are_in_use(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *keys[4];

    for (size_t i = 0; i < 3; i++)
        keys[i] = make(fix->chip);
    for (size_t i = 0; i < 3; i++)
        assert_signs(keys[i]);
    keys[3] = make(fix->chip);
    for (size_t i = 0; i < 4; i++)
        assert_signs(keys[i]);
    for (size_t i = 0; i < 4; i++)
        scu_key_free(&keys[i]);
}

/* Others may flush all objects; that must not cost a session each time. */
static void
slots__flushed_by_another_program(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip);
    unsigned sessions;

    assert_signs(key);
    sessions = chipfix_sessions(fix);
    for (int i = 0; i < 5; i++) {
        chipfix_flush(fix);
        assert_signs(key);
        assert_int_equal(chipfix_sessions(fix), sessions);
    }
    scu_key_free(&key);
}

/* The handle may belong to another program's key by then. */
static void
slots__handle_taken_over_by_another_key(void **state)
{
    struct chipfix *fix = *state;
    struct scu_chip *second = chipfix_connect(fix);
    struct scu_key *key = make(fix->chip), *other = make(second);

    assert_signs(key);
    chipfix_flush(fix);
    assert_signs(other);
    assert_signs(key);
    assert_signs(other);
    assert_signs(key);
    scu_key_free(&other);
    scu_key_free(&key);
    scu_chip_free(&second);
}

/* --- threads and processes ------------------------------------------------*/

#define THREADS 4

struct worker {
    pthread_t thread;
    struct scu_key *key;
    atomic_int *failures;
};

static void *
work(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < 25; i++)
        if (sign(w->key) != SCU_OK)
            (void)atomic_fetch_add(w->failures, 1);
    scu_key_free(&w->key);
    return NULL;
}

static void
threads__four_on_one_key(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip);
    struct worker workers[THREADS];
    atomic_int failures = 0;

    for (size_t i = 0; i < THREADS; i++) {
        workers[i].key = scu_key_ref(key);
        workers[i].failures = &failures;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
            &workers[i]), 0);
    }
    scu_key_free(&key);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_int_equal(failures, 0);
    assert_int_equal(chipfix_transients(fix), 0);
}

/* Passwords may be set while others sign: right ones, so that all succeed. */
static void *
set_passwords(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < 200; i++)
        if (scu_key_set_password(w->key, "pass", 4) != SCU_OK)
            (void)atomic_fetch_add(w->failures, 1);
    scu_key_free(&w->key);
    return NULL;
}

static void
threads__password_set_while_signing(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = NULL;
    struct worker workers[2];
    atomic_int failures = 0;

    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-256"),
        "pass", 4, &key), SCU_OK);
    for (size_t i = 0; i < 2; i++) {
        workers[i].key = scu_key_ref(key);
        workers[i].failures = &failures;
        assert_int_equal(pthread_create(&workers[i].thread, NULL,
            i == 0 ? work : set_passwords, &workers[i]), 0);
    }
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_int_equal(failures, 0);
    scu_key_free(&key);
}

static void
fork__child_and_parent_both_sign(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip);
    int status = -1;
    pid_t pid;

    assert_signs(key);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int rc = sign(key);

        scu_key_free(&key);
        scu_chip_free(&fix->chip);
        _exit(rc == SCU_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    chipfix_count(fix);
    assert_signs(key);
    assert_string_equal(chipfix_commands(fix), "Sign");
    scu_key_free(&key);
}

/* --- resets ---------------------------------------------------------------*/

/* Asked by the leak checker, where there is one, when a process ends. */
int __lsan_is_turned_off(void) __attribute__((visibility("default")));

static int leaks;

int
__lsan_is_turned_off(void)
{
    return leaks;
}

/* A program that frees nothing: what it has in the chip goes all the same. */
static void
exit__leaves_nothing_in_the_chip(void **state)
{
    struct chipfix *fix = *state;
    unsigned sessions, transients;
    int status = -1;
    pid_t pid;

    chipfix_flush(fix);
    sessions = chipfix_sessions(fix);
    transients = chipfix_transients(fix);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        leaks = 1;
        exit(sign(make(fix->chip)) == SCU_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(chipfix_sessions(fix), sessions);
    assert_int_equal(chipfix_transients(fix), transients);
}

static void
restart__keys_work_on(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip), *second = make(fix->chip);

    assert_signs(key);
    assert_signs(second);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sim_restart(fix->sim), 0);
        assert_signs(key);
        assert_signs(second);
    }
    scu_key_free(&key);
    scu_key_free(&second);
    assert_int_equal(chipfix_transients(fix), 0);
    assert_int_equal(chipfix_sessions(fix), 1);
}

static void
gone__is_an_error_and_then_works_on(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip);
    int rc;

    assert_signs(key);
    sim_kill(fix->sim);
    rc = sign(key);
    assert_true(rc == SCU_E_IO || rc == SCU_E_NO_CHIP);
    assert_int_equal(sim_restart(fix->sim), 0);
    assert_signs(key);
    scu_key_free(&key);
}

static void
gone__key_is_freed_all_the_same(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix->chip);

    assert_signs(key);
    sim_kill(fix->sim);
    scu_key_free(&key);
    assert_null(key);
    assert_int_equal(sim_restart(fix->sim), 0);
    key = make(fix->chip);
    assert_signs(key);
    scu_key_free(&key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generate__is_one_command_and_loads_nothing),
        cmocka_unit_test(free__flushes_with_the_last_reference),
        cmocka_unit_test(pem__is_loaded_by_the_first_use),
        cmocka_unit_test(der__round_trip_is_the_same),
        cmocka_unit_test(slots__five_keys_in_turn_on_three),
        cmocka_unit_test(slots__a_key_is_made_while_all_are_in_use),
        cmocka_unit_test(slots__flushed_by_another_program),
        cmocka_unit_test(slots__handle_taken_over_by_another_key),
        cmocka_unit_test(threads__four_on_one_key),
        cmocka_unit_test(threads__password_set_while_signing),
        cmocka_unit_test(fork__child_and_parent_both_sign),
        cmocka_unit_test(exit__leaves_nothing_in_the_chip),
        cmocka_unit_test(restart__keys_work_on),
        cmocka_unit_test(gone__is_an_error_and_then_works_on),
        cmocka_unit_test(gone__key_is_freed_all_the_same),
    };

    return cmocka_run_group_tests(tests, chipfix_setup, chipfix_teardown);
}
