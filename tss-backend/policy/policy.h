/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "chip/chip.h"

/*
 * Policies as data (TPM 2.0 Part 1, 19.7): an array of steps. The same array
 * gives the digest that an object is made with, computed here, and satisfies
 * a policy session with it. SHA-256 only.
 */
enum policy_kind {
    POLICY_AUTH_VALUE,   /* the object's own authValue, by HMAC */
    POLICY_COMMAND_CODE, /* only this command */
    POLICY_NV_WRITTEN,   /* the index is (not) written yet */
    POLICY_SECRET,       /* the authValue of another entity */
    POLICY_OR,           /* any of the branches; nothing before it counts */
};

#define POLICY_STEPS 4
#define POLICY_BRANCHES 8

struct policy_step {
    enum policy_kind kind;
    TPM2_CC code;                  /* POLICY_COMMAND_CODE */
    bool written;                  /* POLICY_NV_WRITTEN */
    TPM2B_NAME name;               /* POLICY_SECRET: of that entity */
    const struct policy *branches; /* POLICY_OR: 2 to 8 */
    size_t n_branches;
};

struct policy {
    struct policy_step step[POLICY_STEPS];
    size_t n;
};

/* The digest, as PolicyGetDigest would give it. No command. */
int policy_digest(struct crypto *crypto, const struct policy *policy,
    TPM2B_DIGEST *digest);

/*
 * What the steps of a policy need beyond their data: the handle of the entity
 * whose secret is shown and its authValue (NULL: empty), and which branch is
 * taken at POLICY_OR. At most one POLICY_SECRET is on the way.
 */
struct policy_choice {
    TPM2_HANDLE handle;
    const struct secret *secret;
    size_t branch;
};

/*
 * Within an operation: the steps in turn on a policy session, one command
 * each. The secret goes as an HMAC of the chip's session. A refusal of
 * PolicySecret is SCU_E_AUTH or SCU_E_LOCKED; it may have counted.
 */
int policy_satisfy(struct scu_chip *chip, struct session *session,
    const struct policy *policy, const struct policy_choice *choice);

/* TPM2_StartAuthSession: a policy session salted to the storage key. */
int policy_start(struct scu_chip *chip, struct session *session);

/*
 * TPM2_FlushContext, unless the command that it was for ended it, or the link
 * is down; wipes in any case.
 */
void policy_end(struct scu_chip *chip, struct session *session);

#endif
