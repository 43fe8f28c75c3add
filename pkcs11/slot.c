/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The table of slots, and the entry points about slots without their tokens. */
#include "slot.h"

#include "mech.h"

#include <stdlib.h>
#include <string.h>

static struct p11_slot *slots;
static bool known; /* the store was read */
static unsigned made; /* tokens, by this process */

void
p11_slots_clear(void)
{
    while (slots != NULL) {
        struct p11_slot *next = slots->next;

        scu_token_free(&slots->token);
        free(slots);
        slots = next;
    }
    known = false;
}

static struct p11_slot *
add_slot(void)
{
    struct p11_slot **end = &slots, *slot = calloc(1, sizeof(*slot));
    CK_SLOT_ID id = 0;

    if (slot == NULL)
        return NULL;
    for (; *end != NULL; end = &(*end)->next)
        id++;
    slot->id = id;
    slot->listed = true;
    *end = slot;
    return slot;
}

static struct p11_slot *
find_empty(void)
{
    struct p11_slot *slot = slots;

    while (slot != NULL && slot->token != NULL)
        slot = slot->next;
    return slot;
}

static struct p11_slot *
find_serial(const char *serial)
{
    struct p11_slot *slot = slots;

    while (slot != NULL && (slot->token == NULL ||
        strcmp(slot->info.serial, serial) != 0))
        slot = slot->next;
    return slot;
}

/*
 * A token of the list: a new one takes the empty slot or a new one. One that
 * is known keeps the reference through which it may be logged in.
 */
static CK_RV
place(struct scu_token *token)
{
    struct scu_token_info info;
    struct p11_slot *slot;

    scu_token_info(token, &info);
    slot = find_serial(info.serial);
    if (slot == NULL)
        slot = find_empty();
    if (slot == NULL)
        slot = add_slot();
    if (slot == NULL)
        return CKR_HOST_MEMORY;
    if (slot->token == NULL)
        slot->token = scu_token_ref(token);
    slot->info = info;
    slot->listed = true;
    return CKR_OK;
}

/* An empty slot is there when it is wanted. It is the last one. */
static CK_RV
place_empty(bool wanted)
{
    struct p11_slot *empty = find_empty();

    if (empty != NULL) {
        empty->listed = wanted;
        return CKR_OK;
    }
    return !wanted || add_slot() != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
apply(struct scu_token **tokens, size_t count)
{
    CK_RV rv = CKR_OK;

    for (struct p11_slot *slot = slots; slot != NULL; slot = slot->next)
        slot->listed = slot->token == NULL && slot->listed;
    for (size_t i = 0; i < count && rv == CKR_OK; i++)
        rv = place(tokens[i]);
    if (rv == CKR_OK)
        rv = place_empty(count == 0 || scu_chip_spare_token(p11_chip()));
    known = rv == CKR_OK;
    return rv;
}

/*
 * Reading the store may have to wait for the chip, so it is done without the
 * mutex, and once more where a token was made meanwhile.
 */
CK_RV
p11_slots_read_and_enter(const char *function)
{
    struct scu_token **tokens = NULL;
    struct scu_chip *chip;
    unsigned before;
    size_t count = 0;
    CK_RV rv = p11_enter();

    while (rv == CKR_OK) {
        before = made;
        chip = p11_chip();
        p11_leave();
        rv = p11_failed(function, scu_token_list(chip, &tokens, &count));
        if (rv == CKR_OK)
            rv = p11_enter();
        if (rv == CKR_OK && before == made) {
            rv = apply(tokens, count);
            if (rv != CKR_OK)
                p11_leave();
            break;
        }
        scu_token_list_free(&tokens, count);
    }
    scu_token_list_free(&tokens, count);
    return rv;
}

static struct p11_slot *
find(CK_SLOT_ID id)
{
    struct p11_slot *slot = slots;

    while (slot != NULL && (slot->id != id || !slot->listed))
        slot = slot->next;
    return slot;
}

CK_RV
p11_slot_enter(CK_SLOT_ID id, struct p11_slot **slot)
{
    CK_RV rv = p11_enter();

    if (rv == CKR_OK && !known) {
        p11_leave();
        rv = p11_slots_read_and_enter("C_GetSlotList");
    }
    if (rv != CKR_OK)
        return rv;
    *slot = find(id);
    if (*slot != NULL)
        return CKR_OK;
    p11_leave();
    return CKR_SLOT_ID_INVALID;
}

static struct p11_slot *
find_any(CK_SLOT_ID id)
{
    struct p11_slot *slot = slots;

    while (slot != NULL && slot->id != id)
        slot = slot->next;
    return slot;
}

CK_RV
p11_slot_enter_alone(CK_SLOT_ID id, struct p11_slot **slot)
{
    CK_RV rv = p11_enter();

    if (rv != CKR_OK)
        return rv;
    while ((*slot = find_any(id)) != NULL && (*slot)->settling) {
        p11_wait();
        p11_leave();
        rv = p11_enter();
        if (rv != CKR_OK)
            return rv;
    }
    if (*slot == NULL) {
        p11_leave();
        return CKR_SLOT_ID_INVALID;
    }
    (*slot)->settling = true;
    return CKR_OK;
}

void
p11_slot_settled(struct p11_slot *slot)
{
    if (p11_enter() != CKR_OK)
        return;
    slot->settling = false;
    p11_changed();
    p11_leave();
}

void
p11_slot_move_in(struct p11_slot *slot, struct scu_token *token)
{
    made++;
    if (slot->token != NULL)
        return;
    slot->token = scu_token_ref(token);
    scu_token_info(token, &slot->info);
}

CK_RV
p11_slot_token(const struct p11_slot *slot, struct scu_token **token)
{
    if (slot->token == NULL || !slot->listed)
        return CKR_TOKEN_NOT_PRESENT;
    *token = scu_token_ref(slot->token);
    return CKR_OK;
}

bool
p11_slot_logged_in(const struct p11_slot *slot, enum scu_user user)
{
    return slot->in && slot->user == user;
}

void
p11_slot_log_in(struct p11_slot *slot, enum scu_user user)
{
    if (p11_enter() != CKR_OK)
        return;
    slot->in = true;
    slot->user = user;
    p11_leave();
}

struct scu_token *
p11_slot_log_out(struct p11_slot *slot)
{
    bool in = slot->in;

    slot->in = false;
    return in ? scu_token_ref(slot->token) : NULL;
}

void
p11_slot_pin_used(struct p11_slot *slot)
{
    if (p11_enter() != CKR_OK)
        return;
    slot->pins.until = 0;
    slot->pins.events++;
    p11_leave();
}

static CK_RV
list_slots(CK_SLOT_ID *list, CK_ULONG *count)
{
    CK_ULONG room = *count, n = 0;

    for (struct p11_slot *slot = slots; slot != NULL; slot = slot->next) {
        if (!slot->listed)
            continue;
        if (list != NULL && n < room)
            list[n] = slot->id;
        n++;
    }
    *count = n;
    return list == NULL || n <= room ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

CK_RV
C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count)
{
    bool anew;
    CK_RV rv = p11_enter();

    (void)token_present; /* each has one, initialised or not */
    if (rv != CKR_OK)
        return rv;
    /* The first of the two calls that ask for a list looks anew. */
    anew = list == NULL || !known;
    if (count == NULL || anew)
        p11_leave();
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    if (anew)
        rv = p11_slots_read_and_enter("C_GetSlotList");
    if (rv != CKR_OK)
        return rv;
    rv = list_slots(list, count);
    p11_leave();
    return rv;
}

CK_RV
C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO_PTR info)
{
    struct p11_slot *slot;
    CK_RV rv = p11_slot_enter(id, &slot);

    if (rv != CKR_OK)
        return rv;
    if (info != NULL) {
        memset(info, 0, sizeof(*info));
        p11_pad(info->slotDescription, sizeof(info->slotDescription),
            slot->token != NULL ? slot->info.label : "Empty slot of the SCU");
        p11_pad(info->manufacturerID, sizeof(info->manufacturerID),
            P11_MANUFACTURER);
        info->flags = CKF_TOKEN_PRESENT | CKF_HW_SLOT;
    }
    p11_leave();
    return info != NULL ? CKR_OK : CKR_ARGUMENTS_BAD;
}

CK_RV
C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved)
{
    CK_RV rv = p11_enter();

    if (rv != CKR_OK)
        return rv;
    p11_leave();
    if (slot == NULL || reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    return (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT :
        CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV
C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE_PTR list,
    CK_ULONG_PTR count)
{
    const struct p11_mech *mech;
    struct p11_slot *slot;
    CK_ULONG n = 0;
    CK_RV rv = p11_slot_enter(id, &slot);

    if (rv != CKR_OK)
        return rv;
    p11_leave();
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    for (; (mech = p11_mech_at(n)) != NULL; n++)
        if (list != NULL && n < *count)
            list[n] = mech->type;
    rv = list == NULL || n <= *count ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    *count = n;
    return rv;
}

CK_RV
C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type,
    CK_MECHANISM_INFO_PTR info)
{
    const struct p11_mech *mech = p11_mech_find(type);
    struct p11_slot *slot;
    CK_RV rv = p11_slot_enter(id, &slot);

    if (rv != CKR_OK)
        return rv;
    p11_leave();
    if (mech == NULL || info == NULL)
        return mech == NULL ? CKR_MECHANISM_INVALID : CKR_ARGUMENTS_BAD;
    p11_mech_info(mech, info);
    return CKR_OK;
}
