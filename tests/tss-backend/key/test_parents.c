/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"
#include "tests/tss-backend/chipfix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Below what a key lies: the pinned storage key, others, none, a foreign. */
static const uint8_t digest[32] = { 0x5c, 1, 2, 3 };

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

/* The owner's H-2 storage key is the pinned one: no CreatePrimary. */
static void
parent__owner_is_the_pinned_key(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = judge_make_key_below(fix->chip, TPM2_RH_OWNER,
        false, 0);

    chipfix_count(fix);
    assert_signs(key);
    assert_string_equal(chipfix_commands(fix), "Load Sign");
    scu_key_free(&key);
}

static void
parent__owner_rsa(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = judge_make_key_below(fix->chip, TPM2_RH_OWNER,
        true, 0);

    chipfix_count(fix);
    assert_signs(key);
    assert_string_equal(chipfix_commands(fix), "CreatePrimary Load Sign");
    scu_key_free(&key);
    assert_int_equal(chipfix_transients(fix), 0);
}

static void
parent__other_hierarchies(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    key = judge_make_key_below(fix->chip, TPM2_RH_NULL, false, 0);
    assert_signs(key);
    scu_key_free(&key);
    key = judge_make_key_below(fix->chip, TPM2_RH_ENDORSEMENT, false, 0);
    assert_signs(key);
    scu_key_free(&key);
    assert_int_equal(chipfix_transients(fix), 0);
}

static void
parent__persistent(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = judge_make_key_below(fix->chip, TPM2_RH_OWNER,
        true, 0x81000123);

    assert_signs(key);
    chipfix_count(fix);
    assert_signs(key);
    assert_string_equal(chipfix_commands(fix), "Sign");
    scu_key_free(&key);
}

/* Parents are evicted like keys, and made again as the same. */
static void
parent__made_again_after_eviction(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *keys[3];

    for (size_t i = 0; i < 3; i++)
        keys[i] = judge_make_key_below(fix->chip, TPM2_RH_NULL, false, 0);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 3; i++)
            assert_signs(keys[i]);
    for (int round = 0; round < 2; round++) {
        chipfix_flush(fix);
        assert_signs(keys[0]);
    }
    for (size_t i = 0; i < 3; i++)
        scu_key_free(&keys[i]);
    assert_int_equal(chipfix_transients(fix), 0);
}

/* With the null hierarchy's seed a reset takes the key itself. */
static void
parent__null_hierarchy_is_gone_after_a_reset(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = judge_make_key_below(fix->chip, TPM2_RH_NULL,
        false, 0);

    assert_signs(key);
    assert_int_equal(sim_restart(fix->sim), 0);
    assert_int_equal(sign(key), SCU_E_FOREIGN_KEY);
    scu_key_free(&key);
}

static void
parent__persistent_that_is_not_there(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = judge_make_key_below(fix->chip, TPM2_RH_OWNER,
        false, 0), *moved = NULL;
    uint8_t *der = NULL, *at;
    size_t len = 0;

    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    at = memmem(der, len, "\x02\x04\x40\x00\x00\x01", 6);
    assert_non_null(at);
    memcpy(at + 2, "\x81\x00\x99\x99", 4);
    assert_int_equal(scu_key_from_der(fix->chip, der, len, &moved), SCU_OK);
    assert_int_equal(sign(moved), SCU_E_FOREIGN_KEY);
    assert_non_null(strstr(scu_error_detail(), "0x81009999"));
    free(der);
    scu_key_free(&moved);
    scu_key_free(&key);
}

static void
parent__of_another_chip(void **state)
{
    struct chipfix *fix = *state;
    struct chipfix *other = chipfix_new(false);
    struct scu_key *key = NULL, *foreign = NULL;
    char *pem = NULL;
    size_t len = 0;

    assert_int_equal(scu_key_generate(other->chip, scu_alg_by_name("P-256"),
        NULL, 0, &key), SCU_OK);
    assert_int_equal(scu_key_to_pem(key, &pem, &len), SCU_OK);
    scu_key_free(&key);
    chipfix_free(other);
    assert_int_equal(scu_key_from_pem(fix->chip, pem, len, &foreign),
        SCU_OK);
    assert_int_equal(sign(foreign), SCU_E_FOREIGN_KEY);
    assert_non_null(strstr(scu_error_detail(), "0x81000001"));
    free(pem);
    scu_key_free(&foreign);
}

static void
damaged__private_area_is_refused_by_the_chip(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = NULL, *damaged = NULL;
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-256"),
        NULL, 0, &key), SCU_OK);
    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    der[len - 1] ^= 1;
    assert_int_equal(scu_key_from_der(fix->chip, der, len, &damaged),
        SCU_OK);
    assert_int_equal(sign(damaged), SCU_E_FOREIGN_KEY);
    free(der);
    scu_key_free(&damaged);
    scu_key_free(&key);
}

/* After `scu provision` the owner has an authorisation: that is the cause
 * to name, and not somebody who alters the bus. */
static void
parent__hierarchy_with_an_authorisation(void **state)
{
    struct chipfix *fix = *state;
    struct chipfix *owned = chipfix_new(true);
    struct scu_key *key = judge_make_key_below(fix->chip, TPM2_RH_OWNER,
        true, 0), *again = NULL;
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    assert_int_equal(scu_key_from_der(owned->chip, der, len, &again),
        SCU_OK);
    assert_int_equal(sign(again), SCU_E_AUTH);
    assert_non_null(strstr(scu_error_detail(), "hierarchy"));
    assert_int_equal(chipfix_sessions(owned), 1);
    free(der);
    scu_key_free(&again);
    scu_key_free(&key);
    chipfix_free(owned);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parent__owner_is_the_pinned_key),
        cmocka_unit_test(parent__owner_rsa),
        cmocka_unit_test(parent__other_hierarchies),
        cmocka_unit_test(parent__persistent),
        cmocka_unit_test(parent__made_again_after_eviction),
        cmocka_unit_test(parent__null_hierarchy_is_gone_after_a_reset),
        cmocka_unit_test(parent__persistent_that_is_not_there),
        cmocka_unit_test(parent__of_another_chip),
        cmocka_unit_test(damaged__private_area_is_refused_by_the_chip),
        cmocka_unit_test(parent__hierarchy_with_an_authorisation),
    };

    return cmocka_run_group_tests(tests, chipfix_setup, chipfix_teardown);
}
