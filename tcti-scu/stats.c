/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
