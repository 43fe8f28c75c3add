/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_FIFO_FIXTURE_H
#define TESTS_TCTI_FIFO_FIXTURE_H

#include "model.h"

#include <tss2/tss2_tcti.h>

/*
 * The links to bare chips on a model of the chip's registers. Each test runs
 * on SPI and on I2C; what one of them lacks is told apart by row->i2c.
 */
struct row {
    const char *conf; /* up to the lock file's name */
    bool i2c;
};

struct fixture {
    const struct row *row;
    struct model model;
    char lock[64];
    char conf[128];
    TSS2_TCTI_CONTEXT *context;
    /* What the chip answers: size octets, of which the header says said. */
    size_t size;
    uint32_t said;
    uint32_t code; /* of its answers */
    const struct model_knobs *then; /* from the start of a command on */
    uint8_t last; /* octet of the last command that it executed */
};

/* Any command, with an octet at its end to tell it by. */
#define COMMAND_LEN 200

extern const struct row rows_spi, rows_i2c;

/* The state is a row first, then the fixture: a chip, no context yet. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* More items for the configuration of the context. */
void with_items(struct fixture *f, const char *items);

/* The context; NULL where that fails. */
TSS2_RC init(struct fixture *f);
void end(struct fixture *f);

TSS2_RC transmit(struct fixture *f, uint8_t last);
/* A command and its response, which is checked. */
TSS2_RC exchange(struct fixture *f, uint8_t last);
/* An exchange that must go well; start() makes the context first. */
void works(struct fixture *f);
void start(struct fixture *f);

/* Rows of a test table. */
#define ON(TEST, ROW) \
    { #TEST "__" #ROW, TEST, fixture_setup, fixture_teardown, \
        (void *)(uintptr_t)&rows_##ROW }
#define BOTH(TEST) ON(TEST, spi), ON(TEST, i2c)

#endif
