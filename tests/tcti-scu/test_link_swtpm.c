/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "server.h"
#include "unixsock.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void
exchange__has_its_own_connection(void **state)
{
    struct fixture *f = *state;
    uint8_t data[1];

    start(f, "");
    skip_probe(f);
    for (int i = 0; i < 3; i++) {
        good_exchange(f);
        assert_int_equal(read(f->client, data, 1), 0);
    }
}

static void
exchange__exclusive_keeps_the_connection(void **state)
{
    struct fixture *f = *state;
    uint8_t data[64];

    start(f, ",exclusive");
    accept_client(f);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
        assert_int_equal(unixsock_recv_frame(f->client, data, sizeof(data)),
            sizeof(command));
        give(f, answer, sizeof(answer));
        assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
    }
}

static void
exchange__response_in_parts(void **state)
{
    struct fixture *f = *state;
    uint8_t data[12];
    size_t size = 0;

    start(f, "");
    skip_probe(f);
    send_command(f);
    for (size_t i = 0; i < 11; i++) {
        give(f, answer + i, 1);
        assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, 0),
            TSS2_TCTI_RC_TRY_AGAIN);
    }
    give(f, answer + 11, 1);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(size, 12);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, 0),
        TSS2_RC_SUCCESS);
    assert_memory_equal(data, answer, 12);
}

static void
exchange__waits_as_long_as_asked(void **state)
{
    struct fixture *f = *state;
    int64_t before;

    start(f, "");
    skip_probe(f);
    send_command(f);
    before = deadline_now();
    assert_int_equal(receive(f, 30), TSS2_TCTI_RC_TRY_AGAIN);
    assert_true(deadline_now() - before >= 30);
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, 30), TSS2_RC_SUCCESS);
}

static void
exchange__poll_handle(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_POLL_HANDLE handle;
    size_t n = 1;

    start(f, "");
    skip_probe(f);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(poll(&handle, 1, 0), 0);
    send_command(f);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(poll(&handle, 1, 0), 0);
    give(f, answer, sizeof(answer));
    assert_int_equal(poll(&handle, 1, 10000), 1);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
}

static void
exchange__early_end(void **state)
{
    static const size_t parts[] = { 0, 3, 6, 11 };
    struct fixture *f = *state;

    start(f, "");
    skip_probe(f);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        send_command(f);
        give(f, answer, parts[i]);
        assert_int_equal(shutdown(f->client, SHUT_RDWR), 0);
        capture_start();
        assert_int_equal(receive(f, -1), TSS2_TCTI_RC_IO_ERROR);
        capture_expect("it closed the connection");
    }
    good_exchange(f);
}

static void
exchange__malformed_sizes(void **state)
{
    static const uint32_t sizes[] = { 0, 3, 6, 9, 4097, UINT32_MAX };
    struct fixture *f = *state;
    uint8_t bad[12];

    start(f, "");
    skip_probe(f);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memcpy(bad, answer, sizeof(bad));
        for (int j = 0; j < 4; j++)
            bad[2 + j] = (uint8_t)(sizes[i] >> (24 - 8 * j));
        send_command(f);
        give(f, bad, sizeof(bad));
        capture_start();
        assert_int_equal(receive(f, -1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
        capture_expect("which cannot be");
    }
    good_exchange(f);
}

static void
exchange__late_response_is_not_the_next_ones(void **state)
{
    struct fixture *f = *state;
    uint8_t late[12];
    uint8_t data[12];
    size_t size = sizeof(data);
    int old;

    start(f, "");
    skip_probe(f);
    send_command(f);
    f->tcti.execution = deadline_in(0);
    capture_start();
    assert_int_equal(receive(f, -1), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("in time");
    old = dup(f->client);
    send_command(f);
    memcpy(late, answer, sizeof(late));
    late[11] = 0xff;
    (void)unixsock_send(old, late, sizeof(late));
    (void)close(old);
    give(f, answer, sizeof(answer));
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -1),
        TSS2_RC_SUCCESS);
    assert_memory_equal(data, answer, sizeof(answer));
}

static void
exchange__server_goes_and_comes_back(void **state)
{
    struct fixture *f = *state;

    start(f, "");
    skip_probe(f);
    good_exchange(f);
    (void)close(f->server);
    capture_start();
    assert_int_equal(transmit(f), TSS2_TCTI_RC_NO_CONNECTION);
    capture_expect("Connection refused");
    (void)unlink(f->path);
    capture_start();
    assert_int_equal(transmit(f), TSS2_TCTI_RC_NO_CONNECTION);
    capture_expect("No such file");
    f->server = unixsock_listen(f->path);
    assert_true(f->server >= 0);
    good_exchange(f);
}

static void
exchange__exclusive_server_goes_and_comes_back(void **state)
{
    struct fixture *f = *state;

    start(f, ",exclusive");
    accept_client(f);
    (void)close(f->client);
    f->client = -1;
    capture_start();
    assert_int_equal(transmit(f), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("did not take the command");
    good_exchange(f);
}

/* --- the control channel ------------------------------------------------- */

static void
control__missing_is_not_implemented(void **state)
{
    struct fixture *f = *state;

    start(f, "");
    skip_probe(f);
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    send_command(f);
    assert_int_equal(Tss2_Tcti_Cancel(f->context),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

static void
control__locality_needs_it(void **state)
{
    struct fixture *f = *state;
    char conf[128];

    (void)snprintf(conf, sizeof(conf), "swtpm:path=%s,locality=2", f->path);
    refused(conf, TSS2_TCTI_RC_NOT_IMPLEMENTED, "locality=2 cannot be set");
}

static void
control__hangs(void **state)
{
    struct fixture *f = *state;
    char more[96];
    char path[80];
    int server;

    (void)snprintf(path, sizeof(path), "%s/c", f->dir);
    (void)snprintf(more, sizeof(more), ",ctrl=%s", path);
    server = unixsock_listen(path);
    assert_true(server >= 0);
    start(f, more);
    skip_probe(f);
    send_command(f);
    capture_start();
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("control channel");
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
    (void)close(server);
    (void)unlink(path);
}

/* --- the exchange lock --------------------------------------------------- */

/* A process that is in mid-exchange, or holds on to an exclusive link. */
static pid_t
start_holder(struct fixture *f, const char *more)
{
    char byte = 0;
    int pipes[2];
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        start(f, more);
        if (*more == '\0')
            (void)transmit(f);
        if (write(pipes[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    (void)close(pipes[0]);
    return pid;
}

static void
end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
lock__names_who_is_in_mid_exchange(void **state)
{
    struct fixture *f = *state;
    pid_t pid = start_holder(f, "");
    char part[64];

    start(f, "");
    (void)snprintf(part, sizeof(part), "process %ld keeps the chip",
        (long)pid);
    capture_start();
    assert_int_equal(transmit(f), TSS2_TCTI_RC_IO_ERROR);
    capture_expect(part);
    end(pid);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
}

static void
lock__names_who_is_exclusive(void **state)
{
    struct fixture *f = *state;
    pid_t pid = start_holder(f, ",exclusive");
    char part[64];

    (void)snprintf(part, sizeof(part), "process %ld keeps the chip",
        (long)pid);
    start(f, "");
    capture_start();
    assert_int_equal(transmit(f), TSS2_TCTI_RC_IO_ERROR);
    capture_expect(part);
    end(pid);
    assert_int_equal(transmit(f), TSS2_RC_SUCCESS);
}

static void
lock__is_free_between_exchanges(void **state)
{
    struct fixture *f = *state;
    struct tcti other;

    start(f, "");
    skip_probe(f);
    good_exchange(f);
    assert_int_equal(init(&other, f->conf), TSS2_RC_SUCCESS);
    skip_probe(f);
    assert_int_equal(Tss2_Tcti_Transmit((void *)&other, sizeof(command),
        command), TSS2_RC_SUCCESS);
    Tss2_Tcti_Finalize((TSS2_TCTI_CONTEXT *)(void *)&other);
    accept_client(f);
    good_exchange(f);
}

static void
lock__child_leaves_the_parents(void **state)
{
    struct fixture *f = *state;
    int status = -1;
    pid_t pid;

    start(f, "");
    skip_probe(f);
    send_command(f);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        capture_start();
        if (transmit(f) != TSS2_TCTI_RC_IO_ERROR)
            _exit(1);
        capture_expect("keeps the chip");
        Tss2_Tcti_Finalize(f->context);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    pid = fork(); /* the parent's lock is still there */
    if (pid == 0) {
        struct tcti other;

        capture_start();
        if (init(&other, f->conf) != TSS2_RC_SUCCESS)
            _exit(1);
        _exit(Tss2_Tcti_Transmit((TSS2_TCTI_CONTEXT *)(void *)&other,
            sizeof(command), command) == TSS2_TCTI_RC_IO_ERROR ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

#define LINK_TEST(t) \
    cmocka_unit_test_setup_teardown(t, server_setup, server_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LINK_TEST(exchange__has_its_own_connection),
        LINK_TEST(exchange__exclusive_keeps_the_connection),
        LINK_TEST(exchange__response_in_parts),
        LINK_TEST(exchange__waits_as_long_as_asked),
        LINK_TEST(exchange__poll_handle),
        LINK_TEST(exchange__early_end),
        LINK_TEST(exchange__malformed_sizes),
        LINK_TEST(exchange__late_response_is_not_the_next_ones),
        LINK_TEST(exchange__server_goes_and_comes_back),
        LINK_TEST(exchange__exclusive_server_goes_and_comes_back),
        LINK_TEST(control__missing_is_not_implemented),
        LINK_TEST(control__locality_needs_it),
        LINK_TEST(control__hangs),
        LINK_TEST(lock__names_who_is_in_mid_exchange),
        LINK_TEST(lock__names_who_is_exclusive),
        LINK_TEST(lock__is_free_between_exchanges),
        LINK_TEST(lock__child_leaves_the_parents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
