/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_TCTI_H
#define TCTI_SCU_TCTI_H

#include "deadline.h"
#include "link.h"
#include "options.h"
#include "response.h"
#include "stats.h"
#include "trace.h"

#include <sys/types.h>
#include <tss2/tss2_tcti.h>

/*
 *  state     transmit   receive    cancel     setLocality  finalize
 *  TRANSMIT  RECEIVE    sequence   sequence   kept         FINAL
 *  RECEIVE   sequence   TRANSMIT   TRANSMIT   sequence     FINAL
 *  FINAL     sequence   sequence   sequence   sequence     kept
 *
 * "sequence" is BAD_SEQUENCE, which keeps the state, as does a transmit or a
 * cancel that fails. A receive that fails keeps it with TRY_AGAIN,
 * INSUFFICIENT_BUFFER and BAD_*, and goes to TRANSMIT with anything else.
 */
enum tcti_state {
    TCTI_STATE_TRANSMIT,
    TCTI_STATE_RECEIVE,
    TCTI_STATE_FINAL,
};

/*
 * What of an exchange is on its way: with startup=if-needed, a command that
 * the chip refuses since it was not started is sent again after TPM2_Startup.
 * It did not run, so that is harmless.
 */
enum tcti_phase {
    TCTI_PHASE_COMMAND,
    TCTI_PHASE_STARTUP,
    TCTI_PHASE_REPEATED,
};

/* The block that the caller of Tss2_Tcti_Scu_Init provides. */
struct tcti {
    TSS2_TCTI_CONTEXT_COMMON_V2 common;
    enum tcti_state state;
    pid_t pid;                 /* whose; a child starts anew */
    struct link *link;
    struct trace *trace;       /* NULL: none */
    struct stats stats;        /* shown unless the link has its own */
    struct options *options;
    enum tcti_phase phase;
    uint8_t command[TPM_MESSAGE_MAX]; /* kept where it may be repeated */
    size_t command_len;
    uint32_t command_code;     /* of the exchange under way */
    struct deadline execution; /* of it, at the latest */
    int ready_fd;              /* eventfd, readable; or -1 */
    bool told_failure;         /* that the chip is in failure mode */
    struct response response;
};

/*
 * Fills a context around a link. It takes over the link, the trace (or NULL)
 * and the options, which come from malloc. Cannot fail.
 */
void tcti_fill(struct tcti *tcti, struct link *link, struct trace *trace,
    struct options *options);

#endif
