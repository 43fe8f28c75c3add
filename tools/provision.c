/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chipout.h"
#include "cmd.h"
#include "secretin.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOKENS_MAX 1000

struct options {
    const char *owner_auth, *tokens;
    bool force;
};

static const struct opt options[] = {
    {
        .name = "owner-auth",
        .arg = "HOW",
        .help = "random, empty, prompt, file=PATH or fd=N",
        .offset = offsetof(struct options, owner_auth),
    },
    {
        .name = "tokens",
        .arg = "N",
        .help = "see to it that N tokens are prepared for users",
        .offset = offsetof(struct options, tokens),
    },
    {
        .name = "force",
        .help = "replace the pins of another chip by this one's",
        .offset = offsetof(struct options, force),
    },
    { 0 },
};

static int
from_file(const char *path, struct secret **secret, struct out *out)
{
    return secretin_file(path, secret, out);
}

static int
from_fd(const char *text, struct secret **secret, struct out *out)
{
    return secretin_fd_option("--owner-auth fd=", text,
        "the owner authorisation", secret, out);
}

static int
from_tty(const char *unused, struct secret **secret, struct out *out)
{
    const struct secretin_question question = {
        .what = "owner authorisation",
        .otherwise = "use file=PATH or fd=N",
        .fresh = true,
    };

    (void)unused;
    return secretin_tty(&question, secret, out);
}

/* The values of --owner-auth. A name that ends in "=" takes the rest. */
struct owner_auth {
    const char *name;
    enum scu_owner_auth kind;
    int (*read)(const char *rest, struct secret **secret, struct out *out);
};

static const struct owner_auth owner_auths[] = {
    { "random", SCU_OWNER_AUTH_RANDOM, NULL },
    { "empty", SCU_OWNER_AUTH_EMPTY, NULL },
    { "prompt", SCU_OWNER_AUTH_VALUE, from_tty },
    { "file=", SCU_OWNER_AUTH_VALUE, from_file },
    { "fd=", SCU_OWNER_AUTH_VALUE, from_fd },
};

static bool
matches(const struct owner_auth *row, const char *text)
{
    size_t len = strlen(row->name);

    if (row->name[len - 1] == '=')
        return strncmp(text, row->name, len) == 0;
    return strcmp(text, row->name) == 0;
}

static int
choose_owner_auth(const char *text, struct scu_provision_options *how,
    struct secret **secret, struct out *out)
{
    const struct owner_auth *row = NULL;
    int rc;

    for (size_t i = 0; i < sizeof(owner_auths) / sizeof(owner_auths[0]); i++)
        if (matches(&owner_auths[i], text))
            row = &owner_auths[i];
    if (row == NULL)
        return out_error(out, SCU_E_ARG, "provision: --owner-auth \"%s\": "
            "random, empty, prompt, file=PATH and fd=N are known", text);
    how->owner_auth = row->kind;
    if (row->read == NULL)
        return SCU_OK;
    if ((rc = row->read(text + strlen(row->name), secret, out)) != SCU_OK)
        return rc;
    how->owner_value = (*secret)->data;
    how->owner_len = (*secret)->len;
    return SCU_OK;
}

static const char *
made(bool created)
{
    return created ? "made" : "was there";
}

/* Tokens that are prepared, before and after. */
struct prepared {
    size_t before, now;
};

static void
put_done(struct out *out, const struct scu_provision_report *report,
    const struct prepared *tokens)
{
    bool chip_changed = report->created_storage ||
        report->created_attestation || report->set_owner_auth ||
        report->set_lockout_auth || report->wrote_pins;
    bool changed = chip_changed || tokens->now > tokens->before;

    out_bool(out, "changed", NULL, changed);
    out_begin(out, "done");
    out_bool(out, "created_storage_key", NULL, report->created_storage);
    out_bool(out, "created_attestation_key", NULL,
        report->created_attestation);
    out_bool(out, "set_owner_auth", NULL, report->set_owner_auth);
    out_bool(out, "set_lockout_auth", NULL, report->set_lockout_auth);
    out_bool(out, "wrote_pins", NULL, report->wrote_pins);
    out_end(out);
    if (!changed)
        out_line(out, "Nothing to do: this chip is provisioned already.");
    if (chip_changed)
        out_text(out, "done",
            "storage key %s, attestation key %s, pins %s",
            made(report->created_storage), made(report->created_attestation),
            report->wrote_pins ? "written" : "were there");
}

static void
put_prepared(struct out *out, const struct prepared *tokens)
{
    out_number(out, "prepared_tokens", NULL, tokens->now);
    out_text(out, "prepared", "%zu token%s that users can take, %zu of them "
        "by this run", tokens->now, tokens->now == 1 ? "" : "s",
        tokens->now > tokens->before ? tokens->now - tokens->before : 0);
}

static int
read_tokens(const char *text, size_t *count, struct out *out)
{
    unsigned long n;

    *count = 0;
    if (text == NULL)
        return SCU_OK;
    if (opt_number(text, TOKENS_MAX, &n) != 0)
        return out_error(out, SCU_E_ARG, "provision: --tokens \"%s\": a "
            "number up to %d is known", text, TOKENS_MAX);
    *count = n;
    return SCU_OK;
}

/* The files of the state folder, as <scu/provision.h> names them. */
static void
put_files(struct out *out, const char *state)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/authorisations", state);
    out_text(out, "pins", "%s/pins", state);
    out_string(out, NULL, "secrets",
        access(path, F_OK) == 0 ? path : "none are kept here");
}

static void
put_authorisations(struct out *out, const struct scu_provision_report *report,
    const struct scu_provision_options *how)
{
    const char *owner = "set earlier";

    if (report->owner_auth_empty)
        owner = "empty";
    else if (how->owner_auth == SCU_OWNER_AUTH_VALUE)
        owner = "the given one, not kept on this host";
    else if (report->set_owner_auth)
        owner = "random, kept in the file below";
    out_bool(out, "owner_auth_empty", NULL, report->owner_auth_empty);
    out_bool(out, "pin_counting_advisory", NULL, report->owner_auth_empty);
    out_string(out, NULL, "owner auth", owner);
    out_string(out, NULL, "lockout auth", report->set_lockout_auth
        ? "random, kept in the file below" : "set earlier");
    if (report->owner_auth_empty)
        out_string(out, NULL, "PIN counting", CHIPOUT_ADVISORY);
}

/* As many as are wanted; those that are there count. */
static int
prepare(struct scu_chip *chip, const struct scu_provision_options *how,
    size_t wanted, struct prepared *tokens)
{
    tokens->before = tokens->now = scu_token_prepared(chip);
    return wanted <= tokens->before ? SCU_OK :
        scu_token_prepare(chip, how->owner_value, how->owner_len, wanted,
            &tokens->now);
}

static int
run(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct options *given = values;
    struct scu_provision_options how = { .force = given->force };
    struct scu_provision_report report;
    struct prepared tokens = { 0 };
    struct secret *secret = NULL;
    struct scu_chip *chip = NULL;
    size_t wanted;
    int rc;

    if ((rc = read_tokens(given->tokens, &wanted, out)) != SCU_OK)
        return rc;
    if (given->owner_auth != NULL &&
        (rc = choose_owner_auth(given->owner_auth, &how, &secret, out)) !=
        SCU_OK)
        goto out;
    if ((rc = scu_chip_open(where, &chip)) != SCU_OK ||
        (rc = scu_provision(chip, &how, &report)) != SCU_OK) {
        rc = out_error_scu(out, rc);
        goto out;
    }
    if ((rc = prepare(chip, &how, wanted, &tokens)) != SCU_OK) {
        rc = out_error_scu(out, rc);
        goto out;
    }
    put_done(out, &report, &tokens);
    chipout_place(out, chip);
    chipout_pins(out, &report);
    put_authorisations(out, &report, &how);
    put_files(out, scu_chip_state(chip));
    if (given->tokens != NULL)
        put_prepared(out, &tokens);
out:
    scu_chip_free(&chip);
    secret_free(&secret);
    return rc;
}

const struct cmd cmd_provision = {
    .name = "provision",
    .summary = "make a chip's keys, pin them, set its authorisations",
    .page = "scu-provision(1)",
    .options = options,
    .options_size = sizeof(struct options),
    .takes_chip = true,
    .run = run,
};
