/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_PEM_H
#define TOOLS_PEM_H

#include "keyattrs.h"

/*
 * Public keys and certificates as text. The caller frees the result by
 * free(3); NULL: out of memory.
 */

/* "-----BEGIN LABEL-----" and so on (RFC 7468), a line feed at its end. */
char *pem_write(const char *label, const uint8_t *data, size_t len);

/*
 * A line of OpenSSH's authorized_keys (RFC 4253, 6.6; RFC 5656, 3.1), a line
 * feed at its end. *unfit where the parts are none of a key that OpenSSH has.
 */
char *pem_write_ssh(const struct keyattrs_parts *parts, const char *comment,
    bool *unfit);

#endif
