/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "counting.h"

#include "tests/lib/proxy.h"
#include "tests/lib/unixsock.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNTED_OPS 4
#define READY_MS 10000

struct counting {
    struct place place; /* with the proxy's socket */
    char socket[BENCH_PATH_MAX];
    atomic_uint_least64_t *commands; /* shared with the children */
    pid_t pid;
};

static void
count(void *user, const struct proxy_record *record)
{
    atomic_uint_least64_t *commands = user;

    (void)record;
    (void)atomic_fetch_add(commands, 1);
}

/* In the child. */
static void
serve(const struct counting *c, const char *upstream)
{
    const struct proxy_hooks hooks = { .user = c->commands, .done = count };
    struct proxy *proxy;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    proxy = proxy_new(c->socket, upstream, &hooks);
    _exit(proxy == NULL || proxy_run(proxy) != 0 ? 1 : 0);
}

struct counting *
counting_new(const struct place *place)
{
    struct counting *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    bench_path(place, "counted", ".sock", c->socket);
    c->place = *place;
    c->place.socket = c->socket;
    c->commands = mmap(NULL, sizeof(*c->commands), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c->commands == MAP_FAILED) {
        c->commands = NULL;
    } else {
        atomic_init(c->commands, 0);
        c->pid = fork();
        if (c->pid == 0)
            serve(c, place->socket);
    }
    if (c->pid > 0 && unixsock_wait(c->socket, READY_MS) == 0)
        return c;
    (void)bench_failed("counting proxy", "did not start");
    counting_free(&c);
    return NULL;
}

enum outcome
counting_row(struct counting *counting, const struct row *row,
    double *commands)
{
    const struct effort effort = {
        .ops = COUNTED_OPS, .commands = counting->commands,
    };
    struct sample sample;
    enum outcome rc;

    *commands = -1;
    rc = bench_measure_apart(row, &counting->place, &effort, &sample);
    if (rc == BENCH_OK)
        *commands = (double)sample.commands / (double)sample.ops;
    return rc;
}

void
counting_free(struct counting **counting)
{
    struct counting *c = counting == NULL ? NULL : *counting;

    if (c == NULL)
        return;
    if (c->pid > 0) {
        (void)kill(c->pid, SIGKILL);
        (void)waitpid(c->pid, NULL, 0);
    }
    if (c->commands != NULL)
        (void)munmap(c->commands, sizeof(*c->commands));
    free(c);
    *counting = NULL;
}
