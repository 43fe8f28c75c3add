/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uris.h"

#include <openssl/store.h>
#include <scu/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* Keys by persistent handle. Keys that sign: tests/provider/test_handle.sh. */

/* What provisioning makes: the attestation key, restricted. */
#define AK "handle:0x81010002"

static void
attestation_key__shows_its_public_half(void **state)
{
    const struct ossl *o = *state;
    struct uris_given private = uris_load_all(o, AK, 0, NULL);
    struct uris_given public = uris_load_all(o, AK, OSSL_STORE_INFO_PUBKEY,
        NULL);

    assert_int_equal(private.privates, 1);
    assert_string_equal(ossl_holder(private.key), "scu");
    assert_int_equal(public.publics, 1);
    assert_string_equal(ossl_holder(public.key),
        o->scu_first ? "scu" : "default");
    assert_int_equal(EVP_PKEY_eq(private.key, public.key), 1);
    EVP_PKEY_free(private.key);
    EVP_PKEY_free(public.key);
}

static void
attestation_key__does_not_sign(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = uris_load_key(o, AK, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sig[128];
    size_t len = sizeof(sig);

    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", o->libctx,
                         NULL, key, NULL),
        1);
    assert_int_not_equal(EVP_DigestSign(ctx, sig, &len, sig, 1), 1);
    assert_true(uris_raised(SCU_E_USAGE));
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void
password__is_asked_for_when_the_uri_says_so(void **state)
{
    const struct ossl *o = *state;
    struct uris_user user = { .pin = "password" };

    EVP_PKEY_free(uris_load_key(o, AK, &user));
    assert_int_equal(user.asked, 0);
    EVP_PKEY_free(uris_load_key(o, AK "?pass", &user));
    assert_int_equal(user.asked, 1);
    user.pin = NULL;
    uris_refused(o, AK "?pass", 0, &user, SCU_E_AUTH_NEEDED);
    uris_refused(o, AK "?pass", 0, NULL, SCU_E_AUTH_NEEDED);
}

static const struct {
    const char *uri;
    int expect, reason;
} refused[] = {
    { "handle:", 0, SCU_E_ARG },
    { "handle:0x", 0, SCU_E_ARG },
    { "handle:81010002", 0, SCU_E_ARG },
    { "handle:0x8101000g", 0, SCU_E_ARG },
    { "handle:0x081010002", 0, SCU_E_ARG },
    { "handle:0x81010002 ", 0, SCU_E_ARG },
    { "handle:0x81010002?", 0, SCU_E_ARG },
    { "handle:0x81010002?pass=x", 0, SCU_E_ARG },
    { "handle:0x81010002;type=private", 0, SCU_E_ARG },
    { "handle:0x80000000", 0, SCU_E_ARG },  /* transient */
    { "handle:0x01500020", 0, SCU_E_ARG },  /* NV */
    { "handle:0x40000001", 0, SCU_E_ARG },  /* a hierarchy */
    { "handle:0x0", 0, SCU_E_ARG },
    { "handle:0xffffffff", 0, SCU_E_ARG },
    { "handle:0x81000099", 0, SCU_E_NOT_FOUND },
    { "handle:0x81000001", 0, SCU_E_USAGE }, /* the storage key */
    { "handle:0x81010002", OSSL_STORE_INFO_CERT, SCU_E_NOT_FOUND },
};

static void
refused_handle__has_its_reason(void **state)
{
    const struct ossl *o = *state;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        uris_refused(o, refused[i].uri, refused[i].expect, NULL,
            refused[i].reason);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OSSL_BOTH(attestation_key__shows_its_public_half),
        OSSL_BOTH(attestation_key__does_not_sign),
        OSSL_BOTH(password__is_asked_for_when_the_uri_says_so),
        OSSL_BOTH(refused_handle__has_its_reason),
    };

    return cmocka_run_group_tests(tests, ossl_group_setup,
        ossl_group_teardown);
}
