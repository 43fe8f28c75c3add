/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_SLOT_H
#define PKCS11_SLOT_H

#include "attrs.h"
#include "p11.h"

/*
 * The chip's counters of wrong PINs, as they were read last. Programs ask for
 * a token's flags several times in a row, which would each time cost several
 * commands: they are good for a second, and not beyond a PIN of this process.
 */
struct p11_pins {
    struct scu_pin_status status;
    int64_t until;   /* milliseconds of the monotonic clock */
    unsigned events; /* PINs that were tried or set */
};

/*
 * Slots
 * -----
 * One for each token of the store, numbered as they came, and an empty one
 * behind them where there is no token or scu.conf says "spare-token = yes". It
 * reports a token that is not initialised: C_InitToken makes it one, and a
 * session on it works, for programs that open every slot.
 *
 * A slot stays where it is until C_Finalize, so that a pointer to it may be
 * kept without the module's mutex. What it holds is under the mutex.
 */
struct p11_slot {
    CK_SLOT_ID id;
    struct scu_token *token; /* NULL: empty */
    bool listed;             /* false: its token is gone */
    bool settling;           /* somebody logs in or out */
    bool in;                 /* somebody is: user. libscu knows it, too, but
                                answers when the chip is done */
    enum scu_user user;
    struct scu_token_info info;
    struct p11_pins pins;
    struct p11_slot *next;
};

#define P11_MANUFACTURER ATTR_MANUFACTURER
#define P11_MODEL ATTR_MODEL

/*
 * p11_enter() and the slot of that number. Nothing is locked where it is not
 * CKR_OK: CKR_SLOT_ID_INVALID, or that the store could not be read.
 */
CK_RV p11_slot_enter(CK_SLOT_ID id, struct p11_slot **slot);

/*
 * The same, also for a slot whose token is gone, and alone: waits until no
 * other thread logs in or out there, and keeps others from it until
 * p11_slot_settled(), which is called without the mutex.
 */
CK_RV p11_slot_enter_alone(CK_SLOT_ID id, struct p11_slot **slot);
void p11_slot_settled(struct p11_slot *slot);

/* Looks what tokens the store has now; then as p11_enter(). */
CK_RV p11_slots_read_and_enter(const char *function);

/* A token that was made in an empty slot moves in, unless another was. */
void p11_slot_move_in(struct p11_slot *slot, struct scu_token *token);

/* A reference to the slot's token, CKR_TOKEN_NOT_PRESENT for an empty one. */
CK_RV p11_slot_token(const struct p11_slot *slot, struct scu_token **token);

/* Whether the user, or the SO, is logged in. */
bool p11_slot_logged_in(const struct p11_slot *slot, enum scu_user user);

/* Notes a login; for its maker, without the mutex. */
void p11_slot_log_in(struct p11_slot *slot, enum scu_user user);

/*
 * Notes that nobody is logged in any more. A reference to the token, to be
 * logged out by scu_token_logout() without the mutex, NULL where there is
 * none.
 */
struct scu_token *p11_slot_log_out(struct p11_slot *slot);

/* A PIN of the slot's token was tried or set; for callers without the mutex. */
void p11_slot_pin_used(struct p11_slot *slot);

void p11_slots_clear(void);

#endif
