/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "key/key-private.h"

#include "key/psscheck.h"
#include "key/rsapad.h"
#include "key/sigformat.h"

#include <string.h>

/* One signature on its way: by TPM2_Sign, or raw by TPM2_RSA_Decrypt. */
struct signing {
    struct scu_key *key;
    const struct scu_scheme *scheme;
    const uint8_t *digest;
    size_t digest_len;
    size_t salt_len; /* RSAPSS */

    TPMT_SIG_SCHEME in_scheme;
    TPM2B_DIGEST in;
    TPMT_SIGNATURE out;

    TPM2B_PUBLIC_KEY_RSA block; /* padded */
    TPM2B_PUBLIC_KEY_RSA result;
};

/* What all signatures of the key must use; TPM2_ALG_NULL: free. */
static TPMI_ALG_ASYM_SCHEME
fixed_scheme(const struct scu_key *key, TPMI_ALG_HASH *hash)
{
    const TPMT_PUBLIC *area = &key->object.public.publicArea;
    const TPMU_PUBLIC_PARMS *parameters = &area->parameters;

    if (area->type == TPM2_ALG_RSA) {
        *hash = parameters->rsaDetail.scheme.details.anySig.hashAlg;
        return parameters->rsaDetail.scheme.scheme;
    }
    *hash = parameters->eccDetail.scheme.details.anySig.hashAlg;
    return parameters->eccDetail.scheme.scheme;
}

static int
scheme_mismatch(void)
{
    return err_set(SCU_E_USAGE, "the key was made for one signature scheme "
        "and hash only, and these are others");
}

/* --- the operations -------------------------------------------------------*/

static int
check_salt(struct scu_chip *chip, const struct signing *s)
{
    const TPM2B_PUBLIC_KEY_RSA *sig = &s->out.signature.rsapss.sig;
    const struct pss_claim claim = {
        .hash = s->scheme->hash,
        .digest = s->digest,
        .sig = sig->buffer,
        .salt_len = s->salt_len,
    };

    if (sig->size != s->key->public.n_len)
        return err_set(SCU_E_CHIP, "a signature of %u octets", sig->size);
    return psscheck(chip->crypto, &s->key->object.public.publicArea, &claim);
}

static int
sign_in_chip(struct scu_chip *chip, void *arg)
{
    struct signing *s = arg;
    const TPMT_TK_HASHCHECK no_ticket = {
        .tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL,
    };
    TPM2_HANDLE handle = 0;
    int rc;

    rc = key_ready(chip, s->key, &handle);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_Sign_Prepare(chip->sys, handle, &s->in,
            &s->in_scheme, &no_ticket), TPM2_CC_Sign);
    if (rc == SCU_OK)
        rc = key_run(chip, s->key, handle, TPM2_CC_Sign);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_Sign_Complete(chip->sys, &s->out),
            TPM2_CC_Sign);
    if (rc == SCU_OK && s->out.sigAlg != s->scheme->tpm)
        rc = err_set(SCU_E_CHIP, "TPM2_Sign: a signature of another scheme");
    if (rc == SCU_OK && s->scheme->tpm == TPM2_ALG_RSAPSS)
        rc = check_salt(chip, s);
    return rc;
}

/*
 * PSS padding is made here, below the chip's mutex, for its library context:
 * a dozen hash blocks, little beside the chip's own work.
 */
static int
sign_raw(struct scu_chip *chip, void *arg)
{
    struct signing *s = arg;
    const TPMT_RSA_DECRYPT raw = { .scheme = TPM2_ALG_NULL };
    const TPM2B_DATA no_label = { 0 };
    TPM2_HANDLE handle = 0;
    int rc = SCU_OK;

    if (s->scheme->tpm == TPM2_ALG_RSAPSS)
        rc = rsapad_pss(crypto_lib(chip->crypto), s->scheme->hash, s->digest,
            s->salt_len, s->block.buffer, s->block.size);
    if (rc == SCU_OK)
        rc = key_ready(chip, s->key, &handle);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_RSA_Decrypt_Prepare(chip->sys, handle,
            &s->block, &raw, &no_label), TPM2_CC_RSA_Decrypt);
    if (rc == SCU_OK)
        rc = key_run(chip, s->key, handle, TPM2_CC_RSA_Decrypt);
    s->result.size = 0;
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_RSA_Decrypt_Complete(chip->sys,
            &s->result), TPM2_CC_RSA_Decrypt);
    return rc;
}

/* --- RSA ------------------------------------------------------------------*/

static bool
can_raw(const struct scu_key *key)
{
    TPMI_ALG_HASH hash;

    return scu_key_can_decrypt(key) &&
        fixed_scheme(key, &hash) == TPM2_ALG_NULL;
}

static int
rsa_raw(struct signing *s, uint8_t *sig, size_t *sig_len)
{
    size_t size = s->key->public.n_len;
    int rc = SCU_OK;

    s->block.size = (uint16_t)size;
    if (s->scheme->tpm == TPM2_ALG_RSASSA)
        rc = rsapad_pkcs1(s->scheme->hash, s->digest, s->digest_len,
            s->block.buffer, size);
    if (rc == SCU_OK)
        rc = chip_perform(s->key->chip, CHIP_REPEATABLE, sign_raw, s);
    return rc == SCU_OK ? sigformat_rsa(&s->result, size, sig, sig_len) : rc;
}

static int
rsa_in_chip(struct signing *s, uint8_t *sig, size_t *sig_len)
{
    const TPM2B_PUBLIC_KEY_RSA *result = &s->out.signature.rsassa.sig;
    TPMI_ALG_HASH hash;
    TPMI_ALG_ASYM_SCHEME fixed = fixed_scheme(s->key, &hash);
    int rc;

    if (fixed != TPM2_ALG_NULL &&
        (fixed != s->scheme->tpm || hash != s->scheme->hash->id))
        return scheme_mismatch();
    s->in_scheme.scheme = s->scheme->tpm;
    s->in_scheme.details.any.hashAlg = s->scheme->hash->id;
    rc = b2_set(&s->in.size, s->in.buffer, sizeof(s->in.buffer), s->digest,
        s->digest_len);
    if (rc == SCU_OK)
        rc = chip_perform(s->key->chip, CHIP_REPEATABLE, sign_in_chip, s);
    if (rc != SCU_OK)
        return rc;
    if (s->scheme->tpm == TPM2_ALG_RSAPSS)
        result = &s->out.signature.rsapss.sig;
    return sigformat_rsa(result, s->key->public.n_len, sig, sig_len);
}

/* TPM 2.0 numbers its hashes from 4 to 0x29. */
static unsigned
hash_bit(const struct key_hash *hash)
{
    return 1U << (hash->id % 32);
}

static int
sign_rsa(struct signing *s, int salt, uint8_t *sig, size_t *sig_len)
{
    struct scu_key *key = s->key;
    const struct key_hash *hash = s->scheme->hash;
    bool raw = can_raw(key);
    int rc;

    if (hash == NULL)
        return raw ? rsa_raw(s, sig, sig_len) :
            err_set(SCU_E_USAGE, "a signature without a named hash is padded "
                "on the host, which takes a key that may also decrypt and "
                "has no scheme of its own");
    if (s->scheme->tpm == TPM2_ALG_RSAPSS &&
        (rc = rsapad_salt_len(hash, salt, key->public.n_len, &s->salt_len))
            != SCU_OK)
        return rc;
    if (raw && (s->scheme->tpm == TPM2_ALG_RSAPSS ||
            (atomic_load(&key->refused) & hash_bit(hash)) != 0))
        return rsa_raw(s, sig, sig_len);
    rc = rsa_in_chip(s, sig, sig_len);
    if (rc != SCU_E_UNSUPPORTED || !raw)
        return rc;
    (void)atomic_fetch_or(&key->refused, hash_bit(hash));
    return rsa_raw(s, sig, sig_len);
}

/* --- ECDSA ----------------------------------------------------------------*/

/*
 * ECDSA signs the number that the digest's leftmost octets make, as many as
 * the curve has (FIPS 186-4, 6.4). So whatever its hash was, the digest can
 * be cut to the curve's size or filled up from the left, to be of the size of
 * a hash that each chip with that curve has.
 */
static int
name_hash(struct signing *s)
{
    static const TPMI_ALG_HASH candidates[] = {
        TPM2_ALG_SHA256, TPM2_ALG_SHA384,
    };
    size_t curve = s->key->public.xy_len;
    size_t len = s->digest_len < curve ? s->digest_len : curve;
    TPMI_ALG_HASH hash = TPM2_ALG_NULL;
    TPMI_ALG_ASYM_SCHEME fixed = fixed_scheme(s->key, &hash);
    size_t size = 0;

    s->in_scheme.scheme = TPM2_ALG_ECDSA;
    if (fixed != TPM2_ALG_NULL) {
        size = crypto_hash_size(hash);
        if (fixed != TPM2_ALG_ECDSA)
            return scheme_mismatch();
        if (size == s->digest_len)
            len = size;
        else if (len > size || size > curve)
            return scheme_mismatch();
    }
    for (size_t i = 0; size < len && i < 2; i++) {
        hash = candidates[i];
        size = crypto_hash_size(hash);
    }
    if (size < len || size > sizeof(s->in.buffer))
        return err_set(SCU_E_UNSUPPORTED, "no hash of %zu octets", len);
    s->in_scheme.details.any.hashAlg = hash;
    s->in.size = (uint16_t)size;
    memset(s->in.buffer, 0, size - len);
    memcpy(s->in.buffer + size - len, s->digest, len);
    return SCU_OK;
}

static int
sign_ecdsa(struct signing *s, uint8_t *sig, size_t *sig_len)
{
    int rc = name_hash(s);

    if (rc == SCU_OK)
        rc = chip_perform(s->key->chip, CHIP_REPEATABLE, sign_in_chip, s);
    if (rc == SCU_OK)
        rc = sigformat_ecdsa(&s->out.signature.ecdsa, s->key->public.xy_len,
            sig, sig_len);
    return rc;
}

/* --------------------------------------------------------------------------*/

static int
check_arguments(const struct signing *s)
{
    const struct scu_scheme *scheme = s->scheme;
    size_t size;

    if (scheme == NULL || s->digest == NULL || s->digest_len == 0)
        return err_set(SCU_E_ARG, "no scheme or no digest");
    if (scheme->kind != s->key->public.kind)
        return err_set(SCU_E_ARG, "%s is not for %s keys", scheme->name,
            s->key->public.kind == SCU_KIND_EC ? "EC" : "RSA");
    if (scheme->hash == NULL)
        return SCU_OK;
    size = crypto_hash_size(scheme->hash->id);
    if (s->digest_len != size)
        return err_set(SCU_E_ARG, "%s takes a digest of %zu octets, not %zu",
            scheme->name, size, s->digest_len);
    return SCU_OK;
}

int
scu_key_sign(struct scu_key *key, const struct scu_scheme *scheme, int salt,
    const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t *sig_len)
{
    struct signing s = {
        .key = key,
        .scheme = scheme,
        .digest = digest,
        .digest_len = digest_len,
    };
    size_t need = scu_key_signature_size(key);
    int rc;

    if ((rc = check_arguments(&s)) != SCU_OK ||
        (rc = key_permits(key, TPMA_OBJECT_SIGN_ENCRYPT)) != SCU_OK)
        return rc;
    /* Asked before the chip works; an ECDSA signature may be shorter. */
    if (*sig_len < need)
        return err_set(SCU_E_SIZE, "a signature takes up to %zu octets, "
            "there is room for %zu", need, *sig_len);
    if (key->public.kind == SCU_KIND_EC)
        return sign_ecdsa(&s, sig, sig_len);
    return sign_rsa(&s, salt, sig, sig_len);
}
