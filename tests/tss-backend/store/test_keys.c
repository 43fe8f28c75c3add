/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Keys that come into a token from somewhere else. */
#include "tests/tss-backend/store/tokens.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PASSWORD "of its own"

static const struct scu_attribute label[] = {
    { .type = 3, .value = (const uint8_t *)"label", .len = 5 },
};

static struct scu_token *
entered(struct provisioned *p)
{
    struct scu_token *token = token_made(p, 0);

    assert_int_equal(token_login(token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    return token;
}

/* The token's only object, seen by another process. */
static struct scu_object *
found_again(struct provisioned *p, struct scu_token **token)
{
    struct scu_object **list = NULL, *object;
    size_t n = 0;

    token_reconnect(p, token);
    assert_int_equal(token_login(*token, SCU_USER_NORMAL, USER_PIN), SCU_OK);
    assert_int_equal(scu_object_list(*token, &list, &n), SCU_OK);
    assert_int_equal(n, 1);
    object = scu_object_ref(list[0]);
    scu_object_list_free(&list, n);
    return object;
}

static struct scu_import *
software(struct scu_chip *chip)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    struct scu_import *import = NULL;
    char *data = NULL;
    long len;

    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL,
        NULL), 1);
    len = BIO_get_mem_data(bio, &data);
    assert_int_equal(scu_import_read(chip, data, (size_t)len, NULL, 0,
        &import), SCU_OK);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return import;
}

/* Like a key that was made there: nobody knows its authValue. */
static void
import__is_bound_to_the_token(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = entered(p);
    struct scu_import *import = software(p->chip);
    struct scu_object *object = NULL;
    struct scu_key *key = NULL;

    assert_int_equal(scu_object_import(token, import, label, 1, &object),
        SCU_OK);
    scu_import_free(&import);
    assert_true(scu_object_is_private(object));
    assert_int_equal(token_sign(object), SCU_OK);
    scu_object_free(&object);
    object = found_again(p, &token);
    assert_int_equal(token_sign(object), SCU_OK);
    assert_int_equal(scu_object_key(object, &key), SCU_OK);
    assert_true(scu_key_needs_password(key));
    assert_false(scu_key_is_native(key));
    scu_key_free(&key);
    scu_token_logout(token);
    assert_int_equal(token_sign(object), SCU_E_AUTH_NEEDED);
    scu_object_free(&object);
    scu_token_free(&token);
}

static void
import__without_a_login(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = token_made(p, 0);
    struct scu_import *import = software(p->chip);
    struct scu_object *object = NULL;

    assert_int_equal(scu_object_import(token, import, label, 1, &object),
        SCU_E_AUTH_NEEDED);
    assert_null(object);
    assert_int_equal(scu_object_import(token, NULL, label, 1, &object),
        SCU_E_ARG);
    scu_import_free(&import);
    scu_token_free(&token);
}

/* Its password is kept: who logs in need not know it. */
static void
adopt__key_with_a_password(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = entered(p);
    struct scu_object *object = NULL;
    struct scu_key *key = NULL, *file = NULL;
    uint8_t *der = NULL;
    size_t len = 0;

    assert_int_equal(scu_key_generate(p->chip, scu_alg_by_name("P-256"),
        PASSWORD, strlen(PASSWORD), &key), SCU_OK);
    assert_int_equal(scu_key_to_der(key, &der, &len), SCU_OK);
    scu_key_free(&key);
    assert_int_equal(scu_key_from_der(p->chip, der, len, &file), SCU_OK);
    assert_int_equal(scu_object_adopt(token, file, label, 1, &object),
        SCU_E_AUTH_NEEDED);
    assert_int_equal(scu_key_set_password(file, PASSWORD, strlen(PASSWORD)),
        SCU_OK);
    assert_int_equal(scu_object_adopt(token, file, label, 1, &object),
        SCU_OK);
    scu_key_free(&file);
    scu_object_free(&object);
    object = found_again(p, &token);
    assert_int_equal(token_sign(object), SCU_OK);
    scu_object_free(&object);
    scu_token_free(&token);
    free(der);
}

/* The attestation key is one that stands in the chip. */
static void
adopt__key_under_a_handle(void **state)
{
    struct provisioned *p = *state;
    struct scu_token *token = entered(p);
    struct scu_provision_report report;
    struct scu_object *object = NULL;
    struct scu_key *key = NULL;
    uint32_t handle = 0;

    assert_int_equal(scu_provision_read(p->chip, &report), SCU_OK);
    assert_int_equal(scu_key_from_handle(p->chip, report.attestation_handle,
        &key), SCU_OK);
    assert_int_equal(scu_object_adopt(token, key, label, 1, &object), SCU_OK);
    scu_key_free(&key);
    scu_object_free(&object);
    object = found_again(p, &token);
    assert_int_equal(scu_object_key(object, &key), SCU_OK);
    assert_true(scu_key_handle(key, &handle));
    assert_int_equal(handle, report.attestation_handle);
    assert_true(scu_key_is_restricted(key));
    assert_int_equal(token_sign(object), SCU_E_USAGE);
    scu_key_free(&key);
    assert_int_equal(scu_object_delete(object), SCU_OK);
    scu_object_free(&object);
    assert_int_equal(scu_key_from_handle(p->chip, report.attestation_handle,
        &key), SCU_OK);
    scu_key_free(&key);
    scu_token_free(&token);
}

#define TEST(name)                                                            \
    cmocka_unit_test_setup_teardown(name, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(import__is_bound_to_the_token),
        TEST(import__without_a_login),
        TEST(adopt__key_with_a_password),
        TEST(adopt__key_under_a_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
