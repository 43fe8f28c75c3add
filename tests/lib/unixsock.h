/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_UNIXSOCK_H
#define TESTS_LIB_UNIXSOCK_H

#include <stddef.h>
#include <stdint.h>

/* Stream sockets on paths. All descriptors are close-on-exec and blocking. */

/* A connection, or a negative errno value. */
int unixsock_connect(const char *path);

/* A listening socket in place of whatever stood there, or negative errno. */
int unixsock_listen(const char *path);

/*
 * Until somebody listens at path, looked at each 5 ms. 0, or a negative errno
 * value: that of the last attempt after timeout_ms.
 */
int unixsock_wait(const char *path, int timeout_ms);

/* Writes all of it, without SIGPIPE. 0 or a negative errno value. */
int unixsock_send(int fd, const uint8_t *data, size_t len);

/*
 * One framed TPM message: reads into data (size octets) until the length in
 * its header is reached. Its length, or a negative errno value: -EPIPE at end
 * of input, -EPROTO when the header's length is not 10 to size.
 */
int unixsock_recv_frame(int fd, uint8_t *data, size_t size);

/* The header's length field of a TPM message of at least 6 octets. */
size_t frame_length(const uint8_t *data);

/* Its third field, at 6: command code or response code. 10 octets at least. */
uint32_t frame_code(const uint8_t *data);

#endif
