/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static int real = -1;
static int lines = -1;

void
capture_start(void)
{
    int pipes[2];

    assert_int_equal(real, -1);
    assert_int_equal(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
    real = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(real >= 0);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    (void)close(pipes[1]);
    lines = pipes[0];
}

void
capture_expect(const char *part)
{
    char text[4096];
    ssize_t n = read(lines, text, sizeof(text) - 1);
    char *end;

    text[n > 0 ? n : 0] = '\0';
    assert_true(dup2(real, STDERR_FILENO) >= 0);
    (void)close(real);
    (void)close(lines);
    real = -1;
    lines = -1;
    if (part == NULL) {
        assert_string_equal(text, "");
        return;
    }
    end = strchr(text, '\n');
    if (strncmp(text, "scu: ", 5) != 0 || strstr(text, part) == NULL
        || end == NULL || end[1] != '\0')
        fail_msg("'%s' is not one line with '%s'", text, part);
}
