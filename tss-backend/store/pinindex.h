/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_PININDEX_H
#define STORE_PININDEX_H

#include "policy/policy.h"

/*
 * A PIN index
 * -----------
 * An NV index of type PIN_FAIL: { pinCount, pinLimit }. Its authValue comes
 * from the PIN; a wrong one counts, a right one resets the count, and at the
 * limit no authValue is looked at any more. All else needs a policy:
 *   a  PolicySecret(change) NV_ChangeAuth   sets the PIN
 *   b  PolicySecret(reset)  NV_Write        resets the count
 *   c  not written yet      NV_Write        the first write, by anybody, once
 *   d                       NV_Read         the counts are public
 * change and reset are helper keys, the authValues of which are sealed with
 * the token. Each branch ends in a command code, so that none can authorise
 * PolicySecret; and there is none by PolicyAuthValue: the chip does not hold
 * that against the limit. Neither ORDERLY nor CLEAR_STCLEAR: after a power
 * cut such an index would be as if never written, its count lost.
 */
enum pin_branch {
    PIN_CHANGE,
    PIN_RESET,
    PIN_FIRST_WRITE,
    PIN_READ,
    PIN_BRANCHES,
};

/* policyWrite, policyRead, noDA, PIN_FAIL. */
#define PIN_INDEX_ATTRIBUTES 0x02080088U
#define PIN_INDEX_SIZE 8

/* policy points into the struct: it is not to be copied. */
struct pin_index {
    TPM2_HANDLE handle;
    struct policy branches[PIN_BRANCHES];
    struct policy policy;
    TPM2B_NV_PUBLIC public; /* as it is defined */
    TPM2B_NAME fresh;       /* its Name before the first write */
    TPM2B_NAME name;        /* and from then on */
};

struct pin_counts {
    uint32_t count, limit;
};

/* Computes all of it. change, reset: Names of the helper keys. No command. */
int pin_index_init(struct crypto *crypto, struct pin_index *index,
    TPM2_HANDLE handle, const TPM2B_NAME *change, const TPM2B_NAME *reset);

/* A helper key in the chip, and its authValue. */
struct pin_helper {
    TPM2_HANDLE handle;
    const struct secret *auth;
};

/* All below within an operation. */

/*
 * TPM2_NV_DefineSpace and the first write, { 0, limit }: 5 commands and a
 * session. SCU_E_EXISTS where the handle is taken, SCU_E_TOKENS_FULL.
 * *defined tells whether there may be an index now, also on failure.
 */
int pin_index_define(struct scu_chip *chip, const struct pin_index *index,
    const struct secret *owner, const struct secret *auth, uint32_t limit,
    bool *defined);

/*
 * TPM2_NV_UndefineSpace. An index that is not there is none to undefine, nor
 * is another one at its handle.
 */
int pin_index_undefine(struct scu_chip *chip, const struct pin_index *index,
    const struct secret *owner);

/* Branch a: sets the authValue, on a policy session that it starts anew. */
int pin_index_change(struct scu_chip *chip, const struct pin_index *index,
    const struct pin_helper *helper, const struct secret *auth);

/* Branch b: { 0, limit }. */
int pin_index_reset(struct scu_chip *chip, const struct pin_index *index,
    const struct pin_helper *helper, uint32_t limit);

/* Branch d, authenticated. */
int pin_index_read(struct scu_chip *chip, const struct pin_index *index,
    struct pin_counts *counts);

/* Whether a handle is in the range that PIN indices are made in. */
bool pin_index_is_owners(TPM2_HANDLE handle);

/*
 * Two free handles of indices, in the range that owners use for themselves.
 * not_below: where to look from (0: the beginning).
 */
int pin_index_free_handles(struct scu_chip *chip, TPM2_HANDLE not_below,
    TPM2_HANDLE handles[2]);

#endif
