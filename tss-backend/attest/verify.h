/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ATTEST_VERIFY_H
#define ATTEST_VERIFY_H

#include "attest/verify-evidence.h"
#include "base/bytes.h"

#include <openssl/types.h>
#include <tss2/tss2_tpm2_types.h>

/* Octets of a nonce. */
#define VERIFY_NONCE_MIN 8
#define VERIFY_NONCE_MAX 32

/*
 * The verifier of evidence. It stands apart from all that speaks to chips:
 * whoever checks evidence trusts these files (verify*.c), base/, libtss2-mu
 * and libcrypto. Each check is a step that passes or refuses; verify.c has
 * them in their order.
 */
struct verify {
    OSSL_LIB_CTX *lib;
    const struct scu_evidence *evidence;
    const struct scu_expected *expected;
    TPMS_ATTEST attest;
    TPMT_SIGNATURE signature;
    TPMT_PUBLIC public;
    TPM2B_NAME name; /* of public, computed */
    EVP_PKEY *key;   /* made of public */
    struct scu_verdict *verdict;
    int rc;          /* why it could not be checked */
};

/* Notes the reason with a line for people; returns false. */
bool verify_refuse(struct verify *v, enum scu_verdict_reason reason,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * scu_evidence_verify() in a library context of the caller's that has the
 * default provider and nothing of the host's configuration.
 */
int verify_evidence(OSSL_LIB_CTX *lib, const struct scu_evidence *evidence,
    const struct scu_expected *expected, struct scu_verdict *verdict);

/* A hash of the TPM's; NULL where it is not known here. */
const struct verify_bank *verify_bank_of(TPMI_ALG_HASH alg);

/* Hash of the parts in turn; out takes bank->size octets. */
int verify_hash(OSSL_LIB_CTX *lib, const struct verify_bank *bank,
    const struct bytes *parts, size_t n, uint8_t *out);

/*
 * The steps about the key and its signature, in verify-key.c: algorithms and
 * point; restricted signing key of one chip; the expected one; the signature;
 * the signer that the quote itself names.
 */
bool verify_key_algorithm(struct verify *v);
bool verify_key_restricted(struct verify *v);
bool verify_key_expected(struct verify *v);
bool verify_key_signature(struct verify *v);
bool verify_key_signer(struct verify *v);

/* A public area for libcrypto; NULL where it is not valid. Caller's. */
EVP_PKEY *verify_key_new(OSSL_LIB_CTX *lib, const TPMT_PUBLIC *public);

/*
 * The steps about the PCRs, in verify-pcrs.c: what is selected is shown; what
 * is shown is selected; the values are those quoted; what was asked for is
 * there.
 */
bool verify_pcrs_shown(struct verify *v);
bool verify_pcrs_selected(struct verify *v);
bool verify_pcrs_digest(struct verify *v);
bool verify_pcrs_covered(struct verify *v);

#endif
