/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_ATTEST_H
#define SCU_ATTEST_H

#include <scu/chip.h>

/*
 * Evidence
 * --------
 * A quote is the chip's signature over its platform configuration registers
 * (PCRs), its clock and a nonce of the verifier. Evidence is a quote with all
 * that is needed to check it but the trust in its key: the signed structure,
 * the signature, the public attestation key and the PCR values.
 *
 * Making evidence needs a chip; checking it needs none, and nothing of this
 * host's configuration.
 */
struct scu_evidence;

enum scu_evidence_part {
    SCU_PART_ATTEST = 1,    /* TPMS_ATTEST, as signed */
    SCU_PART_SIGNATURE = 2, /* TPMT_SIGNATURE */
    SCU_PART_KEY = 3,       /* TPMT_PUBLIC of the attestation key */
};

/* The value of one PCR. */
struct scu_pcr {
    const char *bank;     /* "sha1", "sha256", "sha384", "sha512" */
    unsigned index;       /* 0 to 23 */
    const uint8_t *value;
    size_t len;
};

/*
 * Quotes with the attestation key that provisioning made. nonce: 8 to 32
 * octets. pcrs: "sha256:0-7", "sha256:0,2,7+sha1:4". Values are read until
 * they agree with the quote (PCRs may move meanwhile), a few times at most:
 * SCU_E_BUSY then. What is handed out has passed scu_evidence_verify(). The
 * caller frees *evidence by scu_evidence_free().
 * TPM2_PCR_Read (once per 8 PCRs) and TPM2_Quote, through the session.
 * SCU_E_ARG, SCU_E_UNPROVISIONED (also: the attestation key is gone),
 * SCU_E_OTHER_CHIP (another key stands in its place), SCU_E_UNSUPPORTED (a
 * bank or PCR that the chip has not).
 */
SCU_API SCU_MUST_CHECK int scu_quote(struct scu_chip *chip,
    const uint8_t *nonce, size_t nonce_len, const char *pcrs,
    struct scu_evidence **evidence);

/* Empty evidence, to be filled from a file. NULL when memory is short. */
SCU_API struct scu_evidence *scu_evidence_new(void);
/* Takes NULL, sets the caller's pointer to NULL. */
SCU_API void scu_evidence_free(struct scu_evidence **evidence);

/* A part, borrowed; NULL and *len 0 where it is not there. */
SCU_API const uint8_t *scu_evidence_part(const struct scu_evidence *evidence,
    enum scu_evidence_part part, size_t *len);
/* Copies it in. SCU_E_ARG where it is longer than any such part can be. */
SCU_API SCU_MUST_CHECK int scu_evidence_set_part(
    struct scu_evidence *evidence, enum scu_evidence_part part,
    const uint8_t *data, size_t len);

/* The PCR values in turn; false behind the last. Borrowed. */
SCU_API bool scu_evidence_pcr_at(const struct scu_evidence *evidence,
    size_t index, struct scu_pcr *pcr);
/* Adds a copy. SCU_E_ARG: unknown bank, index, length, or there already. */
SCU_API SCU_MUST_CHECK int scu_evidence_add_pcr(struct scu_evidence *evidence,
    const struct scu_pcr *pcr);

/*
 * The public half of the evidence's key in PEM (SubjectPublicKeyInfo), for the
 * verifier to keep; it is worth what the way is on which it came. The caller
 * frees *pem by free(3); *len without its terminating zero. SCU_E_ARG where
 * there is no key that is understood.
 */
SCU_API SCU_MUST_CHECK int scu_evidence_key_pem(
    const struct scu_evidence *evidence, char **pem, size_t *len);

/*
 * Why evidence is refused: the first that applies, in this order, of the
 * quote, the signature and the key in turn. Only SCU_VERDICT_OK is good.
 */
enum scu_verdict_reason {
    SCU_VERDICT_OK = 0,
    SCU_VERDICT_MAGIC,        /* not made by a TPM (TPM_GENERATED) */
    SCU_VERDICT_TYPE,         /* signed, but no quote */
    SCU_VERDICT_TRUNCATED,    /* a part is missing or ends early */
    SCU_VERDICT_TRAILING,     /* octets behind the end of a part */
    SCU_VERDICT_MALFORMED,    /* a part is not what it should be */
    SCU_VERDICT_ALGORITHM,    /* an algorithm that is not accepted */
    SCU_VERDICT_UNRESTRICTED, /* the key may sign what others make up */
    SCU_VERDICT_OTHER_KEY,    /* another key than the expected one */
    SCU_VERDICT_SIGNATURE,    /* the signature does not fit */
    SCU_VERDICT_SIGNER,       /* the quote names another signer than the key
                                 shown: the key's attributes were altered */
    SCU_VERDICT_NONCE,        /* another nonce: replayed or mixed up */
    SCU_VERDICT_HIDDEN_BANK,  /* the quote covers a bank that is not shown */
    SCU_VERDICT_SELECTION,    /* values and selection do not agree: one is
                                 missing, a bank is named twice, no PCR */
    SCU_VERDICT_EXTRA_VALUE,  /* a value that the quote does not cover */
    SCU_VERDICT_DIGEST,       /* the values are not those quoted */
    /* From here on the evidence is genuine in itself, but not enough. */
    SCU_VERDICT_NOT_COVERED,  /* it lacks PCRs that were asked for */
    SCU_VERDICT_UNVOUCHED,    /* no expected key was given: nobody vouches for
                                 the key, so it may be anybody's */
};

struct scu_verdict {
    enum scu_verdict_reason reason;
    const char *name; /* "ok", "other-nonce" ...: stable, for scripts */
    char text[256];   /* one line for people */
    /* Name of the key shown, hexadecimal; empty where it was not read. */
    char key_name[2 * 66 + 1];
    /* Of the chip; 0 unless reason is OK, NOT_COVERED or UNVOUCHED. */
    uint64_t clock_ms, firmware;
    uint32_t reset_count, restart_count;
    bool clock_safe;
};

struct scu_expected {
    const uint8_t *nonce;
    size_t nonce_len;    /* 8 to 32 */
    const char *key_pem; /* public key, or NULL: at best UNVOUCHED */
    size_t key_pem_len;
    const char *pcrs;    /* PCRs that the quote must cover at least, as
                            scu_quote() takes them; NULL: any */
};

/*
 * Checks evidence, offline. SCU_OK: *verdict says whether it holds (also when
 * it does not); other codes: it could not be checked (SCU_E_ARG: no nonce, a
 * key that is no PEM, a selection that is none; SCU_E_INTERNAL). Any thread.
 *
 * Accepted are quotes by a restricted signing key that never leaves its chip,
 * a primary key of the endorsement hierarchy: ECDSA on P-256 or P-384, RSASSA
 * or RSAPSS with 2048 bits and more, over SHA-256, -384 or -512. That the
 * expected key is such a key must be known from where it came from: a public
 * key alone does not tell.
 */
SCU_API SCU_MUST_CHECK int scu_evidence_verify(
    const struct scu_evidence *evidence, const struct scu_expected *expected,
    struct scu_verdict *verdict);

#endif
