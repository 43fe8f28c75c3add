/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_CHIP_H
#define CHIP_CHIP_H

#include "base/error.h"
#include "chip/crypto.h"
#include "chip/object.h"
#include "chip/pins.h"
#include "chip/session.h"
#include "chip/slots.h"
#include "chip/turn.h"
#include "deadline.h"

#include <pthread.h>
#include <scu/chip.h>
#include <stdatomic.h>
#include <tss2/tss2_sys.h>

/* Events of one operation; there is hardly ever more than one. */
#define CHIP_NEWS_MAX 4

struct scu_chip;
typedef void chip_work(struct scu_chip *chip, void *arg);

/*
 * The connection, as the groups above use it. An operation is a function that
 * chip_perform() calls with the mutex held, the link open and a session
 * ready. It prepares each command on chip->sys, runs it and completes it:
 *
 *     rc = chip_prepared(Tss2_Sys_Sign_Prepare(chip->sys, ...), "Sign");
 *     if (rc == SCU_OK) rc = chip_run(chip, &command);
 *     if (rc == SCU_OK) rc = chip_completed(Tss2_Sys_Sign_Complete(...));
 */
struct scu_chip {
    char *name;
    char *tcti;
    char *link_text; /* what scu.conf says of an empty "scu:"; or NULL */
    char *state;
    char *store; /* folder of the tokens' store */
    bool spare_token;
    bool auto_provision;

    /* Whose process this connection is: the pid, negative while that process
       rebuilds it. */
    atomic_int owner;
    pthread_mutex_t mutex;

    struct crypto *crypto;
    TSS2_TCTI_CONTEXT *link;
    TSS2_SYS_CONTEXT *sys;
    struct session session;
    bool faulty; /* the link failed within a command: to be opened anew */
    bool session_proven; /* a response HMAC of it has verified */
    TPM2_HANDLE stale_session; /* ours, out of step, to be flushed; or 0 */
    TPM2_HANDLE wanted; /* after SCU_E_SLOTS: the first handle of the kind of
                           slot that a command lacked; 0: not one of these */
    bool doubted; /* an authValue taken for empty was refused: either it is
                     not empty, or the session is not ours any more */

    bool committed; /* the operation is not to be repeated any more */
    bool touched;   /* the chip may have done a command of the operation */
    bool met;       /* the chip has answered this process */
    bool absent;    /* it was waited for in vain, and has not answered since */
    bool look;      /* something was lost: what became of it, its clock tells */
    bool knows_boot; /* whether it was looked at since the host was started */
    chip_work *work; /* of chip_meanwhile(), with work_arg; or NULL */
    void *work_arg;
    bool have_pins;
    struct pins pins;
    struct chip_object storage; /* the pinned storage key */

    struct scu_chip_info capabilities; /* what is fixed of it, read once */

    struct chip_object *loaded; /* list of what may be in the chip */
    uint64_t tick;
    struct turn turn; /* with the other processes at this chip */

    scu_event_handler *handler;
    void *handler_user;
    size_t news; /* of this operation, for the handler */
    struct scu_chip_event event[CHIP_NEWS_MAX];

    struct scu_chip *next; /* in the list of goodbye.c, under its mutex */
};

/* The authorisation of one handle of a command. */
struct chip_auth {
    const struct secret *value; /* its authValue; NULL: empty */
    struct session *session;    /* NULL: the chip's own HMAC session */
    bool password;              /* no session: empty password in the clear;
                                   for entities without an authValue only */
    bool last;                  /* the session ends with the command, where
                                   that succeeds (continueSession clear) */
};

/* What chip_run() needs besides the prepared parameters. */
struct chip_command {
    TPM2_CC code;
    size_t handles; /* in the handle area; with their Names */
    const TPM2B_NAME *names[3];
    size_t auths;   /* how many of them need authorisation; with none the
                       chip's session goes along for audit and encryption */
    struct chip_auth auth[2];
    bool companion; /* after a policy session that authorises: the chip's
                       session goes along, to encrypt */
    bool clear;     /* no session at all: for the commands that take none and
                       for a chip without pins */
    const struct secret *new_auth; /* the first handle's authValue that
                                      already covers the response */
};

typedef int chip_operation(struct scu_chip *chip, void *arg);

enum chip_flags {
    CHIP_REPEATABLE = 1, /* doing it, or a part of it, twice does no harm;
                            without it an old session is tried out before */
    CHIP_BARE = 2,       /* wants the link, but no session */
    CHIP_OFFLINE = 4,    /* wants chip->crypto only: no link, no command */
    CHIP_LOOK = 8,       /* makes and changes nothing: waits for no turn */
};

/*
 * Runs an operation with exclusive use of the chip, also among the processes
 * that use libscu (turn.h; SCU_E_BUSY where one keeps its turn too long). What
 * a fault of the link, a reset of the chip or another program took away
 * (session, loaded keys) is made anew, and the operation is then tried again,
 * as recover.h says.
 */
int chip_perform(struct scu_chip *chip, unsigned flags,
    chip_operation *operation, void *arg);

/*
 * Within a repeatable operation: what follows does harm when it is done twice
 * (a PIN that is tried counts), so from here on it is not repeated.
 */
void chip_commit(struct scu_chip *chip);

/*
 * Within an operation: the host's own work for the time in which the chip
 * executes the next command; it is done once, whatever becomes of the command,
 * and where no command follows, not at all. It takes chip->crypto, and leaves
 * the link and the session alone.
 */
void chip_meanwhile(struct scu_chip *chip, chip_work *work, void *arg);

/*
 * Gives an object up, before its memory is freed: flushes it where it is in
 * the chip and the link works, and forgets it in any case. From outside of
 * operations; any thread.
 */
void chip_release(struct scu_chip *chip, struct chip_object *object);

/*
 * Flushes what this process has in the chip, for the end of the process: the
 * parent's is left alone, and a command of another thread is waited for only
 * for a moment. What is used afterwards is loaded anew.
 */
void chip_empty_in_time(struct scu_chip *chip);

/* A code of Tss2_Sys_*_Prepare or _Complete as an error, noted. */
int chip_prepared(TSS2_RC rc, TPM2_CC code);
int chip_completed(TSS2_RC rc, TPM2_CC code);

/*
 * Runs the prepared command: encrypts its first parameter, authorises, sends,
 * verifies the response's HMAC, decrypts. Nothing of the response may be
 * completed unless this returned SCU_OK.
 */
int chip_run(struct scu_chip *chip, const struct chip_command *command);

/*
 * Starts a session salted to a key in the chip (handle and its public area as
 * known to be true). TPM2_StartAuthSession. Prepared commands are lost.
 */
int chip_session_start(struct scu_chip *chip, TPM2_SE type,
    TPM2_HANDLE salt_handle, const TPMT_PUBLIC *salt_key,
    struct session *session);

/*
 * Proves that the chip's session encrypts as it was asked to: reads the public
 * area of the pinned storage key. A prepared command stays as it is. Not needed
 * where a Name came through the session, encrypted, and was the right one.
 */
int chip_prove_cipher(struct scu_chip *chip);

/* TPM2_FlushContext of a session; it is cleared in any case. */
void chip_session_end(struct scu_chip *chip, struct session *session);

/* TPM2_FlushContext of any handle. */
int chip_flush(struct scu_chip *chip, TPM2_HANDLE handle);

/*
 * TPM2_ReadPublic; the Name is computed here from the public area and must
 * match the chip's. With clear set it is hearsay. SCU_E_NOT_FOUND where
 * nothing has the handle.
 */
int chip_read_public(struct scu_chip *chip, TPM2_HANDLE handle, bool clear,
    TPM2B_PUBLIC *public, TPM2B_NAME *name);

/*
 * TPM2_CreatePrimary without sensitive data. In: hierarchy, its authorisation
 * and the template. Out: a transient handle that the caller flushes, the
 * public area, and the Name, computed here.
 */
struct chip_primary {
    TPMI_RH_HIERARCHY hierarchy;
    struct chip_auth auth;
    const TPM2B_PUBLIC *template;
    TPM2_HANDLE handle;
    TPM2B_PUBLIC public;
    TPM2B_NAME name;
};
int chip_create_primary(struct scu_chip *chip, struct chip_primary *primary);

/* TPM2_GetCapability, one property page. */
int chip_capability(struct scu_chip *chip, bool clear, TPM2_CAP capability,
    uint32_t property, uint32_t count, TPMS_CAPABILITY_DATA *data);

/* Who is told of events when an operation has ended; NULL: nobody. */
void chip_set_handler(struct scu_chip *chip, scu_event_handler *handler,
    void *user);

/* Reads or reads anew the pin file of the chip's state folder. */
int chip_load_pins(struct scu_chip *chip);

/* What tss2 calls TPM2_TRANSIENT_FIRST; there an int is shifted out of range. */
#define CHIP_TRANSIENT_FIRST ((TPM2_HANDLE)TPM2_HT_TRANSIENT << TPM2_HR_SHIFT)
#define CHIP_PERSISTENT_FIRST                                                 \
    ((TPM2_HANDLE)TPM2_HT_PERSISTENT << TPM2_HR_SHIFT)

/* The Name of a permanent or session handle: the handle itself. */
void chip_handle_name(TPM2_HANDLE handle, TPM2B_NAME *name);

#endif
