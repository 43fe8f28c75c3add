/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tokenpick.h"

#include <stdio.h>
#include <string.h>

static bool
fits(const struct tokenpick *pick, const struct scu_token *token)
{
    struct scu_token_info info;

    scu_token_info(token, &info);
    return (pick->label == NULL || strcmp(pick->label, info.label) == 0) &&
        (pick->serial == NULL || strcmp(pick->serial, info.serial) == 0);
}

/* "SERIAL (LABEL)", behind what stands in list; those that do not fit in it
 * are left out. */
static void
append(const struct scu_token *token, char *list, size_t size)
{
    struct scu_token_info info;
    size_t len = strlen(list);

    scu_token_info(token, &info);
    (void)snprintf(list + len, size - len, "%s%s (%s%s)",
        len == 0 ? "" : ", ", info.serial, info.label,
        info.other_chip ? ", of another chip" : "");
}

static int
not_one(const struct tokenpick *pick, size_t n, const char *serials,
    struct out *out)
{
    const char *name = pick->serial != NULL ? pick->serial : pick->label;

    if (n == 0 && name == NULL)
        return out_error(out, SCU_E_NOT_FOUND, "there is no token: `scu token "
            "init` makes one");
    if (n == 0)
        return out_error(out, SCU_E_NOT_FOUND, "there is no token '%s': `scu "
            "token list` shows those that there are", name);
    if (name == NULL)
        return out_error(out, SCU_E_ARG, "there are %zu tokens: say which by "
            "--token or --serial: %s", n, serials);
    return out_error(out, SCU_E_ARG, "%zu tokens are called '%s': say which "
        "by --serial: %s", n, name, serials);
}

int
tokenpick_find(struct scu_chip *chip, const struct tokenpick *pick,
    struct scu_token **token, struct out *out)
{
    struct scu_token **all = NULL, *found = NULL;
    size_t count = 0, n = 0;
    char serials[512] = "";
    int rc = scu_token_list(chip, &all, &count);

    *token = NULL;
    if (rc != SCU_OK)
        return out_error_scu(out, rc);
    for (size_t i = 0; i < count; i++) {
        if (!fits(pick, all[i]))
            continue;
        append(all[i], serials, sizeof(serials));
        found = all[i];
        n++;
    }
    if (n == 1)
        *token = scu_token_ref(found);
    else
        rc = not_one(pick, n, serials, out);
    scu_token_list_free(&all, count);
    return rc;
}

void
tokenpick_put(struct out *out, const struct scu_token *token)
{
    struct scu_token_info info;

    scu_token_info(token, &info);
    out_string(out, "label", "token", info.label);
    out_string(out, "serial", "serial", info.serial);
}

/* What to do about a PIN that is locked. */
static const char *
remedy(enum scu_user user)
{
    return user == SCU_USER_SO ? "nobody can unlock that one; the user PIN "
        "still works, and `scu token remove` removes the token" :
        "the SO unlocks it by `scu token unlock`";
}

/* A wrong PIN, and failed of so many tries. */
static int
wrong(const char *why, enum scu_user user, uint32_t failed, uint32_t tries,
    struct out *out)
{
    /* A PIN that the chip took, and the store did not, has no tries. */
    if (failed == 0)
        return out_error(out, SCU_E_AUTH, "%s", why);
    if (failed >= tries)
        return out_error(out, SCU_E_AUTH, "%s: that was the last try, it is "
            "locked now; %s", why, remedy(user));
    return out_error(out, SCU_E_AUTH, "%s: %u of %u tries %s left", why,
        tries - failed, tries, tries - failed == 1 ? "is" : "are");
}

int
tokenpick_refused(struct scu_token *token, enum scu_user user, int rc,
    struct out *out)
{
    struct scu_pin_status status = { 0 };
    char why[512];

    if (rc == SCU_E_PIN_LOCKED && user == SCU_USER_SO)
        return out_error(out, rc, "%s: %s", scu_error_detail(), remedy(user));
    if (rc != SCU_E_AUTH)
        return out_error_scu(out, rc);
    (void)snprintf(why, sizeof(why), "%s", scu_error_detail());
    if (scu_token_pin_status(token, &status) != SCU_OK)
        return out_error(out, rc, "%s", why);
    return wrong(why, user, user == SCU_USER_SO ? status.so_failed :
        status.user_failed, status.tries, out);
}
