/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "secretin.h"

#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

static const struct secretin_question thing = {
    .what = "thing", .otherwise = "do without", .fresh = true,
};

struct fixture {
    struct out *out;
    char path[64];
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int fd;

    assert_non_null(f);
    f->out = out_new(false);
    (void)snprintf(f->path, sizeof(f->path), "/tmp/scu-test-XXXXXX");
    fd = mkstemp(f->path);
    assert_true(fd >= 0);
    (void)close(fd);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    out_free(&f->out);
    (void)unlink(f->path);
    free(f);
    return 0;
}

static void
write_file(const struct fixture *f, const char *text, size_t len)
{
    int fd = open(f->path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    (void)close(fd);
}

static void
secretin_file__strips_one_line_feed(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;

    write_file(f, "a\0b\n\n", 5);
    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_OK);
    assert_int_equal(secret->len, 4);
    assert_memory_equal(secret->data, "a\0b\n", 4);
    secret_free(&secret);
}

static void
secretin_file__longest_and_one_more(void **state)
{
    char text[SECRETIN_MAX + 2];
    struct fixture *f = *state;
    struct secret *secret = NULL;

    memset(text, 'x', sizeof(text));
    text[SECRETIN_MAX] = '\n';
    write_file(f, text, SECRETIN_MAX + 1);
    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_OK);
    assert_int_equal(secret->len, SECRETIN_MAX);
    secret_free(&secret);
    text[SECRETIN_MAX] = 'x';
    write_file(f, text, SECRETIN_MAX + 1);
    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_E_ARG);
    assert_null(secret);
    write_file(f, text, SECRETIN_MAX + 2);
    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_E_ARG);
    assert_null(secret);
}

static void
secretin_file__empty(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;

    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_E_ARG);
    write_file(f, "\n", 1);
    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_E_ARG);
    assert_null(secret);
}

static void
secretin_file__open_to_others(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;

    write_file(f, "secret", 6);
    for (mode_t bit = 01; bit <= 040; bit = bit << 1) {
        assert_int_equal(chmod(f->path, 0600 | bit), 0);
        assert_int_equal(secretin_file(f->path, &secret, f->out),
            SCU_E_FILE);
        assert_null(secret);
    }
}

static void
secretin_file__no_file_and_no_regular_file(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;

    assert_int_equal(secretin_file("/dev/null", &secret, f->out),
        SCU_E_FILE);
    (void)unlink(f->path);
    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_E_FILE);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(secretin_file(f->path, &secret, f->out), SCU_E_FILE);
    assert_null(secret);
}

static void
secretin_fd__pipe_and_junk(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "abc\n", 4), 4);
    (void)close(fds[1]);
    assert_int_equal(secretin_fd(fds[0], "it", &secret, f->out), SCU_OK);
    assert_int_equal(secret->len, 3);
    secret_free(&secret);
    (void)close(fds[0]);
    assert_int_equal(secretin_fd(fds[0], "it", &secret, f->out), SCU_E_FILE);
    assert_null(secret);
}

/*
 * secretin_tty() in a process whose terminal is a pseudo terminal of ours. Its
 * exit code is 0 where it took "secret", else minus its result. What it showed
 * is left in screen. typed ends with NULL.
 */
static int
ask_for(struct out *out, const struct secretin_question *question,
    const char *typed[], char *screen, size_t size)
{
    struct secret *secret = NULL;
    size_t have = 0, asked = 0;
    int terminal, status = 0;
    ssize_t got;
    pid_t pid;

    pid = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        int rc;

        (void)alarm(60); /* a question without end is a failure */
        /* A shell's background job begins with it ignored. */
        (void)signal(SIGINT, SIG_DFL);
        rc = secretin_tty(question, &secret, out);
        if (rc == SCU_OK && (secret->len != 6 ||
            memcmp(secret->data, "secret", 6) != 0))
            rc = -100;
        secret_free(&secret);
        _exit(-rc);
    }
    /* Answers after each question; the end of the child is EIO here. */
    memset(screen, 0, size);
    while (have < size - 1 &&
        (got = read(terminal, screen + have, size - 1 - have)) > 0) {
        have += (size_t)got;
        if (screen[have - 1] == ' ' && screen[have - 2] == ':' &&
            typed[asked] != NULL) {
            assert_true(write(terminal, typed[asked],
                strlen(typed[asked])) > 0);
            asked++;
        }
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(terminal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int
ask(struct out *out, const char *typed[], char *screen, size_t size)
{
    return ask_for(out, &thing, typed, screen, size);
}

static void
secretin_tty__one_in_force_is_asked_for_once(void **state)
{
    const struct secretin_question question = {
        .what = "thing of \033c'x'", .otherwise = "do without",
    };
    const char *typed[] = { "secret\n", NULL };
    struct fixture *f = *state;
    char screen[512];

    assert_int_equal(ask_for(f->out, &question, typed, screen,
        sizeof(screen)), 0);
    assert_non_null(strstr(screen, "Thing of ?c'x': "));
    assert_null(strstr(screen, "Repeat"));
    assert_null(strstr(screen, "secret"));
}

static void
secretin_tty__twice_without_echo(void **state)
{
    const char *typed[] = { "secret\n", "secret\n", NULL };
    struct fixture *f = *state;
    char screen[512];

    assert_int_equal(ask(f->out, typed, screen, sizeof(screen)), 0);
    assert_non_null(strstr(screen, "New thing: "));
    assert_non_null(strstr(screen, "Repeat thing: "));
    assert_null(strstr(screen, "secret"));
}

static void
secretin_tty__two_that_differ(void **state)
{
    const char *typed[] = { "secret\n", "secreT\n", NULL };
    struct fixture *f = *state;
    char screen[512];

    assert_int_equal(ask(f->out, typed, screen, sizeof(screen)),
        -SCU_E_ARG);
}

static void
secretin_tty__nothing(void **state)
{
    const char *typed[] = { "\n", "\n", NULL };
    struct fixture *f = *state;
    char screen[512];

    assert_int_equal(ask(f->out, typed, screen, sizeof(screen)),
        -SCU_E_ARG);
}

static void
secretin_tty__too_much(void **state)
{
    char line[SECRETIN_MAX + 32];
    const char *typed[] = { line, NULL };
    struct fixture *f = *state;
    char screen[512];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = '\0';
    assert_int_equal(ask(f->out, typed, screen, sizeof(screen)),
        -SCU_E_ARG);
}

/* ^C: ends by that signal. */
static void
secretin_tty__interrupt_ends_it(void **state)
{
    const char *typed[] = { "sec\003", NULL };
    struct fixture *f = *state;
    char screen[512];

    assert_int_equal(ask(f->out, typed, screen, sizeof(screen)),
        1000 + SIGINT);
}

static void
secretin_tty__no_terminal(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = NULL;
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setsid();
        _exit(-secretin_tty(&thing, &secret, f->out));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), -SCU_E_CONF);
}

#define TEST(function)                                                        \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secretin_file__strips_one_line_feed),
        TEST(secretin_file__longest_and_one_more),
        TEST(secretin_file__empty),
        TEST(secretin_file__open_to_others),
        TEST(secretin_file__no_file_and_no_regular_file),
        TEST(secretin_fd__pipe_and_junk),
        TEST(secretin_tty__one_in_force_is_asked_for_once),
        TEST(secretin_tty__twice_without_echo),
        TEST(secretin_tty__two_that_differ),
        TEST(secretin_tty__nothing),
        TEST(secretin_tty__too_much),
        TEST(secretin_tty__interrupt_ends_it),
        TEST(secretin_tty__no_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
