/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_TRACE_H
#define TCTI_SCU_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_common.h>

/*
 * A record of all exchanges as a pcapng file that Wireshark shows as TPM 2.0:
 * each command and response is the payload of a made-up TCP segment between
 * the host, 127.0.0.1, and the chip, 127.0.0.2 port 2321. Each packet is
 * written by one write(2), so a crash leaves a file that can be read. What
 * went to the chip in clear stands there in clear.
 */
struct trace;

enum trace_direction {
    TRACE_COMMAND,
    TRACE_RESPONSE,
};

/*
 * Makes the file, with mode 0600, where nothing stands yet, not even a
 * symbolic link. In pattern, %p becomes the process id and %% a percent sign.
 * BAD_VALUE or IO_ERROR, logged; MEMORY.
 */
TSS2_RC trace_open(const char *pattern, struct trace **trace);

/*
 * Adds a packet of at most 4096 octets. NULL records nothing. When it cannot
 * be written, one warning, and the trace stays at what it has.
 */
void trace_packet(struct trace *trace, enum trace_direction direction,
    const uint8_t *data, size_t len);

/*
 * In a child of the process that opened it: a file of its own where the name
 * holds %p; else a warning, and *trace becomes NULL.
 */
void trace_inherited(struct trace **trace);

/* Takes NULL; nulls the caller's pointer. */
void trace_close(struct trace **trace);

#endif
