/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uris.h"

#include <openssl/err.h>
#include <openssl/store.h>
#include <scu/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* --- what is found -------------------------------------------------------- */

static void
private_keys__sign(void **state)
{
    const struct ossl *o = *state;
    static const char *const uris[] = {
        URIS_ONE ";object=ec;type=private" URIS_PIN,
        URIS_ONE ";object=ec" URIS_PIN,
        URIS_ONE ";id=%02" URIS_PIN,
        URIS_ONE ";object=lone;model=SCU;manufacturer=SCU" URIS_PIN,
    };

    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        EVP_PKEY *key = uris_load_key(o, uris[i], NULL);

        assert_string_equal(ossl_holder(key), "scu");
        ossl_sign_and_verify(o, key, "SHA256");
        EVP_PKEY_free(key);
    }
    assert_int_equal(tokens_in_chip(), 1); /* the session */
}

/* The other doors keep to CKA_SIGN, too. */
static void
key_that_does_not_sign__is_refused(void **state)
{
    const struct ossl *o = *state;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key = NULL, *copy = NULL;

    tokens_set_sign("one", "lone", false);
    key = uris_load_key(o, URIS_ONE ";object=lone" URIS_PIN, NULL);
    copy = EVP_PKEY_dup(key);
    assert_non_null(copy);
    ERR_clear_error();
    assert_int_not_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", o->libctx,
        NULL, key, NULL), 1);
    assert_true(uris_raised(SCU_E_USAGE));
    assert_int_not_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", o->libctx,
        NULL, copy, NULL), 1);
    assert_true(uris_raised(SCU_E_USAGE));
    assert_int_equal(EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", o->libctx,
        NULL, key, NULL), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(copy);
    EVP_PKEY_free(key);
    tokens_set_sign("one", "lone", true);
    key = uris_load_key(o, URIS_ONE ";object=lone" URIS_PIN, NULL);
    ossl_sign_and_verify(o, key, "SHA256");
    EVP_PKEY_free(key);
}

static void
serial__names_a_token(void **state)
{
    const struct ossl *o = *state;
    char serial[17], uri[128];
    EVP_PKEY *key = NULL;

    tokens_serial("two", serial);
    (void)snprintf(uri, sizeof(uri), "pkcs11:serial=%s;object=ec" URIS_PIN,
        serial);
    key = uris_load_key(o, uri, NULL);
    EVP_PKEY_free(key);
    (void)snprintf(uri, sizeof(uri), URIS_ONE ";serial=%s" URIS_PIN, serial);
    uris_refused(o, uri, 0, NULL, SCU_E_NOT_FOUND);
}

static void
objects__come_in_turn(void **state)
{
    const struct ossl *o = *state;
    struct uris_given given = uris_load_all(o, URIS_ONE URIS_PIN, 0, NULL);

    assert_int_equal(given.certs, 2);
    assert_int_equal(given.publics, 2);
    assert_int_equal(given.privates, 3);
    assert_int_equal(given.others, 0);
    EVP_PKEY_free(given.key);
    given = uris_load_all(o, URIS_ONE URIS_PIN, OSSL_STORE_INFO_PKEY, NULL);
    assert_int_equal(given.privates, 3);
    assert_int_equal(given.certs + given.publics, 0);
    EVP_PKEY_free(given.key);
}

static void
public_objects__need_no_login(void **state)
{
    const struct ossl *o = *state;
    struct uris_user user = { .pin = TOKENS_PIN };
    struct uris_given given = uris_load_all(o, URIS_ONE ";type=public", 0,
        &user);

    assert_int_equal(given.publics, 2);
    EVP_PKEY_free(given.key);
    given = uris_load_all(o, URIS_ONE, OSSL_STORE_INFO_PUBKEY, &user);
    assert_int_equal(given.publics, 2);
    EVP_PKEY_free(given.key);
    given = uris_load_all(o, URIS_ONE ";type=cert", 0, &user);
    assert_int_equal(given.certs, 1);
    given = uris_load_all(o, URIS_ONE URIS_PIN, OSSL_STORE_INFO_CERT, &user);
    assert_int_equal(given.certs, 1);
    assert_int_equal(user.asked, 0);
    assert_int_equal(tokens_in_chip(), 0);
}

static void
hidden_certificate__needs_the_pin(void **state)
{
    const struct ossl *o = *state;
    struct uris_given given = uris_load_all(o,
        URIS_ONE ";object=hidden;type=cert" URIS_PIN, 0, NULL);

    assert_int_equal(given.certs, 1);
    uris_refused(o, URIS_ONE ";object=hidden;type=cert", 0, NULL,
        SCU_E_NOT_FOUND);
}

/* What cannot be understood does not hide what stands behind it. */
static void
odd_objects__are_passed_over(void **state)
{
    const struct ossl *o = *state;
    struct uris_given given = uris_load_all(o, "pkcs11:token=odd;type=cert",
        0, NULL);

    assert_int_equal(given.certs, 1);
    assert_int_not_equal(given.errors, 0);
    assert_true(uris_raised(SCU_E_UNSUPPORTED));
}

static void
what_is_found__is_no_error(void **state)
{
    const struct ossl *o = *state;
    struct uris_given given = uris_load_all(o, URIS_ONE URIS_PIN, 0, NULL);

    assert_int_equal(given.errors, 0);
    EVP_PKEY_free(given.key);
}

/* Public keys belong to whoever stands first, as those of files do. */
static void
public_key__verifies_in_software(void **state)
{
    const struct ossl *o = *state;
    struct uris_given given = uris_load_all(o,
        URIS_ONE ";object=rsa;type=public", 0, NULL);
    EVP_PKEY *private = uris_load_key(o, URIS_ONE ";object=rsa" URIS_PIN, NULL);

    assert_non_null(given.key);
    assert_string_equal(ossl_holder(given.key),
        o->scu_first ? "scu" : "default");
    assert_int_equal(EVP_PKEY_eq(given.key, private), 1);
    EVP_PKEY_free(given.key);
    given = uris_load_all(o, URIS_ONE ";object=ec;type=public", 0, NULL);
    assert_string_equal(ossl_holder(given.key),
        o->scu_first ? "scu" : "default");
    assert_int_not_equal(EVP_PKEY_eq(given.key, private), 1);
    EVP_PKEY_free(given.key);
    EVP_PKEY_free(private);
}

/* --- what is not found ---------------------------------------------------- */

static const struct {
    const char *uri;
    int expect, reason;
} refused[] = {
    { "pkcs11:token=nobody", 0, SCU_E_NOT_FOUND },
    { "pkcs11:token=on", 0, SCU_E_NOT_FOUND },
    { "pkcs11:token=ONE", 0, SCU_E_NOT_FOUND },
    { "pkcs11:serial=0123456789abcdef", 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";model=other", 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";manufacturer=other", 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";library-description=other", 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";object=nothing" URIS_PIN, 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";object=" URIS_PIN, 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";id=%01%02" URIS_PIN, 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";object=ec;id=%02" URIS_PIN, 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";object=nothing;type=public", 0, SCU_E_NOT_FOUND },
    { URIS_ONE ";type=private" URIS_PIN, OSSL_STORE_INFO_CERT,
        SCU_E_NOT_FOUND },
    { URIS_ONE URIS_PIN, OSSL_STORE_INFO_CRL, SCU_E_NOT_FOUND },
    { URIS_ONE ";type=data" URIS_PIN, 0, SCU_E_UNSUPPORTED },
    { URIS_ONE ";type=secret-key" URIS_PIN, 0, SCU_E_UNSUPPORTED },
    { URIS_ONE ";slot-id=1", 0, SCU_E_UNSUPPORTED },
    { URIS_ONE ";object=%f", 0, SCU_E_ARG },
    { URIS_ONE ";type=fruit", 0, SCU_E_ARG },
    { URIS_ONE ";fruit=banana", 0, SCU_E_ARG },
    { "pkcs11:token", 0, SCU_E_ARG },
    { URIS_ONE URIS_PIN "&pin-source=file:/x", 0, SCU_E_ARG },
    { URIS_ONE "?pin-source=x", 0, SCU_E_ARG },
    { URIS_ONE "?pin-source=/x", 0, SCU_E_ARG },
    { URIS_ONE "?pin-source=|cat%20x", 0, SCU_E_ARG },
    { URIS_ONE "?pin-source=https://host/x", 0, SCU_E_ARG },
    { URIS_ONE "?pin-source=file:x", 0, SCU_E_ARG },
    { URIS_ONE "?pin-source=file://host/x", 0, SCU_E_ARG },
    { URIS_ONE ";type=private?pin-source=file:/nowhere/x", 0, SCU_E_FILE },
    { "pkcs11:token=bare" URIS_PIN, OSSL_STORE_INFO_PKEY, SCU_E_PIN_UNSET },
    { "pkcs11:token=odd;object=data", OSSL_STORE_INFO_CERT, SCU_E_NOT_FOUND },
    { "pkcs11:token=odd;object=none;type=cert", 0, SCU_E_UNSUPPORTED },
    { "pkcs11:token=odd;object=crt;type=cert", 0, SCU_E_UNSUPPORTED },
    { "pkcs11:token=odd;object=point;type=public", 0, SCU_E_UNSUPPORTED },
};

static void
refused_uri__has_its_reason(void **state)
{
    const struct ossl *o = *state;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct uris_user user = { 0 };

        uris_refused(o, refused[i].uri, refused[i].expect, &user,
            refused[i].reason);
        assert_int_equal(user.asked, 0);
    }
    assert_int_equal(tokens_failed("one"), 0);
}

/* Programs print errors as they are; a label is another's words. */
static void
errors__give_no_orders_to_a_terminal(void **state)
{
    const struct ossl *o = *state;
    const char *data = NULL;
    bool named = false;

    (void)uris_load_all(o, "pkcs11:token=e%1b%5b2J" URIS_PIN,
        OSSL_STORE_INFO_PKEY, NULL);
    while (ERR_get_error_all(NULL, NULL, NULL, &data, NULL) != 0) {
        assert_null(strchr(data, 0x1b));
        named = named || strstr(data, "token 'e?[2J'") != NULL;
    }
    assert_true(named);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OSSL_BOTH(private_keys__sign),
        OSSL_BOTH(key_that_does_not_sign__is_refused),
        OSSL_BOTH(serial__names_a_token),
        OSSL_BOTH(objects__come_in_turn),
        OSSL_BOTH(public_objects__need_no_login),
        OSSL_BOTH(hidden_certificate__needs_the_pin),
        OSSL_BOTH(odd_objects__are_passed_over),
        OSSL_BOTH(what_is_found__is_no_error),
        OSSL_BOTH(public_key__verifies_in_software),
        OSSL_BOTH(refused_uri__has_its_reason),
        OSSL_BOTH(errors__give_no_orders_to_a_terminal),
    };

    return cmocka_run_group_tests(tests, uris_group_setup,
        ossl_group_teardown);
}
