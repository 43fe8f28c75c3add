/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_LIB_FAULTS_H
#define TESTS_LIB_FAULTS_H

#include "swtpm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A chip and a bus to which things happen
 * ---------------------------------------
 * A proxy in a thread of its own before a simulated chip, which does on demand
 * what chips, boards, cables and other programs do: at the next command of a
 * certain name, in the middle of whatever the code under test is doing.
 */
struct faults;

/* What happens to the chip itself, all that the flags say. */
enum fault_event {
    FAULT_FLUSH_OBJECTS = 1,  /* another program flushes all objects */
    FAULT_FLUSH_SESSIONS = 2, /* ... all sessions */
    FAULT_POWER_CUT = 4,      /* no goodbye; then TPM2_Startup(CLEAR) */
    FAULT_ORDERLY = 8,        /* Shutdown(CLEAR), power off, Startup(CLEAR) */
    FAULT_RESUME = 16,        /* Shutdown(STATE), power off, Startup(STATE) */
    FAULT_OFF = 32,           /* a power cut, and nobody starts the chip before
                                 it has refused some commands ("times") */
    FAULT_OFF_FOR_GOOD = 64,  /* a power cut, and nobody starts it at all */
    FAULT_KILL = 128,         /* the simulator is killed and started again */
};

struct fault {
    const char *name;
    const char *at;       /* the command at which it happens: "Sign" */
    unsigned events;      /* enum fault_event */
    bool after;           /* when the chip has done it, and the answer is lost;
                             otherwise before the chip gets it */
    bool lose;            /* the command is lost, and the connection with it */
    const char *refuse;   /* from then on this command is refused ... */
    uint32_t rc;          /* ... with this code ... */
    unsigned times;       /* ... so often */
    int unplugged_ms;     /* for so long all connections break */
    int gone_ms;          /* for so long there is nothing to connect to */
};

/* Each kind, at TPM2_Sign; a program that signs must not notice. */
extern const struct fault fault_rows[];
extern const size_t fault_row_count;

/* Fails by NULL. tcti: "scu:swtpm:path=...", 300 octets; sim is borrowed. */
struct faults *faults_new(struct sim *sim, char *tcti);

/* fault is borrowed until it is over. */
void faults_arm(struct faults *faults, const struct fault *fault);

/* Whether it has happened. */
bool faults_happened(struct faults *faults);

/* How often a command came, and how often the chip executed it. */
unsigned faults_sent(struct faults *faults, const char *command);
unsigned faults_executed(struct faults *faults, const char *command);
/* All commands that came. */
unsigned faults_all(struct faults *faults);

/* At once; the events of a fault, without a command. */
void faults_now(struct faults *faults, unsigned events);

/* Takes NULL, nulls the pointer. */
void faults_free(struct faults **faults);

#endif
