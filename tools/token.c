/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chipout.h"
#include "cmd.h"
#include "printable.h"
#include "tokencmd.h"
#include "tokenpick.h"
#include "tty.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- list ------------------------------------------------------------------- */

/* What is to be said of one, in words. */
struct line {
    char user[64], so[64];
};

static void
put_pin(struct out *out, const char *key, uint32_t failed, bool locked)
{
    out_begin(out, key);
    out_number(out, "failed", NULL, failed);
    out_bool(out, "locked", NULL, locked);
    out_end(out);
}

static void
describe(char *text, size_t size, uint32_t failed, uint32_t tries,
    bool locked)
{
    if (locked)
        (void)snprintf(text, size, "LOCKED");
    else if (failed > 0)
        (void)snprintf(text, size, "set, %u of %u tries failed", failed,
            tries);
    else
        (void)snprintf(text, size, "set");
}

/*
 * The state of its PINs, of which only its own chip knows. One whose indices
 * are gone does not keep the others from being listed.
 */
static int
put_pins(struct out *out, struct scu_token *token,
    const struct scu_token_info *info, struct line *line)
{
    struct scu_pin_status status;
    int rc = scu_token_pin_status(token, &status);

    out_bool(out, "lost", NULL, rc == SCU_E_NOT_FOUND);
    if (rc == SCU_E_NOT_FOUND) {
        (void)snprintf(line->user, sizeof(line->user), "lost");
        (void)snprintf(line->so, sizeof(line->so),
            "lost: the chip's owner removed them");
        return SCU_OK;
    }
    if (rc != SCU_OK)
        return out_error_scu(out, rc);
    put_pin(out, "user_pin", status.user_failed, status.user_locked);
    put_pin(out, "so_pin", status.so_failed, status.so_locked);
    describe(line->user, sizeof(line->user), status.user_failed,
        status.tries, status.user_locked);
    describe(line->so, sizeof(line->so), status.so_failed, status.tries,
        status.so_locked);
    if (!info->user_pin_set)
        (void)snprintf(line->user, sizeof(line->user), "not set yet");
    return SCU_OK;
}

static int
put_token(struct out *out, struct scu_token *token, int width)
{
    struct scu_token_info info;
    struct line line;
    int rc = SCU_OK;

    scu_token_info(token, &info);
    out_begin(out, NULL);
    out_string(out, "label", NULL, info.label);
    out_string(out, "serial", NULL, info.serial);
    out_bool(out, "user_pin_set", NULL, info.user_pin_set);
    out_number(out, "tries", NULL, info.tries);
    out_bool(out, "other_chip", NULL, info.other_chip);
    if (info.other_chip)
        out_line(out, "%-*s  %s  of another chip: not usable here", width,
            info.label, info.serial);
    else if ((rc = put_pins(out, token, &info, &line)) == SCU_OK)
        out_line(out, "%-*s  %s  user PIN %s; SO PIN %s", width, info.label,
            info.serial, line.user, line.so);
    out_end(out);
    return rc;
}

static int
longest_label(struct scu_token **tokens, size_t count)
{
    struct scu_token_info info;
    int longest = 0;

    for (size_t i = 0; i < count; i++) {
        scu_token_info(tokens[i], &info);
        if ((int)strlen(info.label) > longest)
            longest = (int)strlen(info.label);
    }
    return longest;
}

static int
put_tokens(struct out *out, struct scu_token **tokens, size_t count)
{
    int width = longest_label(tokens, count);
    int rc = SCU_OK;

    out_begin_list(out, "tokens");
    for (size_t i = 0; rc == SCU_OK && i < count; i++)
        rc = put_token(out, tokens[i], width);
    out_end(out);
    if (count == 0)
        out_line(out, "There is no token: `scu token init` makes one.");
    return rc;
}

/* The store is there to be listed without a chip that is provisioned. */
static int
put_room(struct out *out, struct scu_chip *chip)
{
    struct scu_provision_report pins;
    int rc = scu_provision_read(chip, &pins);

    if (rc == SCU_E_UNPROVISIONED) {
        out_null(out, "room");
        out_note(out, "this chip is not provisioned here: run "
            "`scu provision`");
        return SCU_OK;
    }
    return rc == SCU_OK ? chipout_room(out, chip) : out_error_scu(out, rc);
}

static int
run_list(struct out *out, const struct scu_chip_options *where,
    const void *unused)
{
    struct scu_token **tokens = NULL;
    struct scu_chip *chip = NULL;
    size_t count = 0;
    int rc;

    (void)unused;
    if ((rc = scu_chip_open(where, &chip)) != SCU_OK ||
        (rc = scu_token_list(chip, &tokens, &count)) != SCU_OK)
        rc = out_error_scu(out, rc);
    else if ((rc = put_tokens(out, tokens, count)) == SCU_OK)
        rc = put_room(out, chip);
    scu_token_list_free(&tokens, count);
    scu_chip_free(&chip);
    return rc;
}

static const struct cmd cmd_token_list = {
    .name = "token list",
    .summary = "show the tokens and the state of their PINs",
    .page = "scu-token(1)",
    .takes_chip = true,
    .run = run_list,
};

/* --- remove ------------------------------------------------------------------- */

struct remove_options {
    struct tokenpick pick;
    bool yes;
};

static const struct opt remove_options[] = {
    TOKENPICK_OPTIONS(struct remove_options),
    {
        .name = "yes",
        .help = "do not ask",
        .offset = offsetof(struct remove_options, yes),
    },
    { 0 },
};

/* The label is to be typed, since what is removed is gone for good. */
static int
confirm(const struct scu_token *token, bool *confirmed, struct out *out)
{
    char question[160 + SCU_TOKEN_LABEL_MAX];
    char typed[SCU_TOKEN_LABEL_MAX + 1];
    struct scu_token_info info;
    size_t len = 0;
    int rc;

    scu_token_info(token, &info);
    (void)snprintf(question, sizeof(question), "Token '%s' (%s) and all its "
        "keys will be gone for good. Type its label to remove it", info.label,
        info.serial);
    printable(question, false);
    rc = tty_ask(question, TTY_SHOWN, typed, sizeof(typed), &len);
    *confirmed = rc == 0 && len == strlen(info.label) &&
        memcmp(typed, info.label, len) == 0;
    if (rc != 0 && rc != -EMSGSIZE)
        return out_error(out, SCU_E_CONF, "no terminal to ask on whether to "
            "remove the token (%s): say --yes", strerror(-rc));
    return SCU_OK;
}

static int
remove_token(struct scu_token *token, bool yes, struct out *out)
{
    bool confirmed = yes;
    int rc = yes ? SCU_OK : confirm(token, &confirmed, out);

    if (rc != SCU_OK)
        return rc;
    tokenpick_put(out, token);
    out_bool(out, "removed", NULL, confirmed);
    if (!confirmed) {
        out_note(out, "that was another label: nothing is removed");
        return 1;
    }
    if ((rc = scu_token_remove(token)) != SCU_OK)
        return out_error_scu(out, rc);
    out_line(out, "Removed, with all its keys and objects.");
    return SCU_OK;
}

static int
run_remove(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct remove_options *given = values;
    struct scu_token *token = NULL;
    struct scu_chip *chip = NULL;
    int rc;

    if (given->pick.label == NULL && given->pick.serial == NULL)
        return out_error(out, SCU_E_ARG, "token remove: --token or --serial "
            "is missing");
    if ((rc = scu_chip_open(where, &chip)) != SCU_OK)
        rc = out_error_scu(out, rc);
    else if ((rc = tokenpick_find(chip, &given->pick, &token, out)) == SCU_OK)
        rc = remove_token(token, given->yes, out);
    scu_token_free(&token);
    scu_chip_free(&chip);
    return rc;
}

static const struct cmd cmd_token_remove = {
    .name = "token remove",
    .summary = "destroy a token with its keys",
    .page = "scu-token(1)",
    .options = remove_options,
    .options_size = sizeof(struct remove_options),
    .takes_chip = true,
    .run = run_remove,
};

/* --- the group ------------------------------------------------------------------ */

static const struct cmd *const commands[] = {
    &cmd_token_list,
    &cmd_token_init,
    &cmd_token_pin,
    &cmd_token_unlock,
    &cmd_token_remove,
    NULL,
};

const struct cmd cmd_token = {
    .name = "token",
    .summary = "make tokens, set their PINs, look at and remove them",
    .page = "scu-token(1)",
    .commands = commands,
};
