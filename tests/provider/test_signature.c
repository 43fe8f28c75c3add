/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ossl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <scu/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Signatures by keys in the chip. */

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OSSL_BOTH(keys_of_each_kind__sign),
        OSSL_BOTH(stream__goes_on_in_copies),
        OSSL_BOTH(raw_signature__checks_the_digests_length),
        OSSL_BOTH(algorithm_identifier__is_that_of_x509),
        OSSL_BOTH(algorithm_identifier__has_the_parameters_of_pss),
        OSSL_BOTH(child__signs_and_leaves_the_parents_key),
        OSSL_BOTH(threads__share_a_key),
    };

    return cmocka_run_group_tests(tests, ossl_group_setup,
        ossl_group_teardown);
}
