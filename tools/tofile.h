/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_TOFILE_H
#define TOOLS_TOFILE_H

#include <stddef.h>

/*
 * Writes to a path that the user named. A file, or nothing, is replaced so
 * that after a power cut the old or the new content stands there. Anything
 * else, a device, a pipe, or a link whatever it leads to, is written to and
 * stays what it is. mode is that of a file that is made. 0 or -errno.
 */
int tofile_write(const char *path, const void *data, size_t len,
    unsigned mode);

#endif
