/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "irq.h"
#include "gpio.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define TRUSTED_US 100000 /* a proven line is asked about no more often */
#define MISSED_MAX 3
#define FALLS_MAX 16      /* of one exchange, where one is right */

static int
watch(const struct irq *irq, int fd)
{
    struct epoll_event event = { .events = EPOLLIN };

    return epoll_ctl(irq->watch, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int
irq_open(struct irq *irq, const char *name, int timer)
{
    int rc;

    *irq = (struct irq) { .name = name, .line = -1, .watch = -1 };
    if (name == NULL)
        return 0;
    irq->watch = epoll_create1(EPOLL_CLOEXEC);
    if (irq->watch < 0)
        return -errno;
    rc = watch(irq, timer);
    if (rc != 0)
        irq_close(irq);
    return rc;
}

void
irq_close(struct irq *irq)
{
    irq_end(irq);
    if (irq->watch >= 0)
        (void)close(irq->watch);
    irq->watch = -1;
}

int
irq_begin(struct irq *irq)
{
    int rc;

    irq_end(irq);
    irq->fell = false;
    irq->falls = 0;
    rc = gpio_open_falling(irq->name, &irq->line);
    if (rc == 0)
        rc = watch(irq, irq->line);
    if (rc != 0)
        irq_end(irq);
    return rc;
}

/* Closing alone does not end the watch, should a child have the line too. */
void
irq_end(struct irq *irq)
{
    if (irq->line < 0)
        return;
    (void)epoll_ctl(irq->watch, EPOLL_CTL_DEL, irq->line, NULL);
    (void)close(irq->line);
    irq->line = -1;
}

void
irq_give_up(struct irq *irq)
{
    irq_end(irq);
    irq->given_up = true;
    irq->proven = false;
}

void
irq_look(struct irq *irq)
{
    if (irq->line < 0 || !gpio_clear(irq->line))
        return;
    irq->fell = true;
    if (++irq->falls > FALLS_MAX)
        irq_give_up(irq);
}

void
irq_judge(struct irq *irq)
{
    irq_look(irq);
    if (irq->line < 0)
        return;
    irq->missed = irq->fell ? 0 : irq->missed + 1;
    if (irq->fell)
        irq->proven = true;
    else if (irq->missed >= MISSED_MAX)
        irq_give_up(irq);
}

int64_t
irq_pause_us(const struct irq *irq, int64_t pause)
{
    return irq->line >= 0 && irq->proven ? TRUSTED_US : pause;
}

void
irq_wait_us(const struct irq *irq, int64_t us)
{
    struct pollfd line = { .fd = irq->line, .events = POLLIN };
    struct timespec ts = {
        .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000,
    };

    (void)ppoll(&line, 1, &ts, NULL);
}
