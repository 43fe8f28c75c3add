/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "nosigpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_CHUNK 4096

/* *revents is what poll(2) reported. */
static int
wait_for(int fd, short events, short *revents, struct deadline deadline)
{
    struct pollfd p = { .fd = fd, .events = events };
    int n;

    for (;;) {
        n = poll(&p, 1, deadline_left(deadline));
        *revents = p.revents;
        if (n > 0)
            return p.revents & POLLNVAL ? -EBADF : 0;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0 && deadline_past(deadline))
            return -ETIMEDOUT;
    }
}

int
io_wait(int fd, short events, struct deadline deadline)
{
    short revents;

    return wait_for(fd, events, &revents, deadline);
}

static ssize_t
write_some(int fd, const void *data, size_t len)
{
    ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno == ENOTSOCK)
        n = nosigpipe_write(fd, data, len);
    return n;
}

int
io_write(int fd, const void *data, size_t len, struct deadline deadline)
{
    const uint8_t *p = data;
    ssize_t n;
    int rc;

    while (len > 0) {
        n = write_some(fd, p, len);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n == 0) {
            return -EIO;
        } else if (errno == EAGAIN) {
            if ((rc = io_wait(fd, POLLOUT, deadline)) != 0)
                return rc;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int
io_read_some(int fd, void *data, size_t max, size_t *got,
    struct deadline deadline)
{
    short revents;
    ssize_t n;
    int rc;

    *got = 0;
    for (;;) {
        if ((rc = wait_for(fd, POLLIN, &revents, deadline)) != 0)
            return rc;
        n = read(fd, data, max);
        if (n > 0) {
            *got = (size_t)n;
            return 0;
        }
        if (n == 0)
            return -EPIPE;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
        /* A fault without input would make this spin; a quicker reader not. */
        if (errno == EAGAIN && (revents & POLLIN) == 0)
            return -EIO;
    }
}

int
io_read(int fd, void *data, size_t len, size_t *done, struct deadline deadline)
{
    size_t got;
    int rc;

    while (*done < len) {
        rc = io_read_some(fd, (uint8_t *)data + *done, len - *done, &got,
            deadline);
        if (rc != 0)
            return rc;
        *done += got;
    }
    return 0;
}

/* Moves the content to twice the space; the old copy may hold a secret. */
static int
grow(char **data, size_t len, size_t *size, size_t max)
{
    size_t wider = *size > max / 2 ? max : *size * 2;
    char *p = malloc(wider + 1);

    if (p == NULL)
        return -ENOMEM;
    memcpy(p, *data, len);
    explicit_bzero(*data, len);
    free(*data);
    *data = p;
    *size = wider;
    return 0;
}

int
io_read_all(int fd, size_t max, char **data, size_t *len)
{
    size_t size = max < FIRST_CHUNK ? max : FIRST_CHUNK;
    size_t have = 0;
    char *p = NULL;
    char beyond;
    ssize_t n;
    int rc = 0;

    *data = NULL;
    *len = 0;
    if (max >= SIZE_MAX || (p = malloc(size + 1)) == NULL)
        return -ENOMEM;
    for (;;) {
        if (have == size && size < max
            && (rc = grow(&p, have, &size, max)) != 0)
            break;
        /* At the limit one octet more tells whether the file ends here. */
        n = have < size ? read(fd, p + have, size - have)
                        : read(fd, &beyond, 1);
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || have == size) {
            rc = n < 0 ? -errno : -EFBIG;
            break;
        }
        have += (size_t)n;
    }
    if (rc != 0) {
        explicit_bzero(p, have);
        free(p);
        return rc;
    }
    p[have] = '\0';
    *data = p;
    *len = have;
    return 0;
}

int
io_read_file(const char *path, size_t max, char **data, size_t *len)
{
    int rc;
    int fd;

    *data = NULL;
    *len = 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    rc = io_read_all(fd, max, data, len);
    (void)close(fd);
    return rc;
}

int
io_read_trusted(const char *path, unsigned forbidden, size_t max, char **data,
    size_t *len)
{
    struct stat st;
    int rc;
    int fd;

    *data = NULL;
    *len = 0;
    fd = open(path,
        O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return errno == ELOOP ? -EPERM : -errno;
    if (fstat(fd, &st) != 0)
        rc = -errno;
    else if (!S_ISREG(st.st_mode) || (st.st_mode & forbidden) != 0
        || (st.st_uid != 0 && st.st_uid != geteuid()))
        rc = -EPERM;
    else
        rc = io_read_all(fd, max, data, len);
    (void)close(fd);
    return rc;
}

static int
write_and_sync(int fd, const void *data, size_t len, unsigned mode)
{
    int rc;

    if (fchmod(fd, (mode_t)mode) != 0)
        return -errno;
    if ((rc = io_write(fd, data, len, deadline_in(-1))) != 0)
        return rc;
    return fsync(fd) == 0 ? 0 : -errno;
}

int
io_sync_entry(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    int fd = -1;
    int rc = 0;

    if (slash == NULL)
        folder = strdup(".");
    else
        folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder == NULL)
        return -ENOMEM;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        rc = -errno;
    if (fd >= 0)
        (void)close(fd);
    free(folder);
    return rc;
}

int
io_replace_file(const char *path, const void *data, size_t len, unsigned mode)
{
    char *temp = NULL;
    int fd = -1;
    int rc;

    if (asprintf(&temp, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    if ((fd = mkostemp(temp, O_CLOEXEC)) < 0) {
        rc = -errno;
        goto out;
    }
    rc = write_and_sync(fd, data, len, mode);
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc == 0 && rename(temp, path) != 0)
        rc = -errno;
    if (rc != 0) {
        (void)unlink(temp);
        goto out;
    }
    rc = io_sync_entry(path);
out:
    free(temp);
    return rc;
}
