/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"
#include "key/template.h"
#include "tests/tss-backend/chipfix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>

/* An ephemeral key of libcrypto on the other side. */
static void
assert_agrees(struct chipfix *fix, const char *alg, size_t size)
{
    struct scu_key *key = NULL;
    EVP_PKEY *own, *peer;
    EVP_PKEY_CTX *ctx;
    uint8_t point[1 + 2 * 48], ours[48], theirs[48];
    size_t len = 0, ours_len = sizeof(ours), theirs_len = sizeof(theirs);

    if (scu_key_generate(fix->chip, scu_alg_by_name(alg), NULL, 0, &key)
        != SCU_OK)
        fail_msg("%s", scu_error_detail());
    peer = EVP_EC_gen(scu_alg_group(scu_key_alg(key)));
    assert_non_null(peer);
    assert_int_equal(EVP_PKEY_get_octet_string_param(peer,
        OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &len), 1);
    assert_int_equal(len, 1 + 2 * size);
    if (scu_key_ecdh(key, point + 1, point + 1 + size, size, ours, &ours_len)
        != SCU_OK)
        fail_msg("%s", scu_error_detail());
    own = judge_public(key);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, peer, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, own), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, theirs, &theirs_len), 1);
    assert_int_equal(ours_len, theirs_len);
    assert_memory_equal(ours, theirs, ours_len);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(own);
    EVP_PKEY_free(peer);
    scu_key_free(&key);
}

static void
ecdh__p256(void **state)
{
    assert_agrees(*state, "P-256", 32);
}

static void
ecdh__p384(void **state)
{
    assert_agrees(*state, "P-384", 48);
}

static void
ecdh__arguments(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = NULL;
    struct scu_public public;
    uint8_t x[48] = { 1 }, out[48];
    size_t len = sizeof(out);

    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-256"),
        NULL, 0, &key), SCU_OK);
    scu_key_public(key, &public);
    chipfix_count(fix);
    assert_int_equal(scu_key_ecdh(key, public.x, public.y, 31, out, &len),
        SCU_E_ARG);
    assert_int_equal(scu_key_ecdh(key, x, x, 48, out, &len), SCU_E_ARG);
    len = 31;
    assert_int_equal(scu_key_ecdh(key, public.x, public.y, 32, out, &len),
        SCU_E_SIZE);
    assert_string_equal(chipfix_commands(fix), "");
    scu_key_free(&key);
}

static void
ecdh__point_not_on_the_curve(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = NULL;
    uint8_t x[32] = { 1 }, out[32];
    size_t len = sizeof(out);

    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-256"),
        NULL, 0, &key), SCU_OK);
    assert_int_equal(scu_key_ecdh(key, x, x, 32, out, &len), SCU_E_ARG);
    scu_key_free(&key);
}

static void
ecdh__sign_only_key_is_refused(void **state)
{
    struct chipfix *fix = *state;
    TPM2B_PUBLIC template;
    struct scu_key *key;
    struct scu_public public;
    uint8_t out[32];
    size_t len = sizeof(out);

    template_key(scu_alg_by_name("P-256"), &template);
    template.publicArea.objectAttributes &= ~(TPMA_OBJECT)TPMA_OBJECT_DECRYPT;
    key = judge_make_key(fix->chip, &template, NULL);
    scu_key_public(key, &public);
    assert_int_equal(scu_key_ecdh(key, public.x, public.y, 32, out, &len),
        SCU_E_USAGE);
    scu_key_free(&key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdh__p256),
        cmocka_unit_test(ecdh__p384),
        cmocka_unit_test(ecdh__arguments),
        cmocka_unit_test(ecdh__point_not_on_the_curve),
        cmocka_unit_test(ecdh__sign_only_key_is_refused),
    };

    return cmocka_run_group_tests(tests, chipfix_setup, chipfix_teardown);
}
