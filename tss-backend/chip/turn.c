/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/turn-private.h"

#include "chip/chip.h"
#include "lockfile.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

_Static_assert(REGISTRY_MAX <= 64, "a bit for each entry");

static uint32_t
seconds(void)
{
    return (uint32_t)(deadline_now() / 1000);
}

/* --- the file ------------------------------------------------------------- */

void
turn_write(struct scu_chip *chip)
{
    struct turn *turn = &chip->turn;
    ssize_t n;

    if (!turn_is_held(chip))
        return;
    turn->stamped = false;
    registry_encode(&turn->registry, turn->page);
    n = pwrite(lockfile_descriptor(turn->lock), turn->page, REGISTRY_PAGE, 0);
    if (n == REGISTRY_PAGE)
        return;
    turn->broken = true;
    turn->known = false;
    turn_complain(turn, "it cannot be written: %s",
        n < 0 ? strerror(errno) : "the disk is full");
}

/* --- what is ours --------------------------------------------------------- */

static bool
is_mine(const struct turn *turn, const struct registry_entry *entry)
{
    return registry_same_owner(&entry->owner, &turn->me);
}

bool
turn_has(struct scu_chip *chip, TPM2_HANDLE handle, const TPM2B_NAME *name)
{
    struct turn *turn = &chip->turn;
    const struct registry_entry *e = registry_find(&turn->registry, handle);

    return e != NULL && is_mine(turn, e) &&
        (name == NULL || registry_has_name(e, name));
}

static struct registry_entry *
fill_entry(struct turn *turn, enum registry_kind kind, const TPM2B_NAME *name)
{
    struct registry_entry *e = registry_free_entry(&turn->registry);

    if (e == NULL)
        return NULL;
    memset(e, 0, sizeof(*e));
    e->kind = kind;
    e->owner = turn->me;
    e->used = turn->began;
    memcpy(e->program, turn->program, sizeof(e->program));
    if (name != NULL)
        registry_set_name(e, name);
    return e;
}

bool
turn_enter_again(struct scu_chip *chip, TPM2_HANDLE handle,
    const TPM2B_NAME *name)
{
    struct turn *turn = &chip->turn;
    struct registry_entry *e = registry_find(&turn->registry, handle);

    /* Ours, and of something before it: a change that was not written. */
    if (e != NULL && name != NULL && is_mine(turn, e))
        registry_set_name(e, name);
    if (e != NULL)
        return is_mine(turn, e);
    e = fill_entry(turn, name != NULL ? REGISTRY_OBJECT : REGISTRY_SESSION,
        name);
    if (e != NULL)
        e->handle = handle;
    return e != NULL;
}

/* Whether a handle of a session of ours is ours still. */
static bool
keep_session(struct scu_chip *chip, TPM2_HANDLE handle, bool anew)
{
    return handle != 0 && (anew ? turn_enter_again(chip, handle, NULL) :
        turn_has(chip, handle, NULL));
}

/*
 * What others flushed since our last turn is gone, and no fault. Where the
 * registry does not know us (it was lost, or the chip's power was), ours may
 * be there or not: it is entered again, and looked at before it is used.
 */
static void
settle(struct scu_chip *chip, bool anew)
{
    if (chip->session.handle != 0 &&
        !keep_session(chip, chip->session.handle, anew)) {
        log_line(LOG_LEVEL_DEBUG, "another process needed the session's slot");
        session_clear(&chip->session);
    }
    if (!keep_session(chip, chip->stale_session, anew))
        chip->stale_session = 0;
    chip_objects_settle(chip, anew);
}

static void
begin_anew(struct scu_chip *chip, uint64_t power)
{
    struct turn *turn = &chip->turn;

    memset(&turn->registry, 0, sizeof(turn->registry));
    if (getrandom(&turn->registry.id, sizeof(turn->registry.id), 0) !=
        sizeof(turn->registry.id))
        turn->registry.id = (uint64_t)deadline_now();
    turn->registry.id |= 1;
    turn->registry.power = power;
    settle(chip, true);
    /* What is longer goes; a failure shows when the page is written. */
    (void)!ftruncate(lockfile_descriptor(turn->lock), REGISTRY_PAGE);
    turn_write(chip);
}

/* The chip lost its power since: what stands there stands for nothing. */
static void
check_power(struct scu_chip *chip)
{
    uint64_t power = place_power(&chip->turn.place);

    if (power != chip->turn.registry.power)
        begin_anew(chip, power);
}

/* Reads what is there; most of the time that is what we left. */
static void
read_registry(struct scu_chip *chip)
{
    struct turn *turn = &chip->turn;
    int fd = lockfile_descriptor(turn->lock);
    uint8_t page[REGISTRY_PAGE + 1];
    uint64_t id = turn->registry.id;
    const char *why;
    ssize_t n = pread(fd, page, sizeof(page), 0);

    if (turn->known && n == REGISTRY_PAGE &&
        memcmp(page, turn->page, REGISTRY_PAGE) == 0)
        return;
    if (n < 0 || !turn_check_file(turn, fd)) {
        turn->broken = true;
        return;
    }
    why = registry_decode(page, (size_t)n, &turn->registry);
    if (why != NULL) {
        if (n != 0)
            log_line(LOG_LEVEL_WARN, "%s is no registry of handles (%s): it "
                "is begun anew", turn->place.file, why);
        begin_anew(chip, place_power(&turn->place));
        return;
    }
    memcpy(turn->page, page, REGISTRY_PAGE);
    if (turn->known && turn->registry.id == id) {
        settle(chip, false);
    } else {
        settle(chip, true);
        turn_write(chip);
    }
}

/* --- turns ---------------------------------------------------------------- */

static int
name_holder(pid_t holder, int32_t wait_ms)
{
    char program[REGISTRY_PROGRAM_MAX];

    if (holder == 0)
        return err_set(SCU_E_BUSY, "another process has had its turn at the "
            "chip for %d s: wait for it or end it", wait_ms / 1000);
    owner_program((long)holder, program);
    return err_set(SCU_E_BUSY, "process %ld (%s) has had its turn at the chip "
        "for %d s: wait for it or end it", (long)holder, program,
        wait_ms / 1000);
}

static int
acquire(struct turn *turn, int32_t wait_ms, pid_t *holder)
{
    int rc;

    if (deadline_now() < turn->quantum_end && lockfile_try(turn->lock) == 0)
        return 0;
    rc = lockfile_acquire(turn->lock, deadline_in(wait_ms), holder);
    turn->quantum_end = deadline_now() + TURN_QUANTUM_MS;
    return rc;
}

/*
 * False where there are no turns. A file that is not to be believed any more is
 * opened anew by its name: there may be another one by now.
 */
static bool
find_place(struct scu_chip *chip)
{
    struct turn *turn = &chip->turn;

    if (!turn_locate(chip) || turn->place.kind != PLACE_BARE)
        return false;
    if (turn->lock != NULL &&
        !turn_check_file(turn, lockfile_descriptor(turn->lock)))
        lockfile_close(&turn->lock);
    return turn->lock != NULL || turn_open(turn);
}

/* Others that have turns may flush what we registered, and do not say so. */
static int
do_without(struct scu_chip *chip)
{
    chip->turn.known = false;
    if (chip->turn.me.pid != 0)
        chip_objects_suspect(chip);
    return SCU_OK;
}

int
turn_begin(struct scu_chip *chip, int32_t wait_ms)
{
    struct turn *turn = &chip->turn;
    pid_t holder = 0;
    int rc;

    if (!find_place(chip))
        return do_without(chip);
    if (turn->me.pid == 0)
        owner_of_self(&turn->me, turn->program);
    rc = acquire(turn, wait_ms, &holder);
    if (rc == -ETIMEDOUT)
        return name_holder(holder, wait_ms);
    if (rc != 0) {
        turn_complain(turn, "%s", strerror(-rc));
        return do_without(chip);
    }
    turn->held = true;
    turn->broken = false; /* what it was then, it need not be now */
    turn->began = seconds();
    turn->first_tick = chip->tick;
    turn->made = 0;
    read_registry(chip);
    if (turn->broken)
        chip_objects_suspect(chip);
    turn->known = !turn->broken;
    return SCU_OK;
}

void
turn_end(struct scu_chip *chip)
{
    struct turn *turn = &chip->turn;

    if (!turn->held)
        return;
    if (turn->stamped)
        turn_write(chip);
    turn->held = false;
    lockfile_release(turn->lock);
}

/* The lock is not inherited, and lockfile knows its own process. */
void
turn_after_fork(struct scu_chip *chip)
{
    struct turn *turn = &chip->turn;

    turn->held = turn->known = turn->stamped = false;
    turn->quantum_end = 0;
    turn->making = NULL;
    memset(&turn->me, 0, sizeof(turn->me));
}

void
turn_free(struct scu_chip *chip)
{
    lockfile_close(&chip->turn.lock);
    place_clear(&chip->turn.place);
}

bool
turn_is_held(const struct scu_chip *chip)
{
    return chip->turn.held && !chip->turn.broken;
}

/* --- entries -------------------------------------------------------------- */

/* One that was left when an answer did not come is as good. */
static struct registry_entry *
find_pending(struct turn *turn, enum registry_kind kind,
    const TPM2B_NAME *name)
{
    for (size_t i = 0; i < REGISTRY_MAX; i++) {
        struct registry_entry *e = &turn->registry.entry[i];

        if (e->kind == kind && e->handle == 0 && is_mine(turn, e) &&
            (name == NULL ? e->name_size == 0 : registry_has_name(e, name)))
            return e;
    }
    return NULL;
}

int
turn_expect(struct scu_chip *chip, enum registry_kind kind,
    const TPM2B_NAME *name)
{
    struct turn *turn = &chip->turn;

    turn->making = NULL;
    if (!turn_is_held(chip))
        return SCU_OK;
    check_power(chip);
    turn->making = find_pending(turn, kind, name);
    if (turn->making == NULL)
        turn->making = fill_entry(turn, kind, name);
    chip->wanted = kind == REGISTRY_OBJECT ?
        CHIP_TRANSIENT_FIRST : TPM2_LOADED_SESSION_FIRST;
    if (turn->making == NULL)
        return err_set(SCU_E_SLOTS, "%s is full: end programs that use the "
            "chip, or remove it", turn->place.file);
    turn->made |= UINT64_C(1) << (turn->making - turn->registry.entry);
    turn_write(chip);
    return SCU_OK;
}

bool
turn_has_made(const struct scu_chip *chip, const struct registry_entry *entry)
{
    const struct turn *turn = &chip->turn;

    return (turn->made >> (entry - turn->registry.entry) & 1) != 0;
}

/* A handle that the bus invented would make the page invalid for all. */
static bool
fits(const struct registry_entry *entry, TPM2_HANDLE handle)
{
    TPM2_HANDLE type = handle >> TPM2_HR_SHIFT;

    return entry->kind == REGISTRY_OBJECT ? type == TPM2_HT_TRANSIENT :
        type == TPM2_HT_HMAC_SESSION || type == TPM2_HT_POLICY_SESSION;
}

void
turn_made(struct scu_chip *chip, int rc, TPM2_HANDLE handle,
    const TPM2B_NAME *name)
{
    struct registry_entry *e = chip->turn.making, *older;

    chip->turn.making = NULL;
    if (!turn_is_held(chip) || e == NULL)
        return;
    /* Without an authentic answer it may be there or not. */
    if (rc == SCU_E_IO || rc == SCU_E_TAMPERED)
        return;
    if (rc != SCU_OK) {
        e->kind = REGISTRY_FREE;
    } else if (fits(e, handle)) {
        older = registry_find(&chip->turn.registry, handle);
        if (older != NULL && older != e)
            older->kind = REGISTRY_FREE;
        e->handle = handle;
        if (name != NULL)
            registry_set_name(e, name);
    }
    turn_write(chip);
}

void
turn_gone(struct scu_chip *chip, TPM2_HANDLE handle)
{
    struct registry_entry *e;

    if (!turn_is_held(chip))
        return;
    e = registry_find(&chip->turn.registry, handle);
    if (e == NULL)
        return;
    e->kind = REGISTRY_FREE;
    turn_write(chip);
}

void
turn_touch(struct scu_chip *chip, TPM2_HANDLE handle)
{
    struct registry_entry *e;

    if (!turn_is_held(chip))
        return;
    e = registry_find(&chip->turn.registry, handle);
    if (e == NULL || e->used == chip->turn.began)
        return;
    e->used = chip->turn.began;
    chip->turn.stamped = true;
}
