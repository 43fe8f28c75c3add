/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "faults.h"

#include "commands.h"
#include "proxy.h"
#include "unixsock.h"

#include <endian.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_CODE 0x11fu
#define CODES 256
#define SLOTS 3
#define CONTROL_INIT 2 /* of swtpm's control channel: power off and on */
#define RC_INITIALIZE 0x100u

struct faults {
    struct sim *sim;
    struct proxy *proxy;
    struct proxy_hooks hooks;
    pthread_t thread, timer;
    bool served, timed;
    char path[PATH_MAX + 64], aside[PATH_MAX + 80], control[PATH_MAX + 80];
    pthread_mutex_t mutex;
    const struct fault *armed;   /* not happened yet */
    const struct fault *current; /* happened, and may go on */
    unsigned refusals;           /* still to come */
    bool off;                    /* to be started when these are over */
    int64_t until;               /* unplugged, in ms */
    unsigned sent[CODES], executed[CODES], all;
    atomic_int gone_ms;
};

const struct fault fault_rows[] = {
    { .name = "RETRY", .at = "Sign", .refuse = "Sign", .rc = 0x922,
        .times = 3 },
    { .name = "YIELDED", .at = "Sign", .refuse = "Sign", .rc = 0x908,
        .times = 3 },
    { .name = "TESTING", .at = "Sign", .refuse = "Sign", .rc = 0x90a,
        .times = 3 },
    { .name = "NV_RATE", .at = "Sign", .refuse = "Sign", .rc = 0x920,
        .times = 3 },
    { .name = "NV_UNAVAILABLE", .at = "Sign", .refuse = "Sign", .rc = 0x923,
        .times = 1 },
    { .name = "INITIALIZE once", .at = "Sign", .refuse = "Sign",
        .rc = RC_INITIALIZE, .times = 1 },
    { .name = "RETRY by a resource manager", .at = "Sign", .refuse = "Sign",
        .rc = 0xb0922, .times = 2 },
    { .name = "lost handle", .at = "Sign", .events = FAULT_FLUSH_OBJECTS },
    { .name = "lost session", .at = "Sign", .events = FAULT_FLUSH_SESSIONS },
    { .name = "lost handle and session", .at = "Sign",
        .events = FAULT_FLUSH_OBJECTS | FAULT_FLUSH_SESSIONS },
    { .name = "context gap", .at = "Sign", .events = FAULT_FLUSH_SESSIONS,
        .refuse = "StartAuthSession", .rc = 0x901, .times = 3 },
    { .name = "no room for a session", .at = "Sign",
        .events = FAULT_FLUSH_SESSIONS, .refuse = "StartAuthSession",
        .rc = 0x903, .times = 3 },
    { .name = "no room for a key", .at = "Sign",
        .events = FAULT_FLUSH_OBJECTS, .refuse = "Load", .rc = 0x902,
        .times = 3 },
    { .name = "power cut", .at = "Sign", .events = FAULT_POWER_CUT },
    { .name = "power cut while it signs", .at = "Sign",
        .events = FAULT_POWER_CUT, .after = true },
    { .name = "orderly reset", .at = "Sign", .events = FAULT_ORDERLY },
    { .name = "resume", .at = "Sign", .events = FAULT_RESUME },
    { .name = "not started for a while", .at = "Sign", .events = FAULT_OFF,
        .times = 5 },
    { .name = "chip restarted", .at = "Sign", .events = FAULT_KILL },
    { .name = "lost command", .at = "Sign", .lose = true },
    { .name = "lost answer", .at = "Sign", .after = true },
    { .name = "link lost for 2 s", .at = "Sign", .unplugged_ms = 2000 },
    { .name = "nothing there for 2 s", .at = "Sign", .lose = true,
        .gone_ms = 2000 },
};
const size_t fault_row_count = sizeof(fault_rows) / sizeof(fault_rows[0]);

/* --- what happens --------------------------------------------------------- */

static int64_t
now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
tell_chip(struct faults *f, uint32_t code, uint32_t argument, size_t size)
{
    uint8_t frame[14] = { 0x80, 0x01 }, answer[PROXY_FRAME_MAX];
    uint32_t head[2] = { htobe32((uint32_t)(10 + size)), htobe32(code) };
    uint32_t be = htobe32(argument << (32 - 8 * size));

    memcpy(frame + 2, head, sizeof(head));
    memcpy(frame + 10, &be, size);
    if (proxy_inject(f->proxy, frame, 10 + size, answer) < 10)
        (void)fprintf(stderr, "faults: command 0x%x was not taken\n", code);
}

static void
startup(struct faults *f, uint16_t type)
{
    tell_chip(f, command_code("Startup"), type, 2);
}

/* swtpm takes the power away and gives it back; nobody starts the chip. */
static void
power_off(struct faults *f)
{
    const uint32_t request[2] = { htobe32(CONTROL_INIT), 0 };
    uint32_t result = ~0u;
    int fd = unixsock_connect(f->control);

    if (fd < 0 || unixsock_send(fd, (const uint8_t *)request,
            sizeof(request)) != 0 ||
        read(fd, &result, sizeof(result)) != (ssize_t)sizeof(result) ||
        result != 0)
        (void)fprintf(stderr, "faults: the power cannot be cut\n");
    if (fd >= 0)
        (void)close(fd);
}

static void
flush(struct faults *f, uint32_t first)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        tell_chip(f, command_code("FlushContext"), first + i, 4);
}

static void
happen(struct faults *f, unsigned events)
{
    if ((events & FAULT_FLUSH_OBJECTS) != 0)
        flush(f, 0x80000000);
    if ((events & FAULT_FLUSH_SESSIONS) != 0)
        flush(f, 0x02000000);
    if ((events & FAULT_ORDERLY) != 0)
        tell_chip(f, command_code("Shutdown"), 0, 2);
    if ((events & FAULT_RESUME) != 0)
        tell_chip(f, command_code("Shutdown"), 1, 2);
    if ((events & (FAULT_POWER_CUT | FAULT_ORDERLY | FAULT_RESUME |
            FAULT_OFF | FAULT_OFF_FOR_GOOD)) != 0)
        power_off(f);
    if ((events & (FAULT_POWER_CUT | FAULT_ORDERLY)) != 0)
        startup(f, 0);
    if ((events & FAULT_RESUME) != 0)
        startup(f, 1);
    if ((events & FAULT_KILL) != 0 && sim_restart(f->sim) != 0)
        (void)fprintf(stderr, "faults: no chip any more\n");
}

/* Out of the way for so long, and back. */
static void *
put_back(void *arg)
{
    struct faults *f = arg;
    int ms = atomic_load(&f->gone_ms);
    const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

    (void)nanosleep(&t, NULL);
    (void)rename(f->aside, f->path);
    return NULL;
}

static void
take_away(struct faults *f, int ms)
{
    atomic_store(&f->gone_ms, ms);
    if (rename(f->path, f->aside) == 0)
        f->timed = pthread_create(&f->timer, NULL, put_back, f) == 0;
}

/* --- the proxy ------------------------------------------------------------ */

static bool
is_command(const char *name, uint32_t code)
{
    return name != NULL && command_code(name) == code;
}

static void
begin(struct faults *f)
{
    const struct fault *fault = f->armed;

    f->armed = NULL;
    f->current = fault;
    f->refusals = fault->times;
    f->off = (fault->events & FAULT_OFF) != 0;
    if (fault->unplugged_ms > 0)
        f->until = now_ms() + fault->unplugged_ms;
    if (fault->gone_ms > 0)
        take_away(f, fault->gone_ms);
    happen(f, fault->events);
}

static enum proxy_verdict
refuse(struct faults *f, uint8_t *data, size_t *len)
{
    const uint32_t answer[2] = { htobe32(10), htobe32(f->current->rc) };

    f->refusals--;
    memcpy(data, "\x80\x01", 2);
    memcpy(data + 2, answer, sizeof(answer));
    *len = 10;
    return PROXY_ANSWER;
}

/* A chip that nobody started refuses by itself. */
static enum proxy_verdict
judge(struct faults *f, uint32_t code, uint8_t *data, size_t *len)
{
    if (f->current == NULL)
        return PROXY_PASS;
    if (f->until > now_ms())
        return PROXY_DROP;
    if (f->off && f->refusals > 0)
        f->refusals--;
    else if (f->off) {
        f->off = false;
        startup(f, 0);
    }
    if (f->refusals > 0 && is_command(f->current->refuse, code))
        return refuse(f, data, len);
    return PROXY_PASS;
}

static enum proxy_verdict
on_command(void *user, uint8_t *data, size_t *len)
{
    struct faults *f = user;
    enum proxy_verdict verdict = PROXY_PASS;
    uint32_t code = frame_code(data);
    bool lose = false;

    (void)pthread_mutex_lock(&f->mutex);
    f->sent[(code - FIRST_CODE) % CODES]++;
    f->all++;
    if (f->armed != NULL && !f->armed->after && is_command(f->armed->at, code)) {
        lose = f->armed->lose;
        begin(f);
    }
    verdict = lose ? PROXY_DROP : judge(f, code, data, len);
    (void)pthread_mutex_unlock(&f->mutex);
    return verdict;
}

static enum proxy_verdict
on_response(void *user, const uint8_t *command, size_t command_len,
    uint8_t *data, size_t *len)
{
    struct faults *f = user;
    enum proxy_verdict verdict = PROXY_PASS;
    uint32_t code = frame_code(command);

    (void)command_len;
    (void)len;
    (void)pthread_mutex_lock(&f->mutex);
    if (frame_code(data) == 0)
        f->executed[(code - FIRST_CODE) % CODES]++;
    if (f->armed != NULL && f->armed->after && is_command(f->armed->at, code)) {
        verdict = PROXY_DROP;
        begin(f);
    }
    (void)pthread_mutex_unlock(&f->mutex);
    return verdict;
}

static void *
serve(void *arg)
{
    (void)proxy_run(arg);
    return NULL;
}

/* --- for tests ------------------------------------------------------------ */

struct faults *
faults_new(struct sim *sim, char *tcti)
{
    struct faults *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return NULL;
    f->sim = sim;
    f->hooks = (struct proxy_hooks){
        .user = f, .command = on_command, .response = on_response,
    };
    (void)pthread_mutex_init(&f->mutex, NULL);
    (void)snprintf(f->path, sizeof(f->path), "%s/faulty", sim_dir(sim));
    (void)snprintf(f->aside, sizeof(f->aside), "%s.aside", f->path);
    (void)snprintf(f->control, sizeof(f->control), "%s.ctrl",
        sim_socket(sim));
    (void)snprintf(tcti, 300, "scu:swtpm:path=%.250s", f->path);
    f->proxy = proxy_new(f->path, sim_socket(sim), &f->hooks);
    if (f->proxy != NULL)
        f->served = pthread_create(&f->thread, NULL, serve, f->proxy) == 0;
    if (!f->served)
        faults_free(&f);
    return f;
}

static void
join_timer(struct faults *f)
{
    if (f->timed)
        (void)pthread_join(f->timer, NULL);
    f->timed = false;
}

void
faults_arm(struct faults *f, const struct fault *fault)
{
    (void)pthread_mutex_lock(&f->mutex);
    join_timer(f);
    f->armed = fault;
    f->current = NULL;
    f->refusals = 0;
    f->off = false;
    f->until = 0;
    (void)pthread_mutex_unlock(&f->mutex);
}

void
faults_now(struct faults *f, unsigned events)
{
    (void)pthread_mutex_lock(&f->mutex);
    happen(f, events);
    (void)pthread_mutex_unlock(&f->mutex);
}

bool
faults_happened(struct faults *f)
{
    bool happened;

    (void)pthread_mutex_lock(&f->mutex);
    happened = f->armed == NULL;
    (void)pthread_mutex_unlock(&f->mutex);
    return happened;
}

static unsigned
count(struct faults *f, const unsigned *counts)
{
    unsigned n;

    (void)pthread_mutex_lock(&f->mutex);
    n = *counts;
    (void)pthread_mutex_unlock(&f->mutex);
    return n;
}

unsigned
faults_sent(struct faults *f, const char *command)
{
    return count(f, &f->sent[(command_code(command) - FIRST_CODE) % CODES]);
}

unsigned
faults_executed(struct faults *f, const char *command)
{
    return count(f, &f->executed[(command_code(command) - FIRST_CODE) %
        CODES]);
}

unsigned
faults_all(struct faults *f)
{
    return count(f, &f->all);
}

void
faults_free(struct faults **faults)
{
    struct faults *f = faults == NULL ? NULL : *faults;

    if (f == NULL)
        return;
    join_timer(f);
    if (f->served) {
        proxy_stop(f->proxy);
        (void)pthread_join(f->thread, NULL);
    }
    proxy_free(&f->proxy);
    (void)pthread_mutex_destroy(&f->mutex);
    free(f);
    *faults = NULL;
}
