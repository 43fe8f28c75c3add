/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* `openssl dgst -sign` as a whole process, from start to end. */
#include "bench.h"
#include "side.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ARGUMENTS 16

struct process {
    char key[BENCH_PATH_MAX], message[BENCH_PATH_MAX], out[BENCH_PATH_MAX];
    const char *argv[ARGUMENTS];
};

extern char **environ;

static void
fill_arguments(struct process *p, const struct door *door)
{
    const char *const head[] = {
        "openssl", "dgst", "-provider", "default", "-provider", door->name,
        "-sha256", "-sign", p->key, "-out", p->out,
    };
    size_t n = sizeof(head) / sizeof(head[0]);

    memcpy(p->argv, head, sizeof(head));
    if (door->propq != NULL) {
        p->argv[n++] = "-propquery";
        p->argv[n++] = door->propq;
    }
    p->argv[n] = p->message;
}

static enum outcome
process_setup(const struct row *row, const struct place *place, void **state)
{
    struct process *p = NULL;

    if (!side_present(row->door))
        return BENCH_ABSENT;
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return BENCH_FAILED;
    side_environment(row, place);
    bench_path(place, row->key, ".pem", p->key);
    bench_path(place, "message", "", p->message);
    bench_path(place, "signature", "", p->out);
    fill_arguments(p, row->door);
    *state = p;
    return BENCH_OK;
}

static enum outcome
process_once(void *state)
{
    const struct process *p = state;
    char *argv[ARGUMENTS];
    int status = 0;
    pid_t pid;
    int rc;

    memcpy(argv, p->argv, sizeof(argv));
    rc = posix_spawnp(&pid, "openssl", NULL, NULL, argv, environ);
    if (rc != 0)
        return bench_failed("openssl", strerror(rc));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return bench_failed("openssl", strerror(errno));
    return status == 0 ? BENCH_OK : bench_failed("openssl dgst", "failed");
}

static void
process_teardown(void *state)
{
    free(state);
}

const struct row_ops process_ops = {
    .setup = process_setup, .once = process_once,
    .teardown = process_teardown, .elsewhere = true,
};
