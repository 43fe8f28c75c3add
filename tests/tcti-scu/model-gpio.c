/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * The lines of a GPIO chip that the model hangs on, as the kernel's character
 * device shows them. Which line does what is fixed: see model.h. The chip has
 * no time of its own, so while the program waits in poll(2) it gets on there.
 */
#define STEP_US 200

static bool
is_open(const struct model *m)
{
    struct pollfd end = { .fd = m->line_fd };
    const struct timespec now = { 0 };

    return m->line_fd > 0
        && (syscall(SYS_ppoll, &end, 1, &now, NULL, 0) == 0
        || (end.revents & POLLHUP) == 0);
}

static void
tell_edge(struct model *m)
{
    const struct gpio_v2_line_event event = {
        .id = GPIO_V2_LINE_EVENT_FALLING_EDGE, .offset = MODEL_LINE_IRQ,
    };

    if (m->line_fd > 0)
        (void)send(m->line_fd, &event, sizeof(event),
            MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Low while an interrupt that is enabled is pending. */
void
model_line(struct model *m)
{
    bool low = (m->int_enable & 0x80000000u) != 0
        && (m->int_enable & m->int_status & 0xffu) != 0;

    if ((low && !m->line_low && !m->knobs.dead_line) || m->knobs.noisy_line)
        tell_edge(m);
    m->line_low = low;
}

static int
request_irq(struct model *m, struct gpio_v2_line_request *request)
{
    int ends[2];

    if (is_open(m)) {
        errno = EBUSY;
        return -1;
    }
    model_lines_close(m);
    if (request->config.flags != (GPIO_V2_LINE_FLAG_INPUT
        | GPIO_V2_LINE_FLAG_EDGE_FALLING)
        || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        errno = EINVAL;
        return -1;
    }
    m->line_fd = ends[0];
    request->fd = ends[1];
    m->counts.line_requests++;
    return 0;
}

int
model_gpio_request(struct model *m, struct gpio_v2_line_request *request)
{
    uint32_t line = request->offsets[0];

    if (line == MODEL_LINE_IRQ)
        return request_irq(m, request);
    if (line != MODEL_LINE_CS && line != MODEL_LINE_RESET) {
        errno = EINVAL;
        return -1;
    }
    /* What it drives is known by the descriptor. */
    request->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (line == MODEL_LINE_CS)
        m->cs_fd = request->fd;
    else
        m->reset_fd = request->fd;
    return request->fd < 0 ? -1 : 0;
}

int
model_gpio_set(struct model *m, int fd, const struct gpio_v2_line_values *v)
{
    bool high = (v->bits & 1) != 0;

    if (fd == m->cs_fd && high)
        model_spi_end(m);
    if (fd == m->reset_fd && !high) {
        m->counts.resets++;
        m->knobs.dead = false;
        model_reset(m);
    }
    return 0;
}

void
model_lines_close(struct model *m)
{
    if (m->line_fd > 0)
        (void)close(m->line_fd);
    m->line_fd = 0;
}

/* --- waiting ------------------------------------------------------------- */

static int
wait_with_chip(struct pollfd *fds, nfds_t n, int64_t left, bool forever)
{
    int64_t end = model_now_us() + left, step;
    struct timespec ts = { 0 };
    long rc;

    do {
        model_get_on(model_attached);
        step = end - model_now_us();
        if (forever || step > STEP_US)
            step = STEP_US;
        ts.tv_nsec = step > 0 ? step * 1000 : 0;
        rc = syscall(SYS_ppoll, fds, n, &ts, NULL, 0);
    } while (rc == 0 && (forever || model_now_us() < end));
    return (int)rc;
}

/* Of the program itself: what others load waits without the chip. */
int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
    struct timespec ts = { 0 };

    if (timeout != NULL)
        ts = *timeout; /* the kernel writes to it */
    /* Without that line the chip does nothing that poll(2) could see. */
    if (model_attached == NULL || model_attached->line_fd == 0 || mask != NULL)
        return (int)syscall(SYS_ppoll, fds, n, timeout != NULL ? &ts : NULL,
            mask, (size_t)_NSIG / 8);
    return wait_with_chip(fds, n, (int64_t)ts.tv_sec * 1000000
        + ts.tv_nsec / 1000, timeout == NULL);
}

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
    struct timespec ts = {
        .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L,
    };

    return ppoll(fds, n, timeout < 0 ? NULL : &ts, NULL);
}
