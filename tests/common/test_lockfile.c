/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "lockfixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define SOON 30      /* ms: long enough to see that a lock is not given */

/*
 * A process that holds the lock: with forked set its own child keeps the
 * inherited descriptors open. Ends when killed.
 */
static pid_t
start_holder(const char *path, bool forked, pid_t *grandchild)
{
    struct lockfile *lock = NULL;
    pid_t told[1] = { 0 };
    int pipes[2];
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (lockfile_open(path, &lock) != 0
            || lockfile_acquire(lock, deadline_in(BOUNDED), NULL) != 0)
            _exit(1);
        if (forked && (told[0] = fork()) == 0) {
            for (;;)
                (void)pause();
        }
        if (write(pipes[1], told, sizeof(told)) != (ssize_t)sizeof(told))
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], told, sizeof(told)), sizeof(told));
    (void)close(pipes[0]);
    if (grandchild != NULL)
        *grandchild = told[0];
    return pid;
}

static void
end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
lockfile_open__makes_a_private_file(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void
lockfile_open__refuses_a_symbolic_link(void **state)
{
    struct fixture *f = *state;
    struct lockfile *lock = NULL;
    char link[80];

    (void)snprintf(link, sizeof(link), "%s.link", f->path);
    assert_int_equal(symlink(f->path, link), 0);
    assert_int_equal(lockfile_open(link, &lock), -ELOOP);
    assert_null(lock);
    (void)unlink(link);
}

static void
lockfile_open__refuses_a_fifo(void **state)
{
    struct fixture *f = *state;
    struct lockfile *lock = NULL;
    char fifo[80];

    (void)snprintf(fifo, sizeof(fifo), "%s.fifo", f->path);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(lockfile_open(fifo, &lock), -EINVAL);
    (void)unlink(fifo);
}

static void
lockfile_open__by_root_in_the_folder_of_a_user(void **state)
{
    struct fixture *f = *state;
    struct lockfile *lock = NULL;
    struct stat st;
    char path[80];

    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(f->dir, 12345, 12346), 0);
    (void)snprintf(path, sizeof(path), "%s.new", f->path);
    assert_int_equal(lockfile_open(path, &lock), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 12345);
    assert_int_equal(st.st_gid, 12346);
    assert_int_equal(st.st_mode & 07777, 0600);
    lockfile_close(&lock);
    (void)unlink(path);
}

static void
lockfile_acquire__again_after_release(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(lockfile_acquire(f->lock, deadline_in(0), NULL), 0);
        lockfile_release(f->lock);
    }
}

static void
lockfile_acquire__by_the_holder_is_a_deadlock(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(lockfile_acquire(f->lock, deadline_in(-1), NULL), 0);
    assert_int_equal(lockfile_acquire(f->lock, deadline_in(-1), NULL),
        -EDEADLK);
}

static void
lockfile_acquire__names_the_other_process(void **state)
{
    struct fixture *f = *state;
    pid_t holder = 0;
    pid_t pid = start_holder(f->path, false, NULL);

    assert_int_equal(lockfile_acquire(f->lock, deadline_in(SOON), &holder),
        -ETIMEDOUT);
    assert_int_equal(holder, pid);
    end(pid);
}

static void
lockfile_acquire__after_the_holder_was_killed(void **state)
{
    struct fixture *f = *state;

    end(start_holder(f->path, false, NULL));
    assert_int_equal(lockfile_acquire(f->lock, deadline_in(BOUNDED), NULL),
        0);
}

static void
lockfile_acquire__after_a_holder_with_children_was_killed(void **state)
{
    struct fixture *f = *state;
    pid_t grandchild = 0;
    pid_t pid = start_holder(f->path, true, &grandchild);

    end(pid);
    assert_int_equal(lockfile_acquire(f->lock, deadline_in(BOUNDED), NULL),
        0);
    assert_int_equal(kill(grandchild, SIGKILL), 0);
}

static void
lockfile_acquire__two_holders_in_one_process(void **state)
{
    struct fixture *f = *state;
    struct lockfile *second = NULL;
    pid_t holder = 0;

    assert_int_equal(lockfile_open(f->path, &second), 0);
    assert_int_equal(lockfile_acquire(f->lock, deadline_in(0), NULL), 0);
    assert_int_equal(lockfile_acquire(second, deadline_in(SOON), &holder),
        -ETIMEDOUT);
    assert_int_equal(holder, getpid());
    lockfile_release(f->lock);
    assert_int_equal(lockfile_acquire(second, deadline_in(0), NULL), 0);
    lockfile_close(&second);
}

/* Whether another process, started now, waits in vain. */
static bool
others_are_kept_out(const char *path)
{
    struct lockfile *lock = NULL;
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (lockfile_open(path, &lock) != 0)
            _exit(1);
        _exit(lockfile_acquire(lock, deadline_in(SOON), NULL) == -ETIMEDOUT
            ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

/* The trap of record locks: closing another descriptor drops them. */
static void
lockfile_close__of_one_keeps_the_lock_of_the_other(void **state)
{
    struct fixture *f = *state;
    struct lockfile *second = NULL;

    assert_int_equal(lockfile_acquire(f->lock, deadline_in(0), NULL), 0);
    assert_int_equal(lockfile_open(f->path, &second), 0);
    lockfile_close(&second);
    assert_null(second);
    assert_true(others_are_kept_out(f->path));
    lockfile_release(f->lock);
    assert_false(others_are_kept_out(f->path));
}

static void
lockfile_release__by_a_child_leaves_the_parents_lock(void **state)
{
    struct fixture *f = *state;
    int status = -1;
    pid_t holder = 0;
    pid_t pid;

    assert_int_equal(lockfile_acquire(f->lock, deadline_in(0), NULL), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        lockfile_release(f->lock);
        if (lockfile_acquire(f->lock, deadline_in(SOON), &holder)
            != -ETIMEDOUT)
            _exit(1);
        lockfile_close(&f->lock);
        _exit(holder == getppid() ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(others_are_kept_out(f->path));
}

/*
 * A child that took the lock by one of two inherited holders keeps it when the
 * other one finds out that it is in a child.
 */
static void
lockfile_acquire__in_a_child_by_two_holders(void **state)
{
    struct fixture *f = *state;
    struct lockfile *other = NULL;
    const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct flock seen = whole;
    int ready[2], done[2];
    char octet = 0;
    pid_t pid;
    int fd;

    assert_int_equal(lockfile_open(f->path, &other), 0);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    pid = fork();
    if (pid == 0) {
        if (lockfile_acquire(f->lock, deadline_in(BOUNDED), NULL) != 0
            || lockfile_acquire(other, deadline_in(0), NULL) != -ETIMEDOUT
            || write(ready[1], &octet, 1) != 1
            || read(done[0], &octet, 1) != 1)
            _exit(1);
        _exit(0);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &octet, 1), 1);
    fd = open(f->path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETLK, &seen), 0);
    assert_int_equal(seen.l_type, F_WRLCK);
    assert_int_equal(seen.l_pid, pid);
    (void)close(fd);
    end(pid);
    lockfile_close(&other);
    (void)close(ready[0]);
    (void)close(done[0]);
    (void)close(done[1]);
}

static void
lockfile_acquire__of_a_file_made_anew(void **state)
{
    struct fixture *f = *state;
    pid_t holder = 0;
    pid_t pid;

    assert_int_equal(unlink(f->path), 0);
    pid = start_holder(f->path, false, NULL);
    assert_int_equal(lockfile_acquire(f->lock, deadline_in(SOON), &holder),
        -ETIMEDOUT);
    assert_int_equal(holder, pid);
    end(pid);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(lockfile_try(f->lock), -EAGAIN);
    assert_int_equal(lockfile_acquire(f->lock, deadline_in(BOUNDED), NULL),
        0);
    assert_true(others_are_kept_out(f->path));
}

static void
lockfile_close__leaves_no_descriptor(void **state)
{
    struct fixture *f = *state;
    int before;
    int after;

    lockfile_close(&f->lock);
    lockfile_close(&f->lock);
    before = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(before);
    assert_int_equal(lockfile_open(f->path, &f->lock), 0);
    lockfile_close(&f->lock);
    after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)close(after);
    assert_int_equal(before, after);
}

/* Not while another process has it, nor another holder of this one. */
static void
lockfile_try__takes_only_what_is_free(void **state)
{
    struct fixture *f = *state;
    struct lockfile *second = NULL;
    pid_t pid;

    assert_int_equal(lockfile_open(f->path, &second), 0);
    assert_int_equal(lockfile_try(f->lock), 0);
    assert_int_equal(lockfile_try(second), -EAGAIN);
    assert_int_equal(lockfile_try(f->lock), -EAGAIN);
    lockfile_release(f->lock);
    assert_int_equal(lockfile_try(second), 0);
    lockfile_close(&second);
    pid = start_holder(f->path, false, NULL);
    assert_int_equal(lockfile_try(f->lock), -EAGAIN);
    end(pid);
    assert_int_equal(lockfile_try(f->lock), 0);
}

static void
lockfile_holder__tells_without_waiting(void **state)
{
    struct fixture *f = *state;
    struct lockfile *second = NULL;
    pid_t pid;

    assert_int_equal(lockfile_open(f->path, &second), 0);
    assert_int_equal(lockfile_holder(f->lock), 0);
    assert_int_equal(lockfile_acquire(second, deadline_in(BOUNDED), NULL), 0);
    assert_int_equal(lockfile_holder(f->lock), getpid());
    lockfile_release(second);
    pid = start_holder(f->path, false, NULL);
    assert_int_equal(lockfile_holder(f->lock), pid);
    end(pid);
    assert_int_equal(lockfile_holder(f->lock), 0);
    lockfile_close(&second);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOCKFILE_TEST(lockfile_open__makes_a_private_file),
        LOCKFILE_TEST(lockfile_open__refuses_a_symbolic_link),
        LOCKFILE_TEST(lockfile_open__refuses_a_fifo),
        LOCKFILE_TEST(lockfile_open__by_root_in_the_folder_of_a_user),
        LOCKFILE_TEST(lockfile_acquire__again_after_release),
        LOCKFILE_TEST(lockfile_acquire__by_the_holder_is_a_deadlock),
        LOCKFILE_TEST(lockfile_acquire__names_the_other_process),
        LOCKFILE_TEST(lockfile_acquire__after_the_holder_was_killed),
        LOCKFILE_TEST(
            lockfile_acquire__after_a_holder_with_children_was_killed),
        LOCKFILE_TEST(lockfile_acquire__two_holders_in_one_process),
        LOCKFILE_TEST(lockfile_close__of_one_keeps_the_lock_of_the_other),
        LOCKFILE_TEST(lockfile_release__by_a_child_leaves_the_parents_lock),
        LOCKFILE_TEST(lockfile_acquire__in_a_child_by_two_holders),
        LOCKFILE_TEST(lockfile_acquire__of_a_file_made_anew),
        LOCKFILE_TEST(lockfile_close__leaves_no_descriptor),
        LOCKFILE_TEST(lockfile_try__takes_only_what_is_free),
        LOCKFILE_TEST(lockfile_holder__tells_without_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
