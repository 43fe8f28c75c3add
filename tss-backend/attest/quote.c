/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/verify-pcrsel.h"
#include "attest/verify.h"
#include "chip/chip.h"
#include "chip/clock.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <tss2/tss2_mu.h>

/* How often a quote is made anew because PCRs moved since they were read. */
#define TRIES 5

struct job {
    const uint8_t *nonce;
    size_t nonce_len;
    TPML_PCR_SELECTION wanted;
    struct scu_evidence *evidence;
    bool moved;
};

/* --- the values ---------------------------------------------------------- */

static int
pcr_read(struct scu_chip *chip, const TPML_PCR_SELECTION *wanted,
    TPML_PCR_SELECTION *got, TPML_DIGEST *values)
{
    const struct chip_command command = { .code = TPM2_CC_PCR_Read };
    uint32_t counter = 0;
    int rc = chip_prepared(Tss2_Sys_PCR_Read_Prepare(chip->sys, wanted),
        command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    memset(got, 0, sizeof(*got));
    memset(values, 0, sizeof(*values));
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_PCR_Read_Complete(chip->sys, &counter,
            got, values), command.code);
    return rc;
}

/* Takes a value over; it is not asked for again. */
static int
take(TPMS_PCR_SELECTION *left, unsigned index, const TPM2B_DIGEST *value,
    struct scu_evidence *evidence)
{
    const struct scu_pcr pcr = {
        .bank = verify_bank_of(left->hash)->name, .index = index,
        .value = value->buffer, .len = value->size,
    };

    if (value->size > sizeof(value->buffer))
        return SCU_E_ARG;
    left->pcrSelect[index / 8] &= (BYTE)~(1u << index % 8);
    return scu_evidence_add_pcr(evidence, &pcr);
}

/*
 * What the chip gave of one bank, whose first value is that after *used: as
 * many as it liked to give, upwards.
 */
static int
take_bank(TPMS_PCR_SELECTION *left, const TPMS_PCR_SELECTION *got,
    const TPML_DIGEST *values, uint32_t *used, struct scu_evidence *evidence)
{
    for (unsigned i = 0; i < 8 * sizeof(got->pcrSelect); i++) {
        if (!pcrsel_has(got, i))
            continue;
        if (*used == values->count || !pcrsel_has(left, i) ||
            take(left, i, &values->digests[(*used)++], evidence) != SCU_OK)
            return err_set(SCU_E_CHIP, "TPM2_PCR_Read: an answer to another "
                "question");
    }
    return SCU_OK;
}

static int
take_all(TPML_PCR_SELECTION *left, const TPML_PCR_SELECTION *got,
    const TPML_DIGEST *values, struct scu_evidence *evidence)
{
    uint32_t used = 0;
    int rc = SCU_OK;

    for (uint32_t i = 0; rc == SCU_OK && i < got->count; i++) {
        for (uint32_t n = 0; rc == SCU_OK && n < left->count; n++)
            if (left->pcrSelections[n].hash == got->pcrSelections[i].hash)
                rc = take_bank(&left->pcrSelections[n],
                    &got->pcrSelections[i], values, &used, evidence);
    }
    return rc;
}

/* The first PCR that is still to be read; false where there is none. */
static bool
first_left(const TPML_PCR_SELECTION *left, const struct verify_bank **bank,
    unsigned *index)
{
    for (uint32_t i = 0; i < left->count; i++)
        for (unsigned n = 0; n < VERIFY_PCRS; n++)
            if (pcrsel_has(&left->pcrSelections[i], n)) {
                *bank = verify_bank_of(left->pcrSelections[i].hash);
                *index = n;
                return true;
            }
    return false;
}

/* A chip gives up to eight values at a time, and none of what it has not. */
static int
read_values(struct scu_chip *chip, const TPML_PCR_SELECTION *wanted,
    struct scu_evidence *evidence)
{
    TPML_PCR_SELECTION left = *wanted, got;
    const struct verify_bank *bank = NULL;
    TPML_DIGEST values;
    unsigned index = 0;
    size_t before;
    int rc;

    evidence->n_values = 0;
    while (first_left(&left, &bank, &index)) {
        before = evidence->n_values;
        if ((rc = pcr_read(chip, &left, &got, &values)) != SCU_OK ||
            (rc = take_all(&left, &got, &values, evidence)) != SCU_OK)
            return rc;
        if (evidence->n_values == before)
            return err_set(SCU_E_UNSUPPORTED, "the chip has no PCR %u of %s",
                index, bank->name);
    }
    return SCU_OK;
}

/* --- the quote ----------------------------------------------------------- */

static int
keep_signature(struct scu_evidence *evidence, const TPMT_SIGNATURE *signature)
{
    struct verify_part *part = &evidence->parts[SCU_PART_SIGNATURE - 1];

    part->len = 0;
    return err_tss(Tss2_MU_TPMT_SIGNATURE_Marshal(signature, part->data,
        sizeof(part->data), &part->len), "signature");
}

static int
keep_key(struct scu_evidence *evidence, const TPMT_PUBLIC *public)
{
    struct verify_part *part = &evidence->parts[SCU_PART_KEY - 1];

    part->len = 0;
    return err_tss(Tss2_MU_TPMT_PUBLIC_Marshal(public, part->data,
        sizeof(part->data), &part->len), "attestation key");
}

static int
quote(struct scu_chip *chip, const struct job *job)
{
    TPM2B_NAME name = { 0 };
    const struct chip_command command = {
        .code = TPM2_CC_Quote, .handles = 1, .names = { &name }, .auths = 1,
    };
    const TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL };
    TPM2B_ATTEST attest = { 0 };
    TPMT_SIGNATURE signature = { 0 };
    TPM2B_DATA nonce = { 0 };
    int rc;

    if ((rc = crypto_name(chip->crypto, &chip->pins.attestation.publicArea,
            &name)) != SCU_OK ||
        (rc = b2_set(&nonce.size, nonce.buffer, sizeof(nonce.buffer),
            job->nonce, job->nonce_len)) != SCU_OK ||
        (rc = chip_prepared(Tss2_Sys_Quote_Prepare(chip->sys,
            chip->pins.attestation_handle, &nonce, &own, &job->wanted),
            command.code)) != SCU_OK ||
        (rc = chip_run(chip, &command)) != SCU_OK ||
        (rc = chip_completed(Tss2_Sys_Quote_Complete(chip->sys, &attest,
            &signature), command.code)) != SCU_OK ||
        (rc = scu_evidence_set_part(job->evidence, SCU_PART_ATTEST,
            attest.attestationData, attest.size)) != SCU_OK ||
        (rc = keep_signature(job->evidence, &signature)) != SCU_OK)
        return rc;
    return keep_key(job->evidence, &chip->pins.attestation.publicArea);
}

/* The quote tells the time, too, and nobody but this chip can have said so. */
static void
note_clock(struct scu_chip *chip, const struct scu_verdict *verdict)
{
    const struct scu_clock clock = {
        .ms = verdict->clock_ms,
        .resets = verdict->reset_count,
        .restarts = verdict->restart_count,
        .safe = verdict->clock_safe,
    };

    clock_seen(chip, &clock);
}

/* The verifier's own eyes. *moved: all is well but the values. */
static int
look_at(struct scu_chip *chip, const struct job *job, bool *moved)
{
    const struct scu_expected expected = {
        .nonce = job->nonce, .nonce_len = job->nonce_len,
    };
    struct scu_verdict verdict;
    int rc;

    (void)ERR_set_mark();
    rc = verify_evidence(crypto_lib(chip->crypto), job->evidence, &expected,
        &verdict);
    (void)ERR_pop_to_mark();
    *moved = rc == SCU_OK && verdict.reason == SCU_VERDICT_DIGEST;
    if (rc == SCU_OK && verdict.reason == SCU_VERDICT_UNVOUCHED)
        note_clock(chip, &verdict);
    if (rc != SCU_OK || *moved || verdict.reason == SCU_VERDICT_UNVOUCHED)
        return rc;
    return err_set(SCU_E_CHIP, "TPM2_Quote: the chip's own quote does not "
        "hold (%s): %s", verdict.name, verdict.text);
}

static int
read_and_quote(struct scu_chip *chip, void *arg)
{
    struct job *job = arg;
    int rc = SCU_OK;

    if (chip->pins.attestation_handle == 0)
        return err_set(SCU_E_UNPROVISIONED, "the pins in %s know no "
            "attestation key: run `scu provision`", chip->state);
    job->moved = true;
    for (int i = 0; rc == SCU_OK && job->moved && i < TRIES; i++) {
        if ((rc = read_values(chip, &job->wanted, job->evidence)) == SCU_OK &&
            (rc = quote(chip, job)) == SCU_OK)
            rc = look_at(chip, job, &job->moved);
    }
    return rc;
}

/* What stands where the pinned attestation key is to stand. */
struct standing {
    TPM2_HANDLE handle;
    bool missing, other;
};

static int
look_up_key(struct scu_chip *chip, void *arg)
{
    struct standing *standing = arg;
    TPM2B_PUBLIC public = { 0 };
    TPM2B_NAME pinned = { 0 }, found = { 0 };
    int rc;

    standing->handle = chip->pins.attestation_handle;
    rc = chip_read_public(chip, standing->handle, false, &public, &found);
    standing->missing = rc == SCU_E_NOT_FOUND;
    if (rc == SCU_OK)
        rc = crypto_name(chip->crypto, &chip->pins.attestation.publicArea,
            &pinned);
    standing->other = rc == SCU_OK && (found.size != pinned.size ||
        memcmp(found.name, pinned.name, pinned.size) != 0);
    return standing->missing ? SCU_OK : rc;
}

/*
 * A key that is gone or replaced shows as a missing handle or as an
 * authorisation that fails, since the command is bound to the pinned Name.
 */
static int
explain(struct scu_chip *chip, int rc)
{
    struct standing standing = { 0 };
    char detail[256];

    if (rc != SCU_E_NOT_FOUND && rc != SCU_E_AUTH && rc != SCU_E_LOST)
        return rc;
    (void)snprintf(detail, sizeof(detail), "%s", scu_error_detail());
    (void)chip_perform(chip, CHIP_REPEATABLE, look_up_key, &standing);
    if (standing.missing)
        return err_set(SCU_E_UNPROVISIONED, "the chip has no attestation key "
            "at 0x%08x any more: run `scu provision`", standing.handle);
    if (standing.other)
        return err_set(SCU_E_OTHER_CHIP, "another key than the pinned "
            "attestation key stands at 0x%08x: evict it by "
            "`tpm2_evictcontrol -c 0x%08x` if nobody needs it, then run "
            "`scu provision`", standing.handle, standing.handle);
    return err_set(rc, "%s", detail);
}

static int
check_arguments(const uint8_t *nonce, size_t nonce_len, const char *pcrs,
    TPML_PCR_SELECTION *wanted)
{
    if (nonce == NULL || nonce_len < VERIFY_NONCE_MIN ||
        nonce_len > VERIFY_NONCE_MAX)
        return err_set(SCU_E_ARG, "a nonce has %d to %d octets",
            VERIFY_NONCE_MIN, VERIFY_NONCE_MAX);
    if (pcrs == NULL)
        return err_set(SCU_E_ARG, "a quote needs a selection of PCRs, like "
            "sha256:0-7");
    return pcrsel_read(pcrs, wanted);
}

int
scu_quote(struct scu_chip *chip, const uint8_t *nonce, size_t nonce_len,
    const char *pcrs, struct scu_evidence **evidence)
{
    struct job job = { .nonce = nonce, .nonce_len = nonce_len };
    int rc;

    *evidence = NULL;
    rc = check_arguments(nonce, nonce_len, pcrs, &job.wanted);
    if (rc != SCU_OK)
        return rc;
    job.evidence = scu_evidence_new();
    if (job.evidence == NULL)
        return err_memory();
    rc = explain(chip, chip_perform(chip, CHIP_REPEATABLE, read_and_quote,
        &job));
    if (rc == SCU_OK && job.moved)
        rc = err_set(SCU_E_BUSY, "the PCRs changed during each of %d quotes: "
            "repeat when the system has settled", TRIES);
    if (rc != SCU_OK) {
        scu_evidence_free(&job.evidence);
        return rc;
    }
    *evidence = job.evidence;
    return SCU_OK;
}
