/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCTI_SCU_OPTIONS_H
#define TCTI_SCU_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_common.h>

struct link_type;

/*
 * What a configuration string says. Its form is LINK[:ITEM[,ITEM...]], an
 * item being key=value, the name of a flag, or, where the link has a main
 * key (link_type.main_key), that key's value alone as the first item. Values
 * cannot hold a comma. Each link has its table of keys.
 */
struct options {
    const struct link_type *type;
    const char *path;    /* device node or UNIX socket */
    const char *ctrl;    /* UNIX socket of the control channel */
    const char *host;
    uint32_t port;
    uint32_t ctrl_port;  /* 0: port + 1 */
    const char *dir;     /* of the simulator */
    const char *lock;    /* file of the exchange lock */
    const char *trace;   /* pattern of the trace file's name */
    uint32_t timeout_ms; /* how long to wait for others who use the chip */
    uint32_t locality;
    uint32_t startup;    /* enum option_startup */
    uint32_t retries;    /* of what can be repeated, before it is a failure */
    bool exclusive;
    uint32_t hz;         /* of SPI; 0: what the node has */
    uint32_t mode;       /* of SPI */
    uint32_t address;    /* on I2C, 7 bits */
    uint32_t chunk;      /* octets of one transfer on I2C */
    uint32_t baud;       /* of a UART */
    bool rtscts;
    uint32_t quirks;     /* bits, see quirks.h */
    const char *cs_gpio; /* GPIO lines, CHIP:NUMBER */
    const char *reset;
    const char *irq;
    char *text;          /* what the strings above point into */
};

enum option_kind {
    OPTION_STRING,
    OPTION_NUMBER,
    OPTION_FLAG,
    OPTION_CHOICE, /* a number: the place among the words */
    OPTION_SET,    /* bits: such places, of words joined by + */
};

/* Who sends TPM2_Startup to a chip that has lost its power. */
enum option_startup {
    STARTUP_NEVER, /* not we: firmware or a driver does */
    STARTUP_IF_NEEDED,
};

/* One key of a link: its name, and where its value goes. */
struct option_key {
    const char *name;
    enum option_kind kind;
    size_t offset;
    uint32_t min;
    uint32_t max;
    const char *const *words; /* of a choice or set; ends with NULL */
};

extern const char *const option_startup_words[];

/* The keys that every link has, for the end of a link's table. */
#define OPTION_KEYS_SHARED \
    { .name = "timeout", .kind = OPTION_NUMBER, .min = 0, .max = 3600000, \
        .offset = offsetof(struct options, timeout_ms) }, \
    { .name = "locality", .kind = OPTION_NUMBER, .min = 0, .max = 4, \
        .offset = offsetof(struct options, locality) }, \
    { .name = "startup", .kind = OPTION_CHOICE, \
        .words = option_startup_words, \
        .offset = offsetof(struct options, startup) }, \
    { .name = "trace", .kind = OPTION_STRING, \
        .offset = offsetof(struct options, trace) }

#define OPTION_TIMEOUT_DEFAULT_MS 20000

/*
 * Reads a configuration string. TSS2_TCTI_RC_BAD_VALUE, with a log line that
 * names the item, for an unknown link or key and for a malformed value;
 * TSS2_TCTI_RC_MEMORY. options is to be freed only on success.
 */
TSS2_RC options_parse(const char *conf, struct options *options);

/* Frees what it points at; may be called again. */
void options_clear(struct options *options);

#endif
