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
#define OPS_MAX 50000

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

/* One after another; more than these are not looked at. */
struct times {
    uint64_t op[OPS_MAX], link[OPS_MAX], host[OPS_MAX];
    size_t n;
};

static int
compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t
middle(uint64_t *times, size_t n)
{
    qsort(times, n, sizeof(*times), compare_times);
    return n == 0 ? 0 : times[n / 2];
}

/* Runs that are not measured have no times and no sample. */
struct run {
    const struct row *row;
    void *state;
    const struct effort *effort;
    struct times *times;
    struct sample *sample;
};

static enum outcome
time_once(const struct run *run)
{
    uint64_t each = run->row->batch == 0 ? 1 : run->row->batch;
    uint64_t commands = counted(run->effort);
    uint64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t link = tap_ns();
    uint64_t start = now_ns(CLOCK_MONOTONIC);
    enum outcome rc = run->row->ops->once(run->state);
    uint64_t op = now_ns(CLOCK_MONOTONIC) - start;
    struct times *times = run->times;

    run->sample->cpu_ns += now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    run->sample->commands += counted(run->effort) - commands;
    run->sample->ops += each;
    if (times->n < OPS_MAX) {
        times->op[times->n] = op / each;
        times->link[times->n] = (tap_ns() - link) / each;
        times->host[times->n] = times->op[times->n] - times->link[times->n];
        times->n++;
    }
    return rc;
}

static enum outcome
run_once(const struct run *run)
{
    const struct row_ops *ops = run->row->ops;
    enum outcome rc = BENCH_OK;

    if (ops->before != NULL)
        rc = ops->before(run->state);
    if (rc == BENCH_OK)
        rc = run->sample == NULL ? ops->once(run->state) : time_once(run);
    if (rc == BENCH_OK && ops->after != NULL)
        rc = ops->after(run->state);
    return rc;
}

static enum outcome
repeat(const struct run *run)
{
    struct sample *sample = run->sample;
    struct times *times = run->times;
    uint64_t start = now_ns(CLOCK_MONOTONIC);
    uint64_t end = start + (uint64_t)(run->effort->seconds * 1e9);
    enum outcome rc = BENCH_OK;

    while (rc == BENCH_OK && (sample->ops < run->effort->ops ||
        now_ns(CLOCK_MONOTONIC) < end))
        rc = run_once(run);
    if (rc == BENCH_OK) {
        sample->wall_ns = now_ns(CLOCK_MONOTONIC) - start;
        sample->op_ns = middle(times->op, times->n);
        sample->link_ns = middle(times->link, times->n);
        sample->host_ns = middle(times->host, times->n);
    }
    return rc;
}

enum outcome
bench_measure(const struct row *row, const struct place *place,
    const struct effort *effort, struct sample *sample)
{
    struct run run = { .row = row, .effort = effort };
    enum outcome rc = row->ops->setup(row, place, &run.state);

    memset(sample, 0, sizeof(*sample));
    if (rc != BENCH_OK)
        return rc;
    for (int i = 0; rc == BENCH_OK && i < WARM_UP; i++)
        rc = run_once(&run);
    run.sample = sample;
    run.times = calloc(1, sizeof(*run.times));
    if (rc == BENCH_OK)
        rc = run.times == NULL ? BENCH_FAILED : repeat(&run);
    free(run.times);
    row->ops->teardown(run.state);
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
