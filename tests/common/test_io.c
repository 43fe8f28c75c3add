/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "nosigpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define SOON 20
#define BOUNDED 60000
#define BIG (1024 * 1024)

struct fixture {
    int ends[2];
    char dir[32];
    char path[64];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
        f->ends), 0);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-io.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/file", f->dir);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)close(f->ends[0]);
    (void)close(f->ends[1]);
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0); /* nothing temporary is left */
    free(f);
    return 0;
}

static void
io_read__takes_up_where_it_timed_out(void **state)
{
    struct fixture *f = *state;
    char data[6] = "";
    size_t done = 0;

    assert_int_equal(io_write(f->ends[0], "abc", 3, deadline_in(0)), 0);
    assert_int_equal(io_read(f->ends[1], data, 5, &done, deadline_in(SOON)),
        -ETIMEDOUT);
    assert_int_equal(done, 3);
    assert_int_equal(io_write(f->ends[0], "defg", 4, deadline_in(0)), 0);
    assert_int_equal(io_read(f->ends[1], data, 5, &done, deadline_in(0)), 0);
    assert_int_equal(done, 5);
    assert_string_equal(data, "abcde");
}

static void
io_read__end_of_input(void **state)
{
    struct fixture *f = *state;
    char data[4];
    size_t done = 0;

    assert_int_equal(io_write(f->ends[0], "a", 1, deadline_in(0)), 0);
    assert_int_equal(shutdown(f->ends[0], SHUT_WR), 0);
    assert_int_equal(io_read(f->ends[1], data, 4, &done, deadline_in(-1)),
        -EPIPE);
    assert_int_equal(done, 1);
}

static void
io_read_some__gives_what_is_there(void **state)
{
    struct fixture *f = *state;
    char data[16];
    size_t got = 7;

    assert_int_equal(io_read_some(f->ends[1], data, sizeof(data), &got,
        deadline_in(0)), -ETIMEDOUT);
    assert_int_equal(got, 0);
    assert_int_equal(io_write(f->ends[0], "abc", 3, deadline_in(0)), 0);
    assert_int_equal(io_read_some(f->ends[1], data, sizeof(data), &got,
        deadline_in(0)), 0);
    assert_int_equal(got, 3);
}

static void
io_wait__closed_descriptor(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    (void)close(fd);
    assert_int_equal(io_wait(fd, POLLIN, deadline_in(BOUNDED)), -EBADF);
}

/*
 * An error that waits in a socket's error queue: poll(2) reports it, read(2)
 * has nothing to give. No endless loop.
 */
static void
io_read_some__fault_without_input(void **state)
{
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t len = sizeof(in);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int nobody = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    char data[4];
    size_t got;

    (void)state;
    assert_int_equal(bind(nobody, (void *)&in, len), 0);
    assert_int_equal(getsockname(nobody, (void *)&in, &len), 0);
    (void)close(nobody);
    assert_int_equal(setsockopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)),
        0);
    assert_int_equal(connect(s, (void *)&in, len), 0);
    assert_int_equal(send(s, "a", 1, 0), 1);
    assert_int_equal(io_read_some(s, data, sizeof(data), &got,
        deadline_in(BOUNDED)), -ECONNREFUSED);
    assert_int_equal(io_read_some(s, data, sizeof(data), &got,
        deadline_in(BOUNDED)), -EIO);
    (void)close(s);
}

static void
io_write__times_out_when_nobody_reads(void **state)
{
    struct fixture *f = *state;
    char *data = calloc(1, BIG);

    assert_non_null(data);
    assert_int_equal(io_write(f->ends[0], data, BIG, deadline_in(SOON)),
        -ETIMEDOUT);
    free(data);
}

static void
io_write__raises_no_signal(void **state)
{
    struct fixture *f = *state;
    int pipes[2];

    /* The default action of SIGPIPE would end this process. */
    (void)close(f->ends[1]);
    f->ends[1] = -1;
    assert_int_equal(io_write(f->ends[0], "a", 1, deadline_in(0)), -EPIPE);
    assert_int_equal(pipe(pipes), 0);
    (void)close(pipes[0]);
    assert_int_equal(io_write(pipes[1], "a", 1, deadline_in(0)), -EPIPE);
    (void)close(pipes[1]);
}

static void
nosigpipe_write__leaves_a_pending_signal(void **state)
{
    sigset_t set, old, pending;
    int pipes[2];
    int sig = 0;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
    assert_int_equal(pthread_kill(pthread_self(), SIGPIPE), 0);
    assert_int_equal(pipe(pipes), 0);
    (void)close(pipes[0]);
    assert_int_equal(nosigpipe_write(pipes[1], "a", 1), -1);
    assert_int_equal(errno, EPIPE);
    sigemptyset(&pending);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    assert_int_equal(sigwait(&set, &sig), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
    (void)close(pipes[1]);
}

static void
noted(int sig)
{
    (void)sig;
}

struct disturbed {
    pthread_t reader;
    int fd;
};

static void *
disturb(void *arg)
{
    struct disturbed *d = arg;

    for (int i = 0; i < 20; i++) {
        (void)pthread_kill(d->reader, SIGUSR1);
        (void)sched_yield();
    }
    (void)io_write(d->fd, "ab", 2, deadline_in(-1));
    return NULL;
}

static void
io_read__is_proof_against_signals(void **state)
{
    struct fixture *f = *state;
    struct sigaction act = { .sa_handler = noted }; /* no SA_RESTART */
    struct sigaction old;
    struct disturbed d = { .reader = pthread_self(), .fd = f->ends[0] };
    pthread_t thread;
    size_t done = 0;
    char data[2];

    assert_int_equal(sigaction(SIGUSR1, &act, &old), 0);
    assert_int_equal(pthread_create(&thread, NULL, disturb, &d), 0);
    assert_int_equal(io_read(f->ends[1], data, 2, &done,
        deadline_in(BOUNDED)), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static void
io_replace_file__then_read(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char *data = NULL;
    size_t len = 0;

    assert_int_equal(io_replace_file(f->path, "old", 3, 0600), 0);
    assert_int_equal(io_replace_file(f->path, "newer", 5, 0640), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(io_read_file(f->path, 5, &data, &len), 0);
    assert_int_equal(len, 5);
    assert_string_equal(data, "newer");
    free(data);
}

static void
io_replace_file__no_such_folder(void **state)
{
    struct fixture *f = *state;

    (void)strcat(f->dir, "/x");
    assert_int_equal(io_replace_file(f->dir, "", 0, 0600), 0);
    assert_int_equal(unlink(f->dir), 0);
    (void)strcat(f->dir, "/y");
    assert_int_equal(io_replace_file(f->dir, "", 0, 0600), -ENOENT);
    *strrchr(f->dir, '/') = '\0';
    *strrchr(f->dir, '/') = '\0';
}

static void
io_read_file__longer_than_allowed(void **state)
{
    struct fixture *f = *state;
    char *data = (char *)1;
    size_t len = 1;

    assert_int_equal(io_replace_file(f->path, "123456", 6, 0600), 0);
    assert_int_equal(io_read_file(f->path, 5, &data, &len), -EFBIG);
    assert_null(data);
    assert_int_equal(len, 0);
}

static void
io_read_file__grows(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(BIG);
    char *data = NULL;
    size_t len = 0;

    assert_non_null(text);
    for (size_t i = 0; i < BIG; i++)
        text[i] = (char)(i % 251);
    assert_int_equal(io_replace_file(f->path, text, BIG, 0600), 0);
    assert_int_equal(io_read_file(f->path, BIG, &data, &len), 0);
    assert_int_equal(len, BIG);
    assert_memory_equal(data, text, BIG);
    assert_int_equal(data[len], 0);
    free(data);
    assert_int_equal(io_read_file(f->path, BIG - 1, &data, &len), -EFBIG);
    free(text);
}

static void
io_read_file__missing(void **state)
{
    struct fixture *f = *state;
    char *data = NULL;
    size_t len;

    assert_int_equal(io_read_file(f->path, 5, &data, &len), -ENOENT);
    assert_null(data);
}

#define IO_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(io_read__takes_up_where_it_timed_out),
        IO_TEST(io_read__end_of_input),
        IO_TEST(io_read_some__gives_what_is_there),
        IO_TEST(io_read_some__fault_without_input),
        IO_TEST(io_wait__closed_descriptor),
        IO_TEST(io_write__times_out_when_nobody_reads),
        IO_TEST(io_write__raises_no_signal),
        IO_TEST(nosigpipe_write__leaves_a_pending_signal),
        IO_TEST(io_read__is_proof_against_signals),
        IO_TEST(io_replace_file__then_read),
        IO_TEST(io_replace_file__no_such_folder),
        IO_TEST(io_read_file__longer_than_allowed),
        IO_TEST(io_read_file__grows),
        IO_TEST(io_read_file__missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
