/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * From the load of a PKCS#11 module to the first signature, each time in a
 * process that is new. Neither its start nor its end is measured.
 */
#include "bench.h"
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct first {
    char program[BENCH_PATH_MAX], module[BENCH_PATH_MAX];
    const char *key, *scheme;
    int to, from; /* pipes */
    pid_t pid;
};

extern char **environ;

static void
close_pipes(struct first *f)
{
    if (f->to >= 0)
        (void)close(f->to);
    if (f->from >= 0)
        (void)close(f->from);
    f->to = f->from = -1;
}

static enum outcome
first_setup(const struct row *row, const struct place *place, void **state)
{
    const struct module beside = {
        .path = "p11-first", .variable = "BENCH_P11_FIRST", .ours = true,
    };
    struct first *f = NULL;

    if (!module_present(row->module))
        return BENCH_ABSENT;
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return BENCH_FAILED;
    module_environment(row->link, place);
    module_path(&beside, f->program);
    module_path(row->module, f->module);
    f->key = row->key;
    f->scheme = row->scheme;
    f->to = f->from = -1;
    *state = f;
    return BENCH_OK;
}

static enum outcome
spawn(struct first *f, int in, int out)
{
    char key[32], scheme[32];
    char *argv[] = { f->program, f->module, key, scheme, NULL };
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);

    (void)snprintf(key, sizeof(key), "%s", f->key);
    (void)snprintf(scheme, sizeof(scheme), "%s", f->scheme);
    if (rc != 0)
        return bench_failed(f->program, strerror(rc));
    rc = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn(&f->pid, f->program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? BENCH_OK : bench_failed(f->program, strerror(rc));
}

static enum outcome
first_before(void *state)
{
    struct first *f = state;
    int in[2], out[2];
    enum outcome rc;
    char octet;

    if (pipe2(in, O_CLOEXEC) != 0)
        return bench_failed("pipe", strerror(errno));
    if (pipe2(out, O_CLOEXEC) != 0) {
        (void)close(in[0]);
        (void)close(in[1]);
        return bench_failed("pipe", strerror(errno));
    }
    rc = spawn(f, in[0], out[1]);
    (void)close(in[0]);
    (void)close(out[1]);
    f->to = in[1];
    f->from = out[0];
    if (rc == BENCH_OK && read(f->from, &octet, 1) != 1)
        rc = bench_failed(f->program, "did not start");
    return rc;
}

static enum outcome
first_once(void *state)
{
    const struct first *f = state;
    char octet = 1;

    if (write(f->to, &octet, 1) != 1 || read(f->from, &octet, 1) != 1)
        return bench_failed(f->module, "no first signature");
    return BENCH_OK;
}

static enum outcome
first_after(void *state)
{
    struct first *f = state;
    int status = 0;

    close_pipes(f);
    while (waitpid(f->pid, &status, 0) < 0)
        if (errno != EINTR)
            return bench_failed(f->program, strerror(errno));
    f->pid = 0;
    return status == 0 ? BENCH_OK : bench_failed(f->module,
        "did not end well");
}

static void
first_teardown(void *state)
{
    struct first *f = state;

    close_pipes(f);
    if (f->pid > 0)
        (void)waitpid(f->pid, NULL, 0);
    free(f);
}

const struct row_ops p11_first_ops = {
    .setup = first_setup, .before = first_before, .once = first_once,
    .after = first_after, .teardown = first_teardown, .elsewhere = true,
};
