/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_UART_FIXTURE_H
#define TESTS_TCTI_UART_FIXTURE_H

#include "line.h"

#include <tss2/tss2_tcti.h>

/*
 * A context on uart:, a line, and behind the connector a TPM that counts: each
 * command has a tag, and each tag may be executed once.
 */
#define COMMAND_MIN 14 /* header and tag */
#define TAGS 20000

struct counter {
    unsigned started, canceled, twice;
    uint8_t seen[TAGS];
    uint32_t tag;        /* of what executes */
    uint8_t locality;
    bool running, stop;
    int64_t until_us;
    /* What a test sets, under the line's lock: */
    int64_t takes_us;    /* -1: until it is cancelled */
    bool deaf;           /* does not cancel */
    bool fixed;          /* the response is this one, whatever it is */
    uint8_t response[WIRE_PAYLOAD];
    size_t response_len; /* 0: 14 */
};

struct fixture {
    char dir[32];
    char conf[192];
    struct line *line;
    struct line_view *view; /* between hold() and let() */
    struct counter tpm;
    TSS2_TCTI_CONTEXT *context;
    uint32_t tag;           /* of the last command */
};

extern const struct connector_tpm counter_ops;

/* The fixture of cmocka: a chip on a line, no context yet. */
int uart_setup(void **state);
int uart_teardown(void **state);

/* The context; more is added to the configuration. NULL where that fails. */
TSS2_RC uart_init(struct fixture *f, const char *more,
    TSS2_TCTI_CONTEXT **context);
void uart_end(TSS2_TCTI_CONTEXT **context);
/* The fixture's own, which must succeed; timeout=100, so it waits briefly. */
void start(struct fixture *f);

/* What is between them is done while the line stands still. */
struct line_view *hold(struct fixture *f);
void let(struct fixture *f);

/* Of len octets, with the next tag. */
TSS2_RC transmit_len(struct fixture *f, TSS2_TCTI_CONTEXT *context,
    size_t len);
TSS2_RC transmit(struct fixture *f);
/* A response that fits the last command, or the failure. */
TSS2_RC receive_on(struct fixture *f, TSS2_TCTI_CONTEXT *context,
    int32_t timeout);
TSS2_RC receive(struct fixture *f, int32_t timeout);
TSS2_RC exchange(struct fixture *f);
void works(struct fixture *f);

/* The exchange must fail with rc, in one line that holds part. */
void receive_fails(struct fixture *f, TSS2_RC rc, const char *part);
void transmit_fails(struct fixture *f, TSS2_RC rc, const char *part);

/* Until the chip has started so many commands; 10 s at most. */
void wait_started(struct fixture *f, unsigned n);

/* Each command that was started so far was so once; how many. */
unsigned started(struct fixture *f);

#define UART_TEST(t) \
    cmocka_unit_test_setup_teardown(t, uart_setup, uart_teardown)

#endif
