/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "device-fixture.h"
#include "response.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define ENDORSEMENT 0x0b

/* --- receive ------------------------------------------------------------- */

static void
receive__size_query_and_short_buffer_lose_nothing(void **state)
{
    static const size_t rooms[] = { 0, 1, 9, 10, 11, 19 };
    struct fixture *f = *state;
    uint8_t data[20] = { 0 };
    size_t size = 0;

    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(get_random),
        get_random), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(size, sizeof(data));
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        size = rooms[i];
        assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -1),
            TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
        assert_int_equal(size, sizeof(data));
    }
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, 0),
        TSS2_RC_SUCCESS);
    assert_int_equal(size, sizeof(data));
    assert_int_equal(be32_read(data + 6), RC_SUCCESS);
    works(f->context);
}

static void
receive__timeouts(void **state)
{
    struct fixture *f = *state;

    transmit_slow(f->context);
    assert_int_equal(receive(f->context, 0), TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(receive(f->context, 1), TSS2_TCTI_RC_TRY_AGAIN);
    take_slow(f->context, TSS2_TCTI_TIMEOUT_BLOCK);
    transmit_slow(f->context);
    take_slow(f->context, A_MINUTE);
    assert_int_equal(receive(f->context, 0), TSS2_TCTI_RC_BAD_SEQUENCE);
}

static volatile sig_atomic_t alarms;

static void
count_alarm(int signal)
{
    (void)signal;
    alarms = alarms + 1;
}

static void
receive__is_not_cut_short_by_signals(void **state)
{
    const struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
    struct sigaction action = { .sa_handler = count_alarm }, before;
    struct fixture *f = *state;

    alarms = 0;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    transmit_slow(f->context);
    take_slow(f->context, A_MINUTE);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_true(alarms > 0);
}

/* --- poll ---------------------------------------------------------------- */

static int
poll_once(TSS2_TCTI_CONTEXT *context, int timeout)
{
    TSS2_TCTI_POLL_HANDLE handle;
    size_t n = 1;

    assert_int_equal(Tss2_Tcti_GetPollHandles(context, &handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(n, 1);
    return poll(&handle, 1, timeout);
}

static void
poll__tells_when_there_is_an_answer(void **state)
{
    struct fixture *f = *state;
    size_t size = 0;

    assert_int_equal(poll_once(f->context, 0), 0);
    transmit_slow(f->context);
    assert_int_equal(poll_once(f->context, 0), 0);
    assert_int_equal(poll_once(f->context, A_MINUTE), 1);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, 0),
        TSS2_RC_SUCCESS);
    assert_int_equal(poll_once(f->context, 0), 1);
    take_slow(f->context, 0);
    assert_int_equal(poll_once(f->context, 0), 0);
}

/* --- what the kernel has no way for -------------------------------------- */

static void
others__not_implemented_and_harmless(void **state)
{
    struct fixture *f = *state;
    TPM2_HANDLE handle = 0x80000000;

    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_TCTI_RC_BAD_SEQUENCE);
    transmit_slow(f->context);
    assert_int_equal(Tss2_Tcti_Cancel(f->context),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    assert_int_equal(Tss2_Tcti_MakeSticky(f->context, &handle, 1),
        TSS2_TCTI_RC_NOT_IMPLEMENTED);
    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(get_random),
        get_random), TSS2_TCTI_RC_BAD_SEQUENCE);
    take_slow(f->context, TSS2_TCTI_TIMEOUT_BLOCK);
}

/* --- lengths ------------------------------------------------------------- */

static void
lengths__a_long_command(void **state)
{
    /* TPM2_Hash of 1024 octets by SHA-256. */
    uint8_t hash[1042] = {
        0x80, 0x01, 0, 0, 0x04, 0x12, 0, 0, 0x01, 0x7d, 0x04, 0x00,
    };
    static const uint8_t tail[] = { 0, 0x0b, 0x40, 0, 0, 0x07 };
    struct fixture *f = *state;
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    memcpy(hash + sizeof(hash) - sizeof(tail), tail, sizeof(tail));
    assert_int_equal(talk(f->context, hash, sizeof(hash), data, &size),
        TSS2_RC_SUCCESS);
    assert_int_equal(be32_read(data + 6), RC_SUCCESS);
    assert_true(size >= TPM_HEADER_LEN + 2 + 32);
}

static void
lengths__a_long_response(void **state)
{
    /* TPM2_GetCapability of all commands. */
    static const uint8_t commands[22] = {
        0x80, 0x01, 0, 0, 0, 22, 0, 0, 0x01, 0x7a,
        0, 0, 0, 2, 0, 0, 0x01, 0x1f, 0, 0, 0x01, 0,
    };
    struct fixture *f = *state;
    uint8_t data[TPM_MESSAGE_MAX];
    size_t size = sizeof(data);

    assert_int_equal(talk(f->context, commands, sizeof(commands), data,
        &size), TSS2_RC_SUCCESS);
    assert_int_equal(be32_read(data + 6), RC_SUCCESS);
    assert_true(size > 400);
}

/* --- several programs ---------------------------------------------------- */

static int
descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    assert_int_equal(closedir(dir), 0);
    return n;
}

static void
open__again_and_again_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    int before = descriptors();

    for (int i = 0; i < 100; i++) {
        end(&f->context);
        assert_int_equal(init(&f->context, f->node->conf), TSS2_RC_SUCCESS);
        works(f->context);
    }
    assert_int_equal(descriptors(), before);
}

static void
open__twice_where_that_is_shared(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *second = NULL;

    assert_int_equal(init(&second, f->node->conf), TSS2_RC_SUCCESS);
    transmit_slow(f->context);
    works(second);
    take_slow(f->context, TSS2_TCTI_TIMEOUT_BLOCK);
    end(&second);
}

static void
open__twice_where_that_is_not(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *second = NULL;

    capture_start();
    assert_int_equal(init(&second, f->node->conf),
        TSS2_TCTI_RC_NO_CONNECTION);
    capture_expect("another program has it; use /dev/tpmrm0, which is shared");
    works(f->context);
    end(&f->context);
    assert_int_equal(init(&second, f->node->conf), TSS2_RC_SUCCESS);
    works(second);
    end(&second);
}

/* A child has its parent's context; the node stays open in the parent. */
static void
fork__the_child_connects_anew(void **state)
{
    struct fixture *f = *state;
    TSS2_RC wanted = f->node->shared ? TSS2_RC_SUCCESS :
        TSS2_TCTI_RC_NO_CONNECTION;
    int status = -1;
    uint32_t code;
    pid_t pid;

    transmit_slow(f->context);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(STDERR_FILENO); /* of the refusal */
        _exit(exchange(f->context, &code) == wanted ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    take_slow(f->context, TSS2_TCTI_TIMEOUT_BLOCK);
}

/* TPM2_ReadPublic: whether that is what the making of the key gave. */
static bool
still_there(TSS2_TCTI_CONTEXT *context, const uint8_t *made)
{
    uint8_t command[14] = { 0x80, 0x01, 0, 0, 0, 14, 0, 0, 0x01, 0x73 };
    uint8_t data[TPM_MESSAGE_MAX] = { 0 };
    size_t size = sizeof(data);

    memcpy(command + 10, made + 10, 4);
    if (talk(context, command, sizeof(command), data, &size)
        != TSS2_RC_SUCCESS || be32_read(data + 6) != RC_SUCCESS)
        return false;
    /* Behind the handle and the size of the parameters: the public area. */
    size = 2 + ((size_t)data[10] << 8 | data[11]);
    return size > 256 && memcmp(data + 10, made + 18, size) == 0;
}

/* A program that has a key: 0 when nobody disturbed it. */
static int
use_a_key(uint8_t hierarchy)
{
    uint8_t command[sizeof(slow)], made[TPM_MESSAGE_MAX] = { 0 };
    TSS2_TCTI_CONTEXT *context = NULL;
    size_t size = sizeof(made);
    uint32_t code;
    int undisturbed = 0;

    memcpy(command, slow, sizeof(slow));
    command[HIERARCHY_AT] = hierarchy;
    if (init(&context, nodes_tpmrm0.conf) != TSS2_RC_SUCCESS)
        return 1;
    if (talk(context, command, sizeof(command), made, &size)
        == TSS2_RC_SUCCESS && be32_read(made + 6) == RC_SUCCESS)
        while (undisturbed < 20 && still_there(context, made)
            && exchange(context, &code) == TSS2_RC_SUCCESS)
            undisturbed++;
    end(&context);
    return undisturbed == 20 ? 0 : 1;
}

/* The kernel gives both the same handle; each must find its own key there. */
static void
programs__two_at_once(void **state)
{
    static const uint8_t hierarchies[] = { 0x01, ENDORSEMENT };
    int status;

    (void)state;
    for (size_t i = 0; i < sizeof(hierarchies); i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            _exit(use_a_key(hierarchies[i]));
    }
    for (size_t i = 0; i < sizeof(hierarchies); i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(receive__size_query_and_short_buffer_lose_nothing),
        BOTH(receive__timeouts),
        BOTH(receive__is_not_cut_short_by_signals),
        BOTH(poll__tells_when_there_is_an_answer),
        BOTH(others__not_implemented_and_harmless),
        BOTH(lengths__a_long_command),
        BOTH(lengths__a_long_response),
        BOTH(open__again_and_again_leaves_nothing),
        ON(open__twice_where_that_is_shared, tpmrm0),
        ON(open__twice_where_that_is_not, tpm0),
        BOTH(fork__the_child_connects_anew),
        cmocka_unit_test(programs__two_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
