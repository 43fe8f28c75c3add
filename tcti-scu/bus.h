/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_BUS_H
#define TCTI_SCU_BUS_H

#include "options.h"
#include "quirks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_common.h>

struct stats;

/*
 * Registers of a chip on a bus, as the TCG's PC Client Platform TPM Profile
 * has them for FIFO interfaces. Each bus has its own addresses.
 */
enum ptp_register {
    PTP_ACCESS,
    PTP_INT_ENABLE,
    PTP_INT_VECTOR,
    PTP_INT_STATUS,
    PTP_INTF_CAPABILITY,
    PTP_STS,
    PTP_DATA_FIFO,
    PTP_DID_VID,
    PTP_CSUM_ENABLE, /* I2C only, as the next */
    PTP_CSUM,
    PTP_REGISTERS,
};

/*
 * A bus to one chip. Registers are octets here: numbers are little endian but
 * for the checksum. All functions that return int return 0 or a negative
 * errno value:
 *
 *   -EILSEQ   what was written may not be what the chip took: repeat from a
 *             point where that is harmless
 *   others    of open(2) and ioctl(2); -ENXIO or -EREMOTEIO: no answer
 */
struct bus {
    const struct bus_ops *ops;
    const char *path;    /* of the node; belongs to the options */
    struct stats *stats; /* never NULL */
    size_t max;          /* octets that one access to the FIFO can carry */
    uint32_t quirks;     /* of the chip */
};

struct bus_ops {
    /* Makes a bus, not open yet. The options outlive it. */
    TSS2_RC (*make)(const struct options *options, struct stats *stats,
        struct bus **bus);
    void (*free)(struct bus **bus);

    /* Opens the node and sets it up; learns the chip's manners. */
    int (*open)(struct bus *bus);
    /* Closes descriptors, nothing else; may be called when closed. */
    void (*close)(struct bus *bus);

    /* An exchange in a locality begins: what others left is set right. */
    int (*select)(struct bus *bus, uint8_t locality);
    /* What a chip forgets at a reset is set again; or NULL. */
    int (*settle)(struct bus *bus);
    int (*read)(struct bus *bus, enum ptp_register reg, uint8_t *data,
        size_t len);
    int (*write)(struct bus *bus, enum ptp_register reg, const uint8_t *data,
        size_t len);

    bool checksums; /* PTP_CSUM is there */
};

extern const struct bus_ops bus_spi_ops;
extern const struct bus_ops bus_i2c_ops;

#endif
