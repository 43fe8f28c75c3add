/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policy/policy.h"

#include <endian.h>
#include <string.h>

#define SIZE CRYPTO_SHA256_SIZE

/* --- the digest ----------------------------------------------------------- */

/* digest := H(digest || code || argument). */
static int
extend(struct crypto *crypto, TPM2_CC code, struct bytes argument,
    uint8_t digest[SIZE])
{
    uint32_t cc = htobe32(code);
    const struct bytes parts[] = {
        { digest, SIZE },
        { &cc, sizeof(cc) },
        argument,
    };

    return crypto_hash(crypto, TPM2_ALG_SHA256, parts, 3, digest);
}

/* Its second half is for policyRef, which is empty here. */
static int
extend_secret(struct crypto *crypto, const TPM2B_NAME *name,
    uint8_t digest[SIZE])
{
    const struct bytes part = { digest, SIZE };
    int rc = extend(crypto, TPM2_CC_PolicySecret,
        (struct bytes){ name->name, name->size }, digest);

    if (rc == SCU_OK)
        rc = crypto_hash(crypto, TPM2_ALG_SHA256, &part, 1, digest);
    return rc;
}

static int
branch_digests(struct crypto *crypto, const struct policy_step *step,
    TPML_DIGEST *digests)
{
    int rc = SCU_OK;

    if (step->n_branches < 2 || step->n_branches > POLICY_BRANCHES)
        return err_set(SCU_E_INTERNAL, "a policy with %zu branches",
            step->n_branches);
    digests->count = (uint32_t)step->n_branches;
    for (size_t i = 0; rc == SCU_OK && i < step->n_branches; i++)
        rc = policy_digest(crypto, &step->branches[i], &digests->digests[i]);
    return rc;
}

/* The digest so far is forgotten: each branch stands for itself. */
static int
extend_or(struct crypto *crypto, const struct policy_step *step,
    uint8_t digest[SIZE])
{
    TPML_DIGEST list = { 0 };
    uint8_t joined[POLICY_BRANCHES * SIZE];
    int rc = branch_digests(crypto, step, &list);

    if (rc != SCU_OK)
        return rc;
    for (uint32_t i = 0; i < list.count; i++)
        memcpy(joined + i * SIZE, list.digests[i].buffer, SIZE);
    memset(digest, 0, SIZE);
    return extend(crypto, TPM2_CC_PolicyOR,
        (struct bytes){ joined, list.count * SIZE }, digest);
}

static int
extend_step(struct crypto *crypto, const struct policy_step *step,
    uint8_t digest[SIZE])
{
    uint32_t code = htobe32(step->code);
    uint8_t written = step->written;

    switch (step->kind) {
    case POLICY_AUTH_VALUE:
        return extend(crypto, TPM2_CC_PolicyAuthValue,
            (struct bytes){ NULL, 0 }, digest);
    case POLICY_COMMAND_CODE:
        return extend(crypto, TPM2_CC_PolicyCommandCode,
            (struct bytes){ &code, sizeof(code) }, digest);
    case POLICY_NV_WRITTEN:
        return extend(crypto, TPM2_CC_PolicyNvWritten,
            (struct bytes){ &written, sizeof(written) }, digest);
    case POLICY_SECRET:
        return extend_secret(crypto, &step->name, digest);
    case POLICY_OR:
        return extend_or(crypto, step, digest);
    }
    return err_set(SCU_E_INTERNAL, "policy step %d", (int)step->kind);
}

int
policy_digest(struct crypto *crypto, const struct policy *policy,
    TPM2B_DIGEST *digest)
{
    int rc = SCU_OK;

    digest->size = SIZE;
    memset(digest->buffer, 0, sizeof(digest->buffer));
    for (size_t i = 0; rc == SCU_OK && i < policy->n; i++)
        rc = extend_step(crypto, &policy->step[i], digest->buffer);
    return rc;
}

/* --- the session ---------------------------------------------------------- */

/*
 * These go in the clear: what somebody changes in them makes the session's
 * digest another one, and the command that it is for fails.
 */
static int
run_bare(struct scu_chip *chip, TPM2_CC code, TSS2_RC prepared)
{
    const struct chip_command command = { .code = code, .clear = true };
    int rc = chip_prepared(prepared, code);

    return rc == SCU_OK ? chip_run(chip, &command) : rc;
}

static int
run_secret(struct scu_chip *chip, const struct session *session,
    const struct policy_step *step, const struct policy_choice *choice)
{
    TPM2B_NAME session_name = { 0 };
    const struct chip_command command = {
        .code = TPM2_CC_PolicySecret,
        .handles = 2, .names = { &step->name, &session_name },
        .auths = 1, .auth = { { .value = choice->secret } },
    };
    const TPM2B_NONCE no_nonce = { 0 };
    const TPM2B_DIGEST no_hash = { 0 };
    const TPM2B_NONCE no_ref = { 0 };
    int rc;

    chip_handle_name(session->handle, &session_name);
    rc = chip_prepared(Tss2_Sys_PolicySecret_Prepare(chip->sys,
        choice->handle, session->handle, &no_nonce, &no_hash, &no_ref, 0),
        command.code);
    return rc == SCU_OK ? chip_run(chip, &command) : rc;
}

static int
run_or(struct scu_chip *chip, struct session *session,
    const struct policy_step *step, const struct policy_choice *choice)
{
    TPML_DIGEST list = { 0 };
    int rc = branch_digests(chip->crypto, step, &list);

    if (rc == SCU_OK && choice->branch >= step->n_branches)
        rc = err_set(SCU_E_INTERNAL, "policy branch %zu", choice->branch);
    if (rc == SCU_OK)
        rc = policy_satisfy(chip, session, &step->branches[choice->branch],
            choice);
    if (rc != SCU_OK)
        return rc;
    return run_bare(chip, TPM2_CC_PolicyOR,
        Tss2_Sys_PolicyOR_Prepare(chip->sys, session->handle, &list));
}

static int
run_step(struct scu_chip *chip, struct session *session,
    const struct policy_step *step, const struct policy_choice *choice)
{
    int rc;

    switch (step->kind) {
    case POLICY_AUTH_VALUE:
        rc = run_bare(chip, TPM2_CC_PolicyAuthValue,
            Tss2_Sys_PolicyAuthValue_Prepare(chip->sys, session->handle));
        session->with_auth_value = rc == SCU_OK;
        return rc;
    case POLICY_COMMAND_CODE:
        return run_bare(chip, TPM2_CC_PolicyCommandCode,
            Tss2_Sys_PolicyCommandCode_Prepare(chip->sys, session->handle,
                step->code));
    case POLICY_NV_WRITTEN:
        return run_bare(chip, TPM2_CC_PolicyNvWritten,
            Tss2_Sys_PolicyNvWritten_Prepare(chip->sys, session->handle,
                step->written));
    case POLICY_SECRET:
        return run_secret(chip, session, step, choice);
    case POLICY_OR:
        return run_or(chip, session, step, choice);
    }
    return err_set(SCU_E_INTERNAL, "policy step %d", (int)step->kind);
}

int
policy_satisfy(struct scu_chip *chip, struct session *session,
    const struct policy *policy, const struct policy_choice *choice)
{
    int rc = SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < policy->n; i++)
        rc = run_step(chip, session, &policy->step[i], choice);
    return rc;
}

int
policy_start(struct scu_chip *chip, struct session *session)
{
    /* Salted: on an unsalted one anybody on the bus could run the command
     * that the session authorises, after PolicySecret. */
    return chip_session_start(chip, TPM2_SE_POLICY, chip->storage.handle,
        &chip->storage.public.publicArea, session);
}

void
policy_end(struct scu_chip *chip, struct session *session)
{
    if (chip->faulty)
        session_clear(session);
    else
        chip_session_end(chip, session);
}
