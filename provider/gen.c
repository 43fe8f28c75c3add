/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "gen.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BITS 2048
#define EXPONENT 65537 /* the one that chips have */
#define MAX_PASSWORD 256
#define PARAM_PASSWORD "password"

struct gen_ctx {
    struct prov_ctx *prov;
    const struct key_type *type;
    int selection;
    bool ephemeral;   /* in software */
    size_t bits;      /* RSA */
    OSSL_PARAM *given;      /* EC: all that was set */
    struct prov_key *curve; /* what that makes, once there is enough */
    uint8_t *password;
    size_t password_len;
};

void
prov_gen_cleanup(void *genctx)
{
    struct gen_ctx *ctx = genctx;

    if (ctx == NULL)
        return;
    prov_key_unref(ctx->curve);
    OSSL_PARAM_free(ctx->given);
    OPENSSL_clear_free(ctx->password, ctx->password_len);
    prov_unref(ctx->prov);
    free(ctx);
}

static void *
gen_init(struct prov_ctx *prov, const struct key_type *type, int selection,
    const OSSL_PARAM params[])
{
    struct gen_ctx *ctx = calloc(1, sizeof(*ctx));

    if (ctx == NULL)
        return NULL;
    ctx->prov = prov_ref(prov);
    ctx->type = type;
    ctx->selection = selection;
    ctx->bits = DEFAULT_BITS;
    if (!prov_gen_set_params(ctx, params)) {
        prov_gen_cleanup(ctx);
        ctx = NULL;
    }
    return ctx;
}

void *
prov_gen_init_rsa(void *provctx, int selection, const OSSL_PARAM params[])
{
    return gen_init(provctx, &prov_key_rsa, selection, params);
}

void *
prov_gen_init_ec(void *provctx, int selection, const OSSL_PARAM params[])
{
    return gen_init(provctx, &prov_key_ec, selection, params);
}

const OSSL_PARAM *
prov_gen_settable_rsa(void *genctx, void *provctx)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_size_t(OSSL_PKEY_PARAM_RSA_BITS, NULL),
        OSSL_PARAM_size_t(OSSL_PKEY_PARAM_RSA_PRIMES, NULL),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_octet_string(PARAM_PASSWORD, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)genctx;
    (void)provctx;
    return settable;
}

const OSSL_PARAM *
prov_gen_settable_ec(void *genctx, void *provctx)
{
    static const OSSL_PARAM settable[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
            NULL, 0),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_USE_COFACTOR_ECDH, NULL),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_P, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_A, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_B, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_GENERATOR, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_ORDER, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_COFACTOR, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_SEED, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_FIELD_TYPE, NULL, 0),
        OSSL_PARAM_octet_string(PARAM_PASSWORD, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)genctx;
    (void)provctx;
    return settable;
}

static bool
set_password(struct gen_ctx *ctx, const OSSL_PARAM *param)
{
    void *password = NULL;
    size_t len = 0;

    if (!OSSL_PARAM_get_octet_string(param, &password, MAX_PASSWORD, &len))
        return false;
    OPENSSL_clear_free(ctx->password, ctx->password_len);
    ctx->password = password;
    ctx->password_len = len;
    return true;
}

static bool
set_rsa(struct gen_ctx *ctx, const OSSL_PARAM params[])
{
    const OSSL_PARAM *bits = NULL, *primes = NULL, *e = NULL;
    size_t number = 2;
    uint64_t exponent = EXPONENT;

    bits = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_BITS);
    primes = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_PRIMES);
    e = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_E);
    if ((bits != NULL && !OSSL_PARAM_get_size_t(bits, &ctx->bits)) ||
        (primes != NULL && !OSSL_PARAM_get_size_t(primes, &number)) ||
        (e != NULL && !OSSL_PARAM_get_uint64(e, &exponent)) || number != 2 ||
        exponent != EXPONENT) {
        return prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "RSA keys in the chip have two primes and exponent 65537");
    }
    return true;
}

/*
 * What is set later adds to what was set before. A curve is a name or all of
 * its numbers, as the default provider has them.
 */
static bool
add_curve_params(struct gen_ctx *ctx, const OSSL_PARAM params[])
{
    OSSL_PARAM *merged = OSSL_PARAM_merge(ctx->given, params);
    OSSL_PARAM *all = merged != NULL ? OSSL_PARAM_dup(merged) : NULL;
    struct prov_key *curve = NULL;

    OPENSSL_free(merged);
    if (all == NULL)
        return false;
    OSSL_PARAM_free(ctx->given);
    ctx->given = all;
    if (OSSL_PARAM_locate(all, OSSL_PKEY_PARAM_GROUP_NAME) == NULL &&
        OSSL_PARAM_locate(all, OSSL_PKEY_PARAM_EC_P) == NULL) {
        return true;
    }
    curve = prov_key_new(ctx->prov, ctx->type);
    if (curve == NULL ||
        !prov_key_import(curve, EVP_PKEY_KEY_PARAMETERS, all)) {
        prov_key_unref(curve);
        return false;
    }
    prov_key_unref(ctx->curve);
    ctx->curve = curve;
    return true;
}

static bool
set_curve(struct gen_ctx *ctx, const OSSL_PARAM params[])
{
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params,
        OSSL_PKEY_PARAM_GROUP_NAME);
    OSSL_PARAM group[] = { OSSL_PARAM_END, OSSL_PARAM_END };
    OSSL_PARAM *named = NULL;
    size_t len = strlen(PROV_GROUP_EPHEMERAL);
    const char *name = NULL;
    bool ok = false;

    if (p == NULL || !OSSL_PARAM_get_utf8_string_ptr(p, &name) ||
        strncmp(name, PROV_GROUP_EPHEMERAL, len) != 0)
        return add_curve_params(ctx, params);
    ctx->ephemeral = true;
    group[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
        (char *)(uintptr_t)(name + len), 0);
    named = OSSL_PARAM_merge(params, group);
    ok = named != NULL && add_curve_params(ctx, named);
    OPENSSL_free(named);
    return ok;
}

/* The same without the password, which is not to lie about in copies. */
static OSSL_PARAM *
without_password(const OSSL_PARAM params[])
{
    OSSL_PARAM *others = NULL;
    size_t n = 0, kept = 0;

    while (params[n].key != NULL)
        n++;
    others = calloc(n + 1, sizeof(*others));
    if (others == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(params[i].key, PARAM_PASSWORD) != 0)
            others[kept++] = params[i];
    }
    others[kept] = OSSL_PARAM_construct_end();
    return others;
}

int
prov_gen_set_params(void *genctx, const OSSL_PARAM params[])
{
    struct gen_ctx *ctx = genctx;
    const OSSL_PARAM *password = NULL;
    OSSL_PARAM *others = NULL;
    bool ok = true;

    if (params == NULL || params->key == NULL)
        return 1;
    password = OSSL_PARAM_locate_const(params, PARAM_PASSWORD);
    if (password != NULL && !set_password(ctx, password))
        return 0;
    others = without_password(params);
    if (others == NULL)
        return 0;
    if (others->key != NULL) {
        ok = ctx->type->kind == SCU_KIND_RSA ? set_rsa(ctx, others)
                                             : set_curve(ctx, others);
    }
    free(others);
    return ok;
}

/* Another key, or a curve by itself, whose curve is to be taken. */
int
prov_gen_set_template(void *genctx, void *keydata)
{
    struct gen_ctx *ctx = genctx;
    const struct prov_key *like = keydata;
    OSSL_PARAM *params = NULL;
    bool ok = false;

    if (like->soft != NULL &&
        EVP_PKEY_todata(like->soft, EVP_PKEY_KEY_PARAMETERS, &params) == 1) {
        ok = set_curve(ctx, params);
    }
    ctx->ephemeral = ctx->ephemeral || like->ephemeral;
    OSSL_PARAM_free(params);
    return ok;
}

static const struct scu_alg *
find_alg(enum scu_kind kind, size_t bits, const char *group)
{
    const struct scu_alg *alg = NULL;

    for (size_t i = 0; (alg = scu_alg_at(i)) != NULL; i++) {
        if (scu_alg_kind(alg) == kind &&
            (kind == SCU_KIND_RSA
                    ? scu_alg_bits(alg) == bits
                    : strcmp(scu_alg_group(alg), group) == 0)) {
            return alg;
        }
    }
    return NULL;
}

static const struct scu_alg *
choose_alg(struct gen_ctx *ctx)
{
    const struct scu_alg *alg = NULL;
    char group[64] = "";
    size_t len = 0;

    if (ctx->type->kind == SCU_KIND_RSA) {
        alg = find_alg(SCU_KIND_RSA, ctx->bits, NULL);
        if (alg == NULL) {
            prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
                "RSA keys of %zu bits cannot be made in the chip", ctx->bits);
        }
        return alg;
    }
    if (ctx->curve == NULL) {
        prov_raise(ctx->prov, SCU_E_ARG, "no curve was given for the key");
        return NULL;
    }
    ERR_set_mark();
    if (EVP_PKEY_get_group_name(ctx->curve->soft, group, sizeof(group),
            &len) != 1)
        (void)snprintf(group, sizeof(group), "%s", "without a name");
    ERR_pop_to_mark();
    alg = find_alg(SCU_KIND_EC, 0, group);
    if (alg == NULL) {
        prov_raise(ctx->prov, SCU_E_UNSUPPORTED,
            "EC keys on curve %s cannot be made in the chip", group);
    }
    return alg;
}

/* In software: the curve by itself, or an ephemeral key on it. */
static struct prov_key *
gen_software(const struct gen_ctx *ctx)
{
    struct prov_key *key = NULL;
    EVP_PKEY_CTX *software = NULL;
    bool ok = false;

    if (ctx->curve == NULL) {
        prov_raise(ctx->prov, SCU_E_ARG, "no curve was given");
        return NULL;
    }
    ctx->curve->ephemeral = ctx->ephemeral;
    if ((ctx->selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
        return prov_key_dup(ctx->curve, EVP_PKEY_KEY_PARAMETERS);
    key = prov_key_new(ctx->prov, ctx->type);
    if (key == NULL)
        return NULL;
    software = EVP_PKEY_CTX_new_from_pkey(prov_libctx(ctx->prov),
        ctx->curve->soft, NULL);
    ok = software != NULL && EVP_PKEY_keygen_init(software) == 1 &&
        EVP_PKEY_keygen(software, &key->soft) == 1;
    EVP_PKEY_CTX_free(software);
    if (!ok) {
        prov_key_unref(key);
        return NULL;
    }
    prov_key_learn(key);
    return key;
}

void *
prov_gen(void *genctx, OSSL_CALLBACK *progress, void *arg)
{
    struct gen_ctx *ctx = genctx;
    const struct scu_alg *alg = NULL;
    struct scu_chip *chip = NULL;
    struct scu_key *made = NULL;
    struct prov_key *key = NULL;
    int rc = 0;

    (void)progress;
    (void)arg;
    if (ctx->ephemeral ||
        (ctx->selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) {
        return gen_software(ctx);
    }
    if ((alg = choose_alg(ctx)) == NULL ||
        (chip = prov_chip(ctx->prov)) == NULL) {
        return NULL;
    }
    rc = scu_key_generate(chip, alg, ctx->password, ctx->password_len, &made);
    if (rc != SCU_OK) {
        prov_raise_scu(ctx->prov, rc);
        return NULL;
    }
    key = prov_key_from_chip(ctx->prov, &made);
    scu_key_free(&made);
    return key;
}
