/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
stats_sent(struct stats *stats, uint32_t code, size_t len)
{
    stats->commands++;
    stats->octets += len;
    stats->code = code;
    stats->started_us = now_us();
}

void
stats_received(struct stats *stats, size_t len)
{
    int64_t took = now_us() - stats->started_us;

    stats->octets += len;
    if (took <= stats->slowest_us)
        return;
    stats->slowest_us = took;
    stats->slowest_code = stats->code;
}

/* Asked for, so it is written whatever SCU_LOG says. */
void
stats_show(const struct stats *stats, const char *name)
{
    const char *wanted = secure_getenv("SCU_STATS");

    if (wanted == NULL || strcmp(wanted, "1") != 0 || stats->commands == 0)
        return;
    (void)fprintf(stderr, "scu: %s: %" PRIu64 " commands, %" PRIu64
        " octets; register accesses %" PRIu64 ", bus octets %" PRIu64
        ", waits %" PRIu64 ", retries %" PRIu64 ", NACKs %" PRIu64
        ", CRC faults %" PRIu64 "; slowest command 0x%x, %" PRId64 " us\n",
        name, stats->commands, stats->octets, stats->accesses,
        stats->bus_octets, stats->wait_octets, stats->retries, stats->nacks,
        stats->crc_faults, stats->slowest_code, stats->slowest_us);
}
