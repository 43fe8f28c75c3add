/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bus.h"
#include "fifo.h"
#include "gpio.h"
#include "lockfile.h"
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/spi/spidev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * The chip on SPI, through spidev. A frame is a header of four octets and the
 * data; while the header's last octet goes out, bit 0 of what comes in says
 * whether the data follow at once. If not, the chip makes us clock octets
 * until it shows that bit; the next one is data (PTP 1.04, 7.4.6).
 *
 * Chips insert none, or always the same number: what a chip does is learnt
 * when it is opened, and a frame is one message then. A frame in which the
 * chip did otherwise is noticed, for all that comes in is looked at; from then
 * on frames go step by step with the chip select held between the steps.
 */
#define HEADER 4
#define DATA_MAX 64
#define WAIT_MAX 16    /* of a frame in one message */
#define POLLS_MAX 4096 /* of a frame in steps */
#define LESSONS 4

#define BASE 0xd40000u
#define READ 0x80u
#define READY 0x01u

struct spi {
    struct bus bus;
    const struct options *options;
    int fd;
    int cs;         /* the chip select as a GPIO line, or -1 */
    uint8_t locality;
    int64_t last_us; /* when the last frame was over; kept for quirks */
    bool steps;     /* the number of wait octets is not always the same */
    unsigned waits; /* else this is it */
};

struct frame {
    uint8_t out[HEADER + WAIT_MAX + DATA_MAX];
    uint8_t in[HEADER + WAIT_MAX + DATA_MAX];
};

static const uint16_t offsets[PTP_REGISTERS] = {
    [PTP_ACCESS] = 0x000,
    [PTP_INT_ENABLE] = 0x008,
    [PTP_INT_VECTOR] = 0x00c,
    [PTP_INT_STATUS] = 0x010,
    [PTP_INTF_CAPABILITY] = 0x014,
    [PTP_STS] = 0x018,
    [PTP_DATA_FIFO] = 0x024,
    [PTP_DID_VID] = 0xf00,
};

static struct spi *
spi_of(struct bus *bus)
{
    return (struct spi *)(void *)bus;
}

/* --- messages ------------------------------------------------------------ */

/* One message of one transfer; hold keeps the chip select for the next. */
static int
transfer(struct spi *s, const uint8_t *out, uint8_t *in, size_t len, bool hold)
{
    struct spi_ioc_transfer t = {
        .tx_buf = (uintptr_t)out,
        .rx_buf = (uintptr_t)in,
        .len = (uint32_t)len,
        .speed_hz = s->options->hz,
        .bits_per_word = 8,
        .cs_change = hold && s->cs < 0,
    };
    int n;

    do {
        n = ioctl(s->fd, SPI_IOC_MESSAGE(1), &t);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    s->bus.stats->bus_octets += len;
    return (size_t)n == len ? 0 : -EIO;
}

static int
chip_select(struct spi *s, bool active)
{
    return s->cs < 0 ? 0 : gpio_set(s->cs, !active);
}

static void
put_header(const struct spi *s, uint8_t *out, enum ptp_register reg,
    bool read, size_t len)
{
    uint32_t address = BASE | (uint32_t)s->locality << 12 | offsets[reg];

    out[0] = (uint8_t)((read ? READ : 0) | (len - 1));
    out[1] = (uint8_t)(address >> 16);
    out[2] = (uint8_t)(address >> 8);
    out[3] = (uint8_t)address;
}

/* --- chips that want time ------------------------------------------------ */

/* A chip falls asleep while the host does, too. */
static int64_t
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/*
 * The chip select falls for a while; not without an octet, since controllers
 * stumble over empty transfers. A chip that is awake sees a frame that was
 * given up.
 */
static int
wake(struct spi *s)
{
    static const uint8_t out;
    uint8_t in;
    struct spi_ioc_transfer t = {
        .tx_buf = (uintptr_t)&out,
        .rx_buf = (uintptr_t)&in,
        .len = 1,
        .speed_hz = s->options->hz,
        .bits_per_word = 8,
        .delay_usecs = QUIRK_WAKE_US,
    };
    int rc = chip_select(s, true);

    if (rc == 0 && ioctl(s->fd, SPI_IOC_MESSAGE(1), &t) < 0)
        rc = -errno;
    (void)chip_select(s, false);
    fifo_sleep_us(QUIRK_WAKE_US);
    return rc;
}

/* Before a frame, where the chip wants any. */
static int
give_time(struct spi *s)
{
    int64_t gone = now_us() - s->last_us;

    if ((s->bus.quirks & QUIRK_WAKE_PULSE) != 0 && gone >= QUIRK_SLEEP_US)
        return wake(s);
    if ((s->bus.quirks & QUIRK_ACCESS_DELAY) != 0 && gone < QUIRK_ACCESS_US)
        fifo_sleep_us(QUIRK_ACCESS_US - gone);
    return 0;
}

static bool
wants_time(const struct spi *s)
{
    return (s->bus.quirks & (QUIRK_WAKE_PULSE | QUIRK_ACCESS_DELAY)) != 0;
}

/* --- a frame in one message ---------------------------------------------- */

/* How many octets the chip made us wait; total: as long as was clocked. */
static unsigned
waits_in(const uint8_t *in, unsigned total)
{
    unsigned n = 0;

    while (n < total && (in[HEADER - 1 + n] & READY) == 0)
        n++;
    return n;
}

/*
 * data is what is to be written, or where what is read goes; the other is
 * NULL. A frame with other waits than expected reads nothing of worth, and
 * writes nothing or not what it should.
 */
static int
frame_at_once(struct spi *s, enum ptp_register reg, const uint8_t *write,
    uint8_t *read, size_t len)
{
    struct frame frame = { .out = { 0 } };
    size_t start = HEADER + s->waits;
    int rc;

    put_header(s, frame.out, reg, read != NULL, len);
    if (write != NULL)
        memcpy(frame.out + start, write, len);
    rc = transfer(s, frame.out, frame.in, start + len, false);
    if (rc != 0)
        return rc;
    s->bus.stats->wait_octets += s->waits;
    if (waits_in(frame.in, s->waits + 1) != s->waits) {
        s->steps = true;
        return -EILSEQ;
    }
    if (read != NULL)
        memcpy(read, frame.in + start, len);
    return 0;
}

/* --- a frame in steps ---------------------------------------------------- */

/* The header, and as many octets as the chip makes us wait. */
static int
begin_steps(struct spi *s, enum ptp_register reg, bool read, size_t len)
{
    uint8_t out[HEADER], in[HEADER];
    const uint8_t zero = 0;
    int rc;

    put_header(s, out, reg, read, len);
    rc = transfer(s, out, in, HEADER, true);
    for (unsigned i = 0; rc == 0 && (in[HEADER - 1] & READY) == 0; i++) {
        if (i == POLLS_MAX)
            return -ETIME;
        s->bus.stats->wait_octets++;
        rc = transfer(s, &zero, &in[HEADER - 1], 1, true);
    }
    return rc;
}

static int
frame_in_steps(struct spi *s, enum ptp_register reg, const uint8_t *write,
    uint8_t *read, size_t len)
{
    static const uint8_t zeros[DATA_MAX];
    uint8_t ignored[DATA_MAX];
    int rc;

    rc = chip_select(s, true);
    if (rc != 0)
        return rc;
    rc = begin_steps(s, reg, read != NULL, len);
    if (rc == 0)
        rc = transfer(s, write != NULL ? write : zeros,
            read != NULL ? read : ignored, len, false);
    else /* its end releases the chip select, whatever it carries */
        (void)transfer(s, zeros, ignored, 1, false);
    (void)chip_select(s, false);
    return rc;
}

static int
frame(struct spi *s, enum ptp_register reg, const uint8_t *write,
    uint8_t *read, size_t len)
{
    int rc = 0;

    if (len == 0 || len > DATA_MAX)
        return -EINVAL;
    if (wants_time(s))
        rc = give_time(s);
    if (rc == 0)
        rc = s->steps ? frame_in_steps(s, reg, write, read, len) :
            frame_at_once(s, reg, write, read, len);
    if (wants_time(s))
        s->last_us = now_us();
    return rc;
}

/* What is no FIFO can be read again at once. */
static int
spi_read(struct bus *bus, enum ptp_register reg, uint8_t *data, size_t len)
{
    int rc = frame(spi_of(bus), reg, NULL, data, len);

    if (rc == -EILSEQ && reg != PTP_DATA_FIFO)
        rc = frame(spi_of(bus), reg, NULL, data, len);
    return rc;
}

/*
 * Waits that were too few or too many leave zeros in a register, at most, which
 * mean nothing to any of them: only the FIFO is spoilt.
 */
static int
spi_write(struct bus *bus, enum ptp_register reg, const uint8_t *data,
    size_t len)
{
    int rc = frame(spi_of(bus), reg, data, NULL, len);

    if (rc == -EILSEQ && reg != PTP_DATA_FIFO)
        rc = frame(spi_of(bus), reg, data, NULL, len);
    return rc;
}

/* --- opening ------------------------------------------------------------- */

/*
 * Reads ACCESS with octets to spare; where the chip does not say ready in all
 * of them, or not always after as many, frames go in steps.
 */
static int
learn(struct spi *s)
{
    struct frame frame = { .out = { 0 } };
    unsigned waits;
    int rc;

    s->steps = s->cs >= 0;
    s->waits = 0;
    put_header(s, frame.out, PTP_ACCESS, true, 1);
    for (int i = 0; i < LESSONS && !s->steps; i++) {
        rc = wants_time(s) ? give_time(s) : 0;
        if (rc == 0)
            rc = transfer(s, frame.out, frame.in, HEADER + WAIT_MAX + 1,
                false);
        if (rc != 0)
            return rc;
        s->last_us = now_us();
        waits = waits_in(frame.in, WAIT_MAX + 1);
        if (i == 0)
            s->waits = waits;
        s->steps = waits != s->waits || waits > WAIT_MAX;
    }
    return 0;
}

static int
set_up(struct spi *s)
{
    uint32_t mode = s->options->mode | (s->cs >= 0 ? SPI_NO_CS : 0u);
    uint8_t bits = 8;

    if (ioctl(s->fd, SPI_IOC_WR_MODE32, &mode) != 0
        || ioctl(s->fd, SPI_IOC_WR_BITS_PER_WORD, &bits) != 0)
        return -errno;
    if (s->options->hz != 0
        && ioctl(s->fd, SPI_IOC_WR_MAX_SPEED_HZ, &s->options->hz) != 0)
        return -errno;
    return 0;
}

static void
spi_close(struct bus *bus)
{
    struct spi *s = spi_of(bus);

    if (s->fd >= 0)
        lockfile_close_fd(s->fd); /* the lock may be on the same node */
    if (s->cs >= 0)
        (void)close(s->cs);
    s->fd = s->cs = -1;
}

static int
spi_open(struct bus *bus)
{
    struct spi *s = spi_of(bus);
    int rc = 0;

    s->last_us = 0; /* others may have let it fall asleep */
    s->fd = open(bus->path, O_RDWR | O_CLOEXEC);
    if (s->fd < 0)
        return -errno;
    if (s->options->cs_gpio != NULL)
        rc = gpio_open_output(s->options->cs_gpio, &s->cs);
    if (rc == 0)
        rc = set_up(s);
    if (rc == 0)
        rc = learn(s);
    if (rc != 0)
        spi_close(bus);
    return rc;
}

static int
spi_select(struct bus *bus, uint8_t locality)
{
    struct spi *s = spi_of(bus);

    s->locality = locality;
    if ((bus->quirks & QUIRK_ACCESS_DELAY) != 0)
        fifo_sleep_us(QUIRK_ACCESS_US); /* since others', perhaps */
    return 0;
}

static TSS2_RC
spi_make(const struct options *options, struct stats *stats, struct bus **bus)
{
    struct spi *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return TSS2_TCTI_RC_MEMORY;
    s->bus = (struct bus) {
        .ops = &bus_spi_ops,
        .path = options->path,
        .stats = stats,
        .max = DATA_MAX,
    };
    s->options = options;
    s->fd = s->cs = -1;
    *bus = &s->bus;
    return TSS2_RC_SUCCESS;
}

static void
spi_free(struct bus **bus)
{
    spi_close(*bus);
    free(spi_of(*bus));
    *bus = NULL;
}

const struct bus_ops bus_spi_ops = {
    .make = spi_make,
    .free = spi_free,
    .open = spi_open,
    .close = spi_close,
    .select = spi_select,
    .read = spi_read,
    .write = spi_write,
};
