/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "qtest.h"
#include "unixsock.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PROGRAM "qemu-system-x86_64"
#define READY_MS 20000

struct qtest {
    pid_t pid;
    int fd;
    char dir[32];
    char socket[48];
    char control[48];
    struct emulator *emulator;
};

bool
qtest_there(void)
{
    const char *path = getenv("PATH");
    char program[4096];

    while (path != NULL && path[0] != '\0') {
        size_t len = strcspn(path, ":");

        (void)snprintf(program, sizeof(program), "%.*s/" PROGRAM, (int)len,
            path);
        if (access(program, X_OK) == 0)
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

/* It ends with the test, and writes to its standard error. */
static void
run(const struct qtest *q)
{
    char socket[64], control[80];

    (void)snprintf(socket, sizeof(socket), "unix:%s", q->socket);
    (void)snprintf(control, sizeof(control), "socket,id=control,path=%s",
        q->control);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)execlp(PROGRAM, PROGRAM, "-machine", "pc", "-accel", "tcg", "-S",
        "-nodefaults", "-no-user-config", "-display", "none", "-m", "16",
        "-qtest", socket, "-qtest-log", "none",
        "-chardev", control, "-tpmdev", "emulator,id=chip,chardev=control",
        "-device", "tpm-tis,tpmdev=chip", (char *)NULL);
    _exit(127);
}

struct qtest *
qtest_new(void)
{
    struct qtest *q = calloc(1, sizeof(*q));
    struct pollfd come = { .events = POLLIN };

    assert_non_null(q);
    (void)snprintf(q->dir, sizeof(q->dir), "/tmp/scu-qtest-XXXXXX");
    assert_non_null(mkdtemp(q->dir));
    (void)snprintf(q->socket, sizeof(q->socket), "%s/qtest", q->dir);
    (void)snprintf(q->control, sizeof(q->control), "%s/control", q->dir);
    come.fd = unixsock_listen(q->socket);
    assert_true(come.fd >= 0);
    q->emulator = emulator_new(q->control);
    q->pid = fork();
    assert_true(q->pid >= 0);
    if (q->pid == 0)
        run(q);
    assert_int_equal(poll(&come, 1, READY_MS), 1);
    q->fd = accept4(come.fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(q->fd >= 0);
    (void)close(come.fd);
    (void)qtest_read(q, 0, 4); /* answered once the machine is complete */
    return q;
}

void
qtest_free(struct qtest **qtest)
{
    struct qtest *q = *qtest;

    if (q == NULL)
        return;
    (void)kill(q->pid, SIGKILL);
    (void)waitpid(q->pid, NULL, 0);
    emulator_free(&q->emulator);
    (void)close(q->fd);
    (void)unlink(q->socket);
    (void)unlink(q->control);
    (void)rmdir(q->dir);
    free(q);
    *qtest = NULL;
}

struct emulator *
qtest_emulator(struct qtest *q)
{
    return q->emulator;
}

/* --- memory -------------------------------------------------------------- */

/* A line each way: "readb 0xfed40000" has "OK 0x00000000000000ff". */
static uint64_t
ask(struct qtest *q, const char *line)
{
    struct pollfd p = { .fd = q->fd, .events = POLLIN };
    char answer[64] = "";
    size_t len = 0;

    assert_int_equal(unixsock_send(q->fd, (const uint8_t *)line,
        strlen(line)), 0);
    while (len == 0 || answer[len - 1] != '\n') {
        assert_true(len < sizeof(answer) - 1);
        assert_int_equal(poll(&p, 1, READY_MS), 1);
        assert_int_equal(read(q->fd, answer + len, 1), 1);
        len++;
    }
    if (strncmp(answer, "OK", 2) != 0)
        fail_msg("qtest: %s: %s", line, answer);
    return len > 4 ? strtoull(answer + 3, NULL, 0) : 0;
}

static char
letter(size_t len)
{
    return len == 1 ? 'b' : len == 2 ? 'w' : 'l';
}

uint32_t
qtest_read(struct qtest *q, uint32_t address, size_t len)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "read%c 0x%x\n", letter(len), address);
    return (uint32_t)ask(q, line);
}

void
qtest_write(struct qtest *q, uint32_t address, uint32_t value, size_t len)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "write%c 0x%x 0x%x\n", letter(len),
        address, value);
    (void)ask(q, line);
}
