/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_STATS_H
#define TCTI_SCU_STATS_H

#include <stdint.h>

/*
 * What a link has seen, so that a fault in the field can be told from a slow
 * chip. Shown as one log line at the end where SCU_STATS=1.
 */
struct stats {
    uint64_t commands;
    uint64_t octets;     /* of commands and responses */
    uint64_t accesses;   /* to registers */
    uint64_t bus_octets; /* all that went over the bus */
    uint64_t wait_octets; /* that the chip made us clock */
    uint64_t retries;    /* of a command or response */
    uint64_t nacks;
    uint64_t crc_faults;
    uint32_t slowest_code; /* the command that took longest */
    int64_t slowest_us;
};

/* The line, on the link called name, if SCU_STATS=1 and there is anything. */
void stats_show(const struct stats *stats, const char *name);

#endif
