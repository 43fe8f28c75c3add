/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ossl.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <scu/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Keys in the chip, as programs use them. */

static void
keys_of_each_kind__sign(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *keys[] = {
        ossl_chip_ec(o, "P-256"),
        ossl_chip_ec(o, "P-384"),
        ossl_chip_rsa(o, 2048),
    };
    static const char *const digests[] = {
        NULL, "SHA1", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA224",
    };

    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(ossl_holder(keys[i]), "scu");
        for (size_t j = 0; j < sizeof(digests) / sizeof(digests[0]); j++)
            ossl_sign_and_verify(o, keys[i], digests[j]);
        EVP_PKEY_free(keys[i]);
    }
}

/* What was hashed so far goes on in two ways; a final can be had twice. */
static void
stream__goes_on_in_copies(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_ec(o, "P-256");
    EVP_MD_CTX *one = EVP_MD_CTX_new(), *two = EVP_MD_CTX_new();
    unsigned char sig[128];
    size_t len = 0;

    assert_int_equal(EVP_DigestSignInit_ex(one, NULL, "SHA256", o->libctx,
                         NULL, key, NULL),
        1);
    assert_int_equal(EVP_DigestSignUpdate(one, "mess", 4), 1);
    assert_int_equal(EVP_MD_CTX_copy_ex(two, one), 1);
    assert_int_equal(EVP_DigestSignUpdate(two, "other", 5), 1);
    assert_int_equal(EVP_DigestSignUpdate(one, "age", 4), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(EVP_DigestSignFinal(one, NULL, &len), 1);
        assert_in_range(len, 70, sizeof(sig));
        assert_int_equal(EVP_DigestSignFinal(one, sig, &len), 1);
        ossl_verify_alone(key, "SHA256", sig, len);
    }
    len = sizeof(sig);
    assert_int_equal(EVP_DigestSignFinal(two, sig, &len), 1);
    EVP_MD_CTX_free(one);
    EVP_MD_CTX_free(two);
    EVP_PKEY_free(key);
}

static void
raw_signature__checks_the_digests_length(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_rsa(o, 2048);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(o->libctx, key, NULL);
    unsigned char digest[32] = { 1 }, sig[256];
    size_t len = sizeof(sig);

    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, NULL, &len, digest, 32), 1);
    assert_int_equal(len, 256);
    assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, digest, 32), 1);
    len = sizeof(sig);
    ERR_clear_error();
    assert_int_not_equal(EVP_PKEY_sign(ctx, sig, &len, digest, 31), 1);
    assert_int_equal(ossl_reason(), -SCU_E_ARG);
    len = 255;
    assert_int_not_equal(EVP_PKEY_sign(ctx, sig, &len, digest, 32), 1);
    assert_int_equal(ossl_reason(), -SCU_E_SIZE);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
}

/* The AlgorithmIdentifier's NID, after DigestSignInit and these settings. */
static int
algorithm(const struct ossl *o, EVP_PKEY *key, const char *digest, int salt,
    X509_ALGOR **out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    unsigned char der[256];
    const unsigned char *p = der;
    const ASN1_OBJECT *oid = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID,
            der, sizeof(der)),
        OSSL_PARAM_construct_end(),
    };

    assert_int_equal(
        EVP_DigestSignInit_ex(ctx, &pctx, digest, o->libctx, NULL, key, NULL),
        1);
    if (salt != 0) {
        assert_int_equal(
            EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, salt), 1);
    }
    assert_int_equal(EVP_PKEY_CTX_get_params(pctx, params), 1);
    *out = d2i_X509_ALGOR(NULL, &p, (long)params[0].return_size);
    assert_non_null(*out);
    assert_ptr_equal(p, der + params[0].return_size);
    X509_ALGOR_get0(&oid, NULL, NULL, *out);
    EVP_MD_CTX_free(ctx);
    return OBJ_obj2nid(oid);
}

static void
algorithm_identifier__is_that_of_x509(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *ec = ossl_chip_ec(o, "P-256"), *rsa = ossl_chip_rsa(o, 2048);
    X509_ALGOR *id = NULL;
    int type = 0;

    assert_int_equal(algorithm(o, ec, "SHA384", 0, &id), NID_ecdsa_with_SHA384);
    X509_ALGOR_get0(NULL, &type, NULL, id);
    assert_int_equal(type, V_ASN1_UNDEF);
    X509_ALGOR_free(id);
    assert_int_equal(algorithm(o, rsa, NULL, 0, &id),
        NID_sha256WithRSAEncryption);
    X509_ALGOR_get0(NULL, &type, NULL, id);
    assert_int_equal(type, V_ASN1_NULL);
    X509_ALGOR_free(id);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

static void
algorithm_identifier__has_the_parameters_of_pss(void **state)
{
    static const struct {
        int setting;
        long octets;
    } salts[] = {
        { RSA_PSS_SALTLEN_DIGEST, 32 },
        { RSA_PSS_SALTLEN_MAX, 256 - 32 - 2 },
        { 11, 11 },
    };
    const struct ossl *o = *state;
    EVP_PKEY *rsa = ossl_chip_rsa(o, 2048);

    for (size_t i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) {
        X509_ALGOR *id = NULL;
        RSA_PSS_PARAMS *pss = NULL;
        const void *value = NULL;
        const ASN1_OBJECT *hash = NULL;
        int type = 0;

        assert_int_equal(algorithm(o, rsa, "SHA256", salts[i].setting, &id),
            NID_rsassaPss);
        X509_ALGOR_get0(NULL, &type, &value, id);
        assert_int_equal(type, V_ASN1_SEQUENCE);
        pss = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
        assert_non_null(pss);
        X509_ALGOR_get0(&hash, NULL, NULL, pss->hashAlgorithm);
        assert_int_equal(OBJ_obj2nid(hash), NID_sha256);
        assert_int_equal(ASN1_INTEGER_get(pss->saltLength), salts[i].octets);
        RSA_PSS_PARAMS_free(pss);
        X509_ALGOR_free(id);
    }
    EVP_PKEY_free(rsa);
}

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
child__signs_and_leaves_the_parents_key(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = ossl_chip_ec(o, "P-256");
    pid_t child = 0;
    int status = -1;

    ossl_sign_and_verify(o, key, "SHA256");
    child = fork();
    if (child == 0) {
        ossl_sign_and_verify(o, key, "SHA256");
        EVP_PKEY_free(key);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ossl_sign_and_verify(o, key, "SHA256");
    EVP_PKEY_free(key);
}

struct work {
    const struct ossl *o;
    EVP_PKEY *key;
    int good;
};

/* cmocka's assertions are the main thread's. */
static void *
sign_often(void *arg)
{
    struct work *work = arg;

    for (int i = 0; i < 10; i++) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        unsigned char sig[128];
        size_t len = sizeof(sig);

        if (EVP_DigestSignInit_ex(ctx, NULL, "SHA256", work->o->libctx, NULL,
                work->key, NULL) == 1 &&
            EVP_DigestSign(ctx, sig, &len, (const unsigned char *)"x", 1) ==
                1) {
            work->good++;
        }
        EVP_MD_CTX_free(ctx);
    }
    OPENSSL_thread_stop_ex(work->o->libctx);
    return NULL;
}

static void
threads__share_a_key(void **state)
{
    struct work work[4];
    pthread_t threads[4];
    EVP_PKEY *key = ossl_chip_ec(*state, "P-256");

    for (size_t i = 0; i < 4; i++) {
        work[i] = (struct work){ .o = *state, .key = key };
        assert_int_equal(
            pthread_create(&threads[i], NULL, sign_often, &work[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(work[i].good, 10);
    }
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
        OSSL_BOTH(keys_of_each_kind__sign),
        OSSL_BOTH(stream__goes_on_in_copies),
        OSSL_BOTH(raw_signature__checks_the_digests_length),
        OSSL_BOTH(algorithm_identifier__is_that_of_x509),
        OSSL_BOTH(algorithm_identifier__has_the_parameters_of_pss),
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
        OSSL_BOTH(child__signs_and_leaves_the_parents_key),
        OSSL_BOTH(threads__share_a_key),
        OSSL_BOTH(reasons__have_the_texts_of_libscu),
    };

    return cmocka_run_group_tests(tests, ossl_group_setup,
        ossl_group_teardown);
}
