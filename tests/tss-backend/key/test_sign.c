/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/crypto.h"
#include "judge.h"
#include "key/alg.h"
#include "key/template.h"
#include "tests/tss-backend/chipfix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N_KEYS 4

struct fixture {
    struct chipfix *fix;
    struct scu_key *key[N_KEYS]; /* a row of the algorithms each */
};

static uint8_t digest[128];

static int
setup(void **state)
{
    static struct fixture f;

    for (size_t i = 0; i < sizeof(digest); i++)
        digest[i] = (uint8_t)(0xf1 + i * 7);
    f.fix = chipfix_new(false);
    for (size_t i = 0; i < N_KEYS; i++)
        if (scu_key_generate(f.fix->chip, scu_alg_at(i), NULL, 0, &f.key[i])
            != SCU_OK)
            fail_msg("%s", scu_error_detail());
    *state = &f;
    return 0;
}

/* And nothing is left in the chip. */
static int
teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < N_KEYS; i++)
        scu_key_free(&f->key[i]);
    scu_chip_free(&f->fix->chip);
    assert_int_equal(chipfix_transients(f->fix), 0);
    assert_int_equal(chipfix_sessions(f->fix), 0);
    chipfix_free(f->fix);
    return 0;
}

static struct scu_key *
key_of(struct fixture *f, const char *alg)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (strcmp(scu_alg_name(scu_key_alg(f->key[i])), alg) == 0)
            return f->key[i];
    fail_msg("no %s", alg);
    return NULL;
}

/* Signs, and libcrypto takes it. */
static void
assert_signs(struct scu_key *key, const char *name, int salt, int octets,
    size_t len)
{
    const struct scu_scheme *scheme = scu_scheme_by_name(name);
    uint8_t sig[512];
    size_t sig_len = sizeof(sig);

    if (scu_key_sign(key, scheme, salt, digest, len, sig, &sig_len) != SCU_OK)
        fail_msg("%s: %s", name, scu_error_detail());
    assert_true(sig_len <= scu_key_signature_size(key));
    if (!judge_verifies(key, scheme, octets, digest, len, sig, sig_len))
        fail_msg("%s, salt %d, %zu octets: does not verify", name, salt, len);
    digest[0] ^= 1;
    assert_false(judge_verifies(key, scheme, octets, digest, len, sig,
        sig_len));
    digest[0] ^= 1;
}

static int
sign_rc(struct scu_key *key, const char *name, int salt, size_t len)
{
    uint8_t sig[512];
    size_t sig_len = sizeof(sig);

    return scu_key_sign(key, scu_scheme_by_name(name), salt, digest, len, sig,
        &sig_len);
}

/* --- each algorithm with each scheme --------------------------------------*/

static void
sign__each_algorithm_with_each_scheme(void **state)
{
    struct fixture *f = *state;

    for (size_t k = 0; k < N_KEYS; k++) {
        for (size_t i = 0; scu_scheme_at(i) != NULL; i++) {
            const struct scu_scheme *s = scu_scheme_at(i);
            size_t len = s->hash == NULL ? 36 :
                crypto_hash_size(s->hash->id);

            if (s->kind != scu_alg_kind(scu_key_alg(f->key[k])))
                assert_int_equal(sign_rc(f->key[k], s->name, 0, len),
                    SCU_E_ARG);
            else
                assert_signs(f->key[k], s->name,
                    s->tpm == TPM2_ALG_RSAPSS ? SCU_SALT_DIGEST : 0,
                    (int)len, len);
        }
    }
}

static void
sign__ecdsa_takes_digests_of_any_length(void **state)
{
    struct fixture *f = *state;
    static const size_t lengths[] = { 1, 20, 31, 32, 33, 47, 48, 49, 64, 128 };

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_signs(key_of(f, "P-256"), "ECDSA", 0, 0, lengths[i]);
        assert_signs(key_of(f, "P-384"), "ECDSA", 0, 0, lengths[i]);
    }
}

static void
sign__pss_with_each_kind_of_salt(void **state)
{
    struct scu_key *key = key_of(*state, "RSA-2048");

    assert_signs(key, "RSAPSS-SHA256", SCU_SALT_MAX, 256 - 34, 32);
    assert_signs(key, "RSAPSS-SHA256", 0, 0, 32);
    assert_signs(key, "RSAPSS-SHA256", 20, 20, 32);
    assert_signs(key, "RSAPSS-SHA512", SCU_SALT_DIGEST, 64, 64);
    assert_int_equal(sign_rc(key, "RSAPSS-SHA256", 223, 32), SCU_E_ARG);
    assert_int_equal(sign_rc(key, "RSAPSS-SHA256", -9, 32), SCU_E_ARG);
}

static void
sign__plain_rsassa_takes_what_fits(void **state)
{
    struct scu_key *key = key_of(*state, "RSA-2048");

    assert_signs(key, "RSASSA", 0, 0, 1);
    assert_signs(key, "RSASSA", 0, 0, 83);
}

/* --- commands -------------------------------------------------------------*/

static void
sign__costs_one_command_when_loaded(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *alg, *scheme, *command;
    } cases[] = {
        { "P-256", "ECDSA-SHA256", "Sign" },
        { "P-384", "ECDSA-SHA256", "Sign" },
        { "RSA-2048", "RSASSA-SHA256", "Sign" },
        { "RSA-2048", "RSAPSS-SHA256", "RSA_Decrypt" },
        { "RSA-2048", "RSASSA", "RSA_Decrypt" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scu_key *key = key_of(f, cases[i].alg);
        int salt = strncmp(cases[i].scheme, "RSAPSS", 6) == 0 ?
            SCU_SALT_DIGEST : 0;

        assert_signs(key, cases[i].scheme, salt, 32, 32);
        chipfix_count(f->fix);
        assert_signs(key, cases[i].scheme, salt, 32, 32);
        assert_string_equal(chipfix_commands(f->fix), cases[i].command);
    }
}

/* A chip without the hash: padded on the host, and remembered. */
static void
sign__hash_that_the_chip_has_not(void **state)
{
    struct fixture *f = *state;
    struct scu_key *key = key_of(f, "RSA-2048");

    assert_signs(key, "RSASSA-SHA512", 0, 0, 64);
    chipfix_refuse(f->fix, TPM2_CC_Sign, TPM2_RC_HASH | TPM2_RC_P |
        TPM2_RC_2);
    chipfix_count(f->fix);
    assert_signs(key, "RSASSA-SHA512", 0, 0, 64);
    assert_string_equal(chipfix_commands(f->fix), "Sign RSA_Decrypt");
    chipfix_count(f->fix);
    assert_signs(key, "RSASSA-SHA512", 0, 0, 64);
    assert_string_equal(chipfix_commands(f->fix), "RSA_Decrypt");
    chipfix_refuse(f->fix, 0, 0);
    chipfix_count(f->fix);
    assert_signs(key, "RSASSA-SHA256", 0, 0, 32);
    assert_string_equal(chipfix_commands(f->fix), "Sign");
}

/* --- keys of others -------------------------------------------------------*/

static void
rsa_template(TPM2B_PUBLIC *template)
{
    template_key(scu_alg_by_name("RSA-2048"), template);
    template->publicArea.objectAttributes &= ~(TPMA_OBJECT)
        TPMA_OBJECT_DECRYPT;
}

/* The chip chooses the salt: the length that it takes works, others are
 * refused, none is passed off as another. */
static void
sign_only__pss_salt_is_the_chip_s(void **state)
{
    struct fixture *f = *state;
    TPM2B_PUBLIC template;
    struct scu_key *key;
    int as_digest, as_max;

    rsa_template(&template);
    key = judge_make_key(f->fix->chip, &template, NULL);
    assert_false(scu_key_can_decrypt(key));
    as_digest = sign_rc(key, "RSAPSS-SHA256", SCU_SALT_DIGEST, 32);
    as_max = sign_rc(key, "RSAPSS-SHA256", SCU_SALT_MAX, 32);
    assert_true((as_digest == SCU_OK) != (as_max == SCU_OK));
    if (as_digest == SCU_OK)
        assert_signs(key, "RSAPSS-SHA256", SCU_SALT_DIGEST, 32, 32);
    else
        assert_signs(key, "RSAPSS-SHA256", SCU_SALT_MAX, 256 - 34, 32);
    assert_int_equal(sign_rc(key, "RSAPSS-SHA256", 17, 32),
        SCU_E_UNSUPPORTED);
    assert_non_null(strstr(scu_error_detail(), "salt"));
    scu_key_free(&key);
}

static void
sign_only__rsassa_with_and_without_hash(void **state)
{
    struct fixture *f = *state;
    TPM2B_PUBLIC template;
    struct scu_key *key;

    rsa_template(&template);
    key = judge_make_key(f->fix->chip, &template, NULL);
    assert_signs(key, "RSASSA-SHA384", 0, 0, 48);
    assert_int_equal(sign_rc(key, "RSASSA", 0, 36), SCU_E_USAGE);
    assert_non_null(strstr(scu_error_detail(), "decrypt"));
    scu_key_free(&key);
}

static void
fixed_scheme__rsa_takes_no_other(void **state)
{
    struct fixture *f = *state;
    TPM2B_PUBLIC template;
    TPMT_RSA_SCHEME *scheme = &template.publicArea.parameters.rsaDetail.scheme;
    struct scu_key *key;

    rsa_template(&template);
    scheme->scheme = TPM2_ALG_RSASSA;
    scheme->details.rsassa.hashAlg = TPM2_ALG_SHA256;
    key = judge_make_key(f->fix->chip, &template, NULL);
    assert_signs(key, "RSASSA-SHA256", 0, 0, 32);
    assert_int_equal(sign_rc(key, "RSASSA-SHA384", 0, 48), SCU_E_USAGE);
    assert_int_equal(sign_rc(key, "RSAPSS-SHA256", SCU_SALT_MAX, 32),
        SCU_E_USAGE);
    scu_key_free(&key);
}

static void
fixed_scheme__ecdsa_fills_up_shorter_digests(void **state)
{
    struct fixture *f = *state;
    TPM2B_PUBLIC template;
    TPMT_ECC_SCHEME *scheme = &template.publicArea.parameters.eccDetail.scheme;
    struct scu_key *key;

    template_key(scu_alg_by_name("P-384"), &template);
    template.publicArea.objectAttributes &= ~(TPMA_OBJECT)TPMA_OBJECT_DECRYPT;
    scheme->scheme = TPM2_ALG_ECDSA;
    scheme->details.ecdsa.hashAlg = TPM2_ALG_SHA256;
    key = judge_make_key(f->fix->chip, &template, NULL);
    assert_signs(key, "ECDSA-SHA256", 0, 0, 32);
    assert_signs(key, "ECDSA-SHA1", 0, 0, 20);
    assert_int_equal(sign_rc(key, "ECDSA-SHA384", 0, 48), SCU_E_USAGE);
    scu_key_free(&key);
}

static void
restricted__is_refused_without_a_command(void **state)
{
    struct fixture *f = *state;
    TPM2B_PUBLIC template;
    struct scu_key *key;

    template_attestation(&template);
    key = judge_make_key(f->fix->chip, &template, NULL);
    chipfix_count(f->fix);
    assert_int_equal(sign_rc(key, "ECDSA-SHA256", 0, 32), SCU_E_USAGE);
    assert_non_null(strstr(scu_error_detail(), "restricted"));
    assert_string_equal(chipfix_commands(f->fix), "");
    scu_key_free(&key);
}

static void
decrypt_only__does_not_sign(void **state)
{
    struct fixture *f = *state;
    TPM2B_PUBLIC template;
    struct scu_key *key;

    template_key(scu_alg_by_name("RSA-2048"), &template);
    template.publicArea.objectAttributes &=
        ~(TPMA_OBJECT)TPMA_OBJECT_SIGN_ENCRYPT;
    key = judge_make_key(f->fix->chip, &template, NULL);
    assert_false(scu_key_can_sign(key));
    assert_int_equal(sign_rc(key, "RSASSA", 0, 32), SCU_E_USAGE);
    assert_non_null(strstr(scu_error_detail(), "\"sign\""));
    scu_key_free(&key);
}

static void
policy_only__is_not_supported_yet(void **state)
{
    struct fixture *f = *state;
    TPM2B_PUBLIC template;
    struct scu_key *key;

    template_key(scu_alg_by_name("P-256"), &template);
    template.publicArea.objectAttributes &=
        ~(TPMA_OBJECT)TPMA_OBJECT_USERWITHAUTH;
    template.publicArea.authPolicy.size = 32;
    memset(template.publicArea.authPolicy.buffer, 7, 32);
    key = judge_make_key(f->fix->chip, &template, NULL);
    assert_int_equal(sign_rc(key, "ECDSA-SHA256", 0, 32), SCU_E_UNSUPPORTED);
    assert_non_null(strstr(scu_error_detail(), "policies"));
    scu_key_free(&key);
}

/* --- arguments ------------------------------------------------------------*/

static void
sign__digest_of_another_length_is_refused(void **state)
{
    struct scu_key *key = key_of(*state, "P-256");

    assert_int_equal(sign_rc(key, "ECDSA-SHA256", 0, 31), SCU_E_ARG);
    assert_int_equal(sign_rc(key, "ECDSA-SHA256", 0, 33), SCU_E_ARG);
    assert_int_equal(sign_rc(key, "ECDSA", 0, 0), SCU_E_ARG);
    assert_int_equal(sign_rc(key, "no scheme", 0, 32), SCU_E_ARG);
}

static void
sign__small_buffer_is_refused_without_a_command(void **state)
{
    struct fixture *f = *state;
    uint8_t sig[256];
    size_t len;

    chipfix_count(f->fix);
    len = 71;
    assert_int_equal(scu_key_sign(key_of(f, "P-256"),
        scu_scheme_by_name("ECDSA-SHA256"), 0, digest, 32, sig, &len),
        SCU_E_SIZE);
    len = 255;
    assert_int_equal(scu_key_sign(key_of(f, "RSA-2048"),
        scu_scheme_by_name("RSASSA-SHA256"), 0, digest, 32, sig, &len),
        SCU_E_SIZE);
    assert_string_equal(chipfix_commands(f->fix), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign__each_algorithm_with_each_scheme),
        cmocka_unit_test(sign__ecdsa_takes_digests_of_any_length),
        cmocka_unit_test(sign__pss_with_each_kind_of_salt),
        cmocka_unit_test(sign__plain_rsassa_takes_what_fits),
        cmocka_unit_test(sign__costs_one_command_when_loaded),
        cmocka_unit_test(sign__hash_that_the_chip_has_not),
        cmocka_unit_test(sign_only__pss_salt_is_the_chip_s),
        cmocka_unit_test(sign_only__rsassa_with_and_without_hash),
        cmocka_unit_test(fixed_scheme__rsa_takes_no_other),
        cmocka_unit_test(fixed_scheme__ecdsa_fills_up_shorter_digests),
        cmocka_unit_test(restricted__is_refused_without_a_command),
        cmocka_unit_test(decrypt_only__does_not_sign),
        cmocka_unit_test(policy_only__is_not_supported_yet),
        cmocka_unit_test(sign__digest_of_another_length_is_refused),
        cmocka_unit_test(sign__small_buffer_is_refused_without_a_command),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
