/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The connection on a simulated chip: what it does, and what it survives. */
#include "chip/chip.h"
#include "tests/tss-backend/provisioned.h"

#include <pthread.h>
#include <scu/key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t digest[32] = { 1, 2, 3 };

static int
sign(struct scu_key *key)
{
    uint8_t sig[128];
    size_t len = sizeof(sig);

    return scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0, digest,
        sizeof(digest), sig, &len);
}

static struct scu_key *
make_key(struct scu_chip *chip)
{
    struct scu_key *key = NULL;

    assert_int_equal(scu_key_generate(chip, scu_alg_by_name("P-256"), NULL, 0,
        &key), SCU_OK);
    return key;
}

static void
random__any_length(void **state)
{
    struct provisioned *p = *state;
    static const uint8_t zeros[32];
    uint8_t data[100] = { 0 };

    assert_int_equal(scu_chip_random(p->chip, data, 0), SCU_OK);
    assert_int_equal(scu_chip_random(p->chip, data, 1), SCU_OK);
    assert_int_equal(scu_chip_random(p->chip, data, sizeof(data)), SCU_OK);
    assert_memory_not_equal(data + 68, zeros, 32);
    assert_memory_not_equal(data, data + 32, 32);
}

/* --- work of the host ------------------------------------------------------ */

static void
count(struct scu_chip *chip, void *arg)
{
    int *n = arg;

    (void)chip;
    (*n)++;
}

static int
ask_twice(struct scu_chip *chip, void *arg)
{
    TPMS_CAPABILITY_DATA data;
    int rc;

    chip_meanwhile(chip, count, arg);
    rc = chip_capability(chip, false, TPM2_CAP_HANDLES,
        CHIP_PERSISTENT_FIRST, 1, &data);
    return rc == SCU_OK ? chip_capability(chip, false, TPM2_CAP_HANDLES,
        CHIP_PERSISTENT_FIRST, 1, &data) : rc;
}

static int
ask_nothing(struct scu_chip *chip, void *arg)
{
    chip_meanwhile(chip, count, arg);
    return err_set(SCU_E_ARG, "nothing to ask");
}

static void
meanwhile__once(void **state)
{
    struct provisioned *p = *state;
    int n = 0;

    assert_int_equal(chip_perform(p->chip, CHIP_REPEATABLE, ask_twice, &n),
        SCU_OK);
    assert_int_equal(n, 1);
}

/* Its argument is gone with the operation. */
static void
meanwhile__not_after_the_operation(void **state)
{
    struct provisioned *p = *state;
    uint8_t data[8];
    int n = 0;

    assert_int_equal(chip_perform(p->chip, CHIP_REPEATABLE, ask_nothing, &n),
        SCU_E_ARG);
    assert_int_equal(scu_chip_random(p->chip, data, sizeof(data)), SCU_OK);
    assert_int_equal(n, 0);
}

/* --- what it says ---------------------------------------------------------- */

static void
info__says_authentic(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip_info info;

    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    assert_true(info.provisioned && info.authentic);
    assert_true(info.owner_auth_set && info.lockout_auth_set);
    assert_true(info.p256 && info.p384 && info.rsa2048 && info.rsa3072);
    assert_false(info.rsa4096);
    assert_int_equal(info.object_slots, 3);
    assert_int_equal(info.sessions_loaded, 1);
    assert_int_equal(info.persistent_used, 2);
    assert_string_equal(info.manufacturer, "IBM");
}

/* The second answer has the fixed part of the first, and a state of its own. */
static void
info__fixed_part_is_read_once(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip_info first, second;
    struct scu_key *key = make_key(p->chip);

    assert_false(p->chip->capabilities.authentic);
    assert_int_equal(scu_chip_info(p->chip, &first), SCU_OK);
    assert_true(p->chip->capabilities.authentic);
    assert_int_equal(first.objects_loaded, 0);
    strcpy(p->chip->capabilities.vendor, "kept");
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(scu_chip_info(p->chip, &second), SCU_OK);
    assert_string_equal(second.vendor, "kept");
    assert_int_equal(second.objects_loaded, 1);
    assert_true(second.clock_ms >= first.clock_ms);
    scu_key_free(&key);
}

static void
info__unprovisioned_is_hearsay(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip_info info;

    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    assert_false(info.provisioned || info.authentic);
    assert_int_equal(info.object_slots, 3);
}

static void
perform__unprovisioned_names_remedy(void **state)
{
    struct provisioned *p = *state;
    uint8_t data[4];

    assert_int_equal(scu_chip_random(p->chip, data, 4), SCU_E_UNPROVISIONED);
    assert_non_null(strstr(scu_error_detail(), "scu provision"));
    assert_non_null(strstr(scu_error_detail(), p->state));
}

static void
perform__missing_chip_names_link(void **state)
{
    struct provisioned *p = *state;
    uint8_t data[4];
    int rc;

    scu_chip_free(&p->chip);
    sim_kill(p->sim);
    p->chip = provisioned_connect(p);
    rc = scu_chip_random(p->chip, data, 4);
    assert_true(rc == SCU_E_NO_CHIP || rc == SCU_E_IO);
    assert_true(scu_error_detail()[0] != '\0');
}

static void
perform__other_chip_names_both(void **state)
{
    struct provisioned *p = *state;
    struct provisioned *other = NULL;
    uint8_t data[4];

    assert_int_equal(provisioned_setup((void **)&other), 0);
    const struct scu_chip_options options = {
        .tcti = sim_tcti(other->sim), .state = p->state,
    };
    scu_chip_free(&p->chip);
    assert_int_equal(scu_chip_open(&options, &p->chip), SCU_OK);
    assert_int_equal(scu_chip_random(p->chip, data, 4), SCU_E_OTHER_CHIP);
    assert_non_null(strstr(scu_error_detail(), "its storage key is 000b"));
    assert_non_null(strstr(scu_error_detail(), "pinned is 000b"));
    /* Nothing was left in the chip that is not ours. */
    scu_chip_free(&other->chip);
    scu_chip_free(&p->chip);
    assert_int_equal(provisioned_count(other, TPM2_LOADED_SESSION_FIRST), 0);
    provisioned_teardown((void **)&other);
}

static void
perform__cleared_chip_is_told(void **state)
{
    struct provisioned *p = *state;
    struct provisioned *blank = NULL;
    uint8_t data[4];

    assert_int_equal(unprovisioned_setup((void **)&blank), 0);
    const struct scu_chip_options options = {
        .tcti = sim_tcti(blank->sim), .state = p->state,
    };
    scu_chip_free(&p->chip);
    assert_int_equal(scu_chip_open(&options, &p->chip), SCU_OK);
    assert_int_equal(scu_chip_random(p->chip, data, 4), SCU_E_OTHER_CHIP);
    assert_non_null(strstr(scu_error_detail(), "no key at 0x81000001"));
    provisioned_teardown((void **)&blank);
}

static void
pins__writable_by_others_are_refused(void **state)
{
    struct provisioned *p = *state;
    char path[512];
    uint8_t data[4];

    scu_chip_free(&p->chip);
    (void)snprintf(path, sizeof(path), "%s/pins", p->state);
    assert_int_equal(chmod(path, 0666), 0);
    p->chip = provisioned_connect(p);
    assert_int_equal(scu_chip_random(p->chip, data, 4), SCU_E_FILE);
    assert_non_null(strstr(scu_error_detail(), "others can write"));
}

/* Session and key are taken away by another program. */
static void
perform__flushed_by_others_goes_on(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);

    assert_int_equal(sign(key), SCU_OK);
    provisioned_flush_all(p);
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
}

/* Only the key is gone: the session is as good as before, and stays one. */
static void
perform__lost_key_leaks_no_session(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);

    for (int i = 0; i < 4; i++) {
        assert_int_equal(sign(key), SCU_OK);
        provisioned_flush(p, CHIP_TRANSIENT_FIRST);
    }
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 1);
    scu_key_free(&key);
}

/* The same, and by now others sit where ours were. */
static void
perform__reused_handles_are_not_ours(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);

    assert_int_equal(sign(key), SCU_OK);
    provisioned_flush_all(p);
    provisioned_crowd(p, 1, 1);
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
    scu_chip_free(&p->chip);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 1);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 1);
}

static void
perform__power_cut_goes_on(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(sign(key), SCU_OK);
        assert_int_equal(sim_restart(p->sim), 0);
    }
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
}

static void
perform__full_slots_name_remedy(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip); /* not loaded yet */

    provisioned_crowd(p, 3, 0);
    assert_int_equal(sign(key), SCU_E_SLOTS);
    assert_non_null(strstr(scu_error_detail(), "object slots"));
    assert_non_null(strstr(scu_error_detail(), "flushcontext"));
    provisioned_flush_all(p);
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
}

static void
perform__full_sessions_name_remedy(void **state)
{
    struct provisioned *p = *state;
    uint8_t data[4];

    scu_chip_free(&p->chip);
    p->chip = provisioned_connect(p);
    provisioned_crowd(p, 0, 3);
    assert_int_equal(scu_chip_random(p->chip, data, 4), SCU_E_SLOTS);
    assert_non_null(strstr(scu_error_detail(), "session slots"));
    provisioned_flush_all(p);
    assert_int_equal(scu_chip_random(p->chip, data, 4), SCU_OK);
}

static void
objects__more_keys_than_slots(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *keys[5];

    for (size_t i = 0; i < 5; i++)
        keys[i] = make_key(p->chip);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(sign(keys[i]), SCU_OK);
    for (size_t i = 0; i < 5; i++)
        scu_key_free(&keys[i]);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
}

static void
free__leaves_nothing_in_the_chip(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);

    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 1);
    scu_key_free(&key);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
    scu_chip_free(&p->chip);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 0);
}

/* A child works with a connection of its own and takes nothing away. */
static void
fork__child_and_parent_both_sign(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);
    int status = -1;
    pid_t child;

    assert_int_equal(sign(key), SCU_OK);
    child = fork();
    if (child == 0) {
        int ok = sign(key) == SCU_OK;

        scu_key_free(&key);
        scu_chip_free(&p->chip);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 1);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 1);
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
}

/* A child that only ends must not pull the key from under its parent. */
static void
fork__child_frees_nothing_of_the_parent(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);
    int status = -1;
    pid_t child;

    assert_int_equal(sign(key), SCU_OK);
    child = fork();
    if (child == 0) {
        scu_key_free(&key);
        scu_chip_free(&p->chip);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 1);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 1);
    scu_key_free(&key);
}

static void *
sign_often(void *arg)
{
    for (int i = 0; i < 25; i++)
        if (sign(arg) != SCU_OK)
            return arg;
    return NULL;
}

static void
threads__share_a_key(void **state)
{
    struct provisioned *p = *state;
    struct scu_key *key = make_key(p->chip);
    pthread_t threads[4];
    void *failed = NULL;

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_often, key),
            0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    scu_key_free(&key);
}

static void
shutdown__is_orderly(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip_info info;

    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    assert_int_equal(scu_chip_shutdown(p->chip), SCU_OK);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 0);
    assert_int_equal(sim_restart(p->sim), 0);
    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    assert_true(info.clock_safe);
}

#define TEST(NAME, SETUP)                                                     \
    cmocka_unit_test_setup_teardown(NAME, SETUP, provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(random__any_length, provisioned_setup),
        TEST(meanwhile__once, provisioned_setup),
        TEST(meanwhile__not_after_the_operation, provisioned_setup),
        TEST(info__says_authentic, provisioned_setup),
        TEST(info__fixed_part_is_read_once, provisioned_setup),
        TEST(info__unprovisioned_is_hearsay, unprovisioned_setup),
        TEST(perform__unprovisioned_names_remedy, unprovisioned_setup),
        TEST(perform__missing_chip_names_link, provisioned_setup),
        TEST(perform__other_chip_names_both, provisioned_setup),
        TEST(perform__cleared_chip_is_told, provisioned_setup),
        TEST(pins__writable_by_others_are_refused, provisioned_setup),
        TEST(perform__flushed_by_others_goes_on, provisioned_setup),
        TEST(perform__lost_key_leaks_no_session, provisioned_setup),
        TEST(perform__reused_handles_are_not_ours, provisioned_setup),
        TEST(perform__power_cut_goes_on, provisioned_setup),
        TEST(perform__full_slots_name_remedy, provisioned_setup),
        TEST(perform__full_sessions_name_remedy, provisioned_setup),
        TEST(objects__more_keys_than_slots, provisioned_setup),
        TEST(free__leaves_nothing_in_the_chip, provisioned_setup),
        TEST(fork__child_and_parent_both_sign, provisioned_setup),
        TEST(fork__child_frees_nothing_of_the_parent, provisioned_setup),
        TEST(threads__share_a_key, provisioned_setup),
        TEST(shutdown__is_orderly, provisioned_setup),
    };

    return cmocka_run_group_tests_name("chip", tests, NULL, NULL);
}
