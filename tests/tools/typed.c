/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * typed ANSWER... -- COMMAND...: runs a command on a terminal of its own and
 * types an answer after each of its questions, which end in ": ". Prints what
 * the terminal showed; the exit code is the command's, 99 where it does not
 * end by itself.
 */

#define TIME_S 120 /* a question without end is a failure */

/* The next answer; NULL behind the last. */
static char *
next_answer(char ***answers)
{
    return strcmp(**answers, "--") == 0 ? NULL : *(*answers)++;
}

static void
type(int terminal, const char *answer)
{
    (void)dprintf(terminal, "%s\n", answer);
}

/* The end of the command is EIO here. */
static void
converse(int terminal, char **answers)
{
    char screen[8192];
    const char *answer;
    size_t have = 0;
    ssize_t got;

    while (have < sizeof(screen) &&
        (got = read(terminal, screen + have, sizeof(screen) - have)) > 0) {
        have += (size_t)got;
        if (have >= 2 && memcmp(screen + have - 2, ": ", 2) == 0 &&
            (answer = next_answer(&answers)) != NULL)
            type(terminal, answer);
    }
    (void)fwrite(screen, 1, have, stdout);
}

int
main(int argc, char **argv)
{
    int command = 1, terminal, status = 0;
    pid_t pid;

    while (command < argc && strcmp(argv[command], "--") != 0)
        command++;
    if (command + 1 >= argc)
        return 99;
    pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid < 0)
        return 99;
    if (pid == 0) {
        (void)alarm(TIME_S);
        (void)execvp(argv[command + 1], argv + command + 1);
        _exit(99);
    }
    converse(terminal, argv + 1);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return 99;
    return WEXITSTATUS(status);
}
