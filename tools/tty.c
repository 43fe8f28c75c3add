/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t caught;

static void
note_signal(int sig)
{
    caught = sig;
}

/* Without SA_RESTART, so that a signal ends read(2). */
static void
catch_signals(struct sigaction *old)
{
    struct sigaction action = { .sa_handler = note_signal };

    caught = 0;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < N_SIGNALS; i++)
        (void)sigaction(signals[i], &action, &old[i]);
}

static void
release_signals(const struct sigaction *old)
{
    for (size_t i = 0; i < N_SIGNALS; i++)
        (void)sigaction(signals[i], &old[i], NULL);
    if (caught != 0)
        (void)raise(caught);
}

/* One octet at a time: what is typed behind the line stays in the queue. */
static int
read_line(int fd, char *line, size_t size, size_t *len)
{
    int rc = 0;
    ssize_t n;
    char c;

    *len = 0;
    for (;;) {
        n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR && caught == 0)
            continue;
        if (n <= 0)
            return n == 0 ? -ENODATA : -errno;
        if (c == '\n')
            break;
        if (*len == size)
            rc = -EMSGSIZE;
        else
            line[(*len)++] = c;
    }
    explicit_bzero(&c, sizeof(c));
    return rc;
}

static int
ask(int fd, const char *head, const char *what, char *line, size_t size,
    size_t *len)
{
    struct sigaction old[N_SIGNALS];
    struct termios saved, quiet;
    int rc;

    if (tcgetattr(fd, &saved) != 0)
        return -errno;
    quiet = saved;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    catch_signals(old);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
        (void)dprintf(fd, "%s%s: ", head, what);
        rc = read_line(fd, line, size, len);
        (void)dprintf(fd, "\n");
        (void)tcsetattr(fd, TCSAFLUSH, &saved);
    } else {
        rc = -errno;
    }
    release_signals(old);
    return rc;
}

int
tty_ask(const char *head, const char *what, char *line, size_t size,
    size_t *len)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int rc;

    *len = 0;
    if (fd < 0)
        return -errno;
    rc = ask(fd, head, what, line, size, len);
    (void)close(fd);
    return rc;
}
