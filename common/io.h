/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_IO_H
#define COMMON_IO_H

#include "deadline.h"

#include <stddef.h>

/*
 * Whole-buffer input and output on descriptors, bounded by a deadline, proof
 * against EINTR and short transfers, and without SIGPIPE. Sockets may be in
 * either mode; on other descriptors a write keeps to its deadline only if
 * they are O_NONBLOCK.
 * All return 0 or a negative errno value; -ETIMEDOUT when the deadline passed.
 */

/* Writes all of len octets. */
int io_write(int fd, const void *data, size_t len, struct deadline deadline);

/*
 * Reads until *done reaches len. *done counts what has come, so that a read
 * that timed out is taken up again where it stopped. -EPIPE: end of input.
 */
int io_read(int fd, void *data, size_t len, size_t *done,
    struct deadline deadline);

/*
 * Waits for input and reads once: between 1 and max octets, *got of them.
 * -EPIPE: end of input. *got is 0 on failure.
 */
int io_read_some(int fd, void *data, size_t max, size_t *got,
    struct deadline deadline);

/*
 * Waits until poll(2) reports any of events, or an error or end of the
 * descriptor. 0, -ETIMEDOUT or another negative errno value.
 */
int io_wait(int fd, short events, struct deadline deadline);

/*
 * Reads a whole file of at most max octets into memory that the caller frees
 * (wiping it where it is secret); a NUL octet stands behind it. -EFBIG where
 * the file is longer.
 */
int io_read_file(const char *path, size_t max, char **data, size_t *len);

/*
 * The same for a file that is believed: a regular file, reached through no
 * symbolic link at its end, of root or the effective user, with none of the
 * forbidden mode bits. -EPERM otherwise. What is checked is what is read.
 */
int io_read_trusted(const char *path, unsigned forbidden, size_t max,
    char **data, size_t *len);

/* The same from an open descriptor, from where it stands to its end. */
int io_read_all(int fd, size_t max, char **data, size_t *len);

/*
 * Writes a file so that after a power cut either the old or the new content
 * stands there: temporary file of the given mode in the same folder, fsync,
 * rename, fsync of the folder.
 */
int io_replace_file(const char *path, const void *data, size_t len,
    unsigned mode);

/* Brings the entry of path in its folder to the disk: after mkdir(2). */
int io_sync_entry(const char *path);

#endif
