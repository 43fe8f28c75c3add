/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "world.h"

#include "tests/lib/unixsock.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

/* One client at a time, as on a wire; the next one waits for its end. */

#define HURRY 4000

static void
note_pcr(struct bus_run *run)
{
    struct shared *s = run->world->shared;
    uint8_t value[32];

    if (s->pcr_values == PCR_VALUES_MAX ||
        !wire_pcr_read(&run->world->chip, 16, value))
        return;
    if (s->pcr_values > 0 &&
        memcmp(s->pcr[s->pcr_values - 1], value, 32) == 0)
        return;
    memcpy(s->pcr[s->pcr_values++], value, 32);
}

static void
record(struct bus_run *run, const struct frame *command,
    const struct frame *response)
{
    struct exchange *x;

    if (run->record == NULL || run->record->n == EXCHANGES_MAX)
        return;
    x = &run->record->x[run->record->n++];
    x->code = frame_rc(command);
    x->command = *command;
    x->response = *response;
}

static enum fate
attacked(struct bus_run *run, struct frame *command, struct frame *response)
{
    struct attack *a = run->attack;
    const struct frame original = *command;
    size_t i = run->count++;
    enum fate fate;

    if (a != NULL && i == a->nth) {
        run->hit = true;
        run->asked = original;
        fate = a->kind->run(a, command, response);
        run->delivered = *response;
    } else if (a != NULL && i > a->nth) {
        run->again |= frame_rc(command) == frame_rc(&run->asked);
        fate = a->kind->later != NULL ? a->kind->later(a, command, response) :
            attack_pass(a, command, response);
    } else {
        fate = wire_exchange(&run->world->chip, command, response) == 0 ?
            FATE_ANSWER : FATE_CLOSE;
    }
    record(run, &original, response);
    return fate;
}

/*
 * The attacker takes with him what is his. Nobody signs TPM2_FlushContext, so
 * what he kept from being flushed is his as well.
 */
static void
leave(struct bus_run *run)
{
    const struct attack *a = run->attack;

    if (run->left || a == NULL)
        return;
    run->left = true;
    if ((a->kind->flags & ATTACK_LITTER) != 0 ||
        frame_rc(&run->asked) == TPM2_CC_FlushContext)
        wire_flush_all(&run->world->chip);
}

/* Whether the victim will wait for more than is sent. */
static bool
is_incomplete(const struct frame *f)
{
    return f->len < FRAME_HEADER || frame_length(f->data) > f->len;
}

static void
exchange(struct bus_run *run, int *client, struct frame *command)
{
    struct shared *s = run->world->shared;
    struct frame response = { .len = 0 };
    enum fate fate = FATE_ANSWER;

    s->speed = run->attack != NULL && s->phase == PHASE_ATTACK &&
        (run->attack->kind->flags & ATTACK_SLOW) != 0 ? 20 : 1;
    if (s->phase == PHASE_ATTACK) {
        fate = attacked(run, command, &response);
    } else {
        leave(run);
        if (wire_exchange(&run->world->chip, command, &response) != 0)
            fate = FATE_CLOSE;
    }
    note_pcr(run);
    if (fate != FATE_CLOSE && is_incomplete(&response))
        s->speed = HURRY;
    if (response.len > 0)
        (void)unixsock_send(*client, response.data, response.len);
    if (fate == FATE_CLOSE) {
        (void)close(*client);
        *client = -1;
    }
}

/* Some octets of a command, or the client's end. */
static void
read_client(struct bus_run *run, int *client, struct frame *command)
{
    size_t want = command->len < FRAME_HEADER ? FRAME_HEADER :
        frame_length(command->data);
    ssize_t n;

    if (want > FRAME_MAX)
        want = FRAME_MAX;
    n = recv(*client, command->data + command->len, want - command->len, 0);
    if (n <= 0) {
        (void)close(*client);
        *client = -1;
        command->len = 0;
        return;
    }
    command->len += (size_t)n;
    if (command->len < FRAME_HEADER ||
        command->len < frame_length(command->data))
        return;
    exchange(run, client, command);
    command->len = 0;
}

static long
seconds(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long)ts.tv_sec;
}

bool
bus_serve(struct bus_run *run, int pipe, int timeout_s)
{
    struct frame command = { .len = 0 };
    long end = seconds() + timeout_s;
    int client = -1;
    bool ended = false;

    while (!ended && seconds() < end) {
        struct pollfd fds[] = {
            { .fd = pipe, .events = POLLIN },
            { .fd = client < 0 ? run->world->listen : client,
                .events = POLLIN },
        };

        if (poll(fds, 2, 1000) <= 0)
            continue;
        if (fds[1].revents != 0 && client < 0)
            client = accept4(run->world->listen, NULL, NULL, SOCK_CLOEXEC);
        else if (fds[1].revents != 0)
            read_client(run, &client, &command);
        else if (fds[0].revents != 0)
            ended = true;
    }
    if (client >= 0)
        (void)close(client);
    return ended;
}
