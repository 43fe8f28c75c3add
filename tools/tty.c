/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
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

/* What release_signals() puts back. */
struct saved_signals {
    struct sigaction actions[N_SIGNALS];
    sigset_t mask;
};

/*
 * They are blocked but for the moments in ppoll(2), so that none comes between
 * looking at caught and waiting for input.
 */
static void
catch_signals(struct saved_signals *saved)
{
    struct sigaction action = { .sa_handler = note_signal };
    sigset_t ours;

    caught = 0;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&ours);
    for (size_t i = 0; i < N_SIGNALS; i++)
        (void)sigaddset(&ours, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &ours, &saved->mask);
    for (size_t i = 0; i < N_SIGNALS; i++)
        (void)sigaction(signals[i], &action, &saved->actions[i]);
}

static void
release_signals(const struct saved_signals *saved)
{
    for (size_t i = 0; i < N_SIGNALS; i++)
        (void)sigaction(signals[i], &saved->actions[i], NULL);
    if (caught != 0)
        (void)raise(caught);
    (void)sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

/* Until there is input; -EINTR where one of our signals came. */
static int
wait_for_input(int fd, const sigset_t *mask)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    while (ppoll(&p, 1, NULL, mask) < 0) {
        if (errno != EINTR)
            return -errno;
        if (caught != 0)
            return -EINTR;
    }
    return 0;
}

/* One octet at a time: what is typed behind the line stays in the queue. */
static int
read_line(int fd, const sigset_t *mask, char *line, size_t size, size_t *len)
{
    bool too_long = false;
    char c = '\0';
    ssize_t n;
    int rc;

    *len = 0;
    for (;;) {
        if ((rc = wait_for_input(fd, mask)) != 0)
            goto out;
        n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            rc = n == 0 ? -ENODATA : -errno;
            goto out;
        }
        if (c == '\n')
            break;
        if (*len == size)
            too_long = true;
        else
            line[(*len)++] = c;
    }
    rc = too_long ? -EMSGSIZE : 0;
out:
    explicit_bzero(&c, sizeof(c));
    return rc;
}

struct reply {
    char *line;
    size_t size, *len;
};

static int
ask(int fd, const char *question, enum tty_echo echo,
    const struct reply *reply)
{
    struct saved_signals signals_before;
    struct termios saved, quiet;
    int rc;

    if (tcgetattr(fd, &saved) != 0)
        return -errno;
    quiet = saved;
    if (echo == TTY_HIDDEN)
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    catch_signals(&signals_before);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0) {
        (void)dprintf(fd, "%s: ", question);
        rc = read_line(fd, &signals_before.mask, reply->line, reply->size,
            reply->len);
        if (echo == TTY_HIDDEN)
            (void)dprintf(fd, "\n");
        (void)tcsetattr(fd, TCSAFLUSH, &saved);
    } else {
        rc = -errno;
    }
    release_signals(&signals_before);
    return rc;
}

int
tty_ask(const char *question, enum tty_echo echo, char *line, size_t size,
    size_t *len)
{
    const struct reply reply = { line, size, len };
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int rc;

    *len = 0;
    if (fd < 0)
        return -errno;
    rc = ask(fd, question, echo, &reply);
    (void)close(fd);
    return rc;
}
