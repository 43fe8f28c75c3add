/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bus.h"
#include "fifo.h"
#include "lockfile.h"
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <tss2/tss2_tcti.h>
#include <unistd.h>

/*
 * The chip on I2C, through i2c-dev. A write is the register's address and the
 * data; a read is a write of the address and then, as a transfer of its own, a
 * read: some adapters miss a NACK between the two halves of a combined one. A
 * chip that is busy or asleep does not acknowledge, and is asked again.
 *
 * Between certain transfers the chip wants time, as its capability register
 * says; until that is known, always.
 */
#define ADDRESS_DEFAULT 0x2e
#define FIFO_MAX 1024        /* of one transfer: i2c-dev takes 8192 */
#define GUARD_FIRST_US 250
#define NO_ANSWER_US 750000  /* timeout A */

#define LOC_SEL 0x00
#define CAPABILITY 0x30
#define CAP_TYPE(CAP) ((CAP) & 0xfu)
#define CAP_TYPE_FIFO 2u
#define CAP_GUARD_US(CAP) ((CAP) >> 9 & 0xffu)
#define CAP_ZERO 0x80000000u

/* Which transfers the guard time stands between: bits of the capability. */
#define GUARD_WW 17
#define GUARD_WR 18
#define GUARD_RW 19
#define GUARD_RR 20

struct i2c {
    struct bus bus;
    const struct options *options;
    int fd;
    uint32_t capability; /* 0 until known */
    int64_t free_us;     /* when the last transfer was over */
    bool last_was_read;
};

static const uint8_t addresses[PTP_REGISTERS] = {
    [PTP_ACCESS] = 0x04,
    [PTP_INT_ENABLE] = 0x08,
    [PTP_INT_VECTOR] = 0x0c,
    [PTP_INT_STATUS] = 0x10,
    [PTP_INTF_CAPABILITY] = 0x14,
    [PTP_STS] = 0x18,
    [PTP_DATA_FIFO] = 0x24,
    [PTP_DID_VID] = 0x48,
    [PTP_CSUM_ENABLE] = 0x40,
    [PTP_CSUM] = 0x44,
};

static struct i2c *
i2c_of(struct bus *bus)
{
    return (struct i2c *)(void *)bus;
}

/* --- transfers ----------------------------------------------------------- */

static int64_t
guard_us(const struct i2c *i, bool read)
{
    unsigned bit;

    if ((i->bus.quirks & QUIRK_ACCESS_DELAY) != 0)
        return QUIRK_ACCESS_US;
    if (i->capability == 0)
        return GUARD_FIRST_US;
    if (i->last_was_read)
        bit = read ? GUARD_RR : GUARD_RW;
    else
        bit = read ? GUARD_WR : GUARD_WW;
    return (i->capability >> bit & 1) != 0 ? CAP_GUARD_US(i->capability) : 0;
}

static void
keep_guard(const struct i2c *i, bool read)
{
    int64_t due = i->free_us + guard_us(i, read), now;

    if (due == i->free_us)
        return;
    now = fifo_now_us();
    if (now < due)
        fifo_sleep_us(due - now);
}

/* A chip that did not acknowledge has not taken anything. */
static bool
not_acknowledged(int rc)
{
    return rc == -ENXIO || rc == -EREMOTEIO;
}

static int
transfer_once(struct i2c *i, uint8_t *data, size_t len, bool read)
{
    struct i2c_msg message = {
        .addr = (uint16_t)i->options->address,
        .flags = read ? I2C_M_RD : 0,
        .len = (uint16_t)len,
        .buf = data,
    };
    struct i2c_rdwr_ioctl_data job = { .msgs = &message, .nmsgs = 1 };
    int n;

    keep_guard(i, read);
    do {
        n = ioctl(i->fd, I2C_RDWR, &job);
    } while (n < 0 && errno == EINTR);
    n = n == 1 ? 0 : n < 0 ? -errno : -EIO;
    i->free_us = fifo_now_us();
    i->last_was_read = read;
    i->bus.stats->bus_octets += len + 1;
    return n;
}

static int
transfer(struct i2c *i, uint8_t *data, size_t len, bool read)
{
    int64_t start = fifo_now_us();
    int64_t guard = GUARD_FIRST_US;
    int rc = transfer_once(i, data, len, read);

    if (i->capability != 0 && CAP_GUARD_US(i->capability) != 0)
        guard = CAP_GUARD_US(i->capability);
    while (not_acknowledged(rc) && fifo_now_us() - start < NO_ANSWER_US) {
        i->bus.stats->nacks++;
        fifo_sleep_us(guard);
        rc = transfer_once(i, data, len, read);
    }
    return rc;
}

static int
read_at(struct i2c *i, uint8_t address, uint8_t *data, size_t len)
{
    int rc = transfer(i, &address, 1, false);

    return rc == 0 ? transfer(i, data, len, true) : rc;
}

static int
write_at(struct i2c *i, uint8_t address, const uint8_t *data, size_t len)
{
    uint8_t out[1 + FIFO_MAX];

    if (len > FIFO_MAX)
        return -EINVAL;
    out[0] = address;
    memcpy(out + 1, data, len);
    return transfer(i, out, 1 + len, false);
}

static int
i2c_read(struct bus *bus, enum ptp_register reg, uint8_t *data, size_t len)
{
    return read_at(i2c_of(bus), addresses[reg], data, len);
}

static int
i2c_write(struct bus *bus, enum ptp_register reg, const uint8_t *data,
    size_t len)
{
    return write_at(i2c_of(bus), addresses[reg], data, len);
}

/* The register that says whose registers these are; others may have set it. */
static int
i2c_select(struct bus *bus, uint8_t locality)
{
    return write_at(i2c_of(bus), LOC_SEL, &locality, 1);
}

/* --- opening ------------------------------------------------------------- */

static int
i2c_settle(struct bus *bus)
{
    const uint8_t on = 1;

    return write_at(i2c_of(bus), addresses[PTP_CSUM_ENABLE], &on, 1);
}

static int
learn(struct i2c *i)
{
    uint8_t data[4] = { 0 };
    uint32_t cap;
    int rc;

    rc = read_at(i, CAPABILITY, data, sizeof(data));
    if (rc != 0)
        return rc;
    cap = (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16
        | (uint32_t)data[1] << 8 | data[0];
    if ((cap & CAP_ZERO) != 0 || CAP_TYPE(cap) != CAP_TYPE_FIFO)
        return -ENODEV;
    i->capability = cap;
    return i2c_settle(&i->bus);
}

static void
i2c_close(struct bus *bus)
{
    struct i2c *i = i2c_of(bus);

    if (i->fd >= 0)
        lockfile_close_fd(i->fd); /* the lock may be on the same node */
    i->fd = -1;
}

static int
i2c_open(struct bus *bus)
{
    struct i2c *i = i2c_of(bus);
    unsigned long functions = 0;
    int rc = 0;

    i->capability = 0;
    i->free_us = fifo_now_us(); /* of another's transfer, perhaps */
    i->fd = open(bus->path, O_RDWR | O_CLOEXEC);
    if (i->fd < 0)
        return -errno;
    if (ioctl(i->fd, I2C_FUNCS, &functions) != 0)
        rc = -errno;
    else if ((functions & I2C_FUNC_I2C) == 0)
        rc = -EOPNOTSUPP;
    if (rc == 0)
        rc = learn(i);
    if (rc != 0)
        i2c_close(bus);
    return rc;
}

static TSS2_RC
i2c_make(const struct options *options, struct stats *stats, struct bus **bus)
{
    struct i2c *i = calloc(1, sizeof(*i));

    if (i == NULL)
        return TSS2_TCTI_RC_MEMORY;
    i->bus = (struct bus) {
        .ops = &bus_i2c_ops,
        .path = options->path,
        .stats = stats,
        .max = options->chunk,
    };
    i->options = options;
    i->fd = -1;
    *bus = &i->bus;
    return TSS2_RC_SUCCESS;
}

static void
i2c_free(struct bus **bus)
{
    i2c_close(*bus);
    free(i2c_of(*bus));
    *bus = NULL;
}

const struct bus_ops bus_i2c_ops = {
    .make = i2c_make,
    .free = i2c_free,
    .open = i2c_open,
    .close = i2c_close,
    .select = i2c_select,
    .settle = i2c_settle,
    .read = i2c_read,
    .write = i2c_write,
    .checksums = true,
};
