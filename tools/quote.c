/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd.h"
#include "evidence.h"
#include "hex.h"
#include "tofile.h"

#include <scu/provision.h>
#include <stdlib.h>
#include <string.h>

#define PCRS_DEFAULT "sha256:0-7"

struct options {
    const char *nonce;
    const char *pcrs;
    const char *out;
    const char *ak_out;
};

static const struct opt options[] = {
    {
        .name = "nonce",
        .arg = "HEX",
        .help = "the verifier's nonce, 8 to 32 octets",
        .offset = offsetof(struct options, nonce),
    },
    {
        .name = "pcrs",
        .arg = "LIST",
        .help = "which PCRs, like sha256:0-7+sha1:4 (" PCRS_DEFAULT ")",
        .offset = offsetof(struct options, pcrs),
    },
    {
        .name = "out",
        .arg = "FILE",
        .help = "write the evidence there",
        .offset = offsetof(struct options, out),
    },
    {
        .name = "ak-out",
        .arg = "FILE",
        .help = "write the public attestation key there, PEM",
        .offset = offsetof(struct options, ak_out),
    },
    { 0 },
};

static int
write_file(struct out *out, const char *path, const char *text, size_t len)
{
    int rc = tofile_write(path, text, len, 0644);

    if (rc == 0)
        return SCU_OK;
    return out_error(out, SCU_E_FILE, "cannot write %s: %s", path,
        strerror(-rc));
}

static int
write_key(struct out *out, const struct scu_evidence *evidence,
    const char *path)
{
    char *pem = NULL;
    size_t len = 0;
    int rc;

    if (path == NULL)
        return SCU_OK;
    rc = scu_evidence_key_pem(evidence, &pem, &len);
    if (rc != SCU_OK)
        return out_error_scu(out, rc);
    rc = write_file(out, path, pem, len);
    free(pem);
    return rc;
}

/* To a file, with a line feed; or as the run's output. */
static int
write_evidence(struct out *out, const struct scu_evidence *evidence,
    const char *path)
{
    char *text = evidence_write(evidence);
    size_t len;
    int rc = SCU_OK;

    if (text == NULL)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    if (path == NULL) {
        out_document(out, text);
    } else {
        len = strlen(text);
        text[len] = '\n'; /* in place of the terminating zero */
        rc = write_file(out, path, text, len + 1);
    }
    free(text);
    return rc;
}

static int
put_summary(struct out *out, const struct scu_chip *chip,
    const struct options *o)
{
    struct scu_provision_report pins;
    int rc = scu_provision_read(chip, &pins);

    if (rc != SCU_OK)
        return out_error_scu(out, rc);
    out_string(out, "evidence", "evidence", o->out);
    if (o->ak_out != NULL)
        out_string(out, "ak", "public key", o->ak_out);
    out_string(out, "key_name", "signed by", pins.attestation_name);
    return SCU_OK;
}

static bool
is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static int
run(struct out *out, const struct scu_chip_options *where, const void *arg)
{
    const struct options *o = arg;
    const char *path = is_same(o->out, "-") ? NULL : o->out;
    struct scu_evidence *evidence = NULL;
    struct scu_chip *chip = NULL;
    uint8_t nonce[64];
    size_t len = 0;
    int rc;

    if (is_same(o->out, o->ak_out))
        return out_error(out, SCU_E_ARG, "quote: --out and --ak-out name the "
            "same file");
    if (o->nonce == NULL)
        return out_error(out, SCU_E_ARG, "quote: --nonce is missing: the "
            "verifier chooses it, at random and for once");
    if (hex_read(o->nonce, strlen(o->nonce), nonce, sizeof(nonce), &len) != 0)
        return out_error(out, SCU_E_ARG, "quote: --nonce takes 8 to 32 "
            "octets in hexadecimal");
    if ((rc = scu_chip_open(where, &chip)) != SCU_OK ||
        (rc = scu_quote(chip, nonce, len,
            o->pcrs != NULL ? o->pcrs : PCRS_DEFAULT, &evidence)) != SCU_OK) {
        rc = out_error_scu(out, rc);
        goto out;
    }
    if ((rc = write_key(out, evidence, o->ak_out)) == SCU_OK &&
        (rc = write_evidence(out, evidence, path)) == SCU_OK)
        rc = path == NULL ? SCU_OK : put_summary(out, chip, o);
out:
    scu_evidence_free(&evidence);
    scu_chip_free(&chip);
    return rc;
}

const struct cmd cmd_quote = {
    .name = "quote",
    .summary = "have the chip sign its platform registers, as evidence",
    .page = "scu-quote(1)",
    .options = options,
    .options_size = sizeof(struct options),
    .takes_chip = true,
    .run = run,
};
