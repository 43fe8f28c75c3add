/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_INTERPOSER_ATTACK_H
#define TESTS_INTERPOSER_ATTACK_H

#include "wire.h"

/*
 * What somebody on the bus does
 * -----------------------------
 * A kind of attack has so many variants at an exchange of the bus. A case is
 * one variant at one exchange of one scene; it is done once, the rest of the
 * traffic passes.
 */

/* What the victim gets to see of an exchange. */
enum fate {
    FATE_ANSWER, /* the response as it stands */
    FATE_CLOSE,  /* ... and then the connection is closed */
    FATE_SILENT, /* ... and nothing more comes */
};

/* An exchange as the victim saw it. */
struct exchange {
    uint32_t code;
    struct frame command, response;
};

#define EXCHANGES_MAX 256

struct transcript {
    size_t n;
    struct exchange *x; /* EXCHANGES_MAX */
};

/* Keys of the attacker's own, made when first wanted. */
struct loot {
    uint32_t signing, storage; /* handles; 0: not there */
    uint8_t signing_point[64], storage_point[64];
    struct frame blob; /* private and public of a child of 0x81000001 */
};

struct attack {
    const struct attack_kind *kind;
    size_t nth, variant;
    struct wire *chip;       /* the one that the victim talks to */
    struct wire *other;      /* another one */
    const struct transcript *before; /* the same scene, unharmed, earlier */
    struct transcript *now;  /* what passed in this scene so far */
    struct loot loot;
    struct frame held;       /* a command that is kept back */
    void (*power_cut)(void *user);
    void *user;
    const char *won;         /* the attacker got what he must not have */
    bool harmless;           /* what he made up is, octet by octet, the truth */
};

/*
 * Carries a command out as it likes and leaves in *response what the victim is
 * to get.
 */
typedef enum fate attack_function(struct attack *a, struct frame *command,
    struct frame *response);

enum attack_flags {
    /* The chip's answer is altered: a protected one that the victim takes
       without asking again is a wrong result whatever comes of it. */
    ATTACK_ANSWER = 1,
    /* The victim will wait for a slot: its time is made short. */
    ATTACK_SLOW = 2,
    /* It would be the only chip that a first provisioning ever saw. */
    ATTACK_NOT_FIRST = 4,
    /* Objects and sessions stay in the chip that no victim knows. */
    ATTACK_LITTER = 8,
};

struct attack_kind {
    const char *name;
    unsigned flags;
    /* How many there are at the nth exchange of an unharmed transcript. */
    size_t (*variants)(const struct transcript *t, size_t nth);
    attack_function *run;
    attack_function *later; /* all exchanges behind it; NULL: they pass */
};

extern const struct attack_kind *const attack_kinds[];
extern const size_t attack_kinds_n;

/* Passes it on; an answer that does not come is FATE_SILENT. */
enum fate attack_pass(struct attack *a, struct frame *command,
    struct frame *response);

/* Of kinds-keys.c: what the attacker has in the chip. False on failure. */
bool loot_signing(struct attack *a);
bool loot_storage(struct attack *a);
bool loot_blob(struct attack *a);
/* A response of TPM2_Create, made by him: its parameters. */
bool loot_create(struct attack *a, struct frame *response);
/* A session that he started, without salt; 0 on failure. */
uint32_t loot_session(struct attack *a, struct frame *response);

/* The kinds, by file. */
extern const struct attack_kind kind_flip_command, kind_flip_response,
    kind_truncate_command, kind_truncate_response, kind_drop, kind_silence,
    kind_duplicate, kind_replay_command, kind_replay_response, kind_reorder,
    kind_error;
extern const struct attack_kind kind_forge, kind_forge_random,
    kind_forge_pcr_read, kind_forge_pcr_extend, kind_forge_capability,
    kind_hijack;
extern const struct attack_kind kind_session, kind_substitute,
    kind_other_chip, kind_inject;

#endif
