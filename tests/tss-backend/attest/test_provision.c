/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Provisioning on a simulated chip: repeatable, interrupted, misled. */
#include "chip/authorisations.h"
#include "tests/tss-backend/attest/ekcert.h"
#include "tests/tss-backend/provisioned.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int
provision(struct provisioned *p, enum scu_owner_auth mode,
    struct scu_provision_report *report)
{
    const struct scu_provision_options options = { .owner_auth = mode };

    return scu_provision(p->chip, &options, report);
}

static void
path_of(const struct provisioned *p, const char *name, char path[512])
{
    (void)snprintf(path, 512, "%s/%s", p->state, name);
}

static void
reconnect(struct provisioned *p)
{
    scu_chip_free(&p->chip);
    p->chip = provisioned_connect(p);
    assert_non_null(p->chip);
}

static void
provision__makes_and_pins(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report, pinned;
    char path[512];
    struct stat st;

    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    assert_int_equal(report.trust, SCU_TRUST_FIRST_USE);
    assert_true(report.created_storage && report.created_attestation);
    assert_true(report.set_owner_auth && report.set_lockout_auth);
    assert_true(report.wrote_pins);
    assert_false(report.owner_auth_empty);
    assert_int_equal(report.storage_handle, 0x81000001);
    assert_int_equal(report.attestation_handle, 0x81010002);
    assert_int_equal(strlen(report.storage_name), 68);
    assert_string_equal(report.ek_name, "");
    assert_int_equal(provisioned_count(p, CHIP_PERSISTENT_FIRST), 2);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 0);

    path_of(p, "authorisations", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(scu_provision_read(p->chip, &pinned), SCU_OK);
    assert_string_equal(pinned.storage_name, report.storage_name);
    assert_string_equal(pinned.attestation_name, report.attestation_name);
}

static void
provision__twice_changes_nothing(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report first, second;

    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &first), SCU_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &second),
            SCU_OK);
        assert_false(second.created_storage || second.created_attestation ||
            second.set_owner_auth || second.set_lockout_auth ||
            second.wrote_pins);
        assert_string_equal(second.storage_name, first.storage_name);
        reconnect(p);
    }
}

static void
provision__owner_may_stay_empty(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;
    struct authorisations files;

    assert_int_equal(provision(p, SCU_OWNER_AUTH_EMPTY, &report), SCU_OK);
    assert_true(report.owner_auth_empty && report.set_lockout_auth);
    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    assert_null(files.owner);
    assert_non_null(files.lockout);
    authorisations_clear(&files);
    /* Later it may be set after all. */
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    assert_true(report.set_owner_auth);
    assert_false(report.owner_auth_empty);
}

/* Values that end in zero octets: the chip strips them, so must we. */
static void
provision__given_owner_value(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;
    const uint8_t value[32] = { 'o', 'w', 'n', 0, 'e', 'r' };
    const struct scu_provision_options options = {
        .owner_auth = SCU_OWNER_AUTH_VALUE,
        .owner_value = value, .owner_len = sizeof(value),
    };
    char path[512];

    assert_int_equal(scu_provision(p->chip, &options, &report), SCU_OK);
    assert_true(report.set_owner_auth);
    /* It is used where something has to be made again. */
    path_of(p, "pins", path);
    assert_int_equal(unlink(path), 0);
    reconnect(p);
    assert_int_equal(scu_provision(p->chip, &options, &report), SCU_OK);
    assert_true(report.wrote_pins);
    assert_false(report.set_owner_auth);
}

static void
provision__unknown_owner_is_told(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;
    char path[512];

    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    provisioned_evict(p, 0x81010002, p->state);
    path_of(p, "authorisations", path);
    assert_int_equal(unlink(path), 0);
    reconnect(p);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report),
        SCU_E_AUTH_NEEDED);
    assert_non_null(strstr(scu_error_detail(), "--owner-auth"));
    const struct scu_provision_options wrong = {
        .owner_auth = SCU_OWNER_AUTH_VALUE,
        .owner_value = "wrong", .owner_len = 5,
    };
    assert_int_equal(scu_provision(p->chip, &wrong, &report), SCU_E_AUTH);
}

/* What an interrupted run left is finished; made-up values are used again. */
static void
provision__interrupted_run_is_finished(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;
    struct authorisations files = { 0 }, after;

    assert_int_equal(provision(p, SCU_OWNER_AUTH_EMPTY, &report), SCU_OK);
    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    files.owner = secret_new("0123456789abcdef", 16);
    assert_int_equal(authorisations_write(p->state, &files), SCU_OK);
    /* Power fails here: the file knows it, the chip does not. */
    assert_int_equal(sim_restart(p->sim), 0);
    reconnect(p);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    assert_true(report.set_owner_auth);
    assert_int_equal(authorisations_read(p->state, &after), SCU_OK);
    assert_int_equal(after.owner->len, 16);
    assert_memory_equal(after.owner->data, "0123456789abcdef", 16);
    authorisations_clear(&files);
    authorisations_clear(&after);
}

static void
provision__other_chip_needs_force(void **state)
{
    struct provisioned *p = *state;
    struct provisioned *other = NULL;
    struct scu_provision_report mine, report;
    const struct scu_provision_options force = { .force = true };
    char path[512];

    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &mine), SCU_OK);
    assert_int_equal(unprovisioned_setup((void **)&other), 0);
    const struct scu_chip_options options = {
        .tcti = sim_tcti(other->sim), .state = p->state,
    };
    scu_chip_free(&p->chip);
    assert_int_equal(scu_chip_open(&options, &p->chip), SCU_OK);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report),
        SCU_E_OTHER_CHIP);
    assert_int_equal(provisioned_count(other, CHIP_PERSISTENT_FIRST), 0);
    assert_int_equal(scu_provision(p->chip, &force, &report), SCU_OK);
    assert_string_not_equal(report.storage_name, mine.storage_name);
    /* The old chip's authorisations are not lost with its pins. */
    (void)snprintf(path, sizeof(path), "%s/authorisations-%s", p->state,
        mine.storage_name);
    assert_int_equal(access(path, F_OK), 0);
    provisioned_teardown((void **)&other);
}

/* The salt does not even fit the key that another chip has there. */
static void
provision__other_chip_with_rsa_key(void **state)
{
    struct provisioned *p = *state, *other = NULL;
    struct scu_provision_report report;

    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    assert_int_equal(unprovisioned_setup((void **)&other), 0);
    ekcert_persist_foreign(other, 0x81000001);
    (void)snprintf(other->state, sizeof(other->state), "%s", p->state);
    reconnect(other);
    assert_int_equal(provision(other, SCU_OWNER_AUTH_RANDOM, &report),
        SCU_E_OTHER_CHIP);
    provisioned_teardown((void **)&other);
}

static void
provision__foreign_key_at_the_handle(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;

    ekcert_persist_foreign(p, 0x81000001);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report),
        SCU_E_EXISTS);
    assert_non_null(strstr(scu_error_detail(), "0x81000001"));
    assert_non_null(strstr(scu_error_detail(), "evict"));
}

static void
check_ek(struct provisioned *p, bool rsa)
{
    struct scu_provision_report report;
    uint8_t data[8];

    ekcert_install(p, rsa, false);
    reconnect(p);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    assert_int_equal(report.trust, SCU_TRUST_EK_CERTIFICATE);
    assert_int_equal(strlen(report.ek_name), 68);
    assert_int_equal(strlen(report.ek_certificate), 64);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
    assert_int_equal(scu_chip_random(p->chip, data, sizeof(data)), SCU_OK);
}

static void
provision__salts_to_certified_p256_ek(void **state)
{
    check_ek(*state, false);
}

static void
provision__salts_to_certified_rsa_ek(void **state)
{
    check_ek(*state, true);
}

/* A certificate of another chip's key proves nothing about this one. */
static void
provision__foreign_certificate_is_passed_over(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;

    ekcert_install(p, false, true);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    assert_int_equal(report.trust, SCU_TRUST_FIRST_USE);
    assert_int_equal(provisioned_count(p, CHIP_TRANSIENT_FIRST), 0);
}

static void *
provision_once(void *arg)
{
    struct scu_provision_report report;

    return provision(arg, SCU_OWNER_AUTH_RANDOM, &report) == SCU_OK ?
        NULL : arg;
}

/* Two at a time: what ends up in the file is what the chip has. */
static void
provision__two_at_once_agree(void **state)
{
    struct provisioned *p = *state, others[4];
    struct authorisations files;
    pthread_t threads[4];
    void *failed = NULL;

    for (size_t i = 0; i < 4; i++) {
        others[i] = *p;
        others[i].chip = provisioned_connect(p);
        assert_int_equal(pthread_create(&threads[i], NULL, provision_once,
            &others[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
        scu_chip_free(&others[i].chip);
    }
    assert_int_equal(authorisations_read(p->state, &files), SCU_OK);
    const struct bytes owner = { files.owner->data, files.owner->len };
    const struct bytes lockout = { files.lockout->data, files.lockout->len };

    assert_true(provisioned_change_auth(p, TPM2_RH_OWNER, owner, owner));
    assert_true(provisioned_change_auth(p, TPM2_RH_LOCKOUT, lockout,
        lockout));
    authorisations_clear(&files);
}

/* The endorsement authorisation is not ours: it is named, not guessed at. */
static void
provision__endorsement_auth_is_told(void **state)
{
    const struct bytes none = { NULL, 0 }, x = { "x", 1 };
    struct provisioned *p = *state;
    struct scu_provision_report report;

    assert_true(provisioned_change_auth(p, TPM2_RH_ENDORSEMENT, none, x));
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report),
        SCU_E_AUTH_NEEDED);
    assert_non_null(strstr(scu_error_detail(), "endorsement"));
    assert_true(provisioned_change_auth(p, TPM2_RH_ENDORSEMENT, x, none));
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
}

/* An index that nothing was ever written into. */
static void
provision__unreadable_certificate_is_passed_over(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;

    ekcert_reserve(p);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report), SCU_OK);
    assert_int_equal(report.trust, SCU_TRUST_FIRST_USE);
}

static void
provision__unwritable_folder_is_told(void **state)
{
    struct provisioned *p = *state;
    struct scu_provision_report report;
    FILE *file = fopen(p->state, "w"); /* a file where the folder belongs */

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(provision(p, SCU_OWNER_AUTH_RANDOM, &report),
        SCU_E_FILE);
    assert_non_null(strstr(scu_error_detail(), p->state));
    assert_int_equal(provisioned_count(p, CHIP_PERSISTENT_FIRST), 0);
}

static void
authorisations__readable_by_others_are_refused(void **state)
{
    struct provisioned *p = *state;
    struct authorisations files = { .owner = secret_new("x", 1) };
    char path[512];

    assert_int_equal(mkdir(p->state, 0755), 0);
    assert_int_equal(authorisations_write(p->state, &files), SCU_OK);
    authorisations_clear(&files);
    path_of(p, "authorisations", path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(authorisations_read(p->state, &files), SCU_E_FILE);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 79), 0);
    assert_int_equal(authorisations_read(p->state, &files), SCU_E_FILE);
    assert_null(files.owner);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, unprovisioned_setup,                \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(provision__makes_and_pins),
        TEST(provision__twice_changes_nothing),
        TEST(provision__owner_may_stay_empty),
        TEST(provision__given_owner_value),
        TEST(provision__unknown_owner_is_told),
        TEST(provision__interrupted_run_is_finished),
        TEST(provision__other_chip_needs_force),
        TEST(provision__other_chip_with_rsa_key),
        TEST(provision__foreign_key_at_the_handle),
        TEST(provision__salts_to_certified_p256_ek),
        TEST(provision__salts_to_certified_rsa_ek),
        TEST(provision__foreign_certificate_is_passed_over),
        TEST(provision__two_at_once_agree),
        TEST(provision__endorsement_auth_is_told),
        TEST(provision__unreadable_certificate_is_passed_over),
        TEST(provision__unwritable_folder_is_told),
        TEST(authorisations__readable_by_others_are_refused),
    };

    return cmocka_run_group_tests_name("provision", tests, NULL, NULL);
}
