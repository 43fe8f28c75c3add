/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Tokens: what they tell, C_InitToken, PINs, login and logout. */
#include "object.h"

#include <scu/provision.h>
#include <string.h>
#include <time.h>

#define PINS_GOOD_MS 1000

/* --- C_GetTokenInfo ------------------------------------------------------- */

/* The flags about a PIN, in one order for both users. */
struct pin_flags {
    CK_FLAGS low, last, locked;
};
static const struct pin_flags user_flags = {
    .low = CKF_USER_PIN_COUNT_LOW,
    .last = CKF_USER_PIN_FINAL_TRY,
    .locked = CKF_USER_PIN_LOCKED,
};
static const struct pin_flags so_flags = {
    .low = CKF_SO_PIN_COUNT_LOW,
    .last = CKF_SO_PIN_FINAL_TRY,
    .locked = CKF_SO_PIN_LOCKED,
};

static CK_FLAGS
flags_of(const struct pin_flags *flags, uint32_t failed, uint32_t tries,
    bool locked)
{
    if (locked)
        return flags->locked;
    if (failed == 0)
        return 0;
    return flags->low | (failed + 1 >= tries ? flags->last : 0);
}

static int64_t
now_ms(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Without the mutex; pins is a copy of the slot's, and becomes current. */
static int
read_pins(struct p11_slot *slot, struct scu_token *token,
    struct p11_pins *pins)
{
    int rc = SCU_OK;

    if (now_ms() < pins->until)
        return SCU_OK;
    rc = scu_token_pin_status(token, &pins->status);
    pins->until = now_ms() + PINS_GOOD_MS;
    if (rc != SCU_OK || p11_enter() != CKR_OK)
        return rc;
    if (slot->pins.events == pins->events)
        slot->pins = *pins;
    p11_leave();
    return SCU_OK;
}

/*
 * The counters are the chip's; a token tells the rest without it, too, so its
 * silence is noted and no more.
 */
static CK_FLAGS
flags_of_pins(struct p11_slot *slot, struct scu_token *token,
    const struct scu_token_info *info, struct p11_pins *pins)
{
    const struct scu_pin_status *status = &pins->status;
    CK_FLAGS flags = 0;
    int rc;

    if (info->other_chip) {
        scu_log(SCU_LOG_WARN, "C_GetTokenInfo: token '%s' belongs to another "
            "chip", info->label);
        return 0;
    }
    rc = read_pins(slot, token, pins);
    if (rc != SCU_OK) {
        /* No failure: the call that needs the chip says so as an error. */
        scu_log(SCU_LOG_WARN, "C_GetTokenInfo: the tries of PINs are not "
            "known: %s", scu_error_detail());
        return 0;
    }
    if (info->user_pin_set)
        flags = flags_of(&user_flags, status->user_failed, status->tries,
            status->user_locked);
    return flags | flags_of(&so_flags, status->so_failed, status->tries,
        status->so_locked);
}

static void
fill_constants(CK_TOKEN_INFO *info)
{
    memset(info, 0, sizeof(*info));
    p11_pad(info->label, sizeof(info->label), "");
    p11_pad(info->serialNumber, sizeof(info->serialNumber), "");
    p11_pad(info->manufacturerID, sizeof(info->manufacturerID),
        P11_MANUFACTURER);
    p11_pad(info->model, sizeof(info->model), P11_MODEL);
    p11_pad(info->utcTime, sizeof(info->utcTime), "");
    info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulMaxPinLen = SCU_PIN_MAX;
    info->ulMinPinLen = SCU_PIN_MIN;
    info->ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->flags = CKF_RNG | CKF_LOGIN_REQUIRED;
}

CK_RV
C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO_PTR info)
{
    struct scu_token *token = NULL;
    struct scu_token_info about;
    struct p11_pins pins;
    struct p11_slot *slot;
    CK_RV rv = p11_slots_read_and_enter("C_GetTokenInfo");

    if (rv != CKR_OK)
        return rv;
    p11_leave();
    rv = p11_slot_enter(id, &slot);
    if (rv != CKR_OK)
        return rv;
    if (info == NULL) {
        p11_leave();
        return CKR_ARGUMENTS_BAD;
    }
    fill_constants(info);
    p11_sessions_count(slot, &info->ulSessionCount, &info->ulRwSessionCount);
    about = slot->info;
    pins = slot->pins;
    (void)p11_slot_token(slot, &token);
    p11_leave();
    if (token == NULL)
        return CKR_OK;
    p11_pad(info->label, sizeof(info->label), about.label);
    p11_pad(info->serialNumber, sizeof(info->serialNumber), about.serial);
    info->flags |= CKF_TOKEN_INITIALIZED |
        (about.user_pin_set ? CKF_USER_PIN_INITIALIZED : 0) |
        flags_of_pins(slot, token, &about, &pins);
    scu_token_free(&token);
    return CKR_OK;
}

/* --- C_InitToken ---------------------------------------------------------- */

/* Blanks at the end are padding. */
static void
read_label(const CK_UTF8CHAR *field, char *label)
{
    size_t len = SCU_TOKEN_LABEL_MAX;

    while (len > 0 && field[len - 1] == ' ')
        len--;
    memcpy(label, field, len);
    label[len] = '\0';
}

CK_RV
C_InitToken(CK_SLOT_ID id, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
    CK_UTF8CHAR_PTR label_field)
{
    char label[SCU_TOKEN_LABEL_MAX + 1];
    struct p11_object *gone = NULL;
    struct scu_token *token = NULL;
    struct scu_chip *chip = NULL;
    struct p11_slot *slot = NULL;
    CK_ULONG all, writing;
    CK_RV rv = p11_slot_enter(id, &slot);
    int rc;

    if (rv != CKR_OK)
        return rv;
    p11_sessions_count(slot, &all, &writing);
    if (all > 0)
        rv = CKR_SESSION_EXISTS;
    else if (pin == NULL || label_field == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else {
        p11_objects_detach_slot(&gone, slot);
        (void)p11_slot_token(slot, &token);
        chip = p11_chip();
    }
    p11_leave();
    p11_objects_free(&gone);
    if (rv != CKR_OK)
        return rv;
    read_label(label_field, label);
    if (token != NULL)
        rc = scu_token_reinit(token, label, pin, pin_len);
    else {
        rc = scu_provision_auto(chip, NULL);
        if (rc == SCU_OK)
            rc = scu_token_init(chip, label, pin, pin_len, 0, &token);
        if (rc == SCU_OK && p11_enter() == CKR_OK) {
            p11_slot_move_in(slot, token);
            p11_leave();
        }
    }
    rv = p11_token_failed("C_InitToken", rc);
    if (rc == SCU_E_AUTH_NEEDED) /* the owner's: no login would help */
        rv = CKR_TOKEN_WRITE_PROTECTED;
    p11_slot_pin_used(slot);
    scu_token_free(&token);
    return rv;
}

/* --- PINs ----------------------------------------------------------------- */

CK_RV
C_InitPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR_PTR pin, CK_ULONG len)
{
    struct scu_token *token = NULL;
    struct p11_session *session;
    struct p11_slot *slot;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    if (pin == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (!p11_slot_logged_in(session->slot, SCU_USER_SO))
        rv = CKR_USER_NOT_LOGGED_IN;
    else
        rv = p11_slot_token(session->slot, &token);
    slot = session->slot;
    p11_leave();
    if (rv != CKR_OK)
        return rv;
    rv = p11_token_failed("C_InitPIN", scu_token_set_user_pin(token, pin,
        len));
    p11_slot_pin_used(slot);
    scu_token_free(&token);
    return rv;
}

CK_RV
C_SetPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR_PTR old, CK_ULONG old_len,
    CK_UTF8CHAR_PTR new, CK_ULONG new_len)
{
    enum scu_user user = SCU_USER_NORMAL;
    struct scu_token *token = NULL;
    struct p11_session *session;
    struct p11_slot *slot;
    CK_RV rv = p11_session_enter(handle, &session);

    if (rv != CKR_OK)
        return rv;
    if (old == NULL || new == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (!session->writes)
        rv = CKR_SESSION_READ_ONLY;
    else
        rv = p11_slot_token(session->slot, &token);
    if (p11_slot_logged_in(session->slot, SCU_USER_SO))
        user = SCU_USER_SO;
    slot = session->slot;
    p11_leave();
    if (rv != CKR_OK)
        return rv;
    rv = p11_token_failed("C_SetPIN", scu_token_change_pin(token, user, old,
        old_len, new, new_len));
    p11_slot_pin_used(slot);
    scu_token_free(&token);
    return rv;
}

/* --- login ---------------------------------------------------------------- */

static CK_RV
may_log_in(const struct p11_session *session, enum scu_user user)
{
    const struct p11_slot *slot = session->slot;
    CK_ULONG all, writing;

    if (p11_slot_logged_in(slot, user))
        return CKR_USER_ALREADY_LOGGED_IN;
    if (slot->in)
        return CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    p11_sessions_count(slot, &all, &writing);
    if (user == SCU_USER_SO && all > writing)
        return CKR_SESSION_READ_ONLY_EXISTS;
    if (slot->token == NULL)
        return CKR_USER_PIN_NOT_INITIALIZED;
    return CKR_OK;
}

CK_RV
C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE type, CK_UTF8CHAR_PTR pin,
    CK_ULONG len)
{
    enum scu_user user = type == CKU_SO ? SCU_USER_SO : SCU_USER_NORMAL;
    struct scu_token *token = NULL;
    struct p11_session *session;
    struct p11_slot *slot;
    CK_RV rv = p11_session_enter_alone(handle, &session);

    if (rv != CKR_OK)
        return rv;
    if (type == CKU_CONTEXT_SPECIFIC) /* no key wants a login of its own */
        rv = CKR_OPERATION_NOT_INITIALIZED;
    else if (type != CKU_SO && type != CKU_USER)
        rv = CKR_USER_TYPE_INVALID;
    else if (pin == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = may_log_in(session, user);
    if (rv == CKR_OK)
        rv = p11_slot_token(session->slot, &token);
    slot = session->slot;
    p11_leave();
    if (rv == CKR_OK) {
        rv = p11_token_failed("C_Login", scu_token_login(token, user, pin,
            len));
        p11_slot_pin_used(slot);
    }
    if (rv == CKR_OK)
        p11_slot_log_in(slot, user);
    scu_token_free(&token);
    p11_slot_settled(slot);
    return rv;
}

CK_RV
C_Logout(CK_SESSION_HANDLE handle)
{
    struct p11_object *gone = NULL;
    struct scu_token *token = NULL;
    struct p11_session *session;
    struct p11_slot *slot;
    CK_RV rv = p11_session_enter_alone(handle, &session);

    if (rv != CKR_OK)
        return rv;
    slot = session->slot;
    token = p11_slot_log_out(slot);
    if (token == NULL)
        rv = CKR_USER_NOT_LOGGED_IN;
    else {
        p11_sessions_end_signing(slot);
        p11_objects_detach_private(&gone, slot);
    }
    p11_leave();
    p11_objects_free(&gone);
    if (token != NULL)
        scu_token_logout(token);
    scu_token_free(&token);
    p11_slot_settled(slot);
    return rv;
}
