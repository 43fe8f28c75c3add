/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "pinin.h"
#include "tokencmd.h"
#include "tokenpick.h"

#include <scu/provision.h>
#include <string.h>

#define TRIES_MAX 100

static const struct pinin_kind so_pin = { "so-pin", "SO PIN", false };
static const struct pinin_kind so_pin_made = { "so-pin", "SO PIN", true };
static const struct pinin_kind user_pin_made = { "pin", "user PIN", true };

/* What all that take PINs hold on to. */
struct work {
    struct out *out;
    struct scu_chip *chip;
    struct scu_token *token;
    struct secret *first, *second;
};

static void
end(struct work *w)
{
    scu_token_free(&w->token);
    scu_chip_free(&w->chip);
    secret_free(&w->first);
    secret_free(&w->second);
}

/* Opens the chip and finds the token. */
static int
begin(struct work *w, const struct scu_chip_options *where,
    const struct tokenpick *pick)
{
    int rc = scu_chip_open(where, &w->chip);

    if (rc != SCU_OK)
        return out_error_scu(w->out, rc);
    return tokenpick_find(w->chip, pick, &w->token, w->out);
}

static void
label_of(const struct work *w, char label[SCU_TOKEN_LABEL_MAX + 1])
{
    struct scu_token_info info;

    scu_token_info(w->token, &info);
    memcpy(label, info.label, sizeof(info.label));
}

/* The SO sets the user's PIN, which is w->second; w->first is the SO's. */
static int
set_user_pin(struct work *w)
{
    int rc = scu_token_login(w->token, SCU_USER_SO, w->first->data,
        w->first->len);

    if (rc != SCU_OK)
        return tokenpick_refused(w->token, SCU_USER_SO, rc, w->out);
    rc = scu_token_set_user_pin(w->token, w->second->data, w->second->len);
    if (rc != SCU_OK)
        rc = out_error_scu(w->out, rc);
    scu_token_logout(w->token);
    return rc;
}

/* --- init -------------------------------------------------------------------- */

struct init_options {
    const char *label, *tries;
    struct pinin_from so_pin, pin;
    bool with_pin;
};

static const struct opt init_options[] = {
    {
        .name = "label",
        .arg = "LABEL",
        .help = "what it is called, up to 32 octets",
        .offset = offsetof(struct init_options, label),
    },
    {
        .name = "tries",
        .arg = "N",
        .help = "wrong PINs in a row that lock; 10 by default",
        .offset = offsetof(struct init_options, tries),
    },
    {
        .name = "with-pin",
        .help = "set the user PIN, too",
        .offset = offsetof(struct init_options, with_pin),
    },
    PININ_OPTIONS(struct init_options, so_pin, "so-pin", "the SO PIN"),
    PININ_OPTIONS(struct init_options, pin, "pin", "the user PIN"),
    { 0 },
};

/* 0 stands for the default. */
static int
read_tries(const char *text, uint32_t *tries, struct out *out)
{
    unsigned long n;

    *tries = 0;
    if (text == NULL)
        return SCU_OK;
    if (opt_number(text, TRIES_MAX, &n) != 0 || n < 1)
        return out_error(out, SCU_E_ARG, "token init: --tries \"%s\": a "
            "number from 1 to %d is known", text, TRIES_MAX);
    *tries = (uint32_t)n;
    return SCU_OK;
}

static bool
is_called(const struct scu_token *token, const char *label)
{
    struct scu_token_info info;

    scu_token_info(token, &info);
    return !info.other_chip && strcmp(info.label, label) == 0;
}

/* Two tokens of one name cannot be told apart by their URIs. */
static int
check_label(struct work *w, const char *label)
{
    struct scu_token **all = NULL;
    size_t count = 0, same = 0;
    int rc;

    if (label[0] == '\0' || strlen(label) > SCU_TOKEN_LABEL_MAX)
        return out_error(w->out, SCU_E_ARG, "token init: a label has 1 to %d "
            "octets", SCU_TOKEN_LABEL_MAX);
    rc = scu_token_list(w->chip, &all, &count);
    if (rc != SCU_OK)
        return out_error_scu(w->out, rc);
    for (size_t i = 0; i < count; i++)
        same += is_called(all[i], label);
    scu_token_list_free(&all, count);
    if (same == 0)
        return SCU_OK;
    return out_error(w->out, SCU_E_EXISTS, "there is a token '%s' already: "
        "choose another label, or remove that one", label);
}

static int
make(struct work *w, const char *label, uint32_t tries)
{
    bool provisioned = false;
    int rc = scu_provision_auto(w->chip, &provisioned);

    if (rc == SCU_OK)
        rc = scu_token_init(w->chip, label, w->first->data, w->first->len,
            tries, &w->token);
    if (provisioned)
        out_note(w->out, "this chip was not provisioned: that is done now, "
            "as scu.conf says (auto-provision)");
    if (rc != SCU_OK)
        return out_error_scu(w->out, rc);
    if (w->second != NULL && (rc = set_user_pin(w)) != SCU_OK) {
        out_note(w->out, "token '%s' is made, but has no user PIN yet: `scu "
            "token unlock` sets it", label);
        return rc;
    }
    return SCU_OK;
}

static void
put_made(const struct work *w)
{
    struct scu_token_info info;

    scu_token_info(w->token, &info);
    tokenpick_put(w->out, w->token);
    out_number(w->out, "tries", NULL, info.tries);
    out_text(w->out, "tries", "%u wrong PINs in a row lock it", info.tries);
    out_bool(w->out, "user_pin_set", NULL, w->second != NULL);
    out_string(w->out, NULL, "user PIN", w->second != NULL ? "set" :
        "not set yet: `scu token unlock` sets it");
}

static int
run_init(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct init_options *given = values;
    bool with_pin = given->with_pin || pinin_given(&given->pin);
    struct work w = { .out = out };
    uint32_t tries;
    int rc;

    if (given->label == NULL)
        return out_error(out, SCU_E_ARG, "token init: --label is missing");
    if ((rc = read_tries(given->tries, &tries, out)) != SCU_OK)
        return rc;
    if ((rc = scu_chip_open(where, &w.chip)) != SCU_OK)
        rc = out_error_scu(out, rc);
    if (rc == SCU_OK)
        rc = check_label(&w, given->label);
    if (rc == SCU_OK)
        rc = pinin_read(&so_pin_made, &given->so_pin, given->label, &w.first,
            out);
    if (rc == SCU_OK && with_pin)
        rc = pinin_read(&user_pin_made, &given->pin, given->label, &w.second,
            out);
    if (rc == SCU_OK)
        rc = make(&w, given->label, tries);
    if (rc == SCU_OK)
        put_made(&w);
    end(&w);
    return rc;
}

const struct cmd cmd_token_init = {
    .name = "token init",
    .summary = "make a token",
    .page = "scu-token(1)",
    .options = init_options,
    .options_size = sizeof(struct init_options),
    .takes_chip = true,
    .run = run_init,
};

/* --- pin --------------------------------------------------------------------- */

struct pin_options {
    struct tokenpick pick;
    struct pinin_from pin, new_pin;
    bool so;
};

static const struct opt pin_options[] = {
    TOKENPICK_OPTIONS(struct pin_options),
    {
        .name = "so",
        .help = "change the SO PIN, not the user PIN",
        .offset = offsetof(struct pin_options, so),
    },
    PININ_OPTIONS(struct pin_options, pin, "pin", "the PIN in force"),
    PININ_OPTIONS(struct pin_options, new_pin, "new-pin", "the new PIN"),
    { 0 },
};

static int
change(struct work *w, const struct pin_options *given)
{
    enum scu_user user = given->so ? SCU_USER_SO : SCU_USER_NORMAL;
    const char *what = given->so ? "SO PIN" : "user PIN";
    const struct pinin_kind old = { "pin", what, false };
    const struct pinin_kind fresh = { "new-pin", what, true };
    char label[SCU_TOKEN_LABEL_MAX + 1];
    int rc;

    label_of(w, label);
    rc = pinin_read(&old, &given->pin, label, &w->first, w->out);
    if (rc == SCU_OK)
        rc = pinin_read(&fresh, &given->new_pin, label, &w->second, w->out);
    if (rc != SCU_OK)
        return rc;
    rc = scu_token_change_pin(w->token, user, w->first->data, w->first->len,
        w->second->data, w->second->len);
    if (rc != SCU_OK)
        return tokenpick_refused(w->token, user, rc, w->out);
    tokenpick_put(w->out, w->token);
    out_string(w->out, "changed", NULL, given->so ? "so" : "user");
    out_text(w->out, "done", "the %s is changed", what);
    return SCU_OK;
}

static int
run_pin(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct pin_options *given = values;
    struct work w = { .out = out };
    int rc = begin(&w, where, &given->pick);

    if (rc == SCU_OK)
        rc = change(&w, given);
    end(&w);
    return rc;
}

const struct cmd cmd_token_pin = {
    .name = "token pin",
    .summary = "change one's own PIN",
    .page = "scu-token(1)",
    .options = pin_options,
    .options_size = sizeof(struct pin_options),
    .takes_chip = true,
    .run = run_pin,
};

/* --- unlock ------------------------------------------------------------------ */

struct unlock_options {
    struct tokenpick pick;
    struct pinin_from so_pin, pin;
};

static const struct opt unlock_options[] = {
    TOKENPICK_OPTIONS(struct unlock_options),
    PININ_OPTIONS(struct unlock_options, so_pin, "so-pin", "the SO PIN"),
    PININ_OPTIONS(struct unlock_options, pin, "pin", "the new user PIN"),
    { 0 },
};

static int
unlock(struct work *w, const struct unlock_options *given)
{
    char label[SCU_TOKEN_LABEL_MAX + 1];
    int rc;

    label_of(w, label);
    rc = pinin_read(&so_pin, &given->so_pin, label, &w->first, w->out);
    if (rc == SCU_OK)
        rc = pinin_read(&user_pin_made, &given->pin, label, &w->second,
            w->out);
    if (rc == SCU_OK)
        rc = set_user_pin(w);
    if (rc != SCU_OK)
        return rc;
    tokenpick_put(w->out, w->token);
    out_text(w->out, "done", "the user PIN is set, and no wrong tries count");
    return SCU_OK;
}

static int
run_unlock(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct unlock_options *given = values;
    struct work w = { .out = out };
    int rc = begin(&w, where, &given->pick);

    if (rc == SCU_OK)
        rc = unlock(&w, given);
    end(&w);
    return rc;
}

const struct cmd cmd_token_unlock = {
    .name = "token unlock",
    .summary = "set the user PIN as the SO: the first, or in place of a lost one",
    .page = "scu-token(1)",
    .options = unlock_options,
    .options_size = sizeof(struct unlock_options),
    .takes_chip = true,
    .run = run_unlock,
};
