/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control.h"
#include "io.h"
#include "response.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * A request is the command's number, big endian in four octets, then its
 * argument; the answer is a result in four octets, 0 for success.
 */
static const struct {
    uint8_t number;
    size_t len; /* of the request */
} requests[] = {
    [CONTROL_SET_LOCALITY] = { .number = 5, .len = 5 },
    [CONTROL_CANCEL] = { .number = 9, .len = 4 },
};

int
control_run(const struct endpoint *control, enum control_command command,
    uint8_t value, struct deadline deadline)
{
    const uint8_t request[5] = { 0, 0, 0, requests[command].number, value };
    uint8_t result[4];
    size_t done = 0;
    int fd = -1;
    int rc;

    if (control->len == 0)
        return -ENOTCONN;
    rc = endpoint_connect(control, deadline, &fd);
    if (rc == -ENOENT || rc == -ECONNREFUSED || rc == -ENOTDIR)
        return -ENOTCONN;
    if (rc == 0)
        rc = io_write(fd, request, requests[command].len, deadline);
    if (rc == 0)
        rc = io_read(fd, result, sizeof(result), &done, deadline);
    if (rc == 0 && be32_read(result) != 0)
        rc = -EPERM;
    if (fd >= 0)
        (void)close(fd);
    return rc;
}
