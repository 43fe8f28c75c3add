/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "simproc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/*
 * TPM2_GetTestResult without sessions: tag, length, code. Any command would
 * do that a chip answers only after TPM2_Startup.
 */
static const uint8_t probe[] = {
    0x80, 0x01, 0x00, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x01, 0x7c,
};

/* A connection, or a negative errno value. -EAGAIN: there, but busy. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd, rc;

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    rc = -errno;
    (void)close(fd);
    return rc;
}

static int
listens(const char *path)
{
    int fd = connect_to(path);

    if (fd >= 0)
        (void)close(fd);
    return fd >= 0 || fd == -EAGAIN ? 0 : fd;
}

/* One command, of whose response the header's code must be 0. */
static int
exchange(const char *path, struct deadline deadline)
{
    static const uint8_t success[4] = { 0 };
    uint8_t header[10];
    size_t done = 0;
    int fd, rc;

    if ((fd = connect_to(path)) < 0)
        return fd;
    if ((rc = io_write(fd, probe, sizeof(probe), deadline)) == 0)
        rc = io_read(fd, header, sizeof(header), &done, deadline);
    if (rc == 0 && memcmp(header + 6, success, sizeof(success)) != 0)
        rc = -EPROTO;
    (void)close(fd);
    return rc;
}

static int
is_open(const struct sim_paths *paths, struct deadline deadline)
{
    int rc;

    (void)deadline;
    if ((rc = listens(paths->control)) != 0)
        return rc;
    return listens(paths->socket);
}

static int
is_ready(const struct sim_paths *paths, struct deadline deadline)
{
    int rc;

    if ((rc = is_open(paths, deadline)) != 0)
        return rc;
    return exchange(paths->socket, deadline);
}

/* The last line of the log without its line feed, or an empty text. */
static void
last_words(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    off_t length = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    off_t from = length > (off_t)size - 1 ? length - (off_t)size + 1 : 0;
    ssize_t n = fd >= 0 ? pread(fd, text, size - 1, from) : 0;
    char *line;

    if (fd >= 0)
        (void)close(fd);
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n > 0 ? n : 0] = '\0';
    if ((line = strrchr(text, '\n')) != NULL)
        memmove(text, line + 1, strlen(line + 1) + 1);
}

static int
wait_until(const struct sim_paths *paths, struct deadline deadline,
    int (*check)(const struct sim_paths *, struct deadline), struct out *out)
{
    const struct timespec step = { .tv_nsec = 2000000 };
    char words[200];
    int rc;

    while ((rc = check(paths, deadline)) != 0) {
        if (sim_pid(paths) == 0) {
            last_words(paths->log, words, sizeof(words));
            return out_error(out, SCU_E_NO_CHIP, "the simulator ended at "
                "once: \"%s\"; see %s", words, paths->log);
        }
        if (deadline_past(deadline))
            return out_error(out, SCU_E_NO_CHIP, "the simulator runs but does "
                "not answer (%s); see %s", strerror(-rc), paths->log);
        (void)nanosleep(&step, NULL);
    }
    return SCU_OK;
}

int
sim_wait_ready(const struct sim_paths *paths, struct deadline deadline,
    struct out *out)
{
    return wait_until(paths, deadline, is_ready, out);
}

int
sim_wait_open(const struct sim_paths *paths, struct deadline deadline,
    struct out *out)
{
    return wait_until(paths, deadline, is_open, out);
}
