/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/chip.h"

#include "chip/clock.h"
#include "chip/command.h"
#include "chip/goodbye.h"
#include "chip/link.h"
#include "chip/recover.h"
#include "chip/settings.h"
#include "log.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

/* So long an ending process waits for a command of another thread, and for
 * its turn among processes. */
#define EXIT_WAIT_S 2

int
scu_chip_open(const struct scu_chip_options *options, struct scu_chip **chip)
{
    static const struct scu_chip_options none;
    struct scu_chip *c = calloc(1, sizeof(*c));
    int rc;

    *chip = NULL;
    if (c == NULL)
        return err_memory();
    (void)pthread_mutex_init(&c->mutex, NULL);
    atomic_init(&c->owner, (int)getpid());
    goodbye_add(c);
    rc = settings_resolve(options == NULL ? &none : options, c);
    if (rc != SCU_OK) {
        scu_chip_free(&c);
        return rc;
    }
    *chip = c;
    return SCU_OK;
}

static void
close_sys(struct scu_chip *chip)
{
    TSS2_SYS_CONTEXT *sys = chip->sys;

    chip->sys = NULL;
    chip->faulty = false;
    if (sys != NULL) {
        Tss2_Sys_Finalize(sys);
        /* The last answer, decrypted, is still in it. */
        explicit_bzero(sys, Tss2_Sys_GetContextSize(0));
    }
    free(sys);
}

static void
close_link(struct scu_chip *chip)
{
    TSS2_TCTI_CONTEXT *link = chip->link;

    close_sys(chip);
    chip->link = NULL;
    Tss2_TctiLdr_Finalize(&link);
}

/* Our own TCTI connects anew by itself when something failed. */
static void
close_faulty(struct scu_chip *chip)
{
    if (link_is_own(chip->tcti))
        close_sys(chip);
    else
        close_link(chip);
}

/*
 * In a child: sessions and loaded keys are the parent's. Another thread may
 * have been inside libcrypto at the fork, so its contexts are given up, not
 * freed. Our own TCTI sees the fork and only closes descriptors; others would
 * say goodbye to the chip or the daemon in the parent's name, so theirs is
 * given up too.
 */
static void
after_fork(struct scu_chip *chip)
{
    (void)pthread_mutex_init(&chip->mutex, NULL);
    chip->crypto = NULL;
    chip->work = NULL;
    if (!link_is_own(chip->tcti))
        chip->link = NULL;
    close_link(chip);
    session_clear(&chip->session);
    chip->stale_session = 0;
    chip_objects_forget(chip);
    turn_after_fork(chip);
}

static void
enter(struct scu_chip *chip)
{
    int self = (int)getpid();
    int owner = atomic_load(&chip->owner);

    while (owner != self) {
        /*
         * One of the child's threads rebuilds, the others wait. Not for a
         * thread of a parent that forked while it rebuilt: it is not here.
         */
        if (owner != -self &&
            atomic_compare_exchange_strong(&chip->owner, &owner, -self)) {
            after_fork(chip);
            atomic_store(&chip->owner, self);
            break;
        }
        (void)sched_yield();
        owner = atomic_load(&chip->owner);
    }
    (void)pthread_mutex_lock(&chip->mutex);
}

static void
leave(struct scu_chip *chip)
{
    turn_end(chip);
    (void)pthread_mutex_unlock(&chip->mutex);
}

/* With the mutex: an operation that needs the chip. */
static int
enter_turn(struct scu_chip *chip, unsigned flags)
{
    enter(chip);
    return (flags & (CHIP_OFFLINE | CHIP_LOOK)) != 0 ? SCU_OK :
        turn_begin(chip, TURN_WAIT_MS);
}

static int
open_sys(struct scu_chip *chip)
{
    TSS2_ABI_VERSION abi = TSS2_ABI_VERSION_CURRENT;
    size_t size = Tss2_Sys_GetContextSize(0);

    chip->sys = calloc(1, size);
    if (chip->sys == NULL)
        return err_memory();
    return err_tss(Tss2_Sys_Initialize(chip->sys, size, chip->link, &abi),
        "TPM library");
}

static int
ready_crypto(struct scu_chip *chip)
{
    if (chip->crypto == NULL && (chip->crypto = crypto_new()) == NULL)
        return err_set(SCU_E_INTERNAL, "libcrypto has no default provider");
    return SCU_OK;
}

static int
open_link(struct scu_chip *chip)
{
    int rc = ready_crypto(chip);

    if (rc != SCU_OK)
        return rc;
    if (chip->faulty)
        close_faulty(chip);
    if (chip->sys != NULL)
        return SCU_OK;
    if (chip->link == NULL &&
        (rc = link_load(chip->tcti, &chip->link)) != SCU_OK)
        return rc;
    goodbye_arrange();
    rc = open_sys(chip);
    if (rc != SCU_OK)
        close_link(chip);
    return rc;
}

int
chip_load_pins(struct scu_chip *chip)
{
    int rc = pins_read(chip->state, &chip->pins);

    chip->have_pins = false;
    if (rc != SCU_OK)
        return rc;
    chip->storage.handle = chip->pins.storage_handle;
    chip->storage.persistent = true;
    chip->storage.public = chip->pins.storage;
    rc = crypto_name(chip->crypto, &chip->pins.storage.publicArea,
        &chip->storage.name);
    chip->have_pins = rc == SCU_OK;
    return rc;
}

/* Both Names in hexadecimal, for who has to find out which chip this is. */
static int
other_chip(struct scu_chip *chip)
{
    char pinned[2 * sizeof(TPMU_NAME) + 1], found[2 * sizeof(TPMU_NAME) + 1];
    TPM2B_PUBLIC public;
    TPM2B_NAME name = { 0 };
    int rc;

    hex_encode(chip->storage.name.name, chip->storage.name.size, pinned);
    rc = chip_read_public(chip, chip->storage.handle, true, &public, &name);
    if (rc == SCU_E_NOT_FOUND)
        return err_set(SCU_E_OTHER_CHIP, "the chip has no key at 0x%08x; "
            "pinned is %s in %s: it was cleared, or this is another chip",
            chip->storage.handle, pinned, chip->state);
    if (rc != SCU_OK)
        return rc;
    hex_encode(name.name, name.size, found);
    if (strcmp(found, pinned) == 0)
        return err_set(SCU_E_TAMPERED, "the chip shows the pinned storage "
            "key but does not own it, or somebody alters the bus");
    return err_set(SCU_E_OTHER_CHIP, "another chip than the provisioned one: "
        "its storage key is %s, pinned is %s in %s", found, pinned,
        chip->state);
}

static int
ready_session(struct scu_chip *chip)
{
    int rc;

    if (!chip->have_pins && (rc = chip_load_pins(chip)) != SCU_OK)
        return rc;
    if (chip->session.handle != 0) {
        turn_touch(chip, chip->session.handle);
        return SCU_OK;
    }
    chip->session_proven = false;
    rc = chip_session_start(chip, TPM2_SE_HMAC, chip->storage.handle,
        &chip->storage.public.publicArea, &chip->session);
    /* No key there, or one that the salt does not fit: RSA, another curve. */
    return rc == SCU_E_NOT_FOUND || rc == SCU_E_CHIP || rc == SCU_E_ARG ?
        SCU_E_OTHER_CHIP : rc;
}

/* Any command through the session: SCU_OK where it is still ours. */
static int
try_session(struct scu_chip *chip)
{
    TPMS_CAPABILITY_DATA data;

    int rc = open_link(chip);

    if (rc != SCU_OK)
        return rc;
    if (chip->session.handle == 0)
        return SCU_E_LOST;
    return chip_capability(chip, false, TPM2_CAP_TPM_PROPERTIES,
        TPM2_PT_FAMILY_INDICATOR, 1, &data);
}

/*
 * A refused empty authValue was taken for a lost session. Where the session
 * is good, the authValue is wrong, and nothing is to be recovered.
 */
static int
settle_doubt(struct scu_chip *chip, int rc)
{
    if (!chip->doubted || (rc != SCU_E_LOST && rc != SCU_E_OTHER_CHIP))
        return rc;
    if (try_session(chip) != SCU_OK)
        return rc;
    return err_set(SCU_E_AUTH, "an authorisation that was taken for empty is "
        "set: that of the parent key or of the hierarchy");
}

/* That the chip knows it no more is as good; a fault of the link is not. */
static int
flush_stale(struct scu_chip *chip)
{
    TPM2_HANDLE stale = chip->stale_session;
    int rc = SCU_OK;

    chip->stale_session = 0;
    if (stale != 0)
        rc = chip_flush(chip, stale);
    if (!chip->faulty)
        return SCU_OK;
    chip->stale_session = stale;
    return rc;
}

static int
attempt(struct scu_chip *chip, unsigned flags, chip_operation *operation,
    void *arg)
{
    bool earlier;
    int rc;

    chip->doubted = false;
    chip->committed = false;
    chip->touched = false;
    chip->wanted = 0;
    if ((flags & CHIP_OFFLINE) != 0) {
        rc = ready_crypto(chip);
        return rc == SCU_OK ? operation(chip, arg) : rc;
    }
    rc = open_link(chip);
    /* Without a turn it may be another process' by now. */
    if (rc == SCU_OK && (flags & CHIP_LOOK) == 0)
        rc = flush_stale(chip);
    earlier = chip->session.handle != 0;
    if (rc == SCU_OK && (flags & CHIP_BARE) == 0)
        rc = ready_session(chip);
    if (rc == SCU_OK && (flags & CHIP_BARE) == 0)
        rc = clock_look_if_due(chip);
    /* What is lost by now is made anew before it begins. */
    if (rc == SCU_OK && (flags & (CHIP_BARE | CHIP_REPEATABLE)) == 0 &&
        earlier)
        rc = try_session(chip);
    chip->touched = false;
    if (rc == SCU_OK)
        rc = operation(chip, arg);
    if ((flags & CHIP_BARE) == 0)
        rc = settle_doubt(chip, rc);
    if (rc == SCU_E_OTHER_CHIP && chip->have_pins) {
        /* The session never worked: nothing of it is worth keeping. One of an
         * earlier operation may only be out of step; a new one will tell. */
        chip_session_end(chip, &chip->session);
        rc = !earlier ? other_chip(chip) : err_set(SCU_E_LOST, "the session "
            "with the chip was of no use any more: repeat the operation");
    }
    return rc;
}

/* Ends the turn, then tells who wants to know what happened to the chip. */
static void
leave_and_tell(struct scu_chip *chip)
{
    struct scu_chip_event event[CHIP_NEWS_MAX];
    scu_event_handler *handler = chip->handler;
    void *user = chip->handler_user;
    size_t n = chip->news;

    memcpy(event, chip->event, n * sizeof(event[0]));
    chip->news = 0;
    leave(chip);
    for (size_t i = 0; handler != NULL && i < n; i++)
        handler(chip, &event[i], user);
}

int
chip_perform(struct scu_chip *chip, unsigned flags, chip_operation *operation,
    void *arg)
{
    struct patience patience = { 0 };
    int rc = enter_turn(chip, flags);

    if (rc != SCU_OK)
        goto out;
    do {
        rc = attempt(chip, flags, operation, arg);
        chip->work = NULL; /* its argument goes with the operation */
    } while (rc != SCU_OK && recover(chip, rc) &&
        recover_is_harmless(chip, flags) &&
        recover_wait(chip, &patience, rc));
out:
    leave_and_tell(chip);
    return rc;
}

void
chip_set_handler(struct scu_chip *chip, scu_event_handler *handler,
    void *user)
{
    enter(chip);
    chip->handler = handler;
    chip->handler_user = user;
    leave(chip);
}

void
chip_commit(struct scu_chip *chip)
{
    chip->committed = true;
}

void
chip_meanwhile(struct scu_chip *chip, chip_work *work, void *arg)
{
    chip->work = work;
    chip->work_arg = arg;
}

void
chip_release(struct scu_chip *chip, struct chip_object *object)
{
    enter(chip);
    /* Where there is no turn to be had, it stays registered as ours. */
    if (object->handle != 0 && !object->persistent &&
        (turn_begin(chip, TURN_WAIT_MS) != SCU_OK ||
            open_link(chip) != SCU_OK))
        object->handle = 0;
    chip_object_drop(chip, object);
    leave(chip);
}

/* Flushes what is there of ours, and what others left. */
static void
empty(struct scu_chip *chip)
{
    if ((chip->loaded == NULL && chip->session.handle == 0 &&
            chip->stale_session == 0) ||
        turn_begin(chip, EXIT_WAIT_S * 1000) != SCU_OK ||
        open_link(chip) != SCU_OK)
        return;
    while (chip->loaded != NULL)
        chip_object_drop(chip, chip->loaded);
    if (chip->sys != NULL && chip->session.handle != 0)
        chip_session_end(chip, &chip->session);
    if (chip->sys != NULL)
        (void)flush_stale(chip);
    if (chip->sys != NULL && !chip->faulty)
        slots_tidy(chip);
}

void
chip_empty_in_time(struct scu_chip *chip)
{
    struct timespec end;

    if (atomic_load(&chip->owner) != (int)getpid() ||
        clock_gettime(CLOCK_REALTIME, &end) != 0)
        return;
    end.tv_sec += EXIT_WAIT_S;
    if (pthread_mutex_timedlock(&chip->mutex, &end) != 0)
        return;
    empty(chip);
    leave(chip);
}

void
scu_chip_free(struct scu_chip **chip)
{
    struct scu_chip *c = chip == NULL ? NULL : *chip;

    if (c == NULL)
        return;
    goodbye_remove(c);
    enter(c);
    empty(c);
    close_link(c);
    leave(c);
    session_clear(&c->session);
    crypto_free(&c->crypto);
    (void)pthread_mutex_destroy(&c->mutex);
    turn_free(c);
    free(c->name);
    free(c->tcti);
    free(c->link_text);
    free(c->state);
    free(c->store);
    free(c);
    *chip = NULL;
}
