/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bench.h"
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The first loads the key, later ones fill caches. */
#define WARM_UP 5
#define CHILD_SECONDS 60

enum outcome
bench_failed(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    return BENCH_FAILED;
}

void
bench_path(const struct place *place, const char *name, const char *suffix,
    char out[BENCH_PATH_MAX])
{
    (void)snprintf(out, BENCH_PATH_MAX, "%s/%s%s", place->dir, name, suffix);
}

void
bench_tcti(const struct place *place, const struct bench_link *link,
    char out[BENCH_PATH_MAX])
{
    (void)snprintf(out, BENCH_PATH_MAX, "%s%s%s", link->before,
        place->socket, link->after);
}

static uint64_t
now_ns(clockid_t clock)
{
    struct timespec ts = { 0 };

    (void)clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static uint64_t
counted(const struct effort *effort)
{
    return effort->commands == NULL ? 0 : atomic_load(effort->commands);
}

/* The readings at one moment, as a sample. */
static struct sample
read_meters(const struct effort *effort)
{
    return (struct sample) {
        .wall_ns = now_ns(CLOCK_MONOTONIC),
        .cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID),
        .link_ns = tap_ns(),
        .commands = counted(effort),
    };
}

static enum outcome
repeat(const struct row *row, void *state, const struct effort *effort,
    struct sample *sample)
{
    const struct sample start = read_meters(effort);
    uint64_t end = start.wall_ns + (uint64_t)(effort->seconds * 1e9);
    enum outcome rc = BENCH_OK;
    struct sample now;
    uint64_t ops = 0;

    while (rc == BENCH_OK &&
        (ops < effort->ops || now_ns(CLOCK_MONOTONIC) < end)) {
        rc = row->ops->once(state);
        ops++;
    }
    now = read_meters(effort);
    *sample = (struct sample) {
        .ops = ops,
        .wall_ns = now.wall_ns - start.wall_ns,
        .cpu_ns = now.cpu_ns - start.cpu_ns,
        .link_ns = now.link_ns - start.link_ns,
        .commands = now.commands - start.commands,
    };
    return rc;
}

enum outcome
bench_measure(const struct row *row, const struct place *place,
    const struct effort *effort, struct sample *sample)
{
    void *state = NULL;
    enum outcome rc = row->ops->setup(row, place, &state);

    memset(sample, 0, sizeof(*sample));
    if (rc != BENCH_OK)
        return rc;
    for (int i = 0; rc == BENCH_OK && i < WARM_UP; i++)
        rc = row->ops->once(state);
    if (rc == BENCH_OK)
        rc = repeat(row, state, effort, sample);
    row->ops->teardown(state);
    return rc;
}

/* Never returns. What it has to say goes through the pipe and its status. */
static void
be_child(const struct row *row, const struct place *place,
    const struct effort *effort, int out)
{
    struct sample sample;
    enum outcome rc;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(CHILD_SECONDS);
    rc = bench_measure(row, place, effort, &sample);
    if (rc == BENCH_OK &&
        write(out, &sample, sizeof(sample)) != (ssize_t)sizeof(sample))
        rc = BENCH_FAILED;
    _exit((int)rc);
}

enum outcome
bench_measure_apart(const struct row *row, const struct place *place,
    const struct effort *effort, struct sample *sample)
{
    int ends[2], status = 0;
    ssize_t got;
    pid_t pid;

    memset(sample, 0, sizeof(*sample));
    if (pipe(ends) != 0)
        return bench_failed(row->id, "no pipe");
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0)
        be_child(row, place, effort, ends[1]);
    (void)close(ends[1]);
    got = pid < 0 ? -1 : read(ends[0], sample, sizeof(*sample));
    (void)close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return bench_failed(row->id, "no process");
    if (WIFSIGNALED(status))
        return bench_failed(row->id, WTERMSIG(status) == SIGALRM ?
            "did not end in time" : "crashed");
    if (WEXITSTATUS(status) == BENCH_ABSENT)
        return BENCH_ABSENT;
    if (WEXITSTATUS(status) != BENCH_OK || got != (ssize_t)sizeof(*sample))
        return bench_failed(row->id, "did not run");
    return BENCH_OK;
}
