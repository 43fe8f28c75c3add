/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"
#include "key/alg.h"
#include "key/template.h"
#include "tests/tss-backend/chipfix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t digest[32] = { 0x5c, 1, 2, 3 };

static int
sign(struct scu_key *key)
{
    uint8_t sig[80];
    size_t len = sizeof(sig);

    return scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0, digest,
        sizeof(digest), sig, &len);
}

static struct scu_key *
make(struct chipfix *fix, const void *password, size_t len)
{
    struct scu_key *key = NULL;

    if (scu_key_generate(fix->chip, scu_alg_by_name("P-256"), password, len,
            &key) != SCU_OK)
        fail_msg("%s", scu_error_detail());
    return key;
}

/* The same key as it comes from its file. */
static struct scu_key *
reopen(struct chipfix *fix, const struct scu_key *key)
{
    struct scu_key *again = NULL;
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    assert_int_equal(scu_key_from_der(fix->chip, der, len, &again), SCU_OK);
    free(der);
    return again;
}

static void
assert_password_works(struct chipfix *fix, const void *password, size_t len)
{
    struct scu_key *key = make(fix, password, len), *again;

    assert_int_equal(sign(key), SCU_OK);
    again = reopen(fix, key);
    assert_true(scu_key_needs_password(again));
    assert_int_equal(scu_key_set_password(again, password, len), SCU_OK);
    if (sign(again) != SCU_OK)
        fail_msg("%zu octets: %s", len, scu_error_detail());
    scu_key_free(&again);
    scu_key_free(&key);
}

static void
password__of_each_kind_of_length(void **state)
{
    uint8_t password[100];

    memset(password, 'p', sizeof(password));
    assert_password_works(*state, password, 1);
    assert_password_works(*state, password, 31);
    assert_password_works(*state, password, 32);
    assert_password_works(*state, password, 33);
    assert_password_works(*state, password, sizeof(password));
}

/* The chip strips them; so must the host's side of the session. */
static void
password__that_ends_in_zero_octets(void **state)
{
    uint8_t password[32];

    memset(password, 'p', sizeof(password));
    password[31] = 0;
    assert_password_works(*state, password, 32);
    password[30] = 0;
    assert_password_works(*state, password, 32);
    assert_password_works(*state, "a\0\0", 3);
    assert_password_works(*state, "\0\0\0", 3);
}

static void
password__none_given_is_asked_for_without_a_command(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix, "secret", 6), *again = reopen(fix, key);

    chipfix_count(fix);
    assert_int_equal(sign(again), SCU_E_AUTH_NEEDED);
    assert_string_equal(chipfix_commands(fix), "");
    scu_key_free(&again);
    scu_key_free(&key);
}

static void
password__wrong_then_right(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix, "secret", 6);
    unsigned sessions = chipfix_sessions(fix);

    for (int i = 0; i < 5; i++) {
        assert_int_equal(scu_key_set_password(key, "wrong", 5), SCU_OK);
        assert_int_equal(sign(key), SCU_E_AUTH);
        assert_non_null(strstr(scu_error_detail(), "password"));
    }
    assert_int_equal(scu_key_set_password(key, "", 0), SCU_OK);
    assert_int_equal(sign(key), SCU_E_AUTH);
    assert_int_equal(scu_key_set_password(key, "secret", 6), SCU_OK);
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(chipfix_sessions(fix), sessions);
    scu_key_free(&key);
}

/* Wrong at the first use of a new connection, when the session has proven
 * nothing but the load yet. */
static void
password__wrong_in_a_new_process(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = make(fix, "secret", 6), *again = NULL;
    struct scu_chip *chip = chipfix_connect(fix);
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    assert_int_equal(scu_key_from_der(chip, der, len, &again), SCU_OK);
    assert_int_equal(scu_key_set_password(again, "wrong", 5), SCU_OK);
    assert_int_equal(sign(again), SCU_E_AUTH);
    assert_int_equal(scu_key_set_password(again, "secret", 6), SCU_OK);
    assert_int_equal(sign(again), SCU_OK);
    free(der);
    scu_key_free(&again);
    scu_key_free(&key);
    scu_chip_free(&chip);
}

/* As tpm2_encodeobject before 5.7.1 writes it: emptyAuth says none. */
static void
password__denied_by_the_file(void **state)
{
    struct chipfix *fix = *state;
    TPM2B_PUBLIC template;
    struct scu_key *key, *again;

    template_key(scu_alg_by_name("P-256"), &template);
    key = judge_make_key(fix->chip, &template, "secret");
    again = reopen(fix, key);
    scu_key_free(&key);
    key = make(fix, NULL, 0);
    assert_int_equal(scu_key_set_password(key, "unneeded", 8), SCU_OK);
    assert_int_equal(sign(key), SCU_E_AUTH);
    scu_key_free(&key);
    /* The file of "again", with the flag turned. */
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(scu_key_to_der(again, &der, &len), SCU_OK);
    scu_key_free(&again);
    assert_memory_equal(der + 11, "\xa0\x03\x01\x01\x00", 5);
    der[15] = 0xff;
    assert_int_equal(scu_key_from_der(fix->chip, der, len, &again), SCU_OK);
    assert_false(scu_key_needs_password(again));
    assert_int_equal(sign(again), SCU_E_AUTH);
    assert_int_equal(scu_key_set_password(again, "secret", 6), SCU_OK);
    assert_int_equal(sign(again), SCU_OK);
    free(der);
    scu_key_free(&again);
}

static void
generate__arguments(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = (struct scu_key *)fix;

    assert_int_equal(scu_key_generate(fix->chip, NULL, NULL, 0, &key),
        SCU_E_ARG);
    assert_null(key);
    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-256"),
        NULL, 3, &key), SCU_E_ARG);
}

static void
generate__algorithm_that_the_chip_has_not(void **state)
{
    static const struct scu_alg odd = {
        .name = "RSA-1536", .kind = SCU_KIND_RSA, .bits = 1536, .size = 192,
    };
    struct chipfix *fix = *state;
    struct scu_key *key = NULL;

    assert_int_equal(scu_key_generate(fix->chip, &odd, NULL, 0, &key),
        SCU_E_UNSUPPORTED);
    assert_non_null(strstr(scu_error_detail(), "RSA-1536"));
    assert_null(key);
}

/* A refusal for another cause is not put down to the algorithm. */
static void
generate__refused_for_another_cause(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = NULL;

    chipfix_refuse(fix, TPM2_CC_Create, TPM2_RC_VALUE | TPM2_RC_P |
        TPM2_RC_2);
    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-384"),
        NULL, 0, &key), SCU_E_CHIP);
    chipfix_refuse(fix, 0, 0);
    assert_null(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password__of_each_kind_of_length),
        cmocka_unit_test(password__that_ends_in_zero_octets),
        cmocka_unit_test(password__none_given_is_asked_for_without_a_command),
        cmocka_unit_test(password__wrong_then_right),
        cmocka_unit_test(password__wrong_in_a_new_process),
        cmocka_unit_test(password__denied_by_the_file),
        cmocka_unit_test(generate__arguments),
        cmocka_unit_test(generate__algorithm_that_the_chip_has_not),
        cmocka_unit_test(generate__refused_for_another_cause),
    };

    return cmocka_run_group_tests(tests, chipfix_setup, chipfix_teardown);
}
