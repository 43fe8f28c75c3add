/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_LINK_H
#define TCTI_SCU_LINK_H

#include "deadline.h"
#include "options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_common.h>

/*
 * A way to the chip. The state machine (tcti.c) sees nothing else of it, and
 * tests give it a link of their own. A link carries one exchange at a time:
 * send, receive until the response is complete, end.
 *
 * Functions return TSS2_RC_SUCCESS or a return code of layer 10. A failure
 * has been logged by the link, in one line; TRY_AGAIN (the deadline passed)
 * has not, since only the caller knows whether that is a failure.
 */
struct link {
    const struct link_ops *ops;
};

struct link_ops {
    /* One receive gives a whole response: a part is never followed up. */
    bool whole;

    /* It shows its own statistics, which tell more than commands and time. */
    bool counts;

    /*
     * Makes a link and shows that the chip's end is there, without a command
     * to the chip. options outlive the link.
     */
    TSS2_RC (*open)(const struct options *options, struct link **link);

    /*
     * Sends a whole command; takes the exchange lock and connects first,
     * where that is due, for as long as the options allow. After a failure
     * no exchange is open.
     */
    TSS2_RC (*send)(struct link *link, const uint8_t *command, size_t len);

    /*
     * Waits for a part of the response, at most max octets; *got of them
     * came. TRY_AGAIN: nothing came by the deadline, and nothing is lost.
     */
    TSS2_RC (*receive)(struct link *link, uint8_t *data, size_t max,
        size_t *got, struct deadline deadline);

    /*
     * The exchange is over: gives the lock back. If it is not clean (failed,
     * given up), nothing of it may reach the next one: the connection goes.
     */
    void (*end)(struct link *link, bool clean);

    /*
     * Tells the chip to cancel the command under way. NULL where the link
     * has no such thing. On success the caller ends the exchange.
     */
    TSS2_RC (*cancel)(struct link *link);

    /* Sets the locality of the exchanges to come. NULL: there is none. */
    TSS2_RC (*locality)(struct link *link, uint8_t locality);

    /* What poll(2) shows as readable when receive has work; or -1. */
    int (*fd)(const struct link *link);

    /*
     * In a child of the process that used it so far: closes the descriptors
     * and forgets the exchange. Lock and locality are the parent's and stay
     * as they are. The next send connects anew.
     */
    void (*abandon)(struct link *link);

    /* Ends the exchange, if any, and frees; nulls the caller's pointer. */
    void (*close)(struct link **link);
};

/* A name in configuration strings, its keys, and the link that it opens. */
struct link_type {
    const char *name;
    const struct link_ops *ops;
    const struct option_key *keys;
    size_t n_keys;
    const char *main_key; /* the value that may stand alone; or NULL */
};

extern const struct link_type link_type_device;
extern const struct link_type link_type_i2c;
extern const struct link_type link_type_spi;
extern const struct link_type link_type_swtpm;
extern const struct link_type link_type_sim;
extern const struct link_type link_type_uart;

/* All of them. A new link is a file and a row. */
extern const struct link_type *const link_types[];
extern const size_t n_link_types;

#endif
