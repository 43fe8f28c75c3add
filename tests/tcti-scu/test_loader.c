/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "swtpm.h"
#include "unixsock.h"

#include <dirent.h>
#include <dlfcn.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * The library as programs use it: found by the loader by its name, before a
 * real simulator, in exchanges of raw octets.
 */
#define LIBRARY "libtss2-tcti-scu.so.0"
#define RESPONSE_MAX 4096
#define RC_LOCALITY 0x907
#define RC_SUCCESS 0

struct fixture {
    struct sim *sim;
    TSS2_TCTI_CONTEXT *context;
};

static const uint8_t get_random[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};

/* Of PCR 21, which locality 2 may reset and locality 0 may not. */
static const uint8_t pcr_reset[27] = {
    0x80, 0x02, 0, 0, 0, 27, 0, 0, 0x01, 0x3d, 0, 0, 0, 21,
    0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0,
};

/* Of an RSA-2048 storage key: takes its time. */
static const uint8_t create_primary[67] = {
    0x80, 0x02, 0, 0, 0, 67, 0, 0, 0x01, 0x31, 0x40, 0, 0, 0x01,
    0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 0, 0, 0,
    0, 4, 0, 0, 0, 0,
    0, 26, 0, 0x01, 0, 0x0b, 0, 0x03, 0, 0x72, 0, 0,
    0, 0x06, 0, 0x80, 0, 0x43, 0, 0x10, 0x08, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
};

static TSS2_TCTI_CONTEXT *
load(const struct sim *sim, const char *more)
{
    TSS2_TCTI_CONTEXT *context = NULL;
    char conf[512];

    (void)snprintf(conf, sizeof(conf), "%s%s", sim_tcti(sim), more);
    assert_int_equal(Tss2_TctiLdr_Initialize(conf, &context),
        TSS2_RC_SUCCESS);
    assert_non_null(context);
    return context;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->sim = sim_new();
    assert_non_null(f->sim);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    if (f->context != NULL)
        Tss2_TctiLdr_Finalize(&f->context);
    sim_free(&f->sim);
    free(f);
    return 0;
}

/* A whole exchange: the TCTI's failure, or the chip's code in *code. */
static TSS2_RC
exchange(TSS2_TCTI_CONTEXT *context, const uint8_t *command, size_t len,
    uint32_t *code)
{
    uint8_t data[RESPONSE_MAX];
    size_t size = sizeof(data);
    TSS2_RC rc;

    rc = Tss2_Tcti_Transmit(context, len, command);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = Tss2_Tcti_Receive(context, &size, data, TSS2_TCTI_TIMEOUT_BLOCK);
    if (rc == TSS2_RC_SUCCESS)
        *code = frame_code(data);
    return rc;
}

static bool
random_works(TSS2_TCTI_CONTEXT *context)
{
    uint32_t code = UINT32_MAX;

    return exchange(context, get_random, sizeof(get_random), &code)
        == TSS2_RC_SUCCESS && code == RC_SUCCESS;
}

static unsigned
open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static void
loader__finds_it_by_name(void **state)
{
    struct fixture *f = *state;

    f->context = load(f->sim, "");
    assert_true(random_works(f->context));
}

static void
loader__finds_the_simulator_by_its_folder(void **state)
{
    struct fixture *f = *state;
    char conf[512];

    (void)snprintf(conf, sizeof(conf), "scu:sim:dir=%s", sim_dir(f->sim));
    assert_int_equal(Tss2_TctiLdr_Initialize(conf, &f->context),
        TSS2_RC_SUCCESS);
    assert_true(random_works(f->context));
}

static void
loader__refuses_what_does_not_run(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(setenv("SCU_LOG", "none", 1), 0);
    assert_int_equal(setenv("TSS2_LOG", "all+none", 1), 0);
    assert_int_not_equal(Tss2_TctiLdr_Initialize("scu:sim:dir=/nowhere",
        &f->context), TSS2_RC_SUCCESS);
    assert_null(f->context);
    assert_int_equal(unsetenv("SCU_LOG"), 0);
}

static void
loader__info(void **state)
{
    TSS2_TCTI_INFO_FUNC function;
    const TSS2_TCTI_INFO *info;
    void *library = dlopen(LIBRARY, RTLD_NOW);
    size_t size = 0;

    (void)state;
    assert_non_null(library);
    *(void **)&function = dlsym(library, TSS2_TCTI_INFO_SYMBOL);
    assert_non_null(function);
    info = function();
    assert_int_equal(info->version, 2);
    assert_string_equal(info->name, "tcti-scu");
    assert_non_null(info->description);
    assert_non_null(info->config_help);
    assert_int_equal(info->init(NULL, &size, NULL), TSS2_RC_SUCCESS);
    assert_true(size > sizeof(TSS2_TCTI_CONTEXT_COMMON_V2));
    assert_int_equal(dlclose(library), 0);
}

static void
loader__leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    /* Once before, for what the C library opens for good. */
    f->context = load(f->sim, "");
    Tss2_TctiLdr_Finalize(&f->context);
    before = open_descriptors();
    for (int i = 0; i < 3; i++) {
        f->context = load(f->sim, i == 1 ? ",exclusive" : "");
        assert_true(random_works(f->context));
        if (i == 2) /* in mid-exchange */
            assert_int_equal(Tss2_Tcti_Transmit(f->context,
                sizeof(get_random), get_random), TSS2_RC_SUCCESS);
        Tss2_TctiLdr_Finalize(&f->context);
    }
    assert_int_equal(open_descriptors(), before);
    assert_null(dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD));
}

static void
processes__interleave(void **state)
{
    struct fixture *f = *state;
    pid_t pids[4];
    int status;

    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            TSS2_TCTI_CONTEXT *context = load(f->sim, ",timeout=60000");
            for (int j = 0; j < 50; j++)
                if (!random_works(context))
                    _exit(1);
            Tss2_TctiLdr_Finalize(&context);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

static void
processes__child_works_beside_its_parent(void **state)
{
    struct fixture *f = *state;
    int status = -1;
    pid_t pid;

    f->context = load(f->sim, ",timeout=60000");
    assert_true(random_works(f->context));
    pid = fork();
    assert_true(pid >= 0);
    for (int i = 0; i < 20; i++)
        if (!random_works(f->context))
            _exit(1);
    if (pid == 0) {
        Tss2_TctiLdr_Finalize(&f->context);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(random_works(f->context));
}

static void
processes__child_of_an_exchange(void **state)
{
    struct fixture *f = *state;
    uint8_t data[RESPONSE_MAX];
    size_t size = sizeof(data);
    int status = -1;
    pid_t pid;

    f->context = load(f->sim, "");
    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(get_random),
        get_random), TSS2_RC_SUCCESS);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        Tss2_TctiLdr_Finalize(&f->context);
        _exit(f->context == NULL ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(frame_code(data), RC_SUCCESS);
}

static void
processes__killed_in_mid_exchange(void **state)
{
    struct fixture *f = *state;
    char byte = 0;
    int pipes[2];
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        TSS2_TCTI_CONTEXT *context = load(f->sim, "");
        (void)Tss2_Tcti_Transmit(context, sizeof(get_random), get_random);
        (void)!write(pipes[1], &byte, 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    f->context = load(f->sim, "");
    assert_true(random_works(f->context));
}

static void
locality__decides_what_the_chip_allows(void **state)
{
    struct fixture *f = *state;
    uint32_t code = 0;

    f->context = load(f->sim, "");
    assert_int_equal(exchange(f->context, pcr_reset, sizeof(pcr_reset),
        &code), TSS2_RC_SUCCESS);
    assert_int_equal(code, RC_LOCALITY);
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 2), TSS2_RC_SUCCESS);
    assert_int_equal(exchange(f->context, pcr_reset, sizeof(pcr_reset),
        &code), TSS2_RC_SUCCESS);
    assert_int_equal(code, RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 0), TSS2_RC_SUCCESS);
    assert_int_equal(exchange(f->context, pcr_reset, sizeof(pcr_reset),
        &code), TSS2_RC_SUCCESS);
    assert_int_equal(code, RC_LOCALITY);
}

/* One context's locality is not the other's. */
static void
locality__is_the_contexts_own(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_CONTEXT *plain = load(f->sim, "");
    uint32_t code = 0;

    f->context = load(f->sim, ",locality=2");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(exchange(f->context, pcr_reset, sizeof(pcr_reset),
            &code), TSS2_RC_SUCCESS);
        assert_int_equal(code, RC_SUCCESS);
        assert_int_equal(exchange(plain, pcr_reset, sizeof(pcr_reset),
            &code), TSS2_RC_SUCCESS);
        assert_int_equal(code, RC_LOCALITY);
    }
    Tss2_TctiLdr_Finalize(&plain);
}

static void
cancel__drops_the_answer(void **state)
{
    struct fixture *f = *state;
    uint8_t data[RESPONSE_MAX];
    size_t size = sizeof(data);

    f->context = load(f->sim, ",timeout=60000");
    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(create_primary),
        create_primary), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, 0),
        TSS2_TCTI_RC_BAD_SEQUENCE);
    for (int i = 0; i < 3; i++)
        assert_true(random_works(f->context));
}

static void
recovery__after_a_restart(void **state)
{
    static const char *const modes[] = { "", ",exclusive" };
    struct fixture *f = *state;
    uint32_t code = 0;

    assert_int_equal(setenv("SCU_LOG", "none", 1), 0);
    for (size_t i = 0; i < 2; i++) {
        f->context = load(f->sim, modes[i]);
        assert_true(random_works(f->context));
        sim_kill(f->sim);
        assert_int_not_equal(exchange(f->context, get_random,
            sizeof(get_random), &code), TSS2_RC_SUCCESS);
        assert_int_equal(sim_restart(f->sim), 0);
        assert_true(random_works(f->context));
        Tss2_TctiLdr_Finalize(&f->context);
    }
    assert_int_equal(unsetenv("SCU_LOG"), 0);
}

static void
recovery__after_a_restart_in_mid_exchange(void **state)
{
    struct fixture *f = *state;
    uint8_t data[RESPONSE_MAX];
    size_t size = sizeof(data);

    f->context = load(f->sim, "");
    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(create_primary),
        create_primary), TSS2_RC_SUCCESS);
    sim_kill(f->sim);
    assert_int_equal(setenv("SCU_LOG", "none", 1), 0);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, -1),
        TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(unsetenv("SCU_LOG"), 0);
    assert_int_equal(sim_restart(f->sim), 0);
    assert_true(random_works(f->context));
}

static void
poll__tells_when_to_receive(void **state)
{
    struct fixture *f = *state;
    TSS2_TCTI_POLL_HANDLE handle;
    uint8_t data[RESPONSE_MAX];
    size_t size = sizeof(data);
    size_t n = 1;

    f->context = load(f->sim, "");
    assert_int_equal(Tss2_Tcti_Transmit(f->context, sizeof(create_primary),
        create_primary), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
        TSS2_RC_SUCCESS);
    assert_int_equal(poll(&handle, 1, 120000), 1);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, data, 0),
        TSS2_RC_SUCCESS);
    assert_int_equal(frame_code(data), RC_SUCCESS);
}

#define LOADER_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOADER_TEST(loader__finds_it_by_name),
        LOADER_TEST(loader__finds_the_simulator_by_its_folder),
        LOADER_TEST(loader__refuses_what_does_not_run),
        cmocka_unit_test(loader__info),
        LOADER_TEST(loader__leaves_nothing_behind),
        LOADER_TEST(processes__interleave),
        LOADER_TEST(processes__child_works_beside_its_parent),
        LOADER_TEST(processes__child_of_an_exchange),
        LOADER_TEST(processes__killed_in_mid_exchange),
        LOADER_TEST(locality__decides_what_the_chip_allows),
        LOADER_TEST(locality__is_the_contexts_own),
        LOADER_TEST(cancel__drops_the_answer),
        LOADER_TEST(recovery__after_a_restart),
        LOADER_TEST(recovery__after_a_restart_in_mid_exchange),
        LOADER_TEST(poll__tells_when_to_receive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
