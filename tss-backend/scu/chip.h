/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_CHIP_H
#define SCU_CHIP_H

#include <scu/api.h>
#include <scu/error.h>

/*
 * A connection to a chip
 * ----------------------
 * A struct scu_chip is a chip as one program sees it. Opening costs nothing:
 * the link is opened by the first operation that needs the chip. From then on
 * every command goes through a salted HMAC session with parameter encryption
 * (TPM 2.0 Part 1, 19 "Authorizations and Acknowledgments"); the salt goes to
 * the storage key that `scu provision` pinned, so a chip that does not own
 * that key, or somebody who alters the bus, is found out by the first answer.
 *
 * Threads: all functions may be called from any thread; the operations on one
 * chip are serialised. Forks: after fork(2) the child's first call builds a
 * connection of its own and leaves the parent's sessions and keys alone. At
 * exit(3) what the process still has in the chip is flushed.
 */
struct scu_chip;

/* Where and what, all optional: NULL stands for the configured value. */
struct scu_chip_options {
    const char *name;  /* section of scu.conf; NULL: "default" */
    const char *tcti;  /* any tctildr string; NULL: SCU_TCTI, else scu.conf */
    const char *state; /* folder of the pins; NULL: SCU_STATE, else scu.conf,
                          else the user's or the system's (scu.conf(5)) */
};

/*
 * Names a chip. Sends no command, opens no link, but reads configuration.
 * options may be NULL. The caller frees *chip by scu_chip_free().
 * SCU_E_CONF, SCU_E_MEMORY.
 */
SCU_API SCU_MUST_CHECK int scu_chip_open(
    const struct scu_chip_options *options, struct scu_chip **chip);

/*
 * Flushes what this process still has in the chip (one FlushContext for each
 * key and session), closes the link and frees. In a forked child nothing of
 * the parent's is flushed. Keys must have been freed before. Takes NULL, sets
 * the caller's pointer to NULL.
 */
SCU_API void scu_chip_free(struct scu_chip **chip);

/* The tctildr string in use; lives as long as chip. */
SCU_API const char *scu_chip_tcti(const struct scu_chip *chip);

/* The folder of the pins in use; lives as long as chip. */
SCU_API const char *scu_chip_state(const struct scu_chip *chip);

/* Whether scu.conf wants an empty slot besides the tokens ("spare-token"). */
SCU_API bool scu_chip_spare_token(const struct scu_chip *chip);

/*
 * len random octets from the chip, mixed by nothing, authenticated and
 * encrypted on the bus. TPM2_GetRandom, once per 32 octets or less (as many
 * as the chip gives at a time).
 */
SCU_API SCU_MUST_CHECK int scu_chip_random(struct scu_chip *chip,
    uint8_t *data, size_t len);

/*
 * Tells the chip that power will go: TPM2_Shutdown(CLEAR), after flushing
 * what this process has in it.
 */
SCU_API SCU_MUST_CHECK int scu_chip_shutdown(struct scu_chip *chip);

/* What a chip says of itself. Text is terminated. */
struct scu_chip_info {
    bool provisioned;          /* there is a pin file for it */
    bool authentic;            /* what follows came through a session with
                                  the pinned key; else it is hearsay */
    char manufacturer[5];
    char vendor[17];
    char family[5];
    uint32_t level, revision;  /* TPM specification */
    uint64_t firmware;
    uint32_t object_slots, session_slots; /* transient */
    uint32_t objects_loaded, sessions_loaded;
    uint32_t persistent_used, persistent_free;
    uint32_t nv_indices;
    bool owner_auth_set, endorsement_auth_set, lockout_auth_set;
    bool in_lockout;
    uint32_t lockout_counter, lockout_max;
    /* Of RSA sizes a chip can only be asked one by one, and no chip signs a
       no: false may also be the word of somebody on the bus. */
    bool p256, p384, p521, rsa2048, rsa3072, rsa4096;
    bool sha1, sha256, sha384, sha512;
    uint64_t clock_ms;         /* TPMS_CLOCK_INFO */
    uint32_t reset_count, restart_count;
    bool clock_safe;
};

/*
 * Reads the above. On a provisioned chip through the session, otherwise in
 * the clear. What is fixed of a chip is read once per struct scu_chip, through
 * the session, and kept. Some twelve commands, then some four: TPM2_
 * GetCapability, TPM2_ReadClock, TPM2_TestParms.
 */
SCU_API SCU_MUST_CHECK int scu_chip_info(struct scu_chip *chip,
    struct scu_chip_info *info);

/*
 * What happened to the chip
 * -------------------------
 * The chip counts its resets, and tells by its clock whether its power was
 * cut. libscu looks at them, authenticated, when it lost something in the chip,
 * at the first use after the host was started, in scu_chip_info() and
 * scu_quote(), and keeps a record of what changed (file "resets" of the state
 * folder). A reset is an event, not a failure: the operation goes on.
 */
enum scu_event_kind {
    SCU_EVENT_NONE = 0,
    SCU_EVENT_ORDERLY,   /* reset after TPM2_Shutdown; or a power cut that was
                            noticed only when the clock was safe again */
    SCU_EVENT_POWER_CUT, /* reset without it */
    SCU_EVENT_RESUME,    /* went on with the state that it had saved */
    SCU_EVENT_CLEAR,     /* cleared or exchanged, and provisioned anew */
    SCU_EVENT_REPLAY,    /* went backwards: its memory was set back to an
                            earlier state, or its answers are repeated */
};

/* TPMS_CLOCK_INFO */
struct scu_clock {
    uint64_t ms;               /* of power in the chip's life */
    uint32_t resets, restarts;
    bool safe;                 /* it never said a later time */
};

struct scu_chip_event {
    enum scu_event_kind kind;
    int64_t time;              /* when it was noticed: the host's time,
                                  seconds since 1970 */
    struct scu_clock before, after;
};

/* So many are remembered. */
#define SCU_EVENTS_MAX 16

/* "power-cut" for SCU_EVENT_POWER_CUT, stable, for scripts; and a line for
 * people. Never NULL. */
SCU_API const char *scu_event_name(enum scu_event_kind kind);
SCU_API const char *scu_event_text(enum scu_event_kind kind);

/*
 * The latest max events, oldest first, from the record: no command. *n: how
 * many. None where there is no record, which includes chips that are not
 * provisioned here. SCU_E_FILE where the record is damaged.
 */
SCU_API SCU_MUST_CHECK int scu_chip_events(struct scu_chip *chip,
    struct scu_chip_event *events, size_t max, size_t *n);

/*
 * Has handler called for each event that an operation on this chip notices:
 * by the thread of the operation, when that has ended and before its function
 * returns. It may ask for information about the chip, but not use its keys,
 * tokens and objects, nor free it. Another call replaces it, NULL ends it.
 */
typedef void scu_event_handler(struct scu_chip *chip,
    const struct scu_chip_event *event, void *user);
SCU_API void scu_chip_on_event(struct scu_chip *chip,
    scu_event_handler *handler, void *user);

/*
 * Who shares the chip
 * -------------------
 * Processes that use libscu on a bare chip take turns and write down what they
 * have in its slots. Behind a resource manager each has slots of its own.
 */
#define SCU_HOLDINGS_MAX 64
#define SCU_PROGRAM_MAX 16

/* An object or session, and whose it is. */
struct scu_holding {
    bool session;
    bool registered;   /* by a process that uses libscu: what follows says
                          by which; otherwise it is another program's */
    bool alive;        /* the process */
    long pid;
    char program[SCU_PROGRAM_MAX];
    uint32_t handle;   /* 0: being made, or its process was killed then */
    bool loaded;       /* the chip says that it has it */
};

struct scu_chip_status {
    bool managed;      /* by a resource manager: there are no turns */
    bool turns;        /* they are taken */
    char why[128];     /* ... or why not */
    char file[256];    /* of the turns; empty where there is none */
    long holder;       /* pid of the process whose turn it is; 0: nobody's */
    char holder_program[SCU_PROGRAM_MAX];
    uint32_t object_slots, session_slots;
    uint32_t objects_loaded, sessions_loaded;
    size_t n;
    struct scu_holding holding[SCU_HOLDINGS_MAX];
    bool owner_auth_set, endorsement_auth_set, lockout_auth_set;
    bool in_lockout;
    uint32_t lockout_counter, lockout_max;
    uint32_t lockout_interval_s; /* in which one try comes back; 0: none */
    uint32_t lockout_recovery_s; /* after a wrong lockout authorisation */
};

/*
 * Looks at that without disturbing: waits for no turn, makes no session, takes
 * no slot. What the chip says is not authenticated. The part about turns is
 * filled also where the chip does not answer. Four times TPM2_GetCapability.
 */
SCU_API SCU_MUST_CHECK int scu_chip_status(struct scu_chip *chip,
    struct scu_chip_status *status);

#endif
