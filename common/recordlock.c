/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "recordlock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/*
 * Two octets of the file are locked. Who wants the lock first takes the gate,
 * then the lock, then opens the gate again: while somebody waits at the gate
 * the holder cannot overtake him, however quickly it comes back.
 */
#define BYTE_LOCK 0
#define BYTE_GATE 1

#define WAIT_FIRST_NS 20000
#define WAIT_LONGEST_NS 4000000

/* Record locks: what one process does to some octets. All or nothing. */
static int
set_octets(int fd, short type, off_t octet, off_t n)
{
    struct flock fl = {
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = octet,
        .l_len = n,
    };

    while (fcntl(fd, F_SETLK, &fl) != 0) {
        if (errno == EACCES)
            return -EAGAIN;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static int
set_octet(int fd, short type, off_t octet)
{
    return set_octets(fd, type, octet, 1);
}

pid_t
recordlock_holder(int fd)
{
    struct flock fl = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = BYTE_LOCK,
        .l_len = 1,
    };

    if (fcntl(fd, F_GETLK, &fl) != 0 || fl.l_type == F_UNLCK || fl.l_pid < 0)
        return 0;
    return fl.l_pid;
}

/* F_SETLKW cannot be bounded without a signal, hence the short sleeps. */
static int
wait_octet(int fd, off_t octet, struct deadline deadline)
{
    struct timespec ts = { .tv_nsec = WAIT_FIRST_NS };
    int rc;

    while ((rc = set_octet(fd, F_WRLCK, octet)) == -EAGAIN) {
        if (deadline_past(deadline))
            return -ETIMEDOUT;
        (void)nanosleep(&ts, NULL);
        if (ts.tv_nsec < WAIT_LONGEST_NS)
            ts.tv_nsec *= 2;
    }
    return rc;
}

int
recordlock_acquire(int fd, struct deadline deadline)
{
    /* Nobody there: through the gate and into the lock in one step. */
    int rc = set_octets(fd, F_WRLCK, BYTE_LOCK, 2);

    if (rc == -EAGAIN) {
        if ((rc = wait_octet(fd, BYTE_GATE, deadline)) != 0)
            return rc;
        rc = wait_octet(fd, BYTE_LOCK, deadline);
    }
    (void)set_octet(fd, F_UNLCK, BYTE_GATE);
    return rc;
}

int
recordlock_try(int fd)
{
    return set_octet(fd, F_WRLCK, BYTE_LOCK);
}

void
recordlock_release(int fd)
{
    (void)set_octet(fd, F_UNLCK, BYTE_LOCK);
}
