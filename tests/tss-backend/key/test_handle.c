/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"
#include "key/key-private.h"
#include "key/template.h"
#include "tests/tss-backend/chipfix.h"

#include <scu/provision.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Keys that stand in the chip under a persistent handle. */
#define HANDLE 0x81000456U

static const uint8_t digest[32] = { 0x5c, 1, 2, 3 };

static int
sign(struct scu_key *key)
{
    const struct scu_scheme *scheme = scu_scheme_by_name(
        scu_alg_kind(scu_key_alg(key)) == SCU_KIND_EC ? "ECDSA-SHA256" :
        "RSASSA-SHA256");
    uint8_t sig[512];
    size_t len = sizeof(sig);
    int rc = scu_key_sign(key, scheme, 0, digest, sizeof(digest), sig, &len);

    if (rc != SCU_OK)
        return rc;
    return judge_verifies(key, scheme, 0, digest, sizeof(digest), sig, len) ?
        SCU_OK : SCU_E_INTERNAL;
}

/* TPM2_EvictControl: what is at HANDLE goes, or an object comes there. */
static int
evict_control(struct scu_chip *chip, TPM2_HANDLE object,
    const TPM2B_NAME *name)
{
    TPM2B_NAME owner;
    const struct chip_command command = {
        .code = TPM2_CC_EvictControl, .handles = 2, .auths = 1,
        .names = { &owner, name },
    };
    int rc;

    chip_handle_name(TPM2_RH_OWNER, &owner);
    rc = chip_prepared(Tss2_Sys_EvictControl_Prepare(chip->sys,
        TPM2_RH_OWNER, object, HANDLE), command.code);
    return rc == SCU_OK ? chip_run(chip, &command) : rc;
}

static int
keep(struct scu_chip *chip, void *arg)
{
    struct chip_object *object = arg;
    TPM2_HANDLE handle;
    int rc = chip_object_use(chip, object, &handle);

    return rc == SCU_OK ? evict_control(chip, handle, &object->name) : rc;
}

static int
evict(struct scu_chip *chip, void *arg)
{
    TPM2B_PUBLIC public = { 0 };
    TPM2B_NAME name = { 0 };
    int rc = chip_read_public(chip, HANDLE, false, &public, &name);

    (void)arg;
    return rc == SCU_OK ? evict_control(chip, HANDLE, &name) : SCU_OK;
}

/* Whether something has the handle. */
static bool
is_there(struct chipfix *fix)
{
    struct scu_key *key = NULL;
    int rc = scu_key_from_handle(fix->chip, HANDLE, &key);

    scu_key_free(&key);
    return rc != SCU_E_NOT_FOUND;
}

/* A key of a template at HANDLE, as another program puts it there. */
static void
place(struct chipfix *fix, const TPM2B_PUBLIC *template, const char *password)
{
    struct scu_key *key = judge_make_key(fix->chip, template, password);

    key->object.name.size = 0;
    (void)crypto_name(fix->chip->crypto, &key->object.public.publicArea,
        &key->object.name);
    assert_int_equal(chip_perform(fix->chip, CHIP_REPEATABLE, keep,
        &key->object), SCU_OK);
    scu_key_free(&key);
}

static void
place_alg(struct chipfix *fix, const char *alg, const char *password)
{
    TPM2B_PUBLIC template;

    template_key(scu_alg_by_name(alg), &template);
    place(fix, &template, password);
}

static struct scu_key *
opened(struct chipfix *fix)
{
    struct scu_key *key = NULL;
    int rc = scu_key_from_handle(fix->chip, HANDLE, &key);

    if (rc != SCU_OK)
        fail_msg("%s: %s", scu_error_name(rc), scu_error_detail());
    return key;
}

static int
clear_handle(void **state)
{
    struct chipfix *fix = *state;

    return chip_perform(fix->chip, CHIP_REPEATABLE, evict, NULL);
}

static void
refused(struct chipfix *fix, uint32_t handle, int expected, const char *why)
{
    struct scu_key dummy, *key = &dummy;

    assert_int_equal(scu_key_from_handle(fix->chip, handle, &key), expected);
    assert_null(key);
    if (strstr(scu_error_detail(), why) == NULL)
        fail_msg("0x%08x: %s", handle, scu_error_detail());
}

static void
handle__signs_and_stays(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;
    uint32_t handle = 0;

    place_alg(fix, "P-256", NULL);
    chipfix_count(fix);
    key = opened(fix);
    /* In the clear for the Name, then through the session that proves it. */
    assert_string_equal(chipfix_commands(fix), "ReadPublic ReadPublic");
    assert_true(scu_key_handle(key, &handle));
    assert_int_equal(handle, HANDLE);
    assert_false(scu_key_needs_password(key));
    chipfix_count(fix);
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(sign(key), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "Sign Sign");
    chipfix_count(fix);
    scu_key_free(&key);
    assert_string_equal(chipfix_commands(fix), "");
    assert_true(is_there(fix));
}

static void
handle__rsa(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    place_alg(fix, "RSA-2048", NULL);
    key = opened(fix);
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
}

/* Others come and go, and the chip's slots are short: it is not evicted. */
static void
handle__is_not_evicted_for_others(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key, *others[4];

    place_alg(fix, "P-256", NULL);
    key = opened(fix);
    assert_int_equal(sign(key), SCU_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(scu_key_generate(fix->chip,
            scu_alg_by_name("P-256"), NULL, 0, &others[i]), SCU_OK);
        assert_int_equal(sign(others[i]), SCU_OK);
    }
    chipfix_count(fix);
    assert_int_equal(sign(key), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "Sign");
    for (size_t i = 0; i < 4; i++)
        scu_key_free(&others[i]);
    scu_key_free(&key);
    assert_true(is_there(fix));
}

static void
handle__after_a_reset(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    place_alg(fix, "P-256", NULL);
    key = opened(fix);
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(sim_restart(fix->sim), 0);
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
}

static void
handle__with_a_password(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    place_alg(fix, "P-256", "its password");
    key = opened(fix);
    assert_int_equal(sign(key), SCU_E_AUTH);
    assert_int_equal(scu_key_set_password(key, "wrong", 5), SCU_OK);
    assert_int_equal(sign(key), SCU_E_AUTH);
    assert_int_equal(scu_key_set_password(key, "its password", 12), SCU_OK);
    assert_int_equal(sign(key), SCU_OK);
    scu_key_free(&key);
}

static void
handle__that_nothing_has(void **state)
{
    refused(*state, HANDLE, SCU_E_NOT_FOUND, "0x81000456");
}

static void
handle__that_is_not_persistent(void **state)
{
    static const uint32_t handles[] = {
        0, 0x01000001, 0x40000001, 0x80000000, 0x80ffffff, 0x82000000,
    };

    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        refused(*state, handles[i], SCU_E_ARG, "no persistent handle");
}

static void
handle__storage_key_is_refused(void **state)
{
    refused(*state, 0x81000001, SCU_E_USAGE, "storage key");
}

static void
handle__decryption_key_is_refused(void **state)
{
    TPM2B_PUBLIC template;

    template_key(scu_alg_by_name("RSA-2048"), &template);
    template.publicArea.objectAttributes &= ~TPMA_OBJECT_SIGN_ENCRYPT;
    place(*state, &template, NULL);
    refused(*state, HANDLE, SCU_E_USAGE, "decryption key");
}

static void
handle__policy_key_is_refused(void **state)
{
    TPM2B_PUBLIC template;

    template_key(scu_alg_by_name("P-256"), &template);
    template.publicArea.objectAttributes &= ~TPMA_OBJECT_USERWITHAUTH;
    place(*state, &template, NULL);
    refused(*state, HANDLE, SCU_E_UNSUPPORTED, "policy");
}

static int
place_hmac(struct scu_chip *chip, void *arg)
{
    static const TPM2B_PUBLIC template = {
        .publicArea = {
            .type = TPM2_ALG_KEYEDHASH,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_FIXEDTPM |
                TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT,
            .parameters.keyedHashDetail.scheme = {
                .scheme = TPM2_ALG_HMAC,
                .details.hmac.hashAlg = TPM2_ALG_SHA256,
            },
        },
    };
    struct chip_primary primary = {
        .hierarchy = TPM2_RH_OWNER, .template = &template,
    };
    int rc = chip_create_primary(chip, &primary);

    (void)arg;
    if (rc != SCU_OK)
        return rc;
    rc = evict_control(chip, primary.handle, &primary.name);
    (void)chip_flush(chip, primary.handle);
    return rc;
}

static void
handle__hmac_key_is_refused(void **state)
{
    struct chipfix *fix = *state;

    assert_int_equal(chip_perform(fix->chip, CHIP_REPEATABLE, place_hmac,
        NULL), SCU_OK);
    refused(fix, HANDLE, SCU_E_UNSUPPORTED, "neither an RSA nor an EC key");
    assert_non_null(strstr(scu_error_detail(), "0x81000456"));
}

/* Its public half is of use; it signs nothing of the host's. */
static void
handle__attestation_key(void **state)
{
    struct chipfix *fix = *state;
    struct scu_provision_report report;
    struct scu_key *key = NULL;

    assert_int_equal(scu_provision_read(fix->chip, &report), SCU_OK);
    assert_int_equal(scu_key_from_handle(fix->chip,
        report.attestation_handle, &key), SCU_OK);
    assert_int_equal(sign(key), SCU_E_USAGE);
    assert_non_null(strstr(scu_error_detail(), "restricted"));
    scu_key_free(&key);
}

static void
handle__evicted_by_another_program(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    place_alg(fix, "P-256", NULL);
    key = opened(fix);
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(clear_handle(state), SCU_OK);
    assert_int_equal(sign(key), SCU_E_FOREIGN_KEY);
    assert_non_null(strstr(scu_error_detail(), "0x81000456"));
    scu_key_free(&key);
}

static void
handle__taken_by_another_key(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key;

    place_alg(fix, "P-256", NULL);
    key = opened(fix);
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(clear_handle(state), SCU_OK);
    place_alg(fix, "P-256", NULL);
    assert_int_equal(sign(key), SCU_E_FOREIGN_KEY);
    assert_non_null(strstr(scu_error_detail(), "another key"));
    scu_key_free(&key);
}

static void
handle__has_no_file(void **state)
{
    struct chipfix *fix = *state;
    uint8_t *der = NULL;
    char *pem = NULL;
    struct scu_key *key;
    size_t len = 1;

    place_alg(fix, "P-256", NULL);
    key = opened(fix);
    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_E_UNSUPPORTED);
    assert_null(der);
    assert_int_equal(len, 0);
    assert_int_equal(scu_key_to_pem(key, &pem, &len), SCU_E_UNSUPPORTED);
    assert_null(pem);
    scu_key_free(&key);
}

/* The store's row of it works, and is no key file for anybody else. */
static void
handle__in_a_row_of_the_store(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key, *again = NULL;
    uint8_t *der = NULL;
    size_t len = 0;

    place_alg(fix, "P-256", NULL);
    key = opened(fix);
    assert_int_equal(key_to_row(key, &der, &len), SCU_OK);
    scu_key_free(&key);
    chipfix_count(fix);
    assert_int_equal(key_from_row(fix->chip, der, len, &again), SCU_OK);
    assert_int_equal(sign(again), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "Sign");
    scu_key_free(&again);
    assert_int_equal(scu_key_from_der(fix->chip, der, len, &again),
        SCU_E_KEYFILE);
    assert_null(again);
    free(der);
}

/* A file's key below a persistent parent stays one. */
static void
row__of_a_key_file(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = NULL, *again = NULL;
    uint8_t *der = NULL;
    uint32_t handle = 1;
    size_t len = 0;

    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-256"),
        NULL, 0, &key), SCU_OK);
    assert_false(scu_key_handle(key, &handle));
    assert_int_equal(handle, 0);
    assert_int_equal(key_to_row(key, &der, &len), SCU_OK);
    assert_int_equal(key_from_row(fix->chip, der, len, &again), SCU_OK);
    assert_false(scu_key_handle(again, &handle));
    assert_int_equal(sign(again), SCU_OK);
    scu_key_free(&again);
    scu_key_free(&key);
    free(der);
}

#define TEST(name) cmocka_unit_test_setup(name, clear_handle)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handle__signs_and_stays),
        TEST(handle__rsa),
        TEST(handle__is_not_evicted_for_others),
        TEST(handle__with_a_password),
        TEST(handle__that_nothing_has),
        TEST(handle__that_is_not_persistent),
        TEST(handle__storage_key_is_refused),
        TEST(handle__decryption_key_is_refused),
        TEST(handle__policy_key_is_refused),
        TEST(handle__hmac_key_is_refused),
        TEST(handle__attestation_key),
        TEST(handle__evicted_by_another_program),
        TEST(handle__taken_by_another_key),
        TEST(handle__has_no_file),
        TEST(handle__in_a_row_of_the_store),
        TEST(row__of_a_key_file),
        TEST(handle__after_a_reset),
    };

    return cmocka_run_group_tests(tests, chipfix_setup, chipfix_teardown);
}
