/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd.h"
#include "evidence.h"
#include "hex.h"
#include "io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEM_MAX 16384

/* Exit codes of a verdict; those of errors are in scu/error.h. */
#define EXIT_NOT_ENOUGH 1
#define EXIT_FORGED 3
#define EXIT_STALE 5

struct options {
    const char *file;
    const char *nonce;
    const char *ak;
    const char *pcrs;
};

static const struct opt options[] = {
    {
        .name = "nonce",
        .arg = "HEX",
        .help = "the nonce that was sent",
        .offset = offsetof(struct options, nonce),
    },
    {
        .name = "ak",
        .arg = "FILE",
        .help = "the public key that must have signed, PEM",
        .offset = offsetof(struct options, ak),
    },
    {
        .name = "pcrs",
        .arg = "LIST",
        .help = "PCRs that must be covered, like sha256:0-7",
        .offset = offsetof(struct options, pcrs),
    },
    { 0 },
};

static const struct exit_row {
    enum scu_verdict_reason reason;
    int code;
} exits[] = {
    { SCU_VERDICT_OK, 0 },
    { SCU_VERDICT_NONCE, EXIT_STALE },
    { SCU_VERDICT_NOT_COVERED, EXIT_NOT_ENOUGH },
    { SCU_VERDICT_UNVOUCHED, EXIT_NOT_ENOUGH },
};

static int
exit_of(enum scu_verdict_reason reason)
{
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
        if (exits[i].reason == reason)
            return exits[i].code;
    return EXIT_FORGED;
}

static void
put_verdict(struct out *out, bool verified, const char *name,
    const char *text)
{
    out_bool(out, "verified", "verified", verified);
    out_string(out, "verdict", NULL, name);
    out_string(out, "text", NULL, text);
    out_text(out, "verdict", "%s: %s", name, text);
}

static void
put_clock(struct out *out, const struct scu_verdict *verdict)
{
    char firmware[32];

    out_string(out, "key_name", "signed by", verdict->key_name);
    out_begin(out, "clock");
    out_number(out, "ms", NULL, verdict->clock_ms);
    out_bool(out, "safe", NULL, verdict->clock_safe);
    out_number(out, "resets", NULL, verdict->reset_count);
    out_number(out, "restarts", NULL, verdict->restart_count);
    out_end(out);
    out_text(out, "clock", "%" PRIu64 " ms of power, %s; %u resets, %u "
        "restarts", verdict->clock_ms,
        verdict->clock_safe ? "safe" : "not safe (power was cut)",
        verdict->reset_count, verdict->restart_count);
    (void)snprintf(firmware, sizeof(firmware), "0x%016" PRIx64,
        verdict->firmware);
    out_string(out, "firmware", "firmware", firmware);
}

static void
put_bank(struct out *out, const struct scu_evidence *evidence,
    const char *bank)
{
    char value[2 * 64 + 1], index[16];
    struct scu_pcr pcr;

    out_begin(out, bank);
    for (size_t i = 0; scu_evidence_pcr_at(evidence, i, &pcr); i++) {
        if (strcmp(pcr.bank, bank) != 0)
            continue;
        hex_write(pcr.value, pcr.len, value);
        (void)snprintf(index, sizeof(index), "%u", pcr.index);
        out_string(out, index, NULL, value);
        out_text(out, "PCR", "%s:%s %s", bank, index, value);
    }
    out_end(out);
}

/* Bank by bank, in the order in which they first appear. */
static void
put_pcrs(struct out *out, const struct scu_evidence *evidence)
{
    struct scu_pcr pcr, before;

    out_begin(out, "pcrs");
    for (size_t i = 0; scu_evidence_pcr_at(evidence, i, &pcr); i++) {
        bool first = true;

        for (size_t n = 0; n < i; n++)
            if (scu_evidence_pcr_at(evidence, n, &before) &&
                strcmp(before.bank, pcr.bank) == 0)
                first = false;
        if (first)
            put_bank(out, evidence, pcr.bank);
    }
    out_end(out);
}

/*
 * The file, or standard input for "-". A positive result is the exit code of
 * a verdict: what is no evidence is as bad as evidence that is none.
 */
static int
read_evidence(struct out *out, const char *path,
    struct scu_evidence **evidence)
{
    char *text = NULL;
    char why[160] = "it is longer than any evidence";
    size_t len = 0;
    int rc;

    rc = strcmp(path, "-") == 0 ?
        io_read_all(STDIN_FILENO, EVIDENCE_FILE_MAX, &text, &len) :
        io_read_file(path, EVIDENCE_FILE_MAX, &text, &len);
    if (rc == -ENOMEM)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    if (rc != 0 && rc != -EFBIG)
        return out_error(out, SCU_E_FILE, "cannot read %s: %s", path,
            strerror(-rc));
    if (rc == 0)
        rc = evidence_read(text, len, evidence, why, sizeof(why));
    free(text);
    if (rc == SCU_E_MEMORY)
        return out_error(out, rc, "%s", why);
    if (rc == SCU_OK)
        return SCU_OK;
    put_verdict(out, false, "malformed", why);
    return EXIT_FORGED;
}

static int
read_key(struct out *out, const char *path, char **pem,
    struct scu_expected *expected)
{
    int rc;

    if (path == NULL)
        return SCU_OK;
    rc = io_read_file(path, PEM_MAX, pem, &expected->key_pem_len);
    if (rc != 0)
        return out_error(out, SCU_E_FILE, "cannot read %s: %s", path,
            strerror(-rc));
    expected->key_pem = *pem;
    return SCU_OK;
}

static int
check(struct out *out, const struct scu_evidence *evidence,
    const struct scu_expected *expected)
{
    struct scu_verdict verdict;
    int rc = scu_evidence_verify(evidence, expected, &verdict);

    if (rc != SCU_OK)
        return out_error_scu(out, rc);
    put_verdict(out, verdict.reason == SCU_VERDICT_OK, verdict.name,
        verdict.text);
    /* Nothing of what was refused is worth being shown. */
    if (exit_of(verdict.reason) <= EXIT_NOT_ENOUGH) {
        put_clock(out, &verdict);
        put_pcrs(out, evidence);
    }
    return exit_of(verdict.reason);
}

static int
run(struct out *out, const struct scu_chip_options *unused, const void *arg)
{
    const struct options *o = arg;
    struct scu_expected expected = { .pcrs = o->pcrs };
    struct scu_evidence *evidence = NULL;
    char *pem = NULL;
    uint8_t nonce[64];
    int rc;

    (void)unused;
    if (o->nonce == NULL)
        return out_error(out, SCU_E_ARG, "verify: --nonce is missing: "
            "without it old evidence looks like new");
    if (hex_read(o->nonce, strlen(o->nonce), nonce, sizeof(nonce),
            &expected.nonce_len) != 0)
        return out_error(out, SCU_E_ARG, "verify: --nonce takes 8 to 32 "
            "octets in hexadecimal");
    expected.nonce = nonce;
    if ((rc = read_key(out, o->ak, &pem, &expected)) == SCU_OK &&
        (rc = read_evidence(out, o->file, &evidence)) == SCU_OK)
        rc = check(out, evidence, &expected);
    scu_evidence_free(&evidence);
    free(pem);
    return rc;
}

const struct cmd cmd_verify = {
    .name = "verify",
    .summary = "check the evidence of a quote, without a chip",
    .page = "scu-verify(1)",
    .operand = "FILE",
    .operand_offset = offsetof(struct options, file),
    .options = options,
    .options_size = sizeof(struct options),
    .run = run,
};
