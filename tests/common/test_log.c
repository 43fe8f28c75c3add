/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    int real;  /* standard error */
    int lines; /* what is written there meanwhile */
    char text[4096];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    int pipes[2];

    assert_non_null(f);
    assert_int_equal(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
    f->real = dup(STDERR_FILENO);
    f->lines = pipes[0];
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    (void)close(pipes[1]);
    assert_int_equal(unsetenv("SCU_LOG"), 0);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    assert_true(dup2(f->real, STDERR_FILENO) >= 0);
    (void)close(f->real);
    if (f->lines >= 0)
        (void)close(f->lines);
    free(f);
    return 0;
}

static const char *
written(struct fixture *f)
{
    ssize_t n = read(f->lines, f->text, sizeof(f->text) - 1);

    f->text[n > 0 ? n : 0] = '\0';
    return f->text;
}

static void
log_line__shows_errors_by_default(void **state)
{
    struct fixture *f = *state;

    log_line(LOG_LEVEL_ERROR, "cause %d; remedy", 7);
    log_line(LOG_LEVEL_WARN, "not shown");
    assert_string_equal(written(f), "scu: cause 7; remedy\n");
}

static void
log_line__follows_the_variable(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("SCU_LOG", "warn", 1), 0);
    log_line(LOG_LEVEL_INFO, "not shown");
    log_line(LOG_LEVEL_WARN, "shown");
    assert_string_equal(written(f), "scu: shown\n");
    assert_int_equal(setenv("SCU_LOG", "none", 1), 0);
    log_line(LOG_LEVEL_ERROR, "not shown");
    assert_string_equal(written(f), "");
    assert_int_equal(setenv("SCU_LOG", "junk", 1), 0);
    log_line(LOG_LEVEL_ERROR, "shown");
    assert_string_equal(written(f), "scu: shown\n");
    assert_int_equal(setenv("SCU_LOG", "debug", 1), 0);
    log_line(LOG_LEVEL_NONE, "never shown");
    log_line(LOG_LEVEL_DEBUG, "shown");
    assert_string_equal(written(f), "scu: shown\n");
}

static void
log_line__makes_no_second_line(void **state)
{
    struct fixture *f = *state;

    log_line(LOG_LEVEL_ERROR, "name '%s'", "a\nscu: b\x1b[2J\x7f");
    assert_string_equal(written(f), "scu: name 'a?scu: b?[2J?'\n");
}

static void
log_line__cuts_what_is_too_long(void **state)
{
    struct fixture *f = *state;
    char text[2000];
    size_t len;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_line(LOG_LEVEL_ERROR, "%s", text);
    len = strlen(written(f));
    assert_in_range(len, 1000, 1024);
    assert_int_equal(f->text[len - 1], '\n');
}

static void
log_line__keeps_errno_and_raises_no_signal(void **state)
{
    struct fixture *f = *state;

    (void)close(f->lines);
    f->lines = -1;
    errno = ENOTTY;
    log_line(LOG_LEVEL_ERROR, "into a pipe that nobody reads");
    assert_int_equal(errno, ENOTTY);
}

#define LOG_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(log_line__shows_errors_by_default),
        LOG_TEST(log_line__follows_the_variable),
        LOG_TEST(log_line__makes_no_second_line),
        LOG_TEST(log_line__cuts_what_is_too_long),
        LOG_TEST(log_line__keeps_errno_and_raises_no_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
