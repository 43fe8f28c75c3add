/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/tss-backend/attest/forge.h"

#include "key/template.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include <cmocka.h>

const uint8_t forge_nonce[20] = "twenty octets, fresh";

static void
fill_ecc(struct forge *f, const char *curve)
{
    TPMS_ECC_POINT *point = &f->public.unique.ecc;
    size_t n = strcmp(curve, "P-256") == 0 ? 32 : 48;
    BIGNUM *x = NULL, *y = NULL;

    f->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
    assert_non_null(f->key);
    assert_int_equal(EVP_PKEY_get_bn_param(f->key, OSSL_PKEY_PARAM_EC_PUB_X,
        &x), 1);
    assert_int_equal(EVP_PKEY_get_bn_param(f->key, OSSL_PKEY_PARAM_EC_PUB_Y,
        &y), 1);
    point->x.size = point->y.size = (uint16_t)n;
    assert_int_equal(BN_bn2binpad(x, point->x.buffer, (int)n), n);
    assert_int_equal(BN_bn2binpad(y, point->y.buffer, (int)n), n);
    BN_free(x);
    BN_free(y);
    if (n == 48)
        f->public.parameters.eccDetail.curveID = TPM2_ECC_NIST_P384;
    f->scheme = TPM2_ALG_ECDSA;
}

static void
fill_rsa(struct forge *f, unsigned bits)
{
    TPM2B_PUBLIC_KEY_RSA *n = &f->public.unique.rsa;
    BIGNUM *modulus = NULL;

    f->key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    assert_non_null(f->key);
    memset(&f->public.parameters, 0, sizeof(f->public.parameters));
    f->public.type = TPM2_ALG_RSA;
    f->public.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
    f->public.parameters.rsaDetail.keyBits = (uint16_t)bits;
    assert_int_equal(EVP_PKEY_get_bn_param(f->key, OSSL_PKEY_PARAM_RSA_N,
        &modulus), 1);
    n->size = (uint16_t)(bits / 8);
    assert_int_equal(BN_bn2binpad(modulus, n->buffer, n->size), n->size);
    BN_free(modulus);
    f->scheme = TPM2_ALG_RSASSA;
}

static void
add_values(struct forge *f)
{
    uint8_t value[32] = { 0 };
    struct scu_pcr pcr = { .bank = "sha256", .value = value, .len = 32 };

    f->evidence = scu_evidence_new();
    assert_non_null(f->evidence);
    for (pcr.index = 0; pcr.index < 8; pcr.index++) {
        value[3] = (uint8_t)(pcr.index * 17);
        assert_int_equal(scu_evidence_add_pcr(f->evidence, &pcr), SCU_OK);
    }
}

void
forge_init(struct forge *f, const char *alg)
{
    TPMS_ATTEST *a = &f->attest;
    TPML_PCR_SELECTION *list = &a->attested.quote.pcrSelect;
    TPM2B_PUBLIC template;

    memset(f, 0, sizeof(*f));
    template_attestation(&template);
    f->public = template.publicArea;
    f->hash = TPM2_ALG_SHA256;
    if (strncmp(alg, "RSA-", 4) == 0)
        fill_rsa(f, (unsigned)atoi(alg + 4));
    else
        fill_ecc(f, alg);
    add_values(f);
    a->magic = TPM2_GENERATED_VALUE;
    a->type = TPM2_ST_ATTEST_QUOTE;
    a->extraData.size = sizeof(forge_nonce);
    memcpy(a->extraData.buffer, forge_nonce, sizeof(forge_nonce));
    a->clockInfo = (TPMS_CLOCK_INFO) {
        .clock = 123456, .resetCount = 7, .restartCount = 2, .safe = 1,
    };
    a->firmwareVersion = 0x2020011100120000;
    list->count = 1;
    list->pcrSelections[0] = (TPMS_PCR_SELECTION) {
        .hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = { 0xff },
    };
}

void
forge_clear(struct forge *f)
{
    EVP_PKEY_free(f->key);
    scu_evidence_free(&f->evidence);
}

static void
digest(TPMI_ALG_HASH alg, const void *data, size_t len, uint8_t *out,
    uint16_t *size)
{
    const struct verify_bank *bank = verify_bank_of(alg);
    struct bytes part = { data, len };

    assert_non_null(bank);
    assert_int_equal(verify_hash(NULL, bank, &part, 1, out), SCU_OK);
    *size = (uint16_t)bank->size;
}

/* All values in the order in which they were added. */
static void
fill_digest(struct forge *f)
{
    TPM2B_DIGEST *into = &f->attest.attested.quote.pcrDigest;
    uint8_t all[4096];
    struct scu_pcr pcr;
    size_t len = 0;

    for (size_t i = 0; scu_evidence_pcr_at(f->evidence, i, &pcr); i++) {
        memcpy(all + len, pcr.value, pcr.len);
        len += pcr.len;
    }
    digest(f->hash, all, len, into->buffer, &into->size);
}

static void
put_part(struct forge *f, enum scu_evidence_part part, const void *data,
    size_t len)
{
    assert_int_equal(scu_evidence_set_part(f->evidence, part, data, len),
        SCU_OK);
}

/* nameAlg || H(endorsement hierarchy || nameAlg || H(public area)) */
static void
fill_signer(struct forge *f, const uint8_t *area, size_t len)
{
    TPM2B_NAME *into = &f->attest.qualifiedSigner;
    TPMI_ALG_HASH alg = f->public.nameAlg;
    uint8_t text[4 + 2 + 64] = { 0x40, 0, 0, 0x0b, 0, 0 };
    uint16_t size = 0;

    if (verify_bank_of(alg) == NULL)
        return;
    text[4] = into->name[0] = (uint8_t)(alg >> 8);
    text[5] = into->name[1] = (uint8_t)alg;
    digest(alg, area, len, text + 6, &size);
    digest(alg, text, 6u + size, into->name + 2, &size);
    into->size = (uint16_t)(size + 2);
}

static void
fill_ecdsa(const uint8_t *der, size_t len, TPMT_SIGNATURE *signature)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    TPMS_SIGNATURE_ECC *into = &signature->signature.ecdsa;

    assert_non_null(sig);
    into->signatureR.size = (uint16_t)BN_bn2bin(ECDSA_SIG_get0_r(sig),
        into->signatureR.buffer);
    into->signatureS.size = (uint16_t)BN_bn2bin(ECDSA_SIG_get0_s(sig),
        into->signatureS.buffer);
    ECDSA_SIG_free(sig);
}

void
forge_sign_octets(struct forge *f)
{
    TPMT_SIGNATURE signature = {
        .sigAlg = f->scheme, .signature.any.hashAlg = f->hash,
    };
    const struct verify_bank *hash = verify_bank_of(f->hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    uint8_t sig[512], out[1024];
    size_t len = sizeof(sig), at = 0, attest_len = 0;
    const uint8_t *attest = scu_evidence_part(f->evidence, SCU_PART_ATTEST,
        &attest_len);

    assert_int_equal(EVP_DigestSignInit_ex(ctx, &how, hash->hash, NULL, NULL,
        f->key, NULL), 1);
    if (f->scheme == TPM2_ALG_RSAPSS)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how,
            RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_DigestSign(ctx, sig, &len, attest, attest_len), 1);
    EVP_MD_CTX_free(ctx);
    if (f->scheme == TPM2_ALG_ECDSA) {
        fill_ecdsa(sig, len, &signature);
    } else {
        signature.signature.rsassa.sig.size = (uint16_t)len;
        memcpy(signature.signature.rsassa.sig.buffer, sig, len);
    }
    assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, out,
        sizeof(out), &at), 0);
    put_part(f, SCU_PART_SIGNATURE, out, at);
}

void
forge_sign(struct forge *f)
{
    TPMT_ASYM_SCHEME *own = &f->public.parameters.asymDetail.scheme;
    uint8_t out[sizeof(TPMS_ATTEST)];
    size_t at = 0;

    own->scheme = f->scheme;
    own->details.anySig.hashAlg = f->hash;
    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&f->public, out, sizeof(out),
        &at), 0);
    put_part(f, SCU_PART_KEY, out, at);
    if (!f->keep_signer)
        fill_signer(f, out, at);
    if (!f->keep_digest)
        fill_digest(f);
    at = 0;
    assert_int_equal(Tss2_MU_TPMS_ATTEST_Marshal(&f->attest, out, sizeof(out),
        &at), 0);
    put_part(f, SCU_PART_ATTEST, out, at);
    forge_sign_octets(f);
}

char *
forge_pem(const struct forge *f)
{
    char *pem = NULL;
    size_t len = 0;

    assert_int_equal(scu_evidence_key_pem(f->evidence, &pem, &len), SCU_OK);
    assert_int_equal(strlen(pem), len);
    return pem;
}

enum scu_verdict_reason
forge_verdict(const struct forge *f, const char *pem,
    struct scu_verdict *verdict)
{
    const struct scu_expected expected = {
        .nonce = forge_nonce, .nonce_len = sizeof(forge_nonce),
        .key_pem = pem, .key_pem_len = pem == NULL ? 0 : strlen(pem),
    };

    assert_int_equal(scu_evidence_verify(f->evidence, &expected, verdict),
        SCU_OK);
    assert_non_null(verdict->name);
    assert_true(verdict->text[0] != '\0');
    return verdict->reason;
}

int
forge_setup(void **state)
{
    struct forge *f = malloc(sizeof(*f));

    *state = f;
    if (f == NULL)
        return -1;
    forge_init(f, "P-256");
    forge_sign(f);
    return 0;
}

int
forge_teardown(void **state)
{
    forge_clear(*state);
    free(*state);
    return 0;
}

void
forge_flip(struct forge *f, enum scu_evidence_part part, size_t at)
{
    uint8_t copy[sizeof(TPMS_ATTEST)];
    size_t len = 0;
    const uint8_t *data = scu_evidence_part(f->evidence, part, &len);

    assert_true(at < len);
    memcpy(copy, data, len);
    copy[at] ^= 1;
    put_part(f, part, copy, len);
}

void
forge_add_value(struct forge *f, const char *bank, unsigned index, size_t len)
{
    static const uint8_t value[64] = { 9, 9, 9 };
    const struct scu_pcr pcr = {
        .bank = bank, .index = index, .value = value, .len = len,
    };

    assert_int_equal(scu_evidence_add_pcr(f->evidence, &pcr), SCU_OK);
}
