/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* The state is the name of a symbolic link that a test may make. */
static int
setup(void **state)
{
    char dir[] = "/tmp/scu-node.XXXXXX";
    char *link = malloc(64);

    assert_non_null(link);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(link, 64, "%s/tty", dir);
    *state = link;
    return 0;
}

static int
teardown(void **state)
{
    char *link = *state;

    (void)unlink(link);
    *strrchr(link, '/') = '\0';
    assert_int_equal(rmdir(link), 0);
    free(link);
    return 0;
}

static bool
free_for_a_child(const char *path)
{
    struct lockfile *lock = NULL;
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (lockfile_open_node(path, &lock) != 0)
            _exit(2);
        _exit(lockfile_acquire(lock, deadline_in(0), NULL) != 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return status == 0;
}

static int
open_pty(char *path, size_t size)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(grantpt(fd), 0);
    assert_int_equal(unlockpt(fd), 0);
    assert_int_equal(ptsname_r(fd, path, size), 0);
    return fd;
}

static void
lockfile_open_node__refuses_files_and_makes_none(void **state)
{
    const char *link = *state;
    struct lockfile *lock = NULL;
    int fd = open(link, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(lockfile_open_node(link, &lock), -EINVAL);
    (void)unlink(link);
    assert_int_equal(lockfile_open_node(link, &lock), -ENOENT);
    assert_null(lock);
}

static void
lockfile_open_node__locks_a_device(void **state)
{
    const char *link = *state;
    struct lockfile *lock = NULL;
    char pty[64];
    int master = open_pty(pty, sizeof(pty));

    assert_int_equal(symlink(pty, link), 0);
    assert_int_equal(lockfile_open_node(link, &lock), 0);
    assert_int_equal(lockfile_acquire(lock, deadline_in(0), NULL), 0);
    assert_false(free_for_a_child(pty));
    lockfile_release(lock);
    assert_true(free_for_a_child(pty));
    lockfile_close(&lock);
    (void)close(master);
}

static void
lockfile_close_fd__keeps_the_lock(void **state)
{
    struct lockfile *lock = NULL;
    char pty[64];
    int master = open_pty(pty, sizeof(pty));
    int fd = open(pty, O_RDWR | O_NOCTTY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(lockfile_open_node(pty, &lock), 0);
    assert_int_equal(lockfile_acquire(lock, deadline_in(0), NULL), 0);
    lockfile_close_fd(fd);
    assert_false(free_for_a_child(pty));
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    lockfile_release(lock);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_true(free_for_a_child(pty));
    lockfile_close(&lock);
    (void)close(master);
}

/* The pty that comes next has the number of the one before, as a rule. */
static void
lockfile_acquire__of_a_node_that_came_back(void **state)
{
    const char *link = *state;
    struct lockfile *lock = NULL;
    char pty[64];
    int master = open_pty(pty, sizeof(pty));

    assert_int_equal(symlink(pty, link), 0);
    assert_int_equal(lockfile_open_node(link, &lock), 0);
    (void)close(master);
    assert_int_equal(lockfile_acquire(lock, deadline_in(0), NULL), -ENOENT);
    master = open_pty(pty, sizeof(pty));
    (void)unlink(link);
    assert_int_equal(symlink(pty, link), 0);
    assert_int_equal(lockfile_acquire(lock, deadline_in(0), NULL), 0);
    assert_false(free_for_a_child(pty));
    lockfile_close(&lock);
    (void)close(master);
}

#define NODE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        NODE_TEST(lockfile_open_node__refuses_files_and_makes_none),
        NODE_TEST(lockfile_open_node__locks_a_device),
        NODE_TEST(lockfile_close_fd__keeps_the_lock),
        NODE_TEST(lockfile_acquire__of_a_node_that_came_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
