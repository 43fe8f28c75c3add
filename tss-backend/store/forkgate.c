/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/forkgate.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#define FORK_WAIT_S 5

static pthread_once_t gate_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_quiet = PTHREAD_COND_INITIALIZER;
static unsigned gate_open;
static bool gate_closed; /* a fork waits: nobody comes in any more */

static void
before_fork(void)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += FORK_WAIT_S;
    (void)pthread_mutex_lock(&gate);
    gate_closed = true;
    while (gate_open > 0 &&
        pthread_cond_timedwait(&gate_quiet, &gate, &end) == 0)
        continue;
}

static void
behind_fork(void)
{
    gate_closed = false;
    (void)pthread_cond_broadcast(&gate_quiet);
    (void)pthread_mutex_unlock(&gate);
}

static void
in_child(void)
{
    (void)pthread_mutex_init(&gate, NULL);
    (void)pthread_cond_init(&gate_quiet, NULL);
    gate_open = 0;
    gate_closed = false;
}

static void
arrange_forks(void)
{
    (void)pthread_atfork(before_fork, behind_fork, in_child);
}

void
forkgate_enter(void)
{
    (void)pthread_once(&gate_once, arrange_forks);
    (void)pthread_mutex_lock(&gate);
    while (gate_closed)
        (void)pthread_cond_wait(&gate_quiet, &gate);
    gate_open++;
    (void)pthread_mutex_unlock(&gate);
}

void
forkgate_leave(void)
{
    (void)pthread_mutex_lock(&gate);
    gate_open -= gate_open > 0;
    if (gate_open == 0)
        (void)pthread_cond_broadcast(&gate_quiet);
    (void)pthread_mutex_unlock(&gate);
}
