/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "judge.h"

#include "key/key-private.h"
#include "key/template.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The builder borrows the point. */
static void
push_ec(OSSL_PARAM_BLD *build, const struct scu_key *key,
    const struct scu_public *public, uint8_t *point)
{
    point[0] = 4;
    memcpy(point + 1, public->x, public->xy_len);
    memcpy(point + 1 + public->xy_len, public->y, public->xy_len);
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
        scu_alg_group(scu_key_alg(key)), 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
        1 + 2 * public->xy_len);
}

EVP_PKEY *
judge_public(const struct scu_key *key)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    struct scu_public public;
    uint8_t point[1 + 2 * KEY_MAX_COORDINATE];
    EVP_PKEY_CTX *ctx;
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params;
    BIGNUM *n = NULL;

    scu_key_public(key, &public);
    if (public.kind == SCU_KIND_RSA) {
        n = BN_bin2bn(public.n, (int)public.n_len, NULL);
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
        OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, public.e);
    } else {
        push_ec(build, key, &public, point);
    }
    params = OSSL_PARAM_BLD_to_param(build);
    ctx = EVP_PKEY_CTX_new_from_name(NULL,
        public.kind == SCU_KIND_RSA ? "RSA" : "EC", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY,
        params), 1);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    return pkey;
}

bool
judge_verifies(const struct scu_key *key, const struct scu_scheme *scheme,
    int salt, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
    size_t sig_len)
{
    EVP_PKEY *pkey = judge_public(key);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    const char *hash = scu_scheme_hash(scheme);
    EVP_MD *md = NULL;
    int ok;

    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    if (scheme->tpm == TPM2_ALG_RSASSA)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
            RSA_PKCS1_PADDING), 1);
    if (scheme->tpm == TPM2_ALG_RSAPSS)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx,
            RSA_PKCS1_PSS_PADDING), 1);
    if (hash != NULL) {
        md = EVP_MD_fetch(NULL, hash, NULL);
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
    }
    if (scheme->tpm == TPM2_ALG_RSAPSS)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt), 1);
    ok = EVP_PKEY_verify(ctx, sig, sig_len, digest, digest_len);
    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return ok == 1;
}

struct making {
    const TPM2B_PUBLIC *template;
    const char *password;
    TPM2_HANDLE hierarchy, persistent;
    bool rsa;
    struct keyfile file;
};

static int
create(struct scu_chip *chip, struct making *m, TPM2_HANDLE parent,
    const TPM2B_NAME *name)
{
    const struct chip_command command = {
        .code = TPM2_CC_Create, .handles = 1, .auths = 1, .names = { name },
    };
    TPM2B_SENSITIVE_CREATE sensitive = { 0 };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION pcrs = { 0 };
    TPM2B_CREATION_DATA data = { 0 };
    TPM2B_DIGEST digest = { 0 };
    TPMT_TK_CREATION ticket = { 0 };
    TPM2B_AUTH *auth = &sensitive.sensitive.userAuth;
    int rc = SCU_OK;

    m->file.private.size = 0;
    m->file.public.size = 0;
    if (m->password != NULL)
        rc = b2_set(&auth->size, auth->buffer, sizeof(auth->buffer),
            m->password, strlen(m->password));
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_Create_Prepare(chip->sys, parent,
            &sensitive, m->template, &outside, &pcrs), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_Create_Complete(chip->sys,
            &m->file.private, &m->file.public, &data, &digest, &ticket),
            command.code);
    return rc;
}

static int
make(struct scu_chip *chip, void *arg)
{
    return create(chip, arg, chip->storage.handle, &chip->storage.name);
}

static struct scu_key *
finish(struct scu_chip *chip, chip_operation *operation, struct making *m)
{
    struct scu_key *key = NULL;

    if (chip_perform(chip, CHIP_REPEATABLE, operation, m) != SCU_OK)
        fail_msg("%s", scu_error_detail());
    m->file.empty_auth = m->password == NULL;
    assert_int_equal(key_new(chip, &m->file, &key), SCU_OK);
    return key;
}

struct scu_key *
judge_make_key(struct scu_chip *chip, const TPM2B_PUBLIC *template,
    const char *password)
{
    struct making m = {
        .template = template, .password = password,
        .file.parent = 0x81000001,
    };

    return finish(chip, make, &m);
}

static int
keep(struct scu_chip *chip, const struct chip_primary *primary,
    TPM2_HANDLE handle)
{
    TPM2B_NAME owner;
    const struct chip_command command = {
        .code = TPM2_CC_EvictControl, .handles = 2, .auths = 1,
        .names = { &owner, &primary->name },
    };
    int rc;

    chip_handle_name(TPM2_RH_OWNER, &owner);
    rc = chip_prepared(Tss2_Sys_EvictControl_Prepare(chip->sys,
        TPM2_RH_OWNER, primary->handle, handle), command.code);
    return rc == SCU_OK ? chip_run(chip, &command) : rc;
}

static int
make_below(struct scu_chip *chip, void *arg)
{
    struct making *m = arg;
    TPM2B_PUBLIC template;
    struct chip_primary primary = {
        .hierarchy = m->hierarchy, .template = &template,
    };
    int rc;

    if (m->rsa)
        template_storage_rsa(&template);
    else
        template_storage_ecc(&template);
    if ((rc = chip_create_primary(chip, &primary)) != SCU_OK)
        return rc;
    rc = create(chip, m, primary.handle, &primary.name);
    if (rc == SCU_OK && m->persistent != 0)
        rc = keep(chip, &primary, m->persistent);
    (void)chip_flush(chip, primary.handle);
    return rc;
}

struct scu_key *
judge_make_key_below(struct scu_chip *chip, TPM2_HANDLE hierarchy, bool rsa,
    TPM2_HANDLE persistent)
{
    TPM2B_PUBLIC template;
    struct making m = {
        .template = &template, .hierarchy = hierarchy, .rsa = rsa,
        .persistent = persistent,
    };

    template_key(scu_alg_by_name("P-256"), &template);
    m.file.parent = persistent != 0 ? persistent : hierarchy;
    m.file.rsa_parent = rsa && persistent == 0;
    return finish(chip, make_below, &m);
}
