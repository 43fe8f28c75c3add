/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TSS_BACKEND_ATTEST_FORGE_H
#define TESTS_TSS_BACKEND_ATTEST_FORGE_H

#include "attest/verify.h"

#include <openssl/evp.h>

/*
 * Evidence without a chip: a software key that claims to be an attestation
 * key, and what a chip would have signed. It is good as it is made; a test
 * changes a field and has it signed anew, so that each check is reached.
 */
struct forge {
    EVP_PKEY *key;
    TPMT_PUBLIC public;
    TPMS_ATTEST attest;
    TPMI_ALG_SIG_SCHEME scheme; /* ECDSA, RSASSA, RSAPSS */
    TPMI_ALG_HASH hash;
    bool keep_signer;           /* qualifiedSigner stays as it stands */
    bool keep_digest;           /* so does pcrDigest */
    struct scu_evidence *evidence; /* holds the values; parts by forge_sign */
};

extern const uint8_t forge_nonce[20];

/* alg: "P-256", "P-384", "RSA-2048" ...; sha256 PCRs 0 to 7. */
void forge_init(struct forge *f, const char *alg);
void forge_clear(struct forge *f);

/* Fills in digest and signer, marshals, signs: f->evidence is complete. */
void forge_sign(struct forge *f);

/* Signs f's TPMS_ATTEST as it stands in the evidence, with f->key. */
void forge_sign_octets(struct forge *f);

/* cmocka set-up and tear-down: *state is such evidence, P-256, signed. */
int forge_setup(void **state);
int forge_teardown(void **state);

/* Changes one bit of a part, without signing. */
void forge_flip(struct forge *f, enum scu_evidence_part part, size_t at);

/* Adds a value to those that are shown. */
void forge_add_value(struct forge *f, const char *bank, unsigned index,
    size_t len);

/* The key in PEM; the caller frees it. */
char *forge_pem(const struct forge *f);

/* The verdict with the right nonce; pem may be NULL. */
enum scu_verdict_reason forge_verdict(const struct forge *f, const char *pem,
    struct scu_verdict *verdict);

#endif
