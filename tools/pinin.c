/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "pinin.h"

#include <scu/token.h>
#include <stdio.h>

bool
pinin_given(const struct pinin_from *from)
{
    return from->file != NULL || from->fd != NULL;
}

static int
ask(const struct pinin_kind *kind, const char *label, struct secret **pin,
    struct out *out)
{
    char what[64 + SCU_TOKEN_LABEL_MAX], otherwise[64];
    const struct secretin_question question = {
        .what = what, .otherwise = otherwise, .fresh = kind->fresh,
    };

    (void)snprintf(what, sizeof(what), "%s of token '%s'", kind->what, label);
    (void)snprintf(otherwise, sizeof(otherwise), "use --%s-file or --%s-fd",
        kind->name, kind->name);
    return secretin_tty(&question, pin, out);
}

int
pinin_read(const struct pinin_kind *kind, const struct pinin_from *from,
    const char *label, struct secret **pin, struct out *out)
{
    char option[32], what[32];
    int rc;

    *pin = NULL;
    (void)snprintf(option, sizeof(option), "--%s-fd ", kind->name);
    (void)snprintf(what, sizeof(what), "the %s", kind->what);
    if (from->file != NULL && from->fd != NULL)
        rc = out_error(out, SCU_E_ARG, "--%s-file and --%s-fd exclude each "
            "other", kind->name, kind->name);
    else if (from->file != NULL)
        rc = secretin_file(from->file, pin, out);
    else if (from->fd != NULL)
        rc = secretin_fd_option(option, from->fd, what, pin, out);
    else
        rc = ask(kind, label, pin, out);
    if (rc != SCU_OK || !kind->fresh || ((*pin)->len >= SCU_PIN_MIN &&
        (*pin)->len <= SCU_PIN_MAX))
        return rc;
    secret_free(pin);
    return out_error(out, SCU_E_PIN_LENGTH, "the %s is too short or too "
        "long: a PIN has %d to %d octets", kind->what, SCU_PIN_MIN,
        SCU_PIN_MAX);
}
