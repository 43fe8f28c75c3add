/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "emulator.h"
#include "unixsock.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define MESSAGE_MAX 4096
#define CAPABILITIES 0x34afu /* a bit for each row of controls[] */

/*
 * Commands of the control channel: a number, then an argument; the answer is a
 * result, 0, and more octets. All numbers are big endian.
 */
enum { CAPABILITY = 1, CANCEL = 9, DATA_FD = 16, BUFFER_SIZE = 17 };

static const struct {
    uint32_t command;
    size_t argument;
    size_t answer;
} controls[] = {
    { CAPABILITY, 0, 8 },
    { 2, 4, 4 },          /* INIT */
    { 3, 0, 4 },          /* SHUTDOWN */
    { 4, 0, 8 },          /* GET_TPMESTABLISHED */
    { 5, 4, 4 },          /* SET_LOCALITY */
    { CANCEL, 0, 4 },
    { 11, 4, 4 },         /* RESET_TPMESTABLISHED */
    { 14, 0, 4 },         /* STOP */
    { DATA_FD, 0, 4 },
    { BUFFER_SIZE, 4, 16 },
};

struct emulator {
    pthread_t thread;
    int server;
    int wake;    /* eventfd: something changed */
    int control; /* only the thread uses these */
    int data;

    pthread_mutex_t mutex;
    bool over;
    bool held;
    bool pending; /* a command without its answer */
    bool canceled;
    uint8_t command[MESSAGE_MAX];
    size_t command_len;
    uint8_t answer[MESSAGE_MAX];
    size_t answer_len;
};

static const uint8_t initialize[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 1, 0 };
static const uint8_t canceled[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 9, 9 };

/* --- control channel ----------------------------------------------------- */

/* Octets, and the descriptor that may come with them. */
static ssize_t
read_control(int fd, uint8_t *data, size_t len, int *passed)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } extra = { 0 };
    struct iovec part = { data, len };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1,
        .msg_control = &extra, .msg_controllen = sizeof(extra),
    };
    struct cmsghdr *header;
    ssize_t n = recvmsg(fd, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);

    if (n <= 0)
        return n;
    header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS)
        memcpy(passed, CMSG_DATA(header), sizeof(*passed));
    return n;
}

/* What an answer says beyond success; what a command does. */
static void
carry_out(struct emulator *e, uint32_t command, int passed, uint8_t *out)
{
    if (command == CAPABILITY) {
        out[6] = CAPABILITIES >> 8;
        out[7] = CAPABILITIES & 0xff;
    } else if (command == BUFFER_SIZE) {
        out[6] = MESSAGE_MAX >> 8;
    } else if (command == DATA_FD) {
        e->data = passed;
    } else if (command == CANCEL) {
        e->canceled = e->pending;
    }
}

/* false: QEMU went, or says what is not known here. */
static bool
serve_control(struct emulator *e)
{
    uint8_t in[8] = { 0 }, out[16] = { 0 };
    int passed = -1;
    uint32_t command;

    if (read_control(e->control, in, 4, &passed) != 4)
        return false;
    command = in[3];
    carry_out(e, command, passed, out);
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
        if (controls[i].command != command)
            continue;
        if (controls[i].argument > 0 && read_control(e->control, in,
            controls[i].argument, &passed) != (ssize_t)controls[i].argument)
            return false;
        return unixsock_send(e->control, out, controls[i].answer) == 0;
    }
    return false;
}

/* --- data ---------------------------------------------------------------- */

static bool
serve_data(struct emulator *e)
{
    int n = unixsock_recv_frame(e->data, e->command, sizeof(e->command));

    e->command_len = n > 0 ? (size_t)n : 0;
    e->pending = n > 0;
    return n > 0;
}

static bool
answer_pending(struct emulator *e)
{
    const uint8_t *answer = e->canceled ? canceled : e->answer;
    size_t len = e->canceled ? sizeof(canceled) : e->answer_len;

    if (!e->pending || (e->held && !e->canceled))
        return true;
    e->pending = e->canceled = false;
    return unixsock_send(e->data, answer, len) == 0;
}

/* --- the thread ---------------------------------------------------------- */

static void *
serve(void *argument)
{
    struct emulator *e = argument;
    struct pollfd fds[3] = { { .events = POLLIN }, { .events = POLLIN },
        { .events = POLLIN } };
    uint64_t woken;
    bool well = true;

    while (well) {
        fds[0].fd = e->wake;
        fds[1].fd = e->control >= 0 ? e->control : e->server;
        fds[2].fd = e->data;
        if (poll(fds, 3, -1) < 0)
            continue;
        (void)pthread_mutex_lock(&e->mutex);
        if (fds[0].revents != 0)
            well = read(e->wake, &woken, sizeof(woken)) > 0 && !e->over;
        if (well && fds[1].revents != 0 && e->control < 0)
            e->control = accept4(e->server, NULL, NULL, SOCK_CLOEXEC);
        else if (well && fds[1].revents != 0)
            well = serve_control(e);
        if (well && fds[2].fd >= 0 && fds[2].revents != 0)
            well = serve_data(e);
        well = well && answer_pending(e);
        (void)pthread_mutex_unlock(&e->mutex);
    }
    return NULL;
}

static void
wake(struct emulator *e)
{
    static const uint64_t one = 1;

    assert_int_equal(write(e->wake, &one, sizeof(one)), sizeof(one));
}

struct emulator *
emulator_new(const char *path)
{
    struct emulator *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    e->control = e->data = -1;
    e->wake = eventfd(0, EFD_CLOEXEC);
    assert_true(e->wake >= 0);
    e->server = unixsock_listen(path);
    assert_true(e->server >= 0);
    memcpy(e->answer, initialize, sizeof(initialize));
    e->answer_len = sizeof(initialize);
    assert_int_equal(pthread_mutex_init(&e->mutex, NULL), 0);
    assert_int_equal(pthread_create(&e->thread, NULL, serve, e), 0);
    return e;
}

void
emulator_free(struct emulator **emulator)
{
    struct emulator *e = *emulator;

    if (e == NULL)
        return;
    (void)pthread_mutex_lock(&e->mutex);
    e->over = true;
    (void)pthread_mutex_unlock(&e->mutex);
    wake(e);
    (void)pthread_join(e->thread, NULL);
    (void)pthread_mutex_destroy(&e->mutex);
    (void)close(e->server);
    (void)close(e->wake);
    if (e->control >= 0)
        (void)close(e->control);
    if (e->data >= 0)
        (void)close(e->data);
    free(e);
    *emulator = NULL;
}

/* --- for the test -------------------------------------------------------- */

void
emulator_answer(struct emulator *e, const uint8_t *response, size_t len)
{
    assert_true(len <= sizeof(e->answer));
    (void)pthread_mutex_lock(&e->mutex);
    memcpy(e->answer, response, len);
    e->answer_len = len;
    (void)pthread_mutex_unlock(&e->mutex);
}

void
emulator_hold(struct emulator *e, bool held)
{
    (void)pthread_mutex_lock(&e->mutex);
    e->held = held;
    (void)pthread_mutex_unlock(&e->mutex);
    wake(e);
}

void
emulator_await(struct emulator *e)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    bool pending = false;

    for (int i = 0; i < 20000 && !pending; i++) {
        (void)pthread_mutex_lock(&e->mutex);
        pending = e->pending;
        (void)pthread_mutex_unlock(&e->mutex);
        (void)nanosleep(&pause, NULL);
    }
    assert_true(pending);
}

size_t
emulator_command(struct emulator *e, uint8_t *command, size_t max)
{
    size_t len;

    (void)pthread_mutex_lock(&e->mutex);
    len = e->command_len < max ? e->command_len : max;
    memcpy(command, e->command, len);
    e->command_len = 0;
    (void)pthread_mutex_unlock(&e->mutex);
    return len;
}
