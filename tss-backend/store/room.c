/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/room.h"

#include "store/pinindex.h"
#include "store/pool.h"

#include <string.h>

/*
 * What the chip holds, of all stores and users: each token is two indices
 * with the attributes of PIN indices.
 *
 * A TPM does not tell how much NV memory is free. It estimates how many more
 * persistent objects fit (TPM_PT_HR_PERSISTENT_AVAIL), of which a certain
 * number has a place of its own in any case (TPM_PT_HR_PERSISTENT_MIN). What
 * goes beyond that comes from memory that objects and indices share, and
 * there a token, some 2 * 180 octets, is smaller than any object. So that is
 * a number of tokens for which there is room at least; where there is
 * nothing beyond, the chip says nothing.
 */

struct survey {
    uint32_t indices;     /* all that there are */
    uint32_t pin_indices;
    uint32_t objects, more_objects, objects_min;
};

static int
read_property(struct scu_chip *chip, uint32_t tag, uint32_t *value)
{
    TPMS_CAPABILITY_DATA data;
    const TPML_TAGGED_TPM_PROPERTY *list = &data.data.tpmProperties;
    int rc = chip_capability(chip, false, TPM2_CAP_TPM_PROPERTIES, tag, 1,
        &data);

    *value = 0;
    if (rc == SCU_OK && list->count > 0 &&
        list->tpmProperty[0].property == tag)
        *value = list->tpmProperty[0].value;
    return rc;
}

/*
 * In the clear: a session's HMAC would cover the index' Name, which is what
 * is asked for. It is a number for people, by which nothing is decided. What
 * is gone in between is none.
 */
static int
look_at(struct scu_chip *chip, TPM2_HANDLE handle, struct survey *s)
{
    const struct chip_command command = {
        .code = TPM2_CC_NV_ReadPublic, .clear = true,
    };
    const TPMA_NV once = TPMA_NV_WRITTEN;
    TPM2B_NV_PUBLIC public = { 0 };
    TPM2B_NAME name = { 0 };
    int rc = chip_prepared(Tss2_Sys_NV_ReadPublic_Prepare(chip->sys, handle),
        command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_NV_ReadPublic_Complete(chip->sys,
            &public, &name), command.code);
    if (rc == SCU_OK &&
        (public.nvPublic.attributes & ~once) == PIN_INDEX_ATTRIBUTES)
        s->pin_indices++;
    return rc == SCU_E_NOT_FOUND ? SCU_OK : rc;
}

/* A page of handles; *next becomes 0 behind the last. */
static int
survey_page(struct scu_chip *chip, struct survey *s, TPM2_HANDLE *next)
{
    TPMS_CAPABILITY_DATA data;
    const TPML_HANDLE *list = &data.data.handles;
    int rc = chip_capability(chip, false, TPM2_CAP_HANDLES, *next,
        TPM2_MAX_CAP_HANDLES, &data);
    TPM2_HANDLE last = *next;

    *next = 0;
    if (rc != SCU_OK || list->count == 0 ||
        list->count > TPM2_MAX_CAP_HANDLES)
        return rc;
    for (uint32_t i = 0; rc == SCU_OK && i < list->count; i++)
        if (pin_index_is_owners(list->handle[i]))
            rc = look_at(chip, list->handle[i], s);
    s->indices += list->count;
    if (list->handle[list->count - 1] >= last &&
        list->handle[list->count - 1] < TPM2_NV_INDEX_LAST)
        *next = list->handle[list->count - 1] + 1;
    return rc;
}

static int
survey(struct scu_chip *chip, void *arg)
{
    struct survey *s = arg;
    TPM2_HANDLE next = TPM2_NV_INDEX_FIRST;
    int rc;

    memset(s, 0, sizeof(*s));
    rc = read_property(chip, TPM2_PT_HR_PERSISTENT_MIN, &s->objects_min);
    if (rc == SCU_OK)
        rc = read_property(chip, TPM2_PT_HR_PERSISTENT, &s->objects);
    if (rc == SCU_OK)
        rc = read_property(chip, TPM2_PT_HR_PERSISTENT_AVAIL,
            &s->more_objects);
    while (rc == SCU_OK && next != 0)
        rc = survey_page(chip, s, &next);
    return rc;
}

/* Those that the objects' own places leave. */
static uint32_t
at_least(const struct survey *s)
{
    uint32_t own = s->objects_min > s->objects ?
        s->objects_min - s->objects : 0;

    return s->more_objects > own ? s->more_objects - own : 0;
}

int
scu_token_room(struct scu_chip *chip, struct scu_token_room *room)
{
    struct survey s;
    int rc = chip_perform(chip, CHIP_REPEATABLE, survey, &s);

    memset(room, 0, sizeof(*room));
    if (rc != SCU_OK)
        return rc;
    room->in_chip = s.pin_indices / TOKEN_USERS;
    room->other_indices = s.indices - room->in_chip * TOKEN_USERS;
    room->prepared = (uint32_t)scu_token_prepared(chip);
    room->at_least = at_least(&s);
    return SCU_OK;
}

int
room_full(struct scu_chip *chip)
{
    struct scu_token_room room;
    int rc = scu_token_room(chip, &room);

    if (rc != SCU_OK)
        return err_set(SCU_E_TOKENS_FULL, "the chip's NV memory has no room "
            "for another token: remove one by `scu token remove`");
    return err_set(SCU_E_TOKENS_FULL, "the chip holds %u token%s (%u of them "
        "prepared and not taken yet) and %u other NV indices, and has no "
        "room for another token: remove one by `scu token remove`, or an "
        "index that nobody needs by `tpm2_nvundefine`", room.in_chip,
        room.in_chip == 1 ? "" : "s", room.prepared, room.other_indices);
}
