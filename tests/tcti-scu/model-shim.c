/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-private.h"

#include <errno.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/spi/spidev.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * ioctl(2) of a program with a chip in it: requests of spidev, i2c-dev and GPIO
 * go to the model, whatever node was opened; the rest goes to the kernel.
 */
struct model *model_attached;

static int
fail(int error)
{
    errno = error;
    return -1;
}

static void
pause_us(unsigned us)
{
    const struct timespec ts = { .tv_nsec = (long)us * 1000 };

    if (us != 0)
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static size_t
length(const struct spi_ioc_transfer *t, size_t n)
{
    size_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += t[i].len;
    return total;
}

/* At the end of a message: who says that the chip select goes up. */
static void
end_frame(struct model *m, bool hold)
{
    if (m->cs_fd > 0)
        return; /* it is a GPIO line */
    if (hold)
        m->counts.cs_held++;
    if (!hold || m->knobs.drops_cs)
        model_spi_end(m);
}

static int
spi_message(struct model *m, const struct spi_ioc_transfer *t, size_t n)
{
    bool asleep = model_asleep(m);
    size_t total = length(t, n);

    if (total > (m->knobs.bufsiz != 0 ? m->knobs.bufsiz : 4096))
        return fail(EMSGSIZE);
    m->counts.empty += total == 0;
    if (total > m->counts.longest)
        m->counts.longest = total;
    if (m->frame_at == 0)
        model_note_time(m);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *out = (const uint8_t *)(uintptr_t)t[i].tx_buf;
        uint8_t *in = (uint8_t *)(uintptr_t)t[i].rx_buf;
        bool last = i == n - 1;

        for (size_t at = 0; at < t[i].len; at++) {
            uint8_t got = asleep ? 0xff :
                model_spi_octet(m, out != NULL ? out[at] : 0);

            if (in != NULL)
                in[at] = got;
        }
        if (last || t[i].cs_change != 0)
            end_frame(m, last && t[i].cs_change != 0);
        pause_us(t[i].delay_usecs);
    }
    m->last_us = model_now_us();
    return (int)total;
}

/* An adapter that makes several transfers of a long one. */
static bool
i2c_pieces(struct model *m, const struct i2c_msg *message)
{
    bool read = (message->flags & I2C_M_RD) != 0;
    size_t max = m->knobs.splits, done = 0, n;

    do {
        n = message->len - done;
        if (!read && max != 0 && n > max)
            n = max;
        if (!model_i2c(m, read, message->buf + done, n))
            return false;
        done += n;
    } while (done < message->len);
    return true;
}

static int
i2c_transfers(struct model *m, const struct i2c_rdwr_ioctl_data *job)
{
    m->counts.combined += job->nmsgs > 1;
    for (size_t i = 0; i < job->nmsgs; i++) {
        struct i2c_msg *message = &job->msgs[i];

        if (message->addr != 0x2e || m->knobs.dead)
            return fail(ENXIO);
        if (message->len > m->counts.longest)
            m->counts.longest = message->len;
        if (!i2c_pieces(m, message))
            return fail(ENXIO);
    }
    return (int)job->nmsgs;
}

/* Errors that a test asked for. */
static int
fault(struct model *m)
{
    int error = m->knobs.error;

    if (error == 0)
        return 0;
    if (m->knobs.error_after > 0) {
        m->knobs.error_after--;
        return 0;
    }
    m->knobs.error = 0;
    return error;
}

static int
spi_request(struct model *m, unsigned long request, void *argument)
{
    int error;

    if (_IOC_NR(request) != 0)
        return 0; /* mode, bits, speed: set */
    m->counts.messages++;
    error = fault(m);
    if (error != 0) {
        model_spi_end(m);
        return fail(error);
    }
    return spi_message(m, argument,
        _IOC_SIZE(request) / sizeof(struct spi_ioc_transfer));
}

static int
i2c_request(struct model *m, unsigned long request, void *argument)
{
    int error;

    if (request == I2C_FUNCS) {
        *(unsigned long *)argument = I2C_FUNC_I2C;
        return 0;
    }
    m->counts.messages++;
    error = fault(m);
    return error != 0 ? fail(error) : i2c_transfers(m, argument);
}

bool
model_serves(unsigned long request)
{
    return _IOC_TYPE(request) == SPI_IOC_MAGIC || request == I2C_RDWR
        || request == I2C_FUNCS;
}

int
model_ioctl(struct model *m, unsigned long request, void *argument)
{
    return _IOC_TYPE(request) == SPI_IOC_MAGIC ?
        spi_request(m, request, argument) : i2c_request(m, request, argument);
}

/* Seen by whatever the program loads. */
__attribute__((visibility("default"))) int
ioctl(int fd, unsigned long request, ...)
{
    void *argument;
    va_list ap;

    va_start(ap, request);
    argument = va_arg(ap, void *);
    va_end(ap);
    if (model_attached != NULL && model_serves(request))
        return model_ioctl(model_attached, request, argument);
    if (model_attached != NULL && request == GPIO_V2_GET_LINE_IOCTL)
        return model_gpio_request(model_attached, argument);
    if (model_attached != NULL && request == GPIO_V2_LINE_SET_VALUES_IOCTL)
        return model_gpio_set(model_attached, fd, argument);
    return (int)syscall(SYS_ioctl, fd, request, argument);
}
