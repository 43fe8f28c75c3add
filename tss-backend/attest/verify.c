/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/verify.h"

#include "attest/verify-pcrsel.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

/* Stable: scripts read them. */
static const char *const names[] = {
    [SCU_VERDICT_OK] = "ok",
    [SCU_VERDICT_TRUNCATED] = "truncated",
    [SCU_VERDICT_TRAILING] = "trailing-octets",
    [SCU_VERDICT_MALFORMED] = "malformed",
    [SCU_VERDICT_MAGIC] = "wrong-magic",
    [SCU_VERDICT_TYPE] = "wrong-type",
    [SCU_VERDICT_ALGORITHM] = "algorithm",
    [SCU_VERDICT_UNRESTRICTED] = "unrestricted-signer",
    [SCU_VERDICT_OTHER_KEY] = "other-key",
    [SCU_VERDICT_SIGNATURE] = "bad-signature",
    [SCU_VERDICT_SIGNER] = "other-signer",
    [SCU_VERDICT_NONCE] = "other-nonce",
    [SCU_VERDICT_HIDDEN_BANK] = "hidden-bank",
    [SCU_VERDICT_SELECTION] = "selection",
    [SCU_VERDICT_EXTRA_VALUE] = "extra-value",
    [SCU_VERDICT_DIGEST] = "other-values",
    [SCU_VERDICT_NOT_COVERED] = "not-covered",
    [SCU_VERDICT_UNVOUCHED] = "unvouched",
};

bool
verify_refuse(struct verify *v, enum scu_verdict_reason reason,
    const char *format, ...)
{
    struct scu_verdict *verdict = v->verdict;
    va_list args;

    verdict->reason = reason;
    va_start(args, format);
    (void)vsnprintf(verdict->text, sizeof(verdict->text), format, args);
    va_end(args);
    return false;
}

const struct verify_bank *
verify_bank_of(TPMI_ALG_HASH alg)
{
    for (size_t i = 0; i < VERIFY_BANKS; i++)
        if (verify_banks[i].alg == alg)
            return &verify_banks[i];
    return NULL;
}

int
verify_hash(OSSL_LIB_CTX *lib, const struct verify_bank *bank,
    const struct bytes *parts, size_t n, uint8_t *out)
{
    EVP_MD *md = EVP_MD_fetch(lib, bank->hash, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = md != NULL && ctx != NULL &&
        EVP_DigestInit_ex2(ctx, md, NULL) == 1;

    for (size_t i = 0; good && i < n; i++)
        good = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    good = good && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return good ? SCU_OK :
        err_set(SCU_E_INTERNAL, "libcrypto refused %s", bank->hash);
}

/* --- the parts ----------------------------------------------------------- */

/* What the parser said of a part, all of which must have been read. */
static bool
parsed(struct verify *v, const char *what, TSS2_RC rc, bool whole)
{
    if (rc == TSS2_MU_RC_INSUFFICIENT_BUFFER)
        return verify_refuse(v, SCU_VERDICT_TRUNCATED,
            "the %s is missing or ends early", what);
    if (rc != TSS2_RC_SUCCESS)
        return verify_refuse(v, SCU_VERDICT_MALFORMED,
            "the %s is not well-formed", what);
    return whole || verify_refuse(v, SCU_VERDICT_TRAILING,
        "there are octets behind the end of the %s", what);
}

static bool
parse_key(struct verify *v)
{
    const struct verify_part *p = &v->evidence->parts[SCU_PART_KEY - 1];
    size_t at = 0;
    TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(p->data, p->len, &at,
        &v->public);

    return parsed(v, "public key", rc, at == p->len);
}

static bool
parse_signature(struct verify *v)
{
    const struct verify_part *p = &v->evidence->parts[SCU_PART_SIGNATURE - 1];
    size_t at = 0;
    TSS2_RC rc = Tss2_MU_TPMT_SIGNATURE_Unmarshal(p->data, p->len, &at,
        &v->signature);

    return parsed(v, "signature", rc, at == p->len);
}

/* Magic and type first: what follows is of other shape in other types. */
static bool
parse_attest(struct verify *v)
{
    const struct verify_part *p = &v->evidence->parts[SCU_PART_ATTEST - 1];
    uint32_t magic = 0;
    uint16_t type = 0;
    size_t at = 0;
    TSS2_RC rc = Tss2_MU_UINT32_Unmarshal(p->data, p->len, &at, &magic);

    if (rc == TSS2_RC_SUCCESS && magic != TPM2_GENERATED_VALUE)
        return verify_refuse(v, SCU_VERDICT_MAGIC,
            "no chip made what was signed: it does not begin with "
            "TPM_GENERATED");
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_MU_UINT16_Unmarshal(p->data, p->len, &at, &type);
    if (rc == TSS2_RC_SUCCESS && type != TPM2_ST_ATTEST_QUOTE)
        return verify_refuse(v, SCU_VERDICT_TYPE,
            "a chip signed it, but it is no quote (type 0x%04x)", type);
    if (rc == TSS2_RC_SUCCESS) {
        at = 0;
        rc = Tss2_MU_TPMS_ATTEST_Unmarshal(p->data, p->len, &at, &v->attest);
    }
    return parsed(v, "quote", rc, at == p->len);
}

static bool
check_nonce(struct verify *v)
{
    const TPM2B_DATA *said = &v->attest.extraData;

    if (said->size == v->expected->nonce_len &&
        CRYPTO_memcmp(said->buffer, v->expected->nonce, said->size) == 0)
        return true;
    return verify_refuse(v, SCU_VERDICT_NONCE,
        "it answers another nonce: it is old, or meant for somebody else");
}

static bool
check_vouched(struct verify *v)
{
    if (v->expected->key_pem != NULL)
        return true;
    return verify_refuse(v, SCU_VERDICT_UNVOUCHED,
        "nothing is wrong in it, but no expected key was given: it vouches "
        "only for itself, anybody could have made it");
}

/* The first that refuses is the verdict. */
static bool (*const steps[])(struct verify *v) = {
    parse_attest,
    parse_signature,
    parse_key,
    verify_key_algorithm,
    verify_key_restricted,
    verify_key_expected,
    verify_key_signature,
    verify_key_signer,
    check_nonce,
    verify_pcrs_shown,
    verify_pcrs_selected,
    verify_pcrs_digest,
    verify_pcrs_covered,
    check_vouched,
};

/* What the chip said besides, once it is believed that this key said it. */
static void
fill_verdict(const struct verify *v, struct scu_verdict *verdict)
{
    const TPMS_CLOCK_INFO *clock = &v->attest.clockInfo;

    verdict->clock_ms = clock->clock;
    verdict->reset_count = clock->resetCount;
    verdict->restart_count = clock->restartCount;
    verdict->clock_safe = clock->safe == TPM2_YES;
    verdict->firmware = v->attest.firmwareVersion;
}

static int
check_expected(const struct scu_expected *expected)
{
    TPML_PCR_SELECTION unused;

    if (expected->nonce == NULL || expected->nonce_len < VERIFY_NONCE_MIN ||
        expected->nonce_len > VERIFY_NONCE_MAX)
        return err_set(SCU_E_ARG, "a nonce has %d to %d octets",
            VERIFY_NONCE_MIN, VERIFY_NONCE_MAX);
    return expected->pcrs == NULL ? SCU_OK :
        pcrsel_read(expected->pcrs, &unused);
}

int
verify_evidence(OSSL_LIB_CTX *lib, const struct scu_evidence *evidence,
    const struct scu_expected *expected, struct scu_verdict *verdict)
{
    struct verify v = {
        .lib = lib, .evidence = evidence, .expected = expected,
        .verdict = verdict,
    };
    bool passed = true;

    memset(verdict, 0, sizeof(*verdict));
    v.rc = check_expected(expected);
    for (size_t i = 0; v.rc == SCU_OK && passed &&
         i < sizeof(steps) / sizeof(steps[0]); i++)
        passed = steps[i](&v);
    EVP_PKEY_free(v.key);
    if (v.rc != SCU_OK) {
        memset(verdict, 0, sizeof(*verdict));
        verdict->reason = SCU_VERDICT_MALFORMED;
        return v.rc;
    }
    verdict->name = names[verdict->reason];
    if (verdict->reason == SCU_VERDICT_OK)
        (void)snprintf(verdict->text, sizeof(verdict->text),
            "a quote by the expected key, for this nonce, of these values");
    if (verdict->reason == SCU_VERDICT_OK ||
        verdict->reason >= SCU_VERDICT_NOT_COVERED)
        fill_verdict(&v, verdict);
    return SCU_OK;
}

/* --- without a chip ------------------------------------------------------ */

/*
 * A library context of its own: an application's configuration must not choose
 * who checks a signature.
 */
struct own {
    OSSL_LIB_CTX *lib;
    OSSL_PROVIDER *provider;
};

static void
own_close(struct own *own)
{
    if (own->provider != NULL)
        (void)OSSL_PROVIDER_unload(own->provider);
    OSSL_LIB_CTX_free(own->lib);
}

static int
own_open(struct own *own)
{
    own->lib = OSSL_LIB_CTX_new();
    own->provider = own->lib == NULL ? NULL :
        OSSL_PROVIDER_load(own->lib, "default");
    return own->provider != NULL ? SCU_OK :
        err_set(SCU_E_INTERNAL, "libcrypto has no default provider");
}

int
scu_evidence_verify(const struct scu_evidence *evidence,
    const struct scu_expected *expected, struct scu_verdict *verdict)
{
    struct own own = { 0 };
    int rc;

    /* What libcrypto notes of bad evidence is not the application's. */
    (void)ERR_set_mark();
    memset(verdict, 0, sizeof(*verdict));
    verdict->reason = SCU_VERDICT_MALFORMED;
    rc = own_open(&own);
    if (rc == SCU_OK)
        rc = verify_evidence(own.lib, evidence, expected, verdict);
    own_close(&own);
    (void)ERR_pop_to_mark();
    return rc;
}

static int
write_pem(const EVP_PKEY *key, char **pem, size_t *len)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long n = 0;
    int rc = SCU_E_MEMORY;

    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1)
        n = BIO_get_mem_data(bio, &data);
    if (n > 0 && (*pem = strndup(data, (size_t)n)) != NULL) {
        *len = (size_t)n;
        rc = SCU_OK;
    }
    BIO_free(bio);
    return rc == SCU_OK ? rc : err_memory();
}

int
scu_evidence_key_pem(const struct scu_evidence *evidence, char **pem,
    size_t *len)
{
    const struct verify_part *p = &evidence->parts[SCU_PART_KEY - 1];
    TPMT_PUBLIC public = { 0 };
    struct own own = { 0 };
    EVP_PKEY *key = NULL;
    size_t at = 0;
    int rc;

    *pem = NULL;
    *len = 0;
    (void)ERR_set_mark();
    if ((rc = own_open(&own)) != SCU_OK)
        goto out;
    if (Tss2_MU_TPMT_PUBLIC_Unmarshal(p->data, p->len, &at, &public) ==
            TSS2_RC_SUCCESS && at == p->len)
        key = verify_key_new(own.lib, &public);
    if (key == NULL) {
        rc = err_set(SCU_E_ARG, "the evidence has no key that is understood");
        goto out;
    }
    rc = write_pem(key, pem, len);
out:
    EVP_PKEY_free(key);
    own_close(&own);
    (void)ERR_pop_to_mark();
    return rc;
}
