/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * The verifier: signatures that are put together by hand. All else in the
 * evidence is good, and the key is the expected one.
 */
#include "tests/tss-backend/attest/forge.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include <cmocka.h>

static void
get_signature(const struct forge *f, TPMT_SIGNATURE *signature)
{
    size_t len = 0, at = 0;
    const uint8_t *data = scu_evidence_part(f->evidence, SCU_PART_SIGNATURE,
        &len);

    assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Unmarshal(data, len, &at,
        signature), 0);
}

static void
put_signature(struct forge *f, const TPMT_SIGNATURE *signature)
{
    uint8_t out[sizeof(TPMT_SIGNATURE)];
    size_t at = 0;

    assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(signature, out,
        sizeof(out), &at), 0);
    assert_int_equal(scu_evidence_set_part(f->evidence, SCU_PART_SIGNATURE,
        out, at), SCU_OK);
}

static enum scu_verdict_reason
verdict_of(struct forge *f)
{
    struct scu_verdict verdict;
    char *pem = forge_pem(f);
    enum scu_verdict_reason reason = forge_verdict(f, pem, &verdict);

    free(pem);
    return reason;
}

/* --- ECDSA --------------------------------------------------------------- */

static void
set_number(TPM2B_ECC_PARAMETER *number, const BIGNUM *value)
{
    number->size = (uint16_t)BN_bn2bin(value, number->buffer);
}

static void
ecdsa__zero(void **state)
{
    struct forge *f = *state;
    TPMT_SIGNATURE good, bad;

    get_signature(f, &good);
    bad = good;
    bad.signature.ecdsa.signatureR.size = 0;
    put_signature(f, &bad);
    assert_int_equal(verdict_of(f), SCU_VERDICT_SIGNATURE);
    bad = good;
    memset(bad.signature.ecdsa.signatureS.buffer, 0, 32);
    put_signature(f, &bad);
    assert_int_equal(verdict_of(f), SCU_VERDICT_SIGNATURE);
    memset(bad.signature.ecdsa.signatureR.buffer, 0, 32);
    put_signature(f, &bad);
    assert_int_equal(verdict_of(f), SCU_VERDICT_SIGNATURE);
}

/* The same numbers modulo the order of the curve. */
static void
ecdsa__number_above_the_order(void **state)
{
    struct forge *f = *state;
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    TPMT_SIGNATURE good, bad;
    BIGNUM *sum = BN_new();

    get_signature(f, &good);
    bad = good;
    assert_non_null(BN_bin2bn(good.signature.ecdsa.signatureR.buffer,
        good.signature.ecdsa.signatureR.size, sum));
    assert_int_equal(BN_add(sum, sum, EC_GROUP_get0_order(group)), 1);
    set_number(&bad.signature.ecdsa.signatureR, sum);
    put_signature(f, &bad);
    assert_int_equal(verdict_of(f), SCU_VERDICT_SIGNATURE);
    bad = good;
    set_number(&bad.signature.ecdsa.signatureS, EC_GROUP_get0_order(group));
    put_signature(f, &bad);
    assert_int_equal(verdict_of(f), SCU_VERDICT_SIGNATURE);
    EC_GROUP_free(group);
    BN_free(sum);
}

/* More octets than the curve has: no chip writes a number so. */
static void
ecdsa__number_longer_than_the_curve(void **state)
{
    struct forge *f = *state;
    TPMT_SIGNATURE signature;
    TPM2B_ECC_PARAMETER *s = &signature.signature.ecdsa.signatureS;

    get_signature(f, &signature);
    memmove(s->buffer + 33 - s->size, s->buffer, s->size);
    memset(s->buffer, 0, 33u - s->size);
    s->size = 33;
    put_signature(f, &signature);
    assert_int_equal(verdict_of(f), SCU_VERDICT_SIGNATURE);
}

/* --- RSA ----------------------------------------------------------------- */

/* A signature that begins with a zero, without it. */
static void
rsa__shorter_than_the_modulus(void **state)
{
    static const TPMI_ALG_SIG_SCHEME schemes[] = {
        TPM2_ALG_RSASSA, TPM2_ALG_RSAPSS,
    };
    TPMT_SIGNATURE signature = { 0 };
    TPM2B_PUBLIC_KEY_RSA *sig = &signature.signature.rsassa.sig;
    struct forge f;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        forge_init(&f, "RSA-2048");
        f.scheme = schemes[i];
        do {
            f.attest.clockInfo.clock++; /* another signature */
            forge_sign(&f);
            get_signature(&f, &signature);
        } while (sig->buffer[0] != 0);
        assert_int_equal(verdict_of(&f), SCU_VERDICT_OK);
        memmove(sig->buffer, sig->buffer + 1, --sig->size);
        put_signature(&f, &signature);
        assert_int_equal(verdict_of(&f), SCU_VERDICT_SIGNATURE);
        forge_clear(&f);
    }
}

/* The padding of one scheme under the name of the other. */
static void
rsa__padding_of_the_other_scheme(void **state)
{
    struct forge f;

    (void)state;
    forge_init(&f, "RSA-2048");
    f.scheme = TPM2_ALG_RSAPSS;
    forge_sign(&f);
    f.evidence->parts[SCU_PART_SIGNATURE - 1].data[1] = TPM2_ALG_RSASSA;
    assert_int_equal(verdict_of(&f), SCU_VERDICT_ALGORITHM);
    f.scheme = TPM2_ALG_RSASSA;
    forge_sign(&f);
    f.scheme = TPM2_ALG_RSAPSS;
    forge_sign_octets(&f);
    f.evidence->parts[SCU_PART_SIGNATURE - 1].data[1] = TPM2_ALG_RSASSA;
    assert_int_equal(verdict_of(&f), SCU_VERDICT_SIGNATURE);
    forge_clear(&f);
}

static void
rsa__exponent_3(void **state)
{
    struct scu_verdict verdict;
    struct forge f;

    (void)state;
    forge_init(&f, "RSA-2048");
    f.public.parameters.rsaDetail.exponent = 3;
    forge_sign(&f);
    assert_int_equal(forge_verdict(&f, NULL, &verdict),
        SCU_VERDICT_ALGORITHM);
    forge_clear(&f);
}

/* --- schemes ------------------------------------------------------------- */

static void
scheme__of_another_kind_of_key(void **state)
{
    struct forge *f = *state;
    TPMT_SIGNATURE signature = {
        .sigAlg = TPM2_ALG_RSASSA,
        .signature.rsassa = { .hash = TPM2_ALG_SHA256, .sig.size = 256 },
    };

    put_signature(f, &signature);
    assert_int_equal(verdict_of(f), SCU_VERDICT_ALGORITHM);
}

static void
scheme__none_or_symmetric(void **state)
{
    struct forge *f = *state;
    TPMT_SIGNATURE signature = { .sigAlg = TPM2_ALG_NULL };

    put_signature(f, &signature);
    assert_int_equal(verdict_of(f), SCU_VERDICT_ALGORITHM);
    signature = (TPMT_SIGNATURE) {
        .sigAlg = TPM2_ALG_HMAC,
        .signature.hmac.hashAlg = TPM2_ALG_SHA256,
    };
    put_signature(f, &signature);
    assert_int_equal(verdict_of(f), SCU_VERDICT_ALGORITHM);
}

/* The right numbers under the name of a scheme that is alike. */
static void
scheme__of_an_ecc_key_that_is_not_accepted(void **state)
{
    static const TPMI_ALG_SIG_SCHEME schemes[] = {
        TPM2_ALG_ECSCHNORR, TPM2_ALG_SM2, TPM2_ALG_ECDAA,
    };
    struct forge *f = *state;
    TPMT_SIGNATURE signature;

    get_signature(f, &signature);
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        signature.sigAlg = schemes[i];
        put_signature(f, &signature);
        assert_int_equal(verdict_of(f), SCU_VERDICT_ALGORITHM);
    }
}

/* A key without a scheme of its own signs by any. */
static void
scheme__key_has_none(void **state)
{
    struct forge *f = *state;
    TPMT_ASYM_SCHEME *own = &f->public.parameters.asymDetail.scheme;
    uint8_t out[sizeof(TPMT_PUBLIC)];
    size_t at = 0;

    own->scheme = TPM2_ALG_NULL;
    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&f->public, out, sizeof(out),
        &at), 0);
    assert_int_equal(scu_evidence_set_part(f->evidence, SCU_PART_KEY, out,
        at), SCU_OK);
    assert_int_equal(verdict_of(f), SCU_VERDICT_ALGORITHM);
}

/* A key for HMAC, whose parameters are of other shape. */
static void
scheme__key_is_no_asymmetric_one(void **state)
{
    struct forge *f = *state;
    struct scu_verdict verdict;
    TPMT_PUBLIC public = {
        .type = TPM2_ALG_KEYEDHASH, .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = f->public.objectAttributes,
        .parameters.keyedHashDetail.scheme = {
            .scheme = TPM2_ALG_HMAC,
            .details.hmac.hashAlg = TPM2_ALG_SHA256,
        },
        .unique.keyedHash.size = 32,
    };
    uint8_t out[sizeof(TPMT_PUBLIC)];
    size_t at = 0;

    assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&public, out, sizeof(out),
        &at), 0);
    assert_int_equal(scu_evidence_set_part(f->evidence, SCU_PART_KEY, out,
        at), SCU_OK);
    assert_int_equal(forge_verdict(f, NULL, &verdict),
        SCU_VERDICT_ALGORITHM);
}

/* --- the nonce ----------------------------------------------------------- */

static void
nonce__longer(void **state)
{
    struct forge *f = *state;

    f->attest.extraData.buffer[f->attest.extraData.size++] = 0;
    forge_sign(f);
    assert_int_equal(verdict_of(f), SCU_VERDICT_NONCE);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, forge_setup, forge_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ecdsa__zero),
        TEST(ecdsa__number_above_the_order),
        TEST(ecdsa__number_longer_than_the_curve),
        TEST(rsa__shorter_than_the_modulus),
        TEST(rsa__padding_of_the_other_scheme),
        TEST(rsa__exponent_3),
        TEST(scheme__of_another_kind_of_key),
        TEST(scheme__none_or_symmetric),
        TEST(scheme__of_an_ecc_key_that_is_not_accepted),
        TEST(scheme__key_has_none),
        TEST(scheme__key_is_no_asymmetric_one),
        TEST(nonce__longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
