/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ossl.h"

#include "tests/lib/swtpm.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <scu/chip.h>
#include <scu/provision.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const unsigned char message[] = "message";

static int
provision(void)
{
    const struct scu_provision_options options = { 0 };
    struct scu_provision_report report;
    struct scu_chip *chip = NULL;
    int rc = scu_chip_open(NULL, &chip);

    if (rc == SCU_OK)
        rc = scu_provision(chip, &options, &report);
    if (rc != SCU_OK)
        fprintf(stderr, "provisioning: %s\n", scu_error_detail());
    scu_chip_free(&chip);
    return rc == SCU_OK ? 0 : -1;
}

int
ossl_group_setup(void **state)
{
    struct ossl *o = calloc(1, sizeof(*o));

    if (o == NULL || (o->sim = sim_new()) == NULL) {
        free(o);
        return -1;
    }
    (void)snprintf(o->state, sizeof(o->state), "%s/state", sim_dir(o->sim));
    setenv("SCU_TCTI", sim_tcti(o->sim), 1);
    setenv("SCU_STATE", o->state, 1);
    *state = o;
    return provision();
}

int
ossl_group_teardown(void **state)
{
    struct ossl *o = *state;

    if (o != NULL)
        sim_free(&o->sim);
    free(o);
    return 0;
}

static int
load(struct ossl *o, const char *first, const char *second)
{
    o->scu_first = strcmp(first, "scu") == 0;
    o->libctx = OSSL_LIB_CTX_new();
    if (o->libctx == NULL)
        return -1;
    o->providers[0] = OSSL_PROVIDER_load(o->libctx, first);
    o->providers[1] = OSSL_PROVIDER_load(o->libctx, second);
    if (o->providers[0] == NULL || o->providers[1] == NULL) {
        ERR_print_errors_fp(stderr);
        return -1;
    }
    return 0;
}

int
ossl_scu_first(void **state)
{
    return load(*state, "scu", "default");
}

int
ossl_default_first(void **state)
{
    return load(*state, "default", "scu");
}

int
ossl_teardown(void **state)
{
    struct ossl *o = *state;

    for (size_t i = 0; i < 2; i++) {
        if (o->providers[i] != NULL)
            OSSL_PROVIDER_unload(o->providers[i]);
        o->providers[i] = NULL;
    }
    OSSL_LIB_CTX_free(o->libctx);
    o->libctx = NULL;
    ERR_clear_error();
    return 0;
}

static EVP_PKEY *
made(EVP_PKEY *key)
{
    if (key == NULL)
        ERR_print_errors_fp(stderr);
    assert_non_null(key);
    return key;
}

EVP_PKEY *
ossl_chip_ec(const struct ossl *o, const char *group)
{
    return made(EVP_PKEY_Q_keygen(o->libctx, "provider=scu", "EC", group));
}

EVP_PKEY *
ossl_chip_rsa(const struct ossl *o, size_t bits)
{
    return made(EVP_PKEY_Q_keygen(o->libctx, "provider=scu", "RSA", bits));
}

EVP_PKEY *
ossl_software(const char *type, const char *group)
{
    if (group != NULL)
        return made(EVP_PKEY_Q_keygen(NULL, NULL, type, group));
    return made(EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)2048));
}

EVP_PKEY *
ossl_import(const struct ossl *o, const EVP_PKEY *key, int selection)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(o->libctx,
        EVP_PKEY_get0_type_name(key), NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *copy = NULL;

    assert_int_equal(EVP_PKEY_todata(key, selection, &params), 1);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &copy, selection, params), 1);
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    assert_string_equal(ossl_holder(copy), o->scu_first ? "scu" : "default");
    return made(copy);
}

const char *
ossl_holder(const EVP_PKEY *key)
{
    const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(key);

    return provider != NULL ? OSSL_PROVIDER_get0_name(provider) : "";
}

void
ossl_verify_alone(const EVP_PKEY *key, const char *digest,
    const unsigned char *sig, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *copy = EVP_PKEY_CTX_new_from_name(NULL,
        EVP_PKEY_get0_type_name(key), NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *public = NULL;

    assert_int_equal(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1);
    assert_int_equal(EVP_PKEY_fromdata_init(copy), 1);
    assert_int_equal(EVP_PKEY_fromdata(copy, &public, EVP_PKEY_PUBLIC_KEY,
                         params),
        1);
    assert_string_equal(ossl_holder(public), "default");
    assert_int_equal(EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL,
                         public, NULL),
        1);
    assert_int_equal(EVP_DigestVerify(ctx, sig, len, message, sizeof(message)),
        1);
    EVP_PKEY_free(public);
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(copy);
    EVP_MD_CTX_free(ctx);
}

void
ossl_sign_and_verify(const struct ossl *o, EVP_PKEY *key, const char *digest)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sig[512];
    size_t len = sizeof(sig);

    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest, o->libctx, NULL,
                         key, NULL),
        1);
    if (EVP_DigestSign(ctx, sig, &len, message, sizeof(message)) != 1) {
        ERR_print_errors_fp(stderr);
        fail_msg("no signature");
    }
    EVP_MD_CTX_reset(ctx);
    assert_int_equal(EVP_DigestVerifyInit_ex(ctx, NULL, digest, o->libctx,
                         NULL, key, NULL),
        1);
    assert_int_equal(EVP_DigestVerify(ctx, sig, len, message, sizeof(message)),
        1);
    EVP_MD_CTX_reset(ctx);
    sig[len / 2] ^= 1;
    assert_int_equal(EVP_DigestVerifyInit_ex(ctx, NULL, digest, o->libctx,
                         NULL, key, NULL),
        1);
    assert_int_not_equal(
        EVP_DigestVerify(ctx, sig, len, message, sizeof(message)), 1);
    sig[len / 2] ^= 1;
    ossl_verify_alone(key, digest, sig, len);
    EVP_MD_CTX_free(ctx);
}

int
ossl_reason(void)
{
    int reason = ERR_GET_REASON(ERR_peek_error());

    ERR_clear_error();
    return reason;
}
