/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ATTEST_VERIFY_EVIDENCE_H
#define ATTEST_VERIFY_EVIDENCE_H

#include "base/error.h"

#include <scu/attest.h>
#include <tss2/tss2_tpm2_types.h>

#define VERIFY_BANKS 4
#define VERIFY_PCRS 24
#define VERIFY_MAX_DIGEST 64

/* The banks of PCRs, one for each hash. */
struct verify_bank {
    const char *name;     /* "sha256" */
    const char *hash;     /* libcrypto's name */
    TPMI_ALG_HASH alg;
    size_t size;          /* octets of a value */
    bool signs;           /* good enough for signatures */
};
extern const struct verify_bank verify_banks[VERIFY_BANKS];

/* NULL where it is not known. */
const struct verify_bank *verify_bank_named(const char *name, size_t len);

/* Octets of one part. Each is as long as the longest that can be parsed. */
struct verify_part {
    size_t len;
    uint8_t data[sizeof(TPMS_ATTEST)];
};
_Static_assert(sizeof(TPMS_ATTEST) >= sizeof(TPMT_PUBLIC) &&
    sizeof(TPMS_ATTEST) >= sizeof(TPMT_SIGNATURE),
    "the attestation is the longest part");

struct verify_value {
    const struct verify_bank *bank;
    unsigned index;
    uint8_t value[VERIFY_MAX_DIGEST];
};

struct scu_evidence {
    struct verify_part parts[SCU_PART_KEY];
    size_t n_values;
    struct verify_value values[VERIFY_BANKS * VERIFY_PCRS];
};

/* The value of a PCR, or NULL. */
const struct verify_value *verify_value_of(
    const struct scu_evidence *evidence, const struct verify_bank *bank,
    unsigned index);

#endif
