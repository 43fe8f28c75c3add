/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_PININ_H
#define TOOLS_PININ_H

#include "secretin.h"

#include <stdbool.h>

/*
 * Where a PIN comes from: two options of a command, "--NAME-file" and
 * "--NAME-fd", else the terminal.
 */
struct pinin_from {
    const char *file, *fd; /* as given, or NULL */
};

/* The rows of both, for a struct that has a pinin_from called MEMBER. */
#define PININ_OPTIONS(STRUCT, MEMBER, NAME, WHAT)                             \
    {                                                                         \
        .name = NAME "-file",                                                 \
        .arg = "FILE",                                                        \
        .help = "read " WHAT " from a file of yours alone",                   \
        .offset = offsetof(STRUCT, MEMBER.file),                              \
    },                                                                        \
    {                                                                         \
        .name = NAME "-fd",                                                   \
        .arg = "N",                                                           \
        .help = "read " WHAT " from an open descriptor",                      \
        .offset = offsetof(STRUCT, MEMBER.fd),                                \
    }

struct pinin_kind {
    const char *name; /* of the options: "so-pin" */
    const char *what; /* "SO PIN" */
    bool fresh;       /* about to be set: on the terminal asked for twice */
};

/* Whether one of the options was given. */
bool pinin_given(const struct pinin_from *from);

/*
 * Reads the PIN of the token with that label. A fresh one has the length that
 * PINs have: SCU_E_PIN_LENGTH. SCU_E_ARG where both options are given; and as
 * in secretin.h, all recorded in out. The caller frees *pin.
 */
int pinin_read(const struct pinin_kind *kind, const struct pinin_from *from,
    const char *label, struct secret **pin, struct out *out);

#endif
