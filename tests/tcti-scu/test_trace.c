/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "io.h"
#include "trace.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>
#include <cmocka.h>

/* The parts of a file, in octets. */
#define SECTION 28
#define INTERFACE 32
#define BLOCK_HEAD 28
#define HEADERS 40 /* IP and TCP */

struct fixture {
    char dir[32];
    char path[96];
    struct trace *trace;
    char *data;
    size_t len;
};

static const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};
static const uint8_t answer[11] = {
    0x80, 0x01, 0, 0, 0, 11, 0, 0, 0, 0, 0xab,
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-trace.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/t.pcapng", f->dir);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    trace_close(&f->trace);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
    free(f->data);
    free(f);
    return 0;
}

static void
read_back(struct fixture *f)
{
    free(f->data);
    assert_int_equal(io_read_file(f->path, 1 << 20, &f->data, &f->len), 0);
}

static uint64_t
le_at(const struct fixture *f, size_t at, size_t len)
{
    uint64_t value = 0;

    assert_true(at + len <= f->len);
    while (len-- > 0)
        value = value << 8 | (uint8_t)f->data[at + len];
    return value;
}

static uint64_t
be_at(const struct fixture *f, size_t at, size_t len)
{
    uint64_t value = 0;

    assert_true(at + len <= f->len);
    for (size_t i = 0; i < len; i++)
        value = value << 8 | (uint8_t)f->data[at + i];
    return value;
}

/* Of octets at an offset, and what the caller adds: 0xffff if it is right. */
static uint32_t
sum_at(const struct fixture *f, size_t at, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)be_at(f, at + i, 1) << 8
            | (i + 1 < len ? (uint32_t)be_at(f, at + i + 1, 1) : 0);
    while (sum > 0xffff)
        sum = (sum >> 16) + (sum & 0xffff);
    return sum;
}

static void
trace_open__writes_the_heads(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(trace_open(f->path, &f->trace), TSS2_RC_SUCCESS);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    read_back(f);
    assert_int_equal(f->len, SECTION + INTERFACE);
    assert_int_equal(le_at(f, 0, 4), 0x0a0d0d0a);
    assert_int_equal(le_at(f, 4, 4), SECTION);
    assert_int_equal(le_at(f, 8, 4), 0x1a2b3c4d);
    assert_int_equal(le_at(f, 12, 2), 1);
    assert_int_equal(le_at(f, SECTION - 4, 4), SECTION);
    assert_int_equal(le_at(f, SECTION, 4), 1);
    assert_int_equal(le_at(f, SECTION + 4, 4), INTERFACE);
    assert_int_equal(le_at(f, SECTION + 8, 2), 101);
    assert_int_equal(le_at(f, SECTION + INTERFACE - 4, 4), INTERFACE);
}

/* One packet block at an offset, with all that it must hold. */
static size_t
check_packet(struct fixture *f, size_t at, bool to_chip, const uint8_t *data,
    size_t len, uint32_t seq, uint32_t ack)
{
    size_t size = BLOCK_HEAD + (HEADERS + len + 3) / 4 * 4 + 4;
    size_t ip = at + BLOCK_HEAD;
    size_t tcp = ip + 20;

    assert_int_equal(le_at(f, at, 4), 6);
    assert_int_equal(le_at(f, at + 4, 4), size);
    assert_int_equal(le_at(f, at + size - 4, 4), size);
    assert_int_equal(le_at(f, at + 20, 4), HEADERS + len);
    assert_int_equal(le_at(f, at + 24, 4), HEADERS + len);
    assert_int_equal(be_at(f, ip, 1), 0x45);
    assert_int_equal(be_at(f, ip + 2, 2), HEADERS + len);
    assert_int_equal(be_at(f, ip + 9, 1), 6);
    assert_int_equal(be_at(f, ip + 12, 4), to_chip ? 0x7f000001 : 0x7f000002);
    assert_int_equal(be_at(f, ip + 16, 4), to_chip ? 0x7f000002 : 0x7f000001);
    assert_int_equal(be_at(f, tcp + (to_chip ? 2 : 0), 2), 2321);
    assert_int_equal(be_at(f, tcp + 4, 4), seq);
    assert_int_equal(be_at(f, tcp + 8, 4), ack);
    assert_int_equal(sum_at(f, ip, 20, 0), 0xffff);
    assert_int_equal(sum_at(f, tcp, 20 + len,
        sum_at(f, ip + 12, 8, (uint32_t)(6 + 20 + len))), 0xffff);
    assert_memory_equal(f->data + tcp + 20, data, len);
    return at + size;
}

static void
trace_packet__writes_segments_of_one_stream(void **state)
{
    struct fixture *f = *state;
    size_t at = SECTION + INTERFACE;

    assert_int_equal(trace_open(f->path, &f->trace), TSS2_RC_SUCCESS);
    trace_packet(f->trace, TRACE_COMMAND, command, sizeof(command));
    trace_packet(f->trace, TRACE_RESPONSE, answer, sizeof(answer));
    trace_packet(f->trace, TRACE_COMMAND, command, sizeof(command));
    read_back(f); /* while it is open: a crash would leave as much */
    at = check_packet(f, at, true, command, sizeof(command), 1, 1);
    at = check_packet(f, at, false, answer, sizeof(answer), 1, 13);
    at = check_packet(f, at, true, command, sizeof(command), 13, 12);
    assert_int_equal(at, f->len);
}

static void
trace_packet__of_the_largest_size(void **state)
{
    struct fixture *f = *state;
    uint8_t big[4096];

    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)i;
    assert_int_equal(trace_open(f->path, &f->trace), TSS2_RC_SUCCESS);
    trace_packet(f->trace, TRACE_COMMAND, big, sizeof(big));
    read_back(f);
    assert_int_equal(check_packet(f, SECTION + INTERFACE, true, big,
        sizeof(big), 1, 1), f->len);
}

static void
trace_packet__without_a_trace(void **state)
{
    (void)state;
    trace_packet(NULL, TRACE_COMMAND, command, sizeof(command));
}

static void
trace_packet__no_room_is_one_warning(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, small;

    assert_int_equal(trace_open(f->path, &f->trace), TSS2_RC_SUCCESS);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = SECTION + INTERFACE;
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(setenv("SCU_LOG", "warn", 1), 0);
    capture_start();
    trace_packet(f->trace, TRACE_COMMAND, command, sizeof(command));
    trace_packet(f->trace, TRACE_COMMAND, command, sizeof(command));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    capture_expect("ends here");
    assert_int_equal(unsetenv("SCU_LOG"), 0);
}

static void
trace_open__never_over_a_file(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(io_replace_file(f->path, "x", 1, 0600), 0);
    capture_start();
    assert_int_equal(trace_open(f->path, &f->trace), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("exists; remove it");
    assert_null(f->trace);
    read_back(f);
    assert_string_equal(f->data, "x");
}

static void
trace_open__never_through_a_link(void **state)
{
    struct fixture *f = *state;
    char target[128];

    (void)snprintf(target, sizeof(target), "%s.target", f->path);
    assert_int_equal(symlink(target, f->path), 0);
    capture_start();
    assert_int_equal(trace_open(f->path, &f->trace), TSS2_TCTI_RC_IO_ERROR);
    capture_expect(f->path);
    assert_int_equal(access(target, F_OK), -1);
}

static void
trace_open__no_folder(void **state)
{
    struct fixture *f = *state;

    (void)strcat(f->path, "/x");
    capture_start();
    assert_int_equal(trace_open(f->path, &f->trace), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("cannot be made");
}

static void
trace_open__junk_percent(void **state)
{
    static const char *const junk[] = { "/x/%d", "/x/%", "%n%n" };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        capture_start();
        assert_int_equal(trace_open(junk[i], &f->trace),
            TSS2_TCTI_RC_BAD_VALUE);
        capture_expect("only %p");
    }
}

static void
trace_open__process_id_in_the_name(void **state)
{
    struct fixture *f = *state;
    char pattern[64];

    (void)snprintf(pattern, sizeof(pattern), "%s/a%%%%%%p", f->dir);
    (void)snprintf(f->path, sizeof(f->path), "%s/a%%%ld", f->dir,
        (long)getpid());
    assert_int_equal(trace_open(pattern, &f->trace), TSS2_RC_SUCCESS);
    assert_int_equal(access(f->path, F_OK), 0);
}

static void
trace_inherited__gets_a_file_of_its_own(void **state)
{
    struct fixture *f = *state;
    char pattern[64];
    int status = -1;
    pid_t pid;

    (void)snprintf(pattern, sizeof(pattern), "%s/%%p", f->dir);
    assert_int_equal(trace_open(pattern, &f->trace), TSS2_RC_SUCCESS);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        trace_inherited(&f->trace);
        trace_packet(f->trace, TRACE_COMMAND, command, sizeof(command));
        _exit(f->trace != NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)snprintf(f->path, sizeof(f->path), "%s/%ld", f->dir, (long)pid);
    read_back(f);
    assert_int_equal(check_packet(f, SECTION + INTERFACE, true, command,
        sizeof(command), 1, 1), f->len);
    assert_int_equal(unlink(f->path), 0);
    (void)snprintf(f->path, sizeof(f->path), "%s/%ld", f->dir,
        (long)getpid());
    read_back(f);
    assert_int_equal(f->len, SECTION + INTERFACE);
}

static void
trace_inherited__ends_without_a_name_of_its_own(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(trace_open(f->path, &f->trace), TSS2_RC_SUCCESS);
    assert_int_equal(setenv("SCU_LOG", "warn", 1), 0);
    capture_start();
    trace_inherited(&f->trace);
    capture_expect("is not in the trace");
    assert_int_equal(unsetenv("SCU_LOG"), 0);
    assert_null(f->trace);
    trace_inherited(&f->trace);
}

#define TRACE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRACE_TEST(trace_open__writes_the_heads),
        TRACE_TEST(trace_packet__writes_segments_of_one_stream),
        TRACE_TEST(trace_packet__of_the_largest_size),
        TRACE_TEST(trace_packet__without_a_trace),
        TRACE_TEST(trace_packet__no_room_is_one_warning),
        TRACE_TEST(trace_open__never_over_a_file),
        TRACE_TEST(trace_open__never_through_a_link),
        TRACE_TEST(trace_open__no_folder),
        TRACE_TEST(trace_open__junk_percent),
        TRACE_TEST(trace_open__process_id_in_the_name),
        TRACE_TEST(trace_inherited__gets_a_file_of_its_own),
        TRACE_TEST(trace_inherited__ends_without_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
