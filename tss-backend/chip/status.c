/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/chip.h"

#include <stdio.h>
#include <string.h>

/* Who shares the chip: looks, takes no turn and makes nothing. */

_Static_assert(SCU_PROGRAM_MAX == REGISTRY_PROGRAM_MAX, "names fit");
_Static_assert((int)SCU_HOLDINGS_MAX >= (int)REGISTRY_MAX, "all entries fit");

struct view {
    struct scu_chip_status *status;
    struct registry before, after; /* the chip was asked in between */
    TPML_HANDLE objects, sessions;
};

static int
read_handles(struct scu_chip *chip, TPM2_HANDLE first, TPML_HANDLE *handles)
{
    TPMS_CAPABILITY_DATA data;
    int rc = chip_capability(chip, true, TPM2_CAP_HANDLES, first,
        TPM2_MAX_CAP_HANDLES, &data);

    handles->count = 0;
    if (rc == SCU_OK)
        *handles = data.data.handles;
    return rc;
}

/* A field of the status for each property. */
static const struct property_row {
    TPM2_PT tag;
    size_t offset; /* of a uint32_t */
} properties[] = {
    { TPM2_PT_HR_TRANSIENT_MIN,
        offsetof(struct scu_chip_status, object_slots) },
    { TPM2_PT_HR_LOADED_MIN,
        offsetof(struct scu_chip_status, session_slots) },
    { TPM2_PT_LOCKOUT_COUNTER,
        offsetof(struct scu_chip_status, lockout_counter) },
    { TPM2_PT_MAX_AUTH_FAIL, offsetof(struct scu_chip_status, lockout_max) },
    { TPM2_PT_LOCKOUT_INTERVAL,
        offsetof(struct scu_chip_status, lockout_interval_s) },
    { TPM2_PT_LOCKOUT_RECOVERY,
        offsetof(struct scu_chip_status, lockout_recovery_s) },
};

static void
take_property(const TPMS_TAGGED_PROPERTY *p, struct scu_chip_status *status)
{
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
        if (properties[i].tag == p->property)
            memcpy((char *)status + properties[i].offset, &p->value,
                sizeof(p->value));
    if (p->property != TPM2_PT_PERMANENT)
        return;
    status->owner_auth_set = p->value & TPMA_PERMANENT_OWNERAUTHSET;
    status->endorsement_auth_set =
        p->value & TPMA_PERMANENT_ENDORSEMENTAUTHSET;
    status->lockout_auth_set = p->value & TPMA_PERMANENT_LOCKOUTAUTHSET;
    status->in_lockout = p->value & TPMA_PERMANENT_INLOCKOUT;
}

/* So few that any chip gives them in one answer. */
#define GROUP_SIZE 24

static int
read_group(struct scu_chip *chip, uint32_t first,
    struct scu_chip_status *status)
{
    TPMS_CAPABILITY_DATA data;
    const TPML_TAGGED_TPM_PROPERTY *list = &data.data.tpmProperties;
    int rc = chip_capability(chip, true, TPM2_CAP_TPM_PROPERTIES, first,
        GROUP_SIZE, &data);

    for (uint32_t i = 0; rc == SCU_OK && i < list->count; i++)
        take_property(&list->tpmProperty[i], status);
    return rc;
}

static int
look(struct scu_chip *chip, void *arg)
{
    struct view *v = arg;
    int rc;

    if ((rc = read_handles(chip, CHIP_TRANSIENT_FIRST, &v->objects)) !=
            SCU_OK ||
        (rc = read_handles(chip, TPM2_LOADED_SESSION_FIRST, &v->sessions)) !=
            SCU_OK ||
        (rc = read_group(chip, TPM2_PT_HR_TRANSIENT_MIN, v->status)) != SCU_OK)
        return rc;
    return read_group(chip, TPM2_PT_VAR, v->status);
}

static int
look_before(struct scu_chip *chip, void *arg)
{
    struct view *v = arg;
    long holder;

    (void)turn_peek(chip, &v->before, &holder);
    return SCU_OK;
}

static int
look_after(struct scu_chip *chip, void *arg)
{
    struct view *v = arg;
    struct scu_chip_status *s = v->status;
    const char *why = turn_peek(chip, &v->after, &s->holder);

    s->turns = why == NULL;
    s->managed = chip->turn.place.kind == PLACE_MANAGED;
    (void)snprintf(s->why, sizeof(s->why), "%s", why == NULL ? "" : why);
    if (chip->turn.place.file != NULL)
        (void)snprintf(s->file, sizeof(s->file), "%s",
            chip->turn.place.file);
    if (s->holder != 0)
        owner_program(s->holder, s->holder_program);
    return SCU_OK;
}

static bool
is_listed(const TPML_HANDLE *handles, TPM2_HANDLE handle)
{
    for (uint32_t i = 0; i < handles->count; i++)
        if (handles->handle[i] == handle)
            return true;
    return false;
}

static void
add_entry(struct view *v, const struct registry_entry *e)
{
    struct scu_holding *h = &v->status->holding[v->status->n++];

    h->session = e->kind == REGISTRY_SESSION;
    h->registered = true;
    h->alive = owner_is_alive(&e->owner);
    h->pid = (long)e->owner.pid;
    h->handle = e->handle;
    h->loaded = e->handle != 0 && is_listed(h->session ? &v->sessions :
        &v->objects, e->handle);
    memcpy(h->program, e->program, sizeof(h->program));
}

/* What stood in the registry before or after is not another program's. */
static void
add_strangers(struct view *v, const TPML_HANDLE *handles, bool session)
{
    struct scu_chip_status *s = v->status;

    for (uint32_t i = 0; i < handles->count; i++)
        if (s->n < SCU_HOLDINGS_MAX &&
            registry_find(&v->before, handles->handle[i]) == NULL &&
            registry_find(&v->after, handles->handle[i]) == NULL)
            s->holding[s->n++] = (struct scu_holding){
                .session = session, .handle = handles->handle[i],
                .loaded = true,
            };
}

int
scu_chip_status(struct scu_chip *chip, struct scu_chip_status *status)
{
    struct view v = { .status = status };
    int rc, last;

    memset(status, 0, sizeof(*status));
    (void)chip_perform(chip, CHIP_OFFLINE, look_before, &v);
    rc = chip_perform(chip, CHIP_BARE | CHIP_REPEATABLE | CHIP_LOOK, look,
        &v);
    status->objects_loaded = v.objects.count;
    status->sessions_loaded = v.sessions.count;
    last = chip_perform(chip, CHIP_OFFLINE, look_after, &v);
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        if (v.after.entry[i].kind != REGISTRY_FREE)
            add_entry(&v, &v.after.entry[i]);
    add_strangers(&v, &v.objects, false);
    add_strangers(&v, &v.sessions, true);
    return rc != SCU_OK ? rc : last;
}
