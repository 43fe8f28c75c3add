/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "nosigpipe.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

ssize_t
nosigpipe_write(int fd, const void *data, size_t len)
{
    const struct timespec at_once = { 0 };
    sigset_t pipe_only, old, pending;
    bool was_pending;
    ssize_t n;
    int err;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigemptyset(&pending);
    (void)sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
    n = write(fd, data, len);
    err = errno;
    /* The signal of a failed write goes to this thread: take it back. */
    if (n < 0 && err == EPIPE && !was_pending)
        while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = err;
    return n;
}
