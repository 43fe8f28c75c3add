/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ossl.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <scu/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Keys in the chip, as programs use them. */

static void
private_half__does_not_come_out(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_ec(o, "P-256");
    OSSL_PARAM *params = NULL;
    BIGNUM *number = NULL;

    assert_int_not_equal(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params), 1);
    assert_int_not_equal(EVP_PKEY_get_bn_param(key, "priv", &number), 1);
    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1);
    assert_null(OSSL_PARAM_locate(params, "priv"));
    OSSL_PARAM_free(params);
    EVP_PKEY_free(key);
}

static void
public_half__is_not_replaced(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_ec(o, "P-256"), *other = ossl_chip_ec(o, "P-256");
    unsigned char *point = NULL;
    size_t len = EVP_PKEY_get1_encoded_public_key(other, &point);

    assert_int_not_equal(EVP_PKEY_set1_encoded_public_key(key, point, len), 1);
    assert_int_equal(EVP_PKEY_eq(key, other), 0);
    ossl_sign_and_verify(o, key, "SHA256");
    OPENSSL_free(point);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void
chip_key__equals_its_certificates_key(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *keys[] = { ossl_chip_ec(o, "P-256"), ossl_chip_rsa(o, 2048) };

    for (size_t i = 0; i < 2; i++) {
        X509 *crt = X509_new_ex(o->libctx, NULL);
        X509 *read = NULL;
        unsigned char *der = NULL;
        const unsigned char *p = NULL;
        int len = 0;

        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(crt), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(crt), 3600));
        assert_int_equal(X509_set_pubkey(crt, keys[i]), 1);
        assert_true(X509_sign(crt, keys[i], EVP_sha256()) > 0);
        len = i2d_X509(crt, &der);
        p = der;
        read = X509_new_ex(o->libctx, NULL);
        assert_non_null(d2i_X509(&read, &p, len));
        assert_int_equal(X509_check_private_key(read, keys[i]), 1);
        assert_int_equal(X509_check_private_key(read, keys[1 - i]), 0);
        assert_int_equal(X509_verify(read, X509_get0_pubkey(read)), 1);
        OPENSSL_free(der);
        X509_free(read);
        X509_free(crt);
    }
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
}

static EVP_PKEY *
write_and_read(const struct ossl *o, EVP_PKEY *key, pem_password_cb *ask,
    void *arg)
{
    BIO *bio = BIO_new(BIO_s_mem());
    EVP_PKEY *back = NULL;

    assert_int_equal(PEM_write_bio_PrivateKey_ex(bio, key, NULL, NULL, 0, NULL,
                         NULL, o->libctx, NULL),
        1);
    back = PEM_read_bio_PrivateKey_ex(bio, NULL, ask, arg, o->libctx, NULL);
    BIO_free(bio);
    return back;
}

static void
chip_key__is_written_and_read(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_rsa(o, 2048);
    EVP_PKEY *back = write_and_read(o, key, NULL, NULL);

    assert_non_null(back);
    assert_int_equal(EVP_PKEY_eq(key, back), 1);
    EVP_PKEY_free(key);
    ossl_sign_and_verify(o, back, "SHA256");
    EVP_PKEY_free(back);
}

static void
cipher_for_a_chip_key__is_refused(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_ec(o, "P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char password[] = "password";

    ERR_clear_error();
    assert_int_not_equal(PEM_write_bio_PrivateKey_ex(bio, key,
                             EVP_aes_256_cbc(), NULL, 0, NULL, password,
                             o->libctx, NULL),
        1);
    assert_int_equal(ossl_reason(), -SCU_E_UNSUPPORTED);
    BIO_free(bio);
    EVP_PKEY_free(key);
}

static int
answer(char *text, int size, int writing, void *arg)
{
    (void)writing;
    return snprintf(text, (size_t)size, "%s", (const char *)arg);
}

static int
refuse(char *text, int size, int writing, void *arg)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *
key_with_password(const struct ossl *o)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(o->libctx, "EC",
        "provider=scu");
    char group[] = "P-256", password[] = "the password";
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string("group", group, 0),
        OSSL_PARAM_construct_octet_string("password", password,
            strlen(password)),
        OSSL_PARAM_construct_end(),
    };

    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_params(ctx, params), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void
password__is_asked_for_and_checked(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = key_with_password(o), *back = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char right[] = "the password", wrong[] = "another";
    unsigned char sig[128];
    size_t len = sizeof(sig);

    back = write_and_read(o, key, answer, right);
    assert_non_null(back);
    ossl_sign_and_verify(o, back, "SHA256");
    EVP_PKEY_free(back);

    back = write_and_read(o, key, answer, wrong);
    assert_non_null(back);
    ERR_clear_error();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", o->libctx,
                         NULL, back, NULL),
        1);
    ERR_clear_error();
    assert_int_not_equal(
        EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"x", 1), 1);
    assert_int_equal(ossl_reason(), -SCU_E_AUTH);
    EVP_PKEY_free(back);

    ERR_clear_error();
    assert_null(write_and_read(o, key, refuse, NULL));
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void
copies__outlive_each_other(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_ec(o, "P-256");
    EVP_PKEY *copy = EVP_PKEY_dup(key);
    EVP_PKEY *like = EVP_PKEY_new();

    assert_non_null(copy);
    assert_int_equal(EVP_PKEY_copy_parameters(like, key), 1);
    assert_int_equal(EVP_PKEY_parameters_eq(like, key), 1);
    assert_int_not_equal(EVP_PKEY_eq(like, key), 1);
    EVP_PKEY_free(key);
    ossl_sign_and_verify(o, copy, "SHA256");
    EVP_PKEY_free(copy);
    EVP_PKEY_free(like);
}

/* A key of a curve by itself, as libssl's server and `genpkey -paramfile`. */
static void
curve_of_ours__makes_a_key_in_the_chip(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(o->libctx, "EC",
        "provider=scu");
    EVP_PKEY *curve = NULL, *key = NULL;

    assert_int_equal(EVP_PKEY_paramgen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_group_name(ctx, "P-384"), 1);
    assert_int_equal(EVP_PKEY_paramgen(ctx, &curve), 1);
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new_from_pkey(o->libctx, curve, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    assert_int_equal(EVP_PKEY_get_bits(key), 384);
    ossl_sign_and_verify(o, key, "SHA384");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(curve);
    EVP_PKEY_free(key);
}

static void
key_that_no_chip_has__is_refused(void **state)
{
    const struct ossl *o = *state;

    ERR_clear_error();
    assert_null(EVP_PKEY_Q_keygen(o->libctx, "provider=scu", "EC", "P-521"));
    assert_int_equal(ossl_reason(), -SCU_E_UNSUPPORTED);
    assert_null(
        EVP_PKEY_Q_keygen(o->libctx, "provider=scu", "RSA", (size_t)1024));
    assert_int_equal(ossl_reason(), -SCU_E_UNSUPPORTED);
}

static void
chip_key__refuses_to_decrypt(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_rsa(o, 2048);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(o->libctx, key, NULL);
    unsigned char boxed[256];
    size_t len = sizeof(boxed);

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(
        EVP_PKEY_encrypt(ctx, boxed, &len, (const unsigned char *)"x", 1), 1);
    ERR_clear_error();
    assert_int_not_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(ossl_reason(), -SCU_E_UNSUPPORTED);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void
reasons__have_the_texts_of_libscu(void **state)
{
#define ROW(name, value, ckr, exit_code, text) { value, text },
    static const struct {
        int value;
        const char *text;
    } rows[] = { SCU_ERROR_LIST(ROW) };
#undef ROW
    const struct ossl *o = *state;
    unsigned long packed = 0;

    ERR_clear_error();
    assert_null(EVP_PKEY_Q_keygen(o->libctx, "provider=scu", "EC", "P-521"));
    packed = ERR_peek_error();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(ERR_reason_error_string(ERR_PACK(
                                ERR_GET_LIB(packed), 0, -rows[i].value)),
            rows[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OSSL_BOTH(private_half__does_not_come_out),
        OSSL_BOTH(public_half__is_not_replaced),
        OSSL_BOTH(chip_key__equals_its_certificates_key),
        OSSL_BOTH(chip_key__is_written_and_read),
        OSSL_BOTH(cipher_for_a_chip_key__is_refused),
        OSSL_BOTH(password__is_asked_for_and_checked),
        OSSL_BOTH(copies__outlive_each_other),
        OSSL_BOTH(curve_of_ours__makes_a_key_in_the_chip),
        OSSL_BOTH(key_that_no_chip_has__is_refused),
        OSSL_BOTH(chip_key__refuses_to_decrypt),
        OSSL_BOTH(reasons__have_the_texts_of_libscu),
    };

    return cmocka_run_group_tests(tests, ossl_group_setup,
        ossl_group_teardown);
}
