/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "tcti.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * The far end of a pseudo-terminal plays the kernel's device: a character
 * device too, with poll, non-blocking reads and POLLHUP when it goes.
 */
struct fixture {
    int master;
    char conf[96];
    TSS2_TCTI_CONTEXT *context;
};

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

static const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};
static const uint8_t answer[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0, 0, 0xab, 0xcd,
};

static void
open_master(struct fixture *f)
{
    struct termios raw;

    f->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(f->master >= 0);
    assert_int_equal(grantpt(f->master), 0);
    assert_int_equal(unlockpt(f->master), 0);
    assert_int_equal(tcgetattr(f->master, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(f->master, TCSANOW, &raw), 0);
    (void)snprintf(f->conf, sizeof(f->conf), "device:%s,timeout=100",
        ptsname(f->master));
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    size_t size = 0;

    assert_non_null(f);
    open_master(f);
    assert_int_equal(Tss2_Tcti_Scu_Init(NULL, &size, f->conf),
        TSS2_RC_SUCCESS);
    f->context = calloc(1, size);
    assert_non_null(f->context);
    assert_int_equal(Tss2_Tcti_Scu_Init(f->context, &size, f->conf),
        TSS2_RC_SUCCESS);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    Tss2_Tcti_Finalize(f->context);
    free(f->context);
    if (f->master >= 0)
        (void)close(f->master);
    free(f);
    return 0;
}

/* The command as the device got it. */
static void
expect_command(struct fixture *f)
{
    uint8_t data[64];

    assert_int_equal(read(f->master, data, sizeof(data)), sizeof(command));
    assert_memory_equal(data, command, sizeof(command));
}

static void
transmit(struct fixture *f)
{
    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(command), command),
        TSS2_RC_SUCCESS);
    expect_command(f);
}

static TSS2_RC
receive(struct fixture *f, int32_t timeout)
{
    uint8_t data[64];
    size_t size = sizeof(data);

    return Tss2_Tcti_Receive(f->context, &size, data, timeout);
}

static void
give(struct fixture *f, const uint8_t *data, size_t len)
{
    assert_int_equal(write(f->master, data, len), len);
}

static void
refused(const char *conf, TSS2_RC rc, const char *part)
{
    struct tcti tcti = { 0 };
    size_t size = sizeof(tcti);

    capture_start();
    assert_int_equal(Tss2_Tcti_Scu_Init(
        (TSS2_TCTI_CONTEXT *)(void *)&tcti, &size, conf), rc);
    capture_expect(part);
}

static void
device__exchanges_on_one_descriptor(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        transmit(f);
        assert_int_equal(receive(f, 0), TSS2_TCTI_RC_TRY_AGAIN);
        give(f, answer, sizeof(answer));
        assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
    }
}

static void
device__poll_handle_shows_the_response(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_POLL_HANDLE handle;
    size_t n = 1;

    transmit(f);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(poll(&handle, 1, 0), 0);
    give(f, answer, sizeof(answer));
    assert_int_equal(poll(&handle, 1, 10000), 1);
    assert_int_equal(handle.revents, POLLIN);
    assert_int_equal(receive(f, 0), TSS2_RC_SUCCESS);
}

static void
device__short_response(void **state)
{
    struct fixture *f = *state;

    transmit(f);
    give(f, answer, 11);
    capture_start();
    assert_int_equal(receive(f, -1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
    capture_expect("ends after 11");
    transmit(f);
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

static void
device__no_response_in_time(void **state)
{
    struct fixture *f = *state;

    transmit(f);
    ((struct tcti *)(void *)f->context)->execution = deadline_in(0);
    capture_start();
    assert_int_equal(receive(f, -1), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("in time");
    transmit(f);
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

static void
device__gone_while_waiting(void **state)
{
    struct fixture *f = *state;

    transmit(f);
    (void)close(f->master);
    f->master = -1;
    capture_start();
    assert_int_equal(receive(f, -1), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("gave no response");
    capture_start();
    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(command), command),
        TSS2_TCTI_RC_NO_CONNECTION);
    capture_expect("cannot open");
}

static void
device__has_no_cancel_and_no_locality(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    transmit(f);
    assert_int_equal(Tss2_Tcti_Cancel(f->context),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    give(f, answer, sizeof(answer));
    assert_int_equal(receive(f, -1), TSS2_RC_SUCCESS);
}

static void
init__no_device(void **state)
{
    (void)state;
    refused("device:/nowhere/tpm", TSS2_TCTI_RC_NO_CONNECTION,
        "cannot open /nowhere/tpm: No such file or directory; is there a "
        "chip");
}

static void
init__no_character_device(void **state)
{
    (void)state;
    refused("device:/etc/passwd", TSS2_TCTI_RC_NO_CONNECTION,
        "no character device");
}

static void
init__locality_without_localities(void **state)
{
    struct fixture *f = *state;
    char conf[128];

    (void)snprintf(conf, sizeof(conf), "%s,locality=1", f->conf);
    refused(conf, TSS2_TCTI_RC_NOT_IMPLEMENTED, "locality=1 cannot be set");
}

static void
init__sizes(void **state)
{
    struct fixture *f = *state;
    struct tcti tcti = { 0 };
    TSS2_TCTI_CONTEXT *context = (TSS2_TCTI_CONTEXT *)(void *)&tcti;
    size_t size = sizeof(tcti) - 1;

    assert_int_equal(Tss2_Tcti_Scu_Init(NULL, NULL, f->conf),
        TSS2_TCTI_RC_BAD_VALUE);
    assert_int_equal(Tss2_Tcti_Scu_Init(context, NULL, f->conf),
        TSS2_TCTI_RC_BAD_REFERENCE);
    capture_start();
    assert_int_equal(Tss2_Tcti_Scu_Init(context, &size, f->conf),
        TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
    capture_expect("ask for its size");
    assert_int_equal(tcti.common.v1.magic, 0);
}

/* Without a configuration: scu.conf's link, never the simulator. */
static void
init__default_comes_from_scu_conf(void **state)
{
    char path[] = "/tmp/scu-conf.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "[chip]\nlink = device:/nowhere/of-conf\n") > 0);
    (void)close(fd);
    assert_int_equal(setenv("SCU_CONF", path, 1), 0);
    refused(NULL, TSS2_TCTI_RC_NO_CONNECTION, "/nowhere/of-conf");
    refused("", TSS2_TCTI_RC_NO_CONNECTION, "/nowhere/of-conf");
    assert_int_equal(truncate(path, 9), 0);
    refused(NULL, TSS2_TCTI_RC_BAD_VALUE, ":2: ");
    (void)unlink(path);
    refused(NULL, TSS2_TCTI_RC_BAD_VALUE, "No such file");
    assert_int_equal(unsetenv("SCU_CONF"), 0);
}

#define DEVICE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(device__exchanges_on_one_descriptor),
        DEVICE_TEST(device__poll_handle_shows_the_response),
        DEVICE_TEST(device__short_response),
        DEVICE_TEST(device__no_response_in_time),
        DEVICE_TEST(device__gone_while_waiting),
        DEVICE_TEST(device__has_no_cancel_and_no_locality),
        cmocka_unit_test(init__no_device),
        cmocka_unit_test(init__no_character_device),
        DEVICE_TEST(init__locality_without_localities),
        DEVICE_TEST(init__sizes),
        cmocka_unit_test(init__default_comes_from_scu_conf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
