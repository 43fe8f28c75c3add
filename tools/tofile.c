/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "tofile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_through(const char *path, const void *data, size_t len, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY,
        (mode_t)mode);
    int rc;

    if (fd < 0)
        return -errno;
    rc = io_write(fd, data, len, deadline_in(-1));
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    return rc;
}

int
tofile_write(const char *path, const void *data, size_t len, unsigned mode)
{
    struct stat there;

    /* To rename onto /dev/stdout would take it from everybody. */
    if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return write_through(path, data, len, mode);
    return io_replace_file(path, data, len, mode);
}
