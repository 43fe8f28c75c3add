/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"
#include "tests/tss-backend/chipfix.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Private keys that libcrypto made, brought into the chip. */
static const uint8_t digest[32] = { 0x5c, 1, 2, 3 };

#define PASSPHRASE "open, sesame"

/* The memory of a BIO, which it keeps. */
static struct bytes
content(BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);

    return (struct bytes){ data, (size_t)len };
}

static EVP_PKEY *
make(const char *alg)
{
    EVP_PKEY *key = strncmp(alg, "RSA", 3) == 0 ?
        EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(alg + 4)) :
        EVP_PKEY_Q_keygen(NULL, NULL, "EC", alg);

    assert_non_null(key);
    return key;
}

static BIO *
pem(EVP_PKEY *key, const char *passphrase)
{
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key,
        passphrase == NULL ? NULL : EVP_aes_256_cbc(), passphrase,
        passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL), 1);
    return bio;
}

static int
read_bytes(struct chipfix *fix, struct bytes file, const char *passphrase,
    struct scu_import **import)
{
    return scu_import_read(fix->chip, file.data, file.len, passphrase,
        passphrase == NULL ? 0 : strlen(passphrase), import);
}

static void
refused(struct chipfix *fix, struct bytes file, int expected, const char *why)
{
    struct scu_import *import = NULL;

    assert_int_equal(read_bytes(fix, file, NULL, &import), expected);
    assert_null(import);
    if (strstr(scu_error_detail(), why) == NULL)
        fail_msg("%s", scu_error_detail());
}

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

/* It signs, and its public half is that of the original. */
static void
works(struct chipfix *fix, EVP_PKEY *original, struct bytes file,
    const char *passphrase)
{
    struct scu_import *import = NULL;
    struct scu_key *key = NULL;
    EVP_PKEY *public;
    int rc = read_bytes(fix, file, passphrase, &import);

    if (rc == SCU_OK)
        rc = scu_key_import(fix->chip, import, NULL, 0, &key);
    if (rc != SCU_OK)
        fail_msg("%s: %s", scu_error_name(rc), scu_error_detail());
    assert_ptr_equal(scu_import_alg(import), scu_key_alg(key));
    scu_import_free(&import);
    assert_null(import);
    assert_int_equal(sign(key), SCU_OK);
    public = judge_public(key);
    assert_int_equal(EVP_PKEY_eq(public, original), 1);
    EVP_PKEY_free(public);
    assert_false(scu_key_is_native(key));
    assert_true(scu_key_can_sign(key));
    assert_true(scu_key_can_decrypt(key));
    scu_key_free(&key);
}

static void
import__each_algorithm(void **state)
{
    static const char *const algs[] = {
        "P-256", "P-384", "RSA-2048", "RSA-3072",
    };

    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        EVP_PKEY *key = make(algs[i]);
        BIO *file = pem(key, NULL);

        works(*state, key, content(file), NULL);
        BIO_free(file);
        EVP_PKEY_free(key);
    }
}

/* The scalar's leading zeros belong to it. */
static void
import__short_numbers(void **state)
{
    for (int i = 0; i < 1000; i++) {
        EVP_PKEY *key = make("P-256");
        BIGNUM *d = NULL;
        BIO *file;
        bool found;

        assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
        found = BN_num_bytes(d) < 32;
        BN_clear_free(d);
        if (found) {
            file = pem(key, NULL);
            works(*state, key, content(file), NULL);
            BIO_free(file);
        }
        EVP_PKEY_free(key);
        if (found)
            return;
    }
    print_message("no short scalar in 1000 keys\n");
}

static void
import__der_and_traditional(void **state)
{
    static const char *const algs[] = { "P-256", "RSA-2048" };

    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *key = make(algs[i]);
        BIO *der = BIO_new(BIO_s_mem()), *old = BIO_new(BIO_s_mem());
        BIO *old_der = BIO_new(BIO_s_mem());

        assert_int_equal(i2d_PKCS8PrivateKey_bio(der, key, NULL, NULL, 0,
            NULL, NULL), 1);
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(old, key, NULL,
            NULL, 0, NULL, NULL), 1);
        assert_int_equal(i2d_PrivateKey_bio(old_der, key), 1);
        works(*state, key, content(der), NULL);
        works(*state, key, content(old), NULL);
        works(*state, key, content(old_der), NULL);
        BIO_free(der);
        BIO_free(old);
        BIO_free(old_der);
        EVP_PKEY_free(key);
    }
}

static void
import__encrypted(void **state)
{
    EVP_PKEY *key = make("P-256");
    BIO *file = pem(key, PASSPHRASE), *der = BIO_new(BIO_s_mem());
    struct scu_import *import = NULL;

    assert_int_equal(i2d_PKCS8PrivateKey_bio(der, key, EVP_aes_128_cbc(),
        PASSPHRASE, (int)strlen(PASSPHRASE), NULL, NULL), 1);
    works(*state, key, content(file), PASSPHRASE);
    works(*state, key, content(der), PASSPHRASE);
    refused(*state, content(file), SCU_E_AUTH_NEEDED, "passphrase");
    assert_int_equal(read_bytes(*state, content(file), "another", &import),
        SCU_E_AUTH);
    assert_null(import);
    BIO_free(file);
    BIO_free(der);
    EVP_PKEY_free(key);
}

/* A passphrase that is not needed does no harm. */
static void
import__passphrase_for_a_clear_file(void **state)
{
    EVP_PKEY *key = make("P-256");
    BIO *file = pem(key, NULL);

    works(*state, key, content(file), PASSPHRASE);
    BIO_free(file);
    EVP_PKEY_free(key);
}

static void
import__with_a_password(void **state)
{
    struct chipfix *fix = *state;
    EVP_PKEY *made = make("RSA-2048");
    BIO *file = pem(made, NULL);
    struct scu_import *import = NULL;
    struct scu_key *key = NULL, *again = NULL;
    static const char longest[40] = "longer than the hash of the name is";
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(read_bytes(fix, content(file), NULL, &import), SCU_OK);
    assert_int_equal(scu_key_import(fix->chip, import, longest,
        sizeof(longest), &key), SCU_OK);
    assert_true(scu_key_needs_password(key));
    assert_int_equal(sign(key), SCU_OK);
    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    scu_key_free(&key);
    assert_int_equal(scu_key_from_der(fix->chip, der, len, &again), SCU_OK);
    assert_int_equal(sign(again), SCU_E_AUTH_NEEDED);
    assert_int_equal(scu_key_set_password(again, "wrong", 5), SCU_OK);
    assert_int_equal(sign(again), SCU_E_AUTH);
    assert_int_equal(scu_key_set_password(again, longest, sizeof(longest)),
        SCU_OK);
    assert_int_equal(sign(again), SCU_OK);
    scu_key_free(&again);
    free(der);
    scu_import_free(&import);
    BIO_free(file);
    EVP_PKEY_free(made);
}

static void
import__costs_one_command(void **state)
{
    struct chipfix *fix = *state;
    EVP_PKEY *made = make("P-256");
    BIO *file = pem(made, NULL);
    struct scu_import *import = NULL;
    struct scu_key *key = NULL;

    chipfix_count(fix);
    assert_int_equal(read_bytes(fix, content(file), NULL, &import), SCU_OK);
    assert_string_equal(chipfix_commands(fix), "");
    assert_int_equal(scu_key_import(fix->chip, import, NULL, 0, &key),
        SCU_OK);
    assert_string_equal(chipfix_commands(fix), "Import");
    scu_key_free(&key);
    scu_import_free(&import);
    BIO_free(file);
    EVP_PKEY_free(made);
}

static void
import__other_algorithms_are_refused(void **state)
{
    const struct {
        EVP_PKEY *key;
        const char *named;
    } rows[] = {
        { EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "a key of type" },
        { EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521"), "on curve secp521r1" },
        { EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
            "a key of type" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        BIO *file = pem(rows[i].key, NULL);

        refused(*state, content(file), SCU_E_UNSUPPORTED, rows[i].named);
        BIO_free(file);
        EVP_PKEY_free(rows[i].key);
    }
}

static void
import__another_exponent_is_refused(void **state)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *e = BN_new();
    EVP_PKEY *key = NULL;
    BIO *file;

    assert_int_equal(BN_set_word(e, 3), 1);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    file = pem(key, NULL);
    refused(*state, content(file), SCU_E_UNSUPPORTED, "public exponent");
    BIO_free(file);
    EVP_PKEY_free(key);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
}

static void
import__three_primes_are_refused(void **state)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    BIO *file;

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_primes(ctx, 3), 1);
    assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
    file = pem(key, NULL);
    refused(*state, content(file), SCU_E_UNSUPPORTED, "two primes");
    BIO_free(file);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
}

static void
import__public_key_is_refused(void **state)
{
    EVP_PKEY *key = make("P-256");
    BIO *text = BIO_new(BIO_s_mem()), *der = BIO_new(BIO_s_mem());

    assert_int_equal(PEM_write_bio_PUBKEY(text, key), 1);
    assert_int_equal(i2d_PUBKEY_bio(der, key), 1);
    refused(*state, content(text), SCU_E_KEYFILE, "a public key");
    refused(*state, content(der), SCU_E_KEYFILE, "");
    BIO_free(text);
    BIO_free(der);
    EVP_PKEY_free(key);
}

static void
import__halves_that_do_not_belong_together(void **state)
{
    EVP_PKEY *key = make("P-256");
    BIO *der = BIO_new(BIO_s_mem());
    struct bytes file;
    uint8_t *copy;

    assert_int_equal(i2d_PrivateKey_bio(der, key), 1);
    file = content(der);
    copy = malloc(file.len);
    assert_non_null(copy);
    memcpy(copy, file.data, file.len);
    /* SEQUENCE, version, then the scalar: its lowest octet. */
    copy[2 + 3 + 2 + 31] ^= 1;
    refused(*state, (struct bytes){ copy, file.len }, SCU_E_KEYFILE,
        "do not belong together");
    free(copy);
    BIO_free(der);
    EVP_PKEY_free(key);
}

static void
import__what_is_no_key(void **state)
{
    struct chipfix *fix = *state;
    struct scu_key *key = NULL;
    char *text = NULL;
    size_t len = 0;

    refused(fix, (struct bytes){ "garbage", 7 }, SCU_E_KEYFILE,
        "not a private key");
    refused(fix, (struct bytes){ "", 0 }, SCU_E_KEYFILE, "octets");
    refused(fix, (struct bytes){ "-----BEGIN PRIVATE KEY-----\nAAAA\n", 33 },
        SCU_E_KEYFILE, "not a private key");
    assert_int_equal(scu_key_generate(fix->chip, scu_alg_by_name("P-256"),
        NULL, 0, &key), SCU_OK);
    assert_true(scu_key_is_native(key));
    assert_int_equal(scu_key_to_pem(key, &text, &len), SCU_OK);
    refused(fix, (struct bytes){ text, len }, SCU_E_KEYFILE, "scu key adopt");
    free(text);
    scu_key_free(&key);
}

/* Of each prefix, and of each with an octet changed: an error or a key. */
static void
import__damaged_files(void **state)
{
    EVP_PKEY *key = make("P-256");
    BIO *der = BIO_new(BIO_s_mem());
    struct scu_import *import = NULL;
    struct bytes file;
    uint8_t copy[256];

    assert_int_equal(i2d_PKCS8PrivateKey_bio(der, key, NULL, NULL, 0, NULL,
        NULL), 1);
    file = content(der);
    assert_in_range(file.len, 1, sizeof(copy));
    for (size_t n = 1; n < file.len; n++) {
        assert_int_equal(read_bytes(*state, (struct bytes){ file.data, n },
            NULL, &import), SCU_E_KEYFILE);
        assert_null(import);
    }
    for (size_t n = 0; n < file.len; n++) {
        memcpy(copy, file.data, file.len);
        copy[n] ^= 0x55;
        if (read_bytes(*state, (struct bytes){ copy, file.len }, NULL,
            &import) == SCU_OK)
            scu_import_free(&import);
        assert_null(import);
    }
    BIO_free(der);
    EVP_PKEY_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import__each_algorithm),
        cmocka_unit_test(import__short_numbers),
        cmocka_unit_test(import__der_and_traditional),
        cmocka_unit_test(import__encrypted),
        cmocka_unit_test(import__passphrase_for_a_clear_file),
        cmocka_unit_test(import__with_a_password),
        cmocka_unit_test(import__costs_one_command),
        cmocka_unit_test(import__other_algorithms_are_refused),
        cmocka_unit_test(import__another_exponent_is_refused),
        cmocka_unit_test(import__three_primes_are_refused),
        cmocka_unit_test(import__public_key_is_refused),
        cmocka_unit_test(import__halves_that_do_not_belong_together),
        cmocka_unit_test(import__what_is_no_key),
        cmocka_unit_test(import__damaged_files),
    };

    return cmocka_run_group_tests(tests, chipfix_setup, chipfix_teardown);
}
