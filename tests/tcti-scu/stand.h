/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_SCU_STAND_H
#define TESTS_TCTI_SCU_STAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tcti.h>

/*
 * A chip at the far end of each kind of link, with the same handles whatever
 * the link is, for tests of what must hold on all of them. The library is
 * loaded as programs load it, and unloaded with the stand.
 *
 *   device      a pty plays the node, a thread the kernel's driver
 *   spi, i2c    the model of a chip's registers, behind real ioctl(2) calls
 *   uart        the connector, behind a line
 *   swtpm, sim  a thread plays swtpm and its control channel
 */
#define CHIP_COMMAND 14 /* header and tag: the shortest command and response */
#define CHIP_LONGEST 4096

/* The chip itself: each command has a tag, which its response shows. */
struct chip {
    /* What a test sets, between stand_hold() and stand_let(): */
    int64_t takes_us; /* -1: until it is cancelled */
    size_t size;      /* octets of a response */
    bool lies;        /* its header says another size: */
    uint32_t said;
    /* What it saw: */
    unsigned executed, canceled, twice;
    int locality;     /* of the last command; -1: the link has none */
    bool running;

    uint32_t tag;     /* of the last command */
    int64_t until_us;
};

struct stand;

struct stand_kind {
    const char *name;
    size_t longest; /* message that this stand can carry as a whole */
    /* With the folder dir: a chip, plugged in; sets conf. */
    void (*up)(struct stand *stand);
    void (*down)(struct stand *stand);
    void (*lock)(struct stand *stand);
    void (*unlock)(struct stand *stand);
    /* The chip, with its node or socket, goes and comes back. */
    void (*unplug)(struct stand *stand);
    void (*plug)(struct stand *stand);
    /* It loses its power, at once or in its next command, and has it again. */
    void (*reset)(struct stand *stand);
    /* Whether the host has a locality at this moment, under the lock. */
    bool (*has_locality)(struct stand *stand);
};

struct stand {
    const struct stand_kind *kind;
    struct chip chip;
    char dir[32];
    char conf[128];
    void *own; /* the kind's */
    void *library;
    TSS2_TCTI_INIT_FUNC init;
    TSS2_TCTI_CONTEXT *context;
    uint32_t tag; /* of the last command sent */
};

extern const struct stand_kind stand_device, stand_spi, stand_i2c, stand_uart,
    stand_swtpm, stand_sim;
extern const struct stand_kind *const stand_kinds[];
extern const size_t n_stand_kinds;

/* Without a context. Fails the test where it cannot be made. */
struct stand *stand_new(const struct stand_kind *kind);
/* Takes NULL. Fails the test where a command was executed twice. */
void stand_free(struct stand **stand);

/* dlopen(3) and dlclose(3) of the library; a new stand has it loaded. */
void stand_load(struct stand *stand);
void stand_unload(struct stand *stand);

/* A context; more is added to the configuration. NULL where that fails. */
TSS2_RC stand_open(struct stand *stand, const char *more,
    TSS2_TCTI_CONTEXT **context);
void stand_close(TSS2_TCTI_CONTEXT **context);
/* The stand's own, which must succeed. */
void stand_start(struct stand *stand);

/* The chip stands still meanwhile. */
struct chip *stand_hold(struct stand *stand);
void stand_let(struct stand *stand);
/* How long the commands to come take. */
void stand_takes(struct stand *stand, int64_t us);
/* Until the chip has begun so many commands; 10 s at most. */
void stand_wait_executed(struct stand *stand, unsigned n);

/* With the next tag; a response must fit it, or it is the failure's code. */
TSS2_RC stand_transmit_len(struct stand *stand, TSS2_TCTI_CONTEXT *context,
    size_t len);
TSS2_RC stand_transmit(struct stand *stand);
TSS2_RC stand_receive_on(struct stand *stand, TSS2_TCTI_CONTEXT *context,
    int32_t timeout);
TSS2_RC stand_receive(struct stand *stand, int32_t timeout);
TSS2_RC stand_exchange(struct stand *stand);
void stand_works(struct stand *stand);

/* For the kinds: a command comes, a response goes, at most max octets. */
int64_t chip_now_us(void);
void chip_execute(struct chip *chip, int locality, const uint8_t *command,
    size_t len);
bool chip_is_done(const struct chip *chip);
size_t chip_answer(struct chip *chip, uint8_t *response, size_t max);
/* The response is that it was cancelled. */
size_t chip_cancel(struct chip *chip, uint8_t *response);

#endif
