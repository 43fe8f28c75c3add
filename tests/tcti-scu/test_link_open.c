/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static void
init__nobody_listens(void **state)
{
    struct fixture *f = *state;
    char conf[128];
    char part[200];

    (void)snprintf(conf, sizeof(conf), "sim:dir=%s/none", f->dir);
    (void)snprintf(part, sizeof(part), "no simulated chip at "
        "%s/none/swtpm.sock: No such file or directory; start it: scu sim "
        "start --dir %s/none", f->dir, f->dir);
    refused(conf, TSS2_TCTI_RC_NO_CONNECTION, part);
    (void)close(f->server); /* the socket's file stays */
    f->server = -1;
    (void)snprintf(conf, sizeof(conf), "sim:dir=%s", f->dir);
    refused(conf, TSS2_TCTI_RC_NO_CONNECTION, "Connection refused; start it");
    (void)snprintf(conf, sizeof(conf), "swtpm:path=%s", f->path);
    refused(conf, TSS2_TCTI_RC_NO_CONNECTION, "start swtpm there");
}

static void
init__no_default_folder(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_int_equal(unsetenv("HOME"), 0);
    refused("sim", TSS2_TCTI_RC_BAD_VALUE, "give sim:dir=DIR");
}

static void
init__default_folder(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("XDG_RUNTIME_DIR", f->dir, 1), 0);
    refused("sim", TSS2_TCTI_RC_NO_CONNECTION, "/scu-sim/swtpm.sock");
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static void
init__no_address(void **state)
{
    (void)state;
    refused("swtpm", TSS2_TCTI_RC_BAD_VALUE, "lacks its address");
    refused("swtpm:timeout=1", TSS2_TCTI_RC_BAD_VALUE, "lacks its address");
}

static void
init__two_addresses(void **state)
{
    (void)state;
    refused("swtpm:path=/x,host=h", TSS2_TCTI_RC_BAD_VALUE, "two addresses");
    refused("swtpm:path=/x,port=1", TSS2_TCTI_RC_BAD_VALUE, "two addresses");
}

static void
init__long_path(void **state)
{
    char conf[160] = "swtpm:path=";

    (void)state;
    memset(conf + 11, 'x', 108);
    refused(conf, TSS2_TCTI_RC_BAD_VALUE, "too long");
}

static void
init__unknown_host(void **state)
{
    (void)state;
    refused("swtpm:host=300.300.300.300.invalid", TSS2_TCTI_RC_NO_CONNECTION,
        "is not known");
}

static void
init__lock_that_cannot_be_made(void **state)
{
    struct fixture *f = *state;
    char conf[160];

    (void)snprintf(conf, sizeof(conf), "swtpm:path=%s,lock=%s/no/lock",
        f->path, f->dir);
    refused(conf, TSS2_TCTI_RC_NO_CONNECTION, "cannot make the lock");
}

static void
init__full_queue_is_a_server(void **state)
{
    struct fixture *f = *state;
    int fillers[64];
    size_t n = 0;
    int fd;

    /* Non-blocking connections until the queue takes no more. */
    assert_int_equal(listen(f->server, 1), 0);
    for (; n < 64; n++) {
        struct sockaddr_storage address = { 0 };
        socklen_t len = sizeof(address);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(getsockname(f->server, (void *)&address, &len), 0);
        fillers[n] = fd;
        if (connect(fd, (void *)&address, len) != 0)
            break;
    }
    assert_int_not_equal(n, 64);
    assert_int_equal(errno, EAGAIN);
    start(f, "");
    capture_start();
    assert_int_equal(transmit(f), TSS2_TCTI_RC_NO_CONNECTION);
    capture_expect("Connection timed out");
    for (size_t i = 0; i <= n; i++)
        (void)close(fillers[i]);
}

/* On a port that the system picks; the command arrives as it was sent. */
static void
init__tcp_by_name_and_port(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t len = sizeof(in);

    (void)close(f->server);
    f->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->server >= 0);
    assert_int_equal(bind(f->server, (void *)&in, len), 0);
    assert_int_equal(listen(f->server, 8), 0);
    assert_int_equal(getsockname(f->server, (void *)&in, &len), 0);
    (void)snprintf(f->conf, sizeof(f->conf), "swtpm:port=%u",
        ntohs(in.sin_port));
    assert_int_equal(init(&f->tcti, f->conf), TSS2_RC_SUCCESS);
    f->context = (TSS2_TCTI_CONTEXT *)(void *)&f->tcti;
    accept_client(f);
    good_exchange(f);
    good_exchange(f);
}

#define LINK_TEST(t) \
    cmocka_unit_test_setup_teardown(t, server_setup, server_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LINK_TEST(init__nobody_listens),
        LINK_TEST(init__no_default_folder),
        LINK_TEST(init__default_folder),
        LINK_TEST(init__no_address),
        LINK_TEST(init__two_addresses),
        LINK_TEST(init__long_path),
        LINK_TEST(init__unknown_host),
        LINK_TEST(init__lock_that_cannot_be_made),
        LINK_TEST(init__full_queue_is_a_server),
        LINK_TEST(init__tcp_by_name_and_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
