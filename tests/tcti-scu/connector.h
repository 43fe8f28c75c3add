/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_TCTI_CONNECTOR_H
#define TESTS_TCTI_CONNECTOR_H

#include "wire.h"

/*
 * The chip's end of the link on a UART: what the firmware of a connector would
 * be, written from docs/uart-link.md alone. It has no thread and no clock: it
 * is given octets and the time, and calls what it was given.
 */
struct connector_tpm {
    /* Begins to execute a command; only when the one before is done. */
    void (*start)(void *user, uint8_t locality, const uint8_t *command,
        size_t len);
    /* Octets of the response once it is there, 0 until then. */
    size_t (*done)(void *user, uint8_t *response, size_t max);
    /* Asks to cancel what executes. */
    void (*cancel)(void *user);
};

enum connector_state {
    CONNECTOR_IDLE,
    CONNECTOR_QUEUED,    /* taken; the TPM is busy with one that was ended */
    CONNECTOR_EXECUTING,
};

struct connector_counts {
    unsigned frames; /* of which none was damaged */
    unsigned hellos, commands, polls, cancels;
    unsigned taken;
    unsigned started; /* commands that the TPM got */
    unsigned unknowns;
    unsigned changes; /* of the epoch */
};

struct connector {
    const struct connector_tpm *tpm;
    void *user;
    void (*send)(void *line, const uint8_t *octets, size_t len);
    void *line;
    /* Sees each frame first; true: the table is not asked. */
    bool (*hook)(void *user, struct connector *connector,
        const struct wire_frame *frame);
    void *hook_user;
    int64_t working_ms; /* between frames WORKING of its own; 0: 200 */
    uint16_t longest;   /* message that it takes; 0: 4096 */

    /* What the page says that it keeps. */
    uint64_t epoch;
    bool has_epoch;
    uint16_t last;
    bool has_last; /* a command came in this epoch */
    enum connector_state state;
    uint8_t response[WIRE_MESSAGE];
    size_t response_len;

    bool ending;  /* the TPM is busy with a command that was ended */
    uint8_t command[WIRE_PAYLOAD]; /* with its locality */
    size_t command_len;
    int64_t next_working;
    struct wire_collector collector;
    struct wire_frame frame; /* the last one that came */
    struct connector_counts counts;
};

/* As after power-on; the counts, and what was set, stay. */
void connector_restart(struct connector *connector);

/* What came over the line; now in ms of any clock that does not go back. */
void connector_take(struct connector *connector, const uint8_t *octets,
    size_t len, int64_t now);

/* To be called often while connector_busy(). */
void connector_tick(struct connector *connector, int64_t now);
bool connector_busy(const struct connector *connector);

/* Any frame, for hooks; of the epoch and number of the one that came. */
void connector_say(struct connector *connector, uint8_t type,
    const uint8_t *payload, size_t len);

#endif
