/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/slots.h"

#include "chip/chip.h"
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SLOT_POLL_MS 20

/* A chip that claims more is not believed: none has so many slots. */
#define LISTED_MAX 64

/* --- what the chip has, and whose it is ----------------------------------- */

struct listing {
    size_t n;
    TPM2_HANDLE handle[LISTED_MAX];
};

static int
list(struct scu_chip *chip, TPM2_HANDLE first, struct listing *listing)
{
    TPMS_CAPABILITY_DATA data;
    const TPML_HANDLE *handles = &data.data.handles;
    int rc = chip_capability(chip, true, TPM2_CAP_HANDLES, first,
        TPM2_MAX_CAP_HANDLES, &data);

    listing->n = 0;
    for (uint32_t i = 0; rc == SCU_OK && i < handles->count; i++)
        if (listing->n < LISTED_MAX)
            listing->handle[listing->n++] = handles->handle[i];
    return rc;
}

static bool
is_listed(const struct listing *listing, TPM2_HANDLE handle)
{
    for (size_t i = 0; i < listing->n; i++)
        if (listing->handle[i] == handle)
            return true;
    return false;
}

/* Keeps those that stand in no entry. */
static void
keep_strangers(struct scu_chip *chip, struct listing *listing)
{
    size_t n = 0;

    for (size_t i = 0; i < listing->n; i++)
        if (!turn_is_held(chip) || registry_find(&chip->turn.registry,
                listing->handle[i]) == NULL)
            listing->handle[n++] = listing->handle[i];
    listing->n = n;
}

static struct registry_entry *
entry_at(struct scu_chip *chip, size_t i)
{
    return &chip->turn.registry.entry[i];
}

static void
free_entry(struct scu_chip *chip, struct registry_entry *entry)
{
    entry->kind = REGISTRY_FREE;
    turn_write(chip);
}

/* A session that was being made when its process died is one of them. */
static const struct registry_entry *
find_unfinished(struct scu_chip *chip, enum registry_kind kind)
{
    for (size_t i = 0; turn_is_held(chip) && i < REGISTRY_MAX; i++)
        if (entry_at(chip, i)->kind == kind && entry_at(chip, i)->handle == 0)
            return entry_at(chip, i);
    return NULL;
}

/* --- which one goes ------------------------------------------------------- */

/* The order in which entries go: lower first. */
enum rank {
    RANK_DEAD,
    RANK_IDLE,
    RANK_USED, /* by this operation, before */
    RANK_NEVER,
};

static bool
is_mine(const struct scu_chip *chip, const struct registry_entry *entry)
{
    return registry_same_owner(&entry->owner, &chip->turn.me);
}

static bool
is_needed(const struct chip_object *object, const struct chip_object *keep)
{
    for (; keep != NULL; keep = keep->parent)
        if (keep == object)
            return true;
    return false;
}

static struct chip_object *
find_loaded(const struct scu_chip *chip, TPM2_HANDLE handle)
{
    struct chip_object *o = chip->loaded;

    while (o != NULL && o->handle != handle)
        o = o->next;
    return o;
}

/*
 * What is ours and no struct chip_object knows is either of this operation
 * (a primary key that it makes), or was left by one that failed.
 */
static enum rank
rank_object(const struct scu_chip *chip, const struct registry_entry *entry,
    const struct chip_object *keep)
{
    const struct chip_object *o;

    if (!is_mine(chip, entry))
        return owner_is_alive(&entry->owner) ? RANK_IDLE : RANK_DEAD;
    o = find_loaded(chip, entry->handle);
    if (o == NULL)
        return turn_has_made(chip, entry) ? RANK_NEVER : RANK_IDLE;
    if (is_needed(o, keep))
        return RANK_NEVER;
    return o->used > chip->turn.first_tick ? RANK_USED : RANK_IDLE;
}

static enum rank
rank_session(const struct scu_chip *chip, const struct registry_entry *entry,
    const struct chip_object *keep)
{
    (void)keep;
    if (!is_mine(chip, entry))
        return owner_is_alive(&entry->owner) ? RANK_IDLE : RANK_DEAD;
    return entry->handle == chip->session.handle ||
        turn_has_made(chip, entry) ? RANK_NEVER : RANK_IDLE;
}

typedef enum rank rank_function(const struct scu_chip *chip,
    const struct registry_entry *entry, const struct chip_object *keep);

/*
 * The first to go, or NULL. Within a rank the one that was not used for
 * longest; of several of one second, another one each time: with more
 * processes than slots a fixed order would always take the next one's.
 */
static struct registry_entry *
choose(struct scu_chip *chip, enum registry_kind kind, rank_function *rank_of,
    const struct chip_object *keep)
{
    struct registry_entry *best = NULL;
    enum rank lowest = RANK_NEVER;

    chip->turn.rotation++;
    for (size_t i = 0; i < REGISTRY_MAX; i++) {
        struct registry_entry *e =
            entry_at(chip, (i + chip->turn.rotation) % REGISTRY_MAX);
        enum rank rank;

        if (e->kind != kind || e->handle == 0)
            continue;
        rank = rank_of(chip, e, keep);
        if (rank < lowest || (rank == lowest && best != NULL &&
                e->used < best->used)) {
            lowest = rank;
            best = e;
        }
    }
    return best;
}

/* --- objects -------------------------------------------------------------- */

/*
 * Objects whose handle nobody wrote down: the process was killed, or the
 * chip's answer was lost. The one of that Name, which stands in no entry, is
 * it; of two of them one is another program's, so both are left alone.
 */
static void
find_unnamed(struct scu_chip *chip, struct registry_entry *entry,
    const struct listing *strangers)
{
    TPM2B_PUBLIC public;
    TPM2B_NAME name;
    TPM2_HANDLE found = 0;
    size_t n = 0;

    if (entry->name_size == 0 && strangers->n > 0)
        return;
    for (size_t i = 0; entry->name_size != 0 && i < strangers->n; i++)
        if (chip_read_public(chip, strangers->handle[i], true, &public,
                &name) == SCU_OK && registry_has_name(entry, &name)) {
            found = strangers->handle[i];
            n++;
        }
    if (chip->faulty)
        return;
    if (n == 1 && registry_find(&chip->turn.registry, found) == NULL)
        entry->handle = found;
    else
        entry->kind = REGISTRY_FREE;
    turn_write(chip);
}

static void
find_all_unnamed(struct scu_chip *chip)
{
    struct listing strangers;

    if (find_unfinished(chip, REGISTRY_OBJECT) == NULL ||
        list(chip, CHIP_TRANSIENT_FIRST, &strangers) != SCU_OK)
        return;
    keep_strangers(chip, &strangers);
    for (size_t i = 0; i < REGISTRY_MAX && !chip->faulty; i++)
        if (entry_at(chip, i)->kind == REGISTRY_OBJECT &&
            entry_at(chip, i)->handle == 0)
            find_unnamed(chip, entry_at(chip, i), &strangers);
}

/* Whether it was there, and is gone now. The entry goes in any case. */
static bool
flush_by_name(struct scu_chip *chip, struct registry_entry *entry)
{
    TPM2_HANDLE handle = entry->handle;
    TPM2B_PUBLIC public;
    TPM2B_NAME name = { 0 };
    int rc = chip_read_public(chip, handle, true, &public, &name);

    if (chip->faulty)
        return false;
    if (rc == SCU_OK && registry_has_name(entry, &name))
        return chip_flush(chip, handle) == SCU_OK;
    log_line(LOG_LEVEL_INFO, "0x%08x is not what process %u (%s) had there: "
        "left alone", handle, entry->owner.pid, entry->program);
    free_entry(chip, entry);
    return false;
}

static bool
free_by_registry(struct scu_chip *chip, const struct chip_object *keep)
{
    struct registry_entry *e;
    struct chip_object *own;

    find_all_unnamed(chip);
    while (!chip->faulty && (e = choose(chip, REGISTRY_OBJECT, rank_object,
            keep)) != NULL) {
        own = is_mine(chip, e) ? find_loaded(chip, e->handle) : NULL;
        if (own != NULL) {
            chip_object_drop(chip, own);
            return true;
        }
        if (flush_by_name(chip, e))
            return true;
    }
    return false;
}

bool
slots_free_object(struct scu_chip *chip, const struct chip_object *keep)
{
    struct chip_object *oldest = NULL;

    if (turn_is_held(chip))
        return free_by_registry(chip, keep);
    for (struct chip_object *o = chip->loaded; o != NULL; o = o->next)
        if (!is_needed(o, keep) && (oldest == NULL || o->used < oldest->used))
            oldest = o;
    if (oldest == NULL)
        return false;
    chip_object_drop(chip, oldest);
    return true;
}

/* --- sessions ------------------------------------------------------------- */

/*
 * Entries of sessions that are not loaded stand for nothing: somebody flushed
 * them. (A session of this handle that is saved is another program's.) Nor do
 * unfinished ones, where all that is loaded has an entry.
 */
static int
forget_sessions(struct scu_chip *chip)
{
    struct listing loaded, strangers;
    int rc = list(chip, TPM2_LOADED_SESSION_FIRST, &loaded);

    if (rc != SCU_OK)
        return rc;
    strangers = loaded;
    keep_strangers(chip, &strangers);
    for (size_t i = 0; i < REGISTRY_MAX; i++) {
        struct registry_entry *e = entry_at(chip, i);

        if (e->kind == REGISTRY_SESSION && (e->handle == 0 ?
                strangers.n == 0 : !is_listed(&loaded, e->handle)))
            free_entry(chip, e);
    }
    return SCU_OK;
}

static bool
free_session(struct scu_chip *chip)
{
    struct registry_entry *e;

    if (!turn_is_held(chip) || forget_sessions(chip) != SCU_OK)
        return false;
    e = choose(chip, REGISTRY_SESSION, rank_session, NULL);
    return e != NULL && chip_flush(chip, e->handle) == SCU_OK;
}

/* --- making room, and whom to wait for ------------------------------------ */

/* How an error names what takes the room that a command lacks. */
static const struct want {
    TPM2_HANDLE first;
    enum registry_kind kind;
    const char *taken;  /* by other programs */
    const char *option; /* of tpm2_flushcontext */
} wants[] = {
    { CHIP_TRANSIENT_FIRST, REGISTRY_OBJECT,
        "the chip's object slots are taken by other programs",
        "transient-object" },
    { TPM2_LOADED_SESSION_FIRST, REGISTRY_SESSION,
        "the chip's session slots are taken by other programs",
        "loaded-session" },
    { TPM2_ACTIVE_SESSION_FIRST, REGISTRY_SESSION,
        "the chip waits for sessions that other programs saved long ago",
        "saved-session" },
};

static const struct want *
find_want(TPM2_HANDLE first)
{
    const struct want *want = wants;

    while (want->first != first &&
        want < wants + sizeof(wants) / sizeof(wants[0]) - 1)
        want++;
    return want;
}

/* Whose the slots are, and what to do about it. */
static int
name_strangers(struct scu_chip *chip)
{
    const struct want *want = find_want(chip->wanted);
    const struct registry_entry *unfinished = NULL;
    struct listing strangers = { 0 };
    char names[128] = "", maybe[96] = "";

    if (list(chip, chip->wanted, &strangers) == SCU_OK)
        keep_strangers(chip, &strangers);
    for (size_t i = 0; i < strangers.n; i++) {
        size_t len = strlen(names);

        (void)snprintf(names + len, sizeof(names) - len, " 0x%08x",
            strangers.handle[i]);
    }
    unfinished = find_unfinished(chip, want->kind);
    if (unfinished != NULL)
        (void)snprintf(maybe, sizeof(maybe), " (one perhaps by process %u, "
            "%s, when it was killed)", unfinished->owner.pid,
            unfinished->program);
    return err_set(SCU_E_SLOTS, "%s:%s%s: end these programs, or run "
        "`tpm2_flushcontext --%s`", want->taken, names, maybe, want->option);
}

int
slots_make_room(struct scu_chip *chip, const struct chip_object *keep,
    struct deadline end)
{
    const struct timespec pause = { 0, SLOT_POLL_MS * 1000000 };
    TPM2_HANDLE wanted = chip->wanted;
    int rc = SCU_E_SLOTS;

    if (wanted == 0)
        return rc;
    if (wanted == CHIP_TRANSIENT_FIRST ? slots_free_object(chip, keep) :
        free_session(chip))
        return SCU_OK;
    chip->wanted = wanted;
    if (deadline_past(end)) {
        rc = name_strangers(chip);
        chip->wanted = 0; /* that was it: no one else waits again */
        return rc;
    }
    (void)nanosleep(&pause, NULL);
    return SCU_OK;
}

/* --- leftovers ------------------------------------------------------------ */

/* What is ours by now, nobody knows any more: it was lost in some fault. */
static bool
is_left(struct scu_chip *chip, const struct registry_entry *entry)
{
    return entry->kind != REGISTRY_FREE && (is_mine(chip, entry) ||
        !owner_is_alive(&entry->owner));
}

static bool
any_left(struct scu_chip *chip)
{
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        if (is_left(chip, entry_at(chip, i)))
            return true;
    return false;
}

void
slots_tidy(struct scu_chip *chip)
{
    if (!turn_is_held(chip) || !any_left(chip))
        return;
    find_all_unnamed(chip);
    if (forget_sessions(chip) != SCU_OK)
        return;
    for (size_t i = 0; i < REGISTRY_MAX && !chip->faulty; i++) {
        struct registry_entry *e = entry_at(chip, i);

        if (e->handle == 0 || !is_left(chip, e))
            continue;
        if (e->kind == REGISTRY_OBJECT)
            (void)flush_by_name(chip, e);
        else
            (void)chip_flush(chip, e->handle);
    }
}
