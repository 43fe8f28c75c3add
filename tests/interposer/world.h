/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_INTERPOSER_WORLD_H
#define TESTS_INTERPOSER_WORLD_H

#include "attack.h"
#include "victim.h"

#include "tests/lib/swtpm.h"

/*
 * Two chips, what is known of them, and the folder of a victim's files; all of
 * it can be set back to how it was.
 */
struct saved {
    uint8_t *nv;      /* swtpm's file */
    size_t nv_len;
    char folder[320]; /* copies of the state folder's files */
};

struct world {
    struct sim *sim, *other_sim;
    struct wire chip, other;
    char bus[320];          /* where victims find the chip */
    char tcti[400];
    char state[320], keys[320];
    struct saved fresh, ready;
    const struct saved *now; /* which one stands there */
    uint64_t stamp;          /* of the files, as they were set back */
    struct shared *shared;
    int listen;
};

/* NULL after a line on standard error. */
struct world *world_new(void);
void world_free(struct world **world);

/* As saved, whatever happened; quickly where nothing did. False: fatal. */
bool world_set_back(struct world *world, const struct saved *saved);
/* Takes the present as a state to come back to. */
bool world_save(struct world *world, const char *name, struct saved *saved);
/* The chip loses its power for a moment. */
void world_power_cut(void *world);

/* A victim of this world, for a child process. */
void world_victim(struct world *world, struct victim *victim);

/* --- bus.c ------------------------------------------------------------------ */

struct bus_run {
    struct world *world;
    struct attack *attack;      /* NULL: all passes */
    struct transcript *record;  /* of the attacked phase */
    size_t count;
    bool hit;                   /* the case was done */
    struct frame delivered;     /* what the victim got then */
    struct frame asked;         /* what the victim had sent */
    bool again;                 /* that command came again later */
    bool left;                  /* the attacker's things are gone */
};

/*
 * Serves one victim until its end of the pipe is closed. False where that did
 * not happen in time: it hangs.
 */
bool bus_serve(struct bus_run *run, int pipe, int timeout_s);

#endif
