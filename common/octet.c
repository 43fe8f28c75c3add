/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "octet.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define WAIT_FIRST_NS 20000
#define WAIT_LONGEST_NS 4000000

int
octet_set(int fd, short type, off_t octet)
{
    struct flock fl = {
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = octet,
        .l_len = 1,
    };

    while (fcntl(fd, F_SETLK, &fl) != 0) {
        if (errno == EACCES)
            return -EAGAIN;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

pid_t
octet_holder(int fd, off_t octet)
{
    struct flock fl = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = octet,
        .l_len = 1,
    };

    if (fcntl(fd, F_GETLK, &fl) != 0 || fl.l_type == F_UNLCK || fl.l_pid < 0)
        return 0;
    return fl.l_pid;
}

/* F_SETLKW cannot be bounded without a signal, hence the short sleeps. */
int
octet_wait(int fd, off_t octet, struct deadline deadline)
{
    struct timespec ts = { .tv_nsec = WAIT_FIRST_NS };
    int rc;

    while ((rc = octet_set(fd, F_WRLCK, octet)) == -EAGAIN) {
        if (deadline_past(deadline))
            return -ETIMEDOUT;
        (void)nanosleep(&ts, NULL);
        if (ts.tv_nsec < WAIT_LONGEST_NS)
            ts.tv_nsec *= 2;
    }
    return rc;
}
