/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TOKENPICK_H
#define TOOLS_TOKENPICK_H

#include "out.h"

#include <scu/token.h>

/* How a command line names a token: "--token LABEL", "--serial S", or not. */
struct tokenpick {
    const char *label, *serial;
};

/* The rows of both options, for a struct that has a tokenpick called pick. */
#define TOKENPICK_OPTIONS(STRUCT)                                             \
    {                                                                         \
        .name = "token",                                                      \
        .arg = "LABEL",                                                       \
        .help = "the token, by its label",                                    \
        .offset = offsetof(STRUCT, pick.label),                               \
    },                                                                        \
    {                                                                         \
        .name = "serial",                                                     \
        .arg = "SERIAL",                                                      \
        .help = "the token, by its serial number",                            \
        .offset = offsetof(STRUCT, pick.serial),                              \
    }

/*
 * The token that both fit; where neither is given, the only one there is.
 * SCU_E_NOT_FOUND; SCU_E_ARG where several fit, with their serials. Recorded
 * in out. The caller frees *token by scu_token_free().
 */
int tokenpick_find(struct scu_chip *chip, const struct tokenpick *pick,
    struct scu_token **token, struct out *out);

/* Label and serial of a token, as members and lines. */
void tokenpick_put(struct out *out, const struct scu_token *token);

/*
 * Records what libscu said when it refused a PIN of that user; behind a wrong
 * one, how many tries are left. Returns rc.
 */
int tokenpick_refused(struct scu_token *token, enum scu_user user, int rc,
    struct out *out);

#endif
