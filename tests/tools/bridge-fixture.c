/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridge-fixture.h"
#include "unixsock.h"

#include <errno.h>
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

#define BOUND_MS 60000 /* never reached unless something is broken */

void
await(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    assert_int_equal(poll(&p, 1, BOUND_MS), 1);
}

/* --- the bridge --------------------------------------------------------------- */

static void
become_bridge(const struct fixture *f, const char *timeout, int out)
{
    char where[96], tcti[96];
    int log = open(f->log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)snprintf(where, sizeof(where), "unix:%s", f->path);
    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s", f->chip);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setenv("SCU_LOG", "warn", 1);
    if (log >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(log, STDERR_FILENO) >= 0)
        (void)execlp("scu", "scu", "bridge", "--listen", where, "--tcti",
            tcti, "--client-timeout", timeout, (char *)NULL);
    _exit(127);
}

static int
setup(void **state, const char *timeout)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char control[80], line[256];
    int out[2];

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-bridge.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/bridge", f->dir);
    (void)snprintf(f->chip, sizeof(f->chip), "%s/chip", f->dir);
    (void)snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    (void)snprintf(control, sizeof(control), "%s.ctrl", f->chip);
    f->chip_data = unixsock_listen(f->chip);
    f->chip_control = unixsock_listen(control);
    assert_true(f->chip_data >= 0 && f->chip_control >= 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    f->bridge = fork();
    assert_true(f->bridge >= 0);
    if (f->bridge == 0)
        become_bridge(f, timeout, out[1]);
    (void)close(out[1]);
    await(out[0], POLLIN);
    assert_true(read(out[0], line, sizeof(line)) > 0);
    (void)close(out[0]);
    *state = f;
    return 0;
}

int
bridge_setup(void **state)
{
    return setup(state, "600000");
}

int
bridge_setup_quick(void **state)
{
    return setup(state, "50");
}

/* It ends well whatever the test did to it, and takes its sockets away. */
int
bridge_teardown(void **state)
{
    static const char *const left[] = {
        "chip", "chip.ctrl", "chip.lock", "bridge.lock", "log",
    };
    struct fixture *f = *state;
    char path[96];
    int status = -1;

    (void)close(f->chip_data);
    (void)close(f->chip_control);
    assert_int_equal(kill(f->bridge, SIGTERM), 0);
    assert_int_equal(waitpid(f->bridge, &status, 0), f->bridge);
    assert_int_equal(status, 0);
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, left[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

bool
said(const struct fixture *f, const char *text)
{
    char log[4096] = "";
    FILE *file = fopen(f->log, "r");
    size_t n;

    assert_non_null(file);
    n = fread(log, 1, sizeof(log) - 1, file);
    log[n] = '\0';
    (void)fclose(file);
    if (strstr(log, text) == NULL)
        print_error("not \"%s\" in: %s\n", text, log);
    return strstr(log, text) != NULL;
}

/* --- the chip ----------------------------------------------------------------- */

static void
make_message(uint8_t *data, uint32_t code, uint16_t number)
{
    const uint8_t message[12] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0,
        (uint8_t)(code >> 8), (uint8_t)code,
        (uint8_t)(number >> 8), (uint8_t)number };

    memcpy(data, message, sizeof(message));
}

void
make_command(uint8_t *data, uint16_t number)
{
    make_message(data, 0x17b, number);
}

void
make_answer(uint8_t *data, uint16_t number)
{
    make_message(data, 0, number);
}

int
chip_take(struct fixture *f, uint16_t *number)
{
    uint8_t data[64];
    int fd, n;

    for (;;) {
        await(f->chip_data, POLLIN);
        fd = accept4(f->chip_data, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        await(fd, POLLIN);
        n = unixsock_recv_frame(fd, data, sizeof(data));
        if (n != -EPIPE) /* who only looks whether somebody listens */
            break;
        (void)close(fd);
    }
    assert_int_equal(n, 12);
    *number = (uint16_t)(data[10] << 8 | data[11]);
    return fd;
}

int
chip_expect(struct fixture *f, uint16_t number)
{
    uint16_t got = 0;
    int fd = chip_take(f, &got);

    assert_int_equal(got, number);
    return fd;
}

void
chip_answer(int fd, uint16_t number)
{
    uint8_t data[12];

    make_answer(data, number);
    give(fd, data, sizeof(data));
    (void)close(fd);
}

void
chip_control_expect(struct fixture *f, const uint8_t *request, size_t len,
    uint32_t result)
{
    const uint8_t answer[4] = { 0, 0, 0, (uint8_t)result };
    int fd;

    await(f->chip_control, POLLIN);
    fd = accept4(f->chip_control, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    expect_octets(fd, request, len);
    give(fd, answer, sizeof(answer));
    (void)close(fd);
}

/* --- clients --------------------------------------------------------------------- */

int
data_client(const struct fixture *f)
{
    int fd = unixsock_connect(f->path);

    assert_true(fd >= 0);
    return fd;
}

int
control_client(const struct fixture *f)
{
    char path[80];
    int fd;

    (void)snprintf(path, sizeof(path), "%s.ctrl", f->path);
    fd = unixsock_connect(path);
    assert_true(fd >= 0);
    return fd;
}

void
give(int fd, const void *data, size_t len)
{
    assert_int_equal(unixsock_send(fd, data, len), 0);
}

void
give_command(int fd, uint16_t number)
{
    uint8_t data[12];

    make_command(data, number);
    give(fd, data, sizeof(data));
}

void
expect_octets(int fd, const void *data, size_t len)
{
    uint8_t got[64];
    size_t have = 0;
    ssize_t n;

    assert_true(len <= sizeof(got));
    while (have < len) {
        await(fd, POLLIN);
        n = read(fd, got + have, len - have);
        assert_true(n > 0);
        have += (size_t)n;
    }
    assert_memory_equal(got, data, len);
}

void
expect_answer(int fd, uint16_t number)
{
    uint8_t data[12];

    make_answer(data, number);
    expect_octets(fd, data, sizeof(data));
}

void
expect_cancelled(int fd)
{
    static const uint8_t data[10] = { 0x80, 1, 0, 0, 0, 10, 0, 0, 9, 9 };

    expect_octets(fd, data, sizeof(data));
}

void
expect_closed(int fd)
{
    uint8_t data[1];
    ssize_t n;

    await(fd, POLLIN);
    n = read(fd, data, sizeof(data));
    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    (void)close(fd);
}

void
expect_result(int fd, uint32_t result)
{
    const uint8_t data[4] = { 0, 0, 0, (uint8_t)result };

    expect_octets(fd, data, sizeof(data));
}

void
good_exchange(struct fixture *f, int fd, uint16_t number)
{
    give_command(fd, number);
    chip_answer(chip_expect(f, number), number);
    expect_answer(fd, number);
}
