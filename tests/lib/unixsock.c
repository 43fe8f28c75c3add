/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "unixsock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
address_set(struct sockaddr_un *addr, const char *path)
{
    size_t len = strlen(path);

    if (len >= sizeof(addr->sun_path))
        return -ENAMETOOLONG;
    memset(addr, 0, sizeof(*addr));
    addr->sun_family = AF_UNIX;
    memcpy(addr->sun_path, path, len + 1);
    return 0;
}

int
unixsock_connect(const char *path)
{
    struct sockaddr_un addr;
    int fd, rc;

    if ((rc = address_set(&addr, path)) != 0)
        return rc;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return -errno;
    do {
        rc = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        rc = -errno;
        (void)close(fd);
        return rc;
    }
    return fd;
}

int
unixsock_listen(const char *path)
{
    struct sockaddr_un addr;
    int fd, rc;

    if ((rc = address_set(&addr, path)) != 0)
        return rc;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return -errno;
    (void)unlink(path);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        rc = -errno;
        (void)close(fd);
        return rc;
    }
    return fd;
}

int
unixsock_wait(const char *path, int timeout_ms)
{
    const int step_ms = 5;
    int fd = -ETIMEDOUT;

    for (int left = timeout_ms; left >= 0; left -= step_ms) {
        if ((fd = unixsock_connect(path)) >= 0) {
            (void)close(fd);
            return 0;
        }
        (void)poll(NULL, 0, step_ms);
    }
    return fd;
}

int
unixsock_send(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int
unixsock_recv_frame(int fd, uint8_t *data, size_t size)
{
    size_t have = 0, want = 10;

    if (size < want)
        return -EPROTO;
    while (have < want) {
        ssize_t n = recv(fd, data + have, want - have, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? -EPIPE : -errno;
        have += (size_t)n;
        if (have == 10)
            want = frame_length(data);
        if (want < 10 || want > size)
            return -EPROTO;
    }
    return (int)have;
}

static uint32_t
be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
        (uint32_t)p[2] << 8 | p[3];
}

size_t
frame_length(const uint8_t *data)
{
    return be32(data + 2);
}

uint32_t
frame_code(const uint8_t *data)
{
    return be32(data + 6);
}
