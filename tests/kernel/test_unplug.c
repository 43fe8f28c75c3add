/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "device-fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * The driver lets its chip go, and takes it again: to programs that is a chip
 * unplugged and plugged in.
 *
 * It comes back under the lowest number that is free, and the number of a chip
 * that is gone is free only when nobody has it open any more. The kernel's
 * integrity measurement keeps what was there at boot open for ever, so that
 * tpm0 never comes back: these tests plug it in anew before they begin.
 */
static char driver[PATH_MAX], chip[PATH_MAX];
static char shared_conf[64], single_conf[64];
static const struct node nodes_tpmrm = { shared_conf, true };
static const struct node nodes_tpm = { single_conf, false };

/* Of the chip in /dev/tpmN, or -1: unplugged. */
static int
number(void)
{
    char path[2 * PATH_MAX + 8];
    struct dirent *entry;
    int n = -1;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/%s/tpm", driver, chip);
    dir = opendir(path);
    if (dir == NULL)
        return -1;
    while ((entry = readdir(dir)) != NULL)
        if (strncmp(entry->d_name, "tpm", 3) == 0)
            n = atoi(entry->d_name + 3);
    (void)closedir(dir);
    return n;
}

/* verb: "unbind" or "bind". */
static int
tell_driver(const char *verb)
{
    char path[PATH_MAX + 16];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", driver, verb);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = write(fd, chip, strlen(chip));
        (void)close(fd);
    }
    return n == (ssize_t)strlen(chip) ? 0 : -1;
}

static void
unplug(void)
{
    assert_int_equal(tell_driver("unbind"), 0);
    assert_int_equal(number(), -1);
}

static void
plug_in(void)
{
    assert_int_equal(tell_driver("bind"), 0);
    assert_true(number() >= 0);
}

static int
group_setup(void **state)
{
    char path[PATH_MAX];

    (void)state;
    if (realpath("/sys/class/tpm/tpm0/device/driver", driver) == NULL
        || realpath("/sys/class/tpm/tpm0/device", path) == NULL)
        return -1;
    (void)snprintf(chip, sizeof(chip), "%s", basename(path));
    if (tell_driver("unbind") != 0 || tell_driver("bind") != 0)
        return -1;
    (void)snprintf(shared_conf, sizeof(shared_conf), "device:/dev/tpmrm%d",
        number());
    (void)snprintf(single_conf, sizeof(single_conf), "device:/dev/tpm%d",
        number());
    return 0;
}

/* Also where a test failed half-way: the next one finds a chip. */
static int
teardown(void **state)
{
    int rc = device_teardown(state);

    (void)tell_driver("unbind");
    return rc != 0 ? rc : tell_driver("bind");
}

static void
expect_fault(struct fixture *f, TSS2_RC rc, const char *part)
{
    uint32_t code;

    capture_start();
    assert_int_equal(exchange(f->context, &code), rc);
    capture_expect(part);
}

static void
expect_none_there(struct fixture *f)
{
    expect_fault(f, TSS2_TCTI_RC_NO_CONNECTION,
        "is there a chip, and its kernel driver?");
}

/* --- tests --------------------------------------------------------------- */

static void
unplug__an_error_then_none_there_then_it_works(void **state)
{
    struct fixture *f = *state;

    works(f->context);
    unplug();
    expect_fault(f, TSS2_TCTI_RC_IO_ERROR, "see the kernel's log");
    expect_none_there(f);
    expect_none_there(f);
    plug_in();
    works(f->context);
    works(f->context);
}

static void
unplug__an_answer_that_is_there_already_is_kept(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;

    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(get_random),
        get_random), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    unplug();
    assert_int_equal(receive(f->context, 0), TSS2_RC_SUCCESS);
    expect_fault(f, TSS2_TCTI_RC_IO_ERROR, "see the kernel's log");
    plug_in();
    works(f->context);
}

/* Either the driver waits for the command or is quicker: an answer, or none. */
static void
unplug__while_a_command_runs(void **state)
{
    struct fixture *f = *state;
    TSS2_RC rc;

    transmit_slow(f->context);
    unplug();
    rc = receive(f->context, A_MINUTE);
    assert_true(rc == TSS2_RC_SUCCESS || rc == TSS2_TCTI_RC_IO_ERROR);
    if (rc == TSS2_RC_SUCCESS)
        expect_fault(f, TSS2_TCTI_RC_IO_ERROR, "see the kernel's log");
    plug_in();
    works(f->context);
}

/* Held by a program that knows nothing, the number is not free. */
static void
unplug__unnoticed_until_it_is_back(void **state)
{
    struct fixture *f = *state;
    int before = number();

    unplug();
    plug_in();
    assert_int_not_equal(number(), before);
    expect_fault(f, TSS2_TCTI_RC_IO_ERROR, "see the kernel's log");
    expect_none_there(f);
    unplug();
    plug_in();
    assert_int_equal(number(), before);
    works(f->context);
}

#define EACH(TEST) \
    { #TEST "__tpmrm", TEST, device_setup, teardown, \
        (void *)(uintptr_t)&nodes_tpmrm }, \
    { #TEST "__tpm", TEST, device_setup, teardown, \
        (void *)(uintptr_t)&nodes_tpm }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(unplug__an_error_then_none_there_then_it_works),
        EACH(unplug__an_answer_that_is_there_already_is_kept),
        EACH(unplug__while_a_command_runs),
        EACH(unplug__unnoticed_until_it_is_back),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
