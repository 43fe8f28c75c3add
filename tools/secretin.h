/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SECRETIN_H
#define TOOLS_SECRETIN_H

#include "out.h"
#include "secret.h"

/*
 * Where secrets come in. None comes from the command line or the environment,
 * which others can read. In each case *secret is the caller's, who frees it by
 * secret_free(); what was read on the way is wiped. A line feed at the end is
 * not part of the secret. It is neither empty nor longer than this:
 */
#define SECRETIN_MAX 64

/*
 * From a descriptor, up to its end. what names it in errors. SCU_E_ARG: empty
 * or too long; SCU_E_FILE; SCU_E_MEMORY. All recorded in out.
 */
int secretin_fd(int fd, const char *what, struct secret **secret,
    struct out *out);

/*
 * From a file that only the user or root can read, and that they own.
 * Otherwise SCU_E_FILE; and as above.
 */
int secretin_file(const char *path, struct secret **secret, struct out *out);

/*
 * From the terminal, without echo, asked for twice. what is of the form "owner
 * authorisation". SCU_E_CONF where there is no terminal, SCU_E_ARG where
 * both differ, nothing or too much is typed.
 */
int secretin_tty(const char *what, struct secret **secret, struct out *out);

#endif
