/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "io.h"
#include "matrix.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* What a process sees of the library: descriptors, threads, files, lines. */
#define FDS_MAX 256

static const char *
descriptors__close_on_exec(struct stand *s)
{
    bool before[FDS_MAX];
    int flags;

    for (int fd = 0; fd < FDS_MAX; fd++)
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    matrix_start_held(s);
    for (int fd = 0; fd < FDS_MAX; fd++) {
        flags = fcntl(fd, F_GETFD);
        assert_true(before[fd] || flags < 0 || (flags & FD_CLOEXEC) != 0);
    }
    stand_takes(s, 0);
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    for (int fd = 0; fd < FDS_MAX; fd++) {
        flags = fcntl(fd, F_GETFD);
        assert_true(before[fd] || flags < 0 || (flags & FD_CLOEXEC) != 0);
    }
    return MATRIX_YES;
}

static const char *
threads__none(struct stand *s)
{
    unsigned before = matrix_threads();

    matrix_start_held(s);
    assert_int_equal(stand_receive(s, 5), TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(matrix_threads(), before);
    stand_takes(s, 0);
    assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    return MATRIX_YES;
}

/* The child connects anew; the parent's exchange goes on. */
static const char *
fork__child_works(struct stand *s)
{
    int status = -1;
    pid_t pid;

    stand_start(s);
    stand_works(s);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (stand_exchange(s) != TSS2_RC_SUCCESS)
            _exit(1);
        Tss2_Tcti_Finalize(s->context);
        _exit(0);
    }
    s->tag++;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    stand_works(s);
    return MATRIX_YES;
}

static bool
is_mapped(const char *name)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    bool found = false;

    assert_non_null(maps);
    while (!found && fgets(line, sizeof(line), maps) != NULL)
        found = strstr(line, name) != NULL;
    (void)fclose(maps);
    return found;
}

static const char *
unload__leaves_nothing(struct stand *s)
{
    unsigned fds = matrix_descriptors();
    unsigned threads = matrix_threads();

    for (unsigned i = 0; i < 3; i++) {
        stand_start(s);
        stand_works(s);
        stand_takes(s, -1);
        assert_int_equal(stand_transmit(s), TSS2_RC_SUCCESS);
        stand_wait_executed(s, 2 * i + 2);
        stand_close(&s->context);
        stand_takes(s, 0);
        stand_unload(s);
        assert_false(is_mapped("libtss2-tcti-scu"));
        stand_load(s);
        matrix_expect_descriptors(fds);
        assert_int_equal(matrix_threads(), threads);
    }
    return MATRIX_YES;
}

static void
refused(struct stand *s, const char *more, const char *part)
{
    assert_int_equal(unsetenv("SCU_LOG"), 0);
    capture_start();
    assert_int_equal(stand_open(s, more, &s->context),
        TSS2_TCTI_RC_BAD_VALUE);
    capture_expect(part);
    assert_int_equal(setenv("SCU_LOG", "none", 1), 0);
}

static const char *
keys__refused_by_name(struct stand *s)
{
    refused(s, ",colour=red", "no key 'colour'");
    refused(s, ",timeout=soon", "timeout=soon");
    refused(s, ",locality=5", "locality=5");
    refused(s, ",startup=maybe", "startup=maybe");
    refused(s, ",trace=", "'trace' of the TCTI configuration needs");
    refused(s, ",timeout=1,timeout=2", "'timeout' stands twice");
    return MATRIX_YES;
}

static const char *
trace__of_each_message(struct stand *s)
{
    char more[96], path[64], *data = NULL;
    size_t len = 0, packets = 0, block;

    (void)snprintf(path, sizeof(path), "%s/t.pcapng", s->dir);
    (void)snprintf(more, sizeof(more), ",trace=%s", path);
    assert_int_equal(stand_open(s, more, &s->context), TSS2_RC_SUCCESS);
    stand_works(s);
    stand_works(s);
    assert_int_equal(io_read_file(path, 1 << 20, &data, &len), 0);
    for (size_t at = 0; at + 8 <= len; at += block) {
        block = (uint8_t)data[at + 4] | (size_t)(uint8_t)data[at + 5] << 8;
        packets += data[at] == 6;
        assert_true(block >= 12 && block <= len - at);
    }
    free(data);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(packets, 4);
    return MATRIX_YES;
}

static const char *
statistics__on_request(struct stand *s)
{
    char text[1024] = "";
    int ends[2], real;
    ssize_t n;

    stand_takes(s, 2000);
    stand_start(s);
    stand_works(s);
    assert_int_equal(unsetenv("SCU_LOG"), 0);
    assert_int_equal(setenv("SCU_STATS", "1", 1), 0);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    real = dup(STDERR_FILENO);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    stand_close(&s->context);
    assert_true(dup2(real, STDERR_FILENO) >= 0);
    n = read(ends[0], text, sizeof(text) - 1);
    (void)close(real);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(setenv("SCU_LOG", "none", 1), 0);
    assert_int_equal(unsetenv("SCU_STATS"), 0);
    assert_true(n > 0);
    assert_non_null(strstr(text, "1 commands, 28 octets;"));
    assert_non_null(strstr(text, "slowest command 0x17a, "));
    assert_null(strstr(text, "0x17a, 0 us"));
    return MATRIX_YES;
}

static const struct matrix_row rows[] = {
    { "O_CLOEXEC on each descriptor", descriptors__close_on_exec },
    { "no threads", threads__none },
    { "a child of fork(2) works beside its parent", fork__child_works },
    { "dlclose(3) leaves nothing", unload__leaves_nothing },
    { "unknown and malformed keys: BAD_VALUE, by name",
        keys__refused_by_name },
    { "trace=", trace__of_each_message },
    { "SCU_STATS=1", statistics__on_request },
};
const struct matrix_part matrix_process = {
    rows, sizeof(rows) / sizeof(rows[0]),
};
