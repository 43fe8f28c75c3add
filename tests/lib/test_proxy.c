/* SPDX-License-Identifier: BSD-2-Clause */
/* The fixtures that all integration tests stand on: simulator and proxy. */
#include "config.h"

#include "commands.h"
#include "proxy.h"
#include "swtpm.h"
#include "unixsock.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RECORDS 16

static const uint8_t get_random[] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};

struct fixture {
    struct sim *sim;
    struct proxy *proxy;
    struct proxy_hooks hooks;
    pthread_t thread;
    char path[4200];
    struct proxy_record records[RECORDS];
    size_t count;
    enum proxy_verdict verdict;
};

static void
record(void *user, const struct proxy_record *r)
{
    struct fixture *f = user;

    if (f->count < RECORDS)
        f->records[f->count++] = *r;
}

static void *
run(void *user)
{
    struct fixture *f = user;

    (void)proxy_run(f->proxy);
    return NULL;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || (f->sim = sim_new()) == NULL)
        return -1;
    f->hooks.user = f;
    f->hooks.done = record;
    (void)snprintf(f->path, sizeof(f->path), "%s/proxy.sock",
        sim_dir(f->sim));
    f->proxy = proxy_new(f->path, sim_socket(f->sim), &f->hooks);
    if (f->proxy == NULL)
        return -1;
    *state = f;
    return pthread_create(&f->thread, NULL, run, f);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    proxy_stop(f->proxy);
    (void)pthread_join(f->thread, NULL);
    proxy_free(&f->proxy);
    sim_free(&f->sim);
    free(f);
    return 0;
}

/* One exchange on a kept connection; length of the answer or -errno. */
static int
ask(int fd, uint8_t *answer)
{
    int rc = unixsock_send(fd, get_random, sizeof(get_random));

    return rc != 0 ? rc : unixsock_recv_frame(fd, answer, PROXY_FRAME_MAX);
}

static void
proxy_run__counts_kept_and_fresh_connections(void **state)
{
    struct fixture *f = *state;
    uint8_t answer[PROXY_FRAME_MAX];
    int kept = unixsock_connect(f->path), fresh;

    assert_true(kept >= 0);
    assert_int_equal(ask(kept, answer), 20);
    assert_int_equal(f->count, 1);
    fresh = unixsock_connect(f->path);
    assert_int_equal(ask(fresh, answer), 20);
    assert_int_equal(ask(kept, answer), 20);
    assert_int_equal(f->count, 3);
    assert_int_equal(f->records[2].command, 0x17b);
    assert_int_equal(f->records[2].answered, 1);
    assert_int_equal(f->records[2].rc, 0);
    assert_int_equal(f->records[2].in, sizeof(get_random));
    assert_int_equal(f->records[2].out, 20);
    (void)close(fresh);
    (void)close(kept);
}

static void
proxy_run__leaves_the_chip_free_between_commands(void **state)
{
    struct fixture *f = *state;
    uint8_t answer[PROXY_FRAME_MAX];
    int kept = unixsock_connect(f->path), direct;

    assert_int_equal(ask(kept, answer), 20);
    direct = unixsock_connect(sim_socket(f->sim));
    assert_int_equal(ask(direct, answer), 20);
    assert_int_equal(f->count, 1);
    (void)close(direct);
    (void)close(kept);
}

static void
proxy_run__split_command_is_joined(void **state)
{
    struct fixture *f = *state;
    uint8_t answer[PROXY_FRAME_MAX];
    int fd = unixsock_connect(f->path);

    for (size_t i = 0; i < sizeof(get_random); i++)
        assert_int_equal(unixsock_send(fd, get_random + i, 1), 0);
    assert_int_equal(unixsock_recv_frame(fd, answer, sizeof(answer)), 20);
    (void)close(fd);
}

static void
proxy_run__bad_length_closes_the_client(void **state)
{
    struct fixture *f = *state;
    uint8_t junk[10] = { 0x80, 0x01, 0xff, 0xff, 0xff, 0xff };
    uint8_t answer[PROXY_FRAME_MAX];
    int fd = unixsock_connect(f->path);

    assert_int_equal(unixsock_send(fd, junk, sizeof(junk)), 0);
    assert_true(unixsock_recv_frame(fd, answer, sizeof(answer)) < 0);
    assert_int_equal(f->count, 0);
    (void)close(fd);
}

static void
proxy_run__dead_chip_is_recorded(void **state)
{
    struct fixture *f = *state;
    uint8_t answer[PROXY_FRAME_MAX];
    int fd = unixsock_connect(f->path);

    sim_kill(f->sim);
    assert_true(ask(fd, answer) < 0);
    (void)close(fd);
    assert_int_equal(f->count, 1);
    assert_int_equal(f->records[0].answered, 0);
    assert_int_equal(sim_restart(f->sim), 0);
    fd = unixsock_connect(f->path);
    assert_int_equal(ask(fd, answer), 20);
    (void)close(fd);
}

static void
proxy_run__control_channel_is_carried(void **state)
{
    struct fixture *f = *state;
    const uint8_t get_capability[4] = { 0, 0, 0, 1 };
    uint8_t reply[8] = { 0xff };
    char path[4300];
    int fd;

    (void)snprintf(path, sizeof(path), "%s.ctrl", f->path);
    fd = unixsock_connect(path);
    assert_int_equal(unixsock_send(fd, get_capability, 4), 0);
    assert_true(read(fd, reply, sizeof(reply)) >= 4);
    assert_int_equal(reply[0], 0);
    (void)close(fd);
}

/* --- hooks ---------------------------------------------------------------- */

static enum proxy_verdict
hook_command(void *user, uint8_t *data, size_t *len)
{
    static const uint8_t retry[] = {
        0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x22,
    };
    struct fixture *f = user;

    if (f->verdict == PROXY_ANSWER) {
        memcpy(data, retry, sizeof(retry));
        *len = sizeof(retry);
    } else if (f->verdict == PROXY_PASS) {
        data[11] = 4; /* bytesRequested */
    }
    return f->verdict;
}

static enum proxy_verdict
hook_response(void *user, const uint8_t *command, size_t command_len,
    uint8_t *data, size_t *len)
{
    struct fixture *f = user;
    uint8_t more[PROXY_FRAME_MAX];

    assert_int_equal(command_len, sizeof(get_random));
    assert_int_equal(command[11], 4);
    /* A command of our own between the client's command and its answer. */
    assert_int_equal(proxy_inject(f->proxy, get_random, sizeof(get_random),
        more), 20);
    memset(data + 12, 0xaa, *len - 12);
    return PROXY_PASS;
}

static void
proxy_hooks__change_both_ways(void **state)
{
    struct fixture *f = *state;
    const uint8_t expected[4] = { 0xaa, 0xaa, 0xaa, 0xaa };
    uint8_t answer[PROXY_FRAME_MAX];
    int fd = unixsock_connect(f->path);

    f->hooks.command = hook_command;
    f->hooks.response = hook_response;
    f->verdict = PROXY_PASS;
    assert_int_equal(ask(fd, answer), 16);
    assert_memory_equal(answer + 12, expected, 4);
    (void)close(fd);
}

static void
proxy_hooks__answer_spares_the_chip(void **state)
{
    struct fixture *f = *state;
    uint8_t answer[PROXY_FRAME_MAX];
    int fd = unixsock_connect(f->path);

    f->hooks.command = hook_command;
    f->verdict = PROXY_ANSWER;
    sim_kill(f->sim);
    assert_int_equal(ask(fd, answer), 10);
    assert_int_equal(frame_code(answer), 0x922);
    assert_int_equal(f->records[0].rc, 0x922);
    (void)close(fd);
}

static void
proxy_hooks__drop_closes_the_client(void **state)
{
    struct fixture *f = *state;
    uint8_t answer[PROXY_FRAME_MAX];
    int fd = unixsock_connect(f->path);

    f->hooks.command = hook_command;
    f->verdict = PROXY_DROP;
    assert_int_equal(ask(fd, answer), -EPIPE);
    assert_int_equal(f->records[0].answered, 0);
    (void)close(fd);
}

/* --- names, simulator ----------------------------------------------------- */

static void
command_name__known_and_unknown(void **state)
{
    char name[COMMAND_NAME_MAX];

    (void)state;
    assert_string_equal(command_name(0x15d, name), "Sign");
    assert_string_equal(command_name(0x11f, name), "NV_UndefineSpaceSpecial");
    assert_string_equal(command_name(0x123, name), "0x00000123");
    assert_string_equal(command_name(0x20000001, name), "0x20000001");
    assert_string_equal(command_name(0x11e, name), "0x0000011e");
    assert_int_equal(command_code("FlushContext"), 0x165);
    assert_int_equal(command_code("Flush"), 0);
}

static void
sim_free__leaves_no_folder(void **state)
{
    struct sim *sim = sim_new();
    char dir[4096];

    (void)state;
    assert_non_null(sim);
    (void)snprintf(dir, sizeof(dir), "%s", sim_dir(sim));
    assert_int_equal(access(dir, F_OK), 0);
    sim_free(&sim);
    assert_null(sim);
    assert_int_equal(access(dir, F_OK), -1);
    sim_free(&sim);
}

int
main(void)
{
#define WITH_PROXY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_PROXY(proxy_run__counts_kept_and_fresh_connections),
        WITH_PROXY(proxy_run__leaves_the_chip_free_between_commands),
        WITH_PROXY(proxy_run__split_command_is_joined),
        WITH_PROXY(proxy_run__bad_length_closes_the_client),
        WITH_PROXY(proxy_run__dead_chip_is_recorded),
        WITH_PROXY(proxy_run__control_channel_is_carried),
        WITH_PROXY(proxy_hooks__change_both_ways),
        WITH_PROXY(proxy_hooks__answer_spares_the_chip),
        WITH_PROXY(proxy_hooks__drop_closes_the_client),
        cmocka_unit_test(command_name__known_and_unknown),
        cmocka_unit_test(sim_free__leaves_no_folder),
    };

    return cmocka_run_group_tests_name("tests/lib", tests, NULL, NULL);
}
