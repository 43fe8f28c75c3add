/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SECRETIN_H
#define TOOLS_SECRETIN_H

#include "out.h"
#include "secret.h"

#include <stdbool.h>

/*
 * Where secrets come in. None comes from the command line or the environment,
 * which others can read. In each case *secret is the caller's, who frees it by
 * secret_free(); what was read on the way is wiped. A line feed at the end is
 * not part of the secret. It is neither empty nor longer than this:
 */
#define SECRETIN_MAX 128

/*
 * From a descriptor, up to its end. what names it in errors. SCU_E_ARG: empty
 * or too long; SCU_E_FILE; SCU_E_MEMORY. All recorded in out.
 */
int secretin_fd(int fd, const char *what, struct secret **secret,
    struct out *out);

/*
 * From the descriptor whose number an option gives as text. option is what
 * stands before it on the command line: "--pin-fd ". SCU_E_ARG where it is no
 * number; and as above.
 */
int secretin_fd_option(const char *option, const char *text,
    const char *what, struct secret **secret, struct out *out);

/*
 * From a file that only the user or root can read, and that they own.
 * Otherwise SCU_E_FILE; and as above.
 */
int secretin_file(const char *path, struct secret **secret, struct out *out);

/* What is asked on the terminal. */
struct secretin_question {
    const char *what;      /* "owner authorisation", "user PIN of 'x'" */
    const char *otherwise; /* without a terminal: "use file=PATH or fd=N" */
    bool fresh;            /* a new one: asked for twice */
};

/*
 * From the terminal, without echo. SCU_E_CONF where there is no terminal,
 * SCU_E_ARG where two entries differ, nothing or too much is typed.
 */
int secretin_tty(const struct secretin_question *question,
    struct secret **secret, struct out *out);

#endif
