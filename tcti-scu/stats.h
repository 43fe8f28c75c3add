/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_STATS_H
#define TCTI_SCU_STATS_H

#include <stddef.h>
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
    uint32_t code;       /* of the command under way */
    int64_t started_us;
};

/* A command of len octets was sent. */
void stats_sent(struct stats *stats, uint32_t code, size_t len);
/* Its response is here. */
void stats_received(struct stats *stats, size_t len);

/* The line, on the link called name, if SCU_STATS=1 and there is anything. */
void stats_show(const struct stats *stats, const char *name);

#endif
