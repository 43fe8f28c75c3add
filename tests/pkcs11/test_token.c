/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Slots, tokens, PINs, logins, sessions. */
#include "tests/pkcs11/p11test.h"

#include <string.h>

static CK_FLAGS
token_flags(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;

    assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
    return info.flags;
}

static CK_ULONG
slot_count(void)
{
    CK_ULONG count = 0;

    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    return count;
}

static CK_RV
log_in(CK_SESSION_HANDLE s, CK_USER_TYPE user, const char *pin)
{
    return C_Login(s, user, STRING(pin), strlen(pin));
}

/* --- slots ---------------------------------------------------------------- */

static void
slots__one_for_each_token(void **state)
{
    CK_SLOT_ID list[4];
    CK_ULONG count = 1;

    (void)state;
    assert_int_equal(slot_count(), 1);
    fake_add_token("two");
    assert_int_equal(slot_count(), 2);
    assert_int_equal(C_GetSlotList(CK_TRUE, list, &count),
        CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 2);
    assert_int_equal(C_GetSlotList(CK_FALSE, list, &count), CKR_OK);
    assert_int_not_equal(list[0], list[1]);
    assert_int_equal(C_GetSlotList(CK_TRUE, list, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(fake_chip_calls, 0);
}

static void
slots__empty_one_when_wanted(void **state)
{
    (void)state;
    fake_spare_token = true;
    assert_int_equal(slot_count(), 2);
    fake_spare_token = false;
    assert_int_equal(slot_count(), 1);
}

static void
slots__unknown_number(void **state)
{
    CK_MECHANISM_INFO mechanism;
    CK_SESSION_HANDLE s;
    CK_TOKEN_INFO token;
    CK_SLOT_INFO slot;

    (void)state;
    assert_int_equal(C_GetSlotInfo(77, &slot), CKR_SLOT_ID_INVALID);
    assert_int_equal(C_GetTokenInfo(77, &token), CKR_SLOT_ID_INVALID);
    assert_int_equal(C_GetMechanismInfo(77, CKM_ECDSA, &mechanism),
        CKR_SLOT_ID_INVALID);
    assert_int_equal(C_OpenSession(77, CKF_SERIAL_SESSION, NULL, NULL, &s),
        CKR_SLOT_ID_INVALID);
    assert_int_equal(C_CloseAllSessions(77), CKR_SLOT_ID_INVALID);
}

static void
slots__damaged_store(void **state)
{
    CK_ULONG count;

    (void)state;
    fake_fail("scu_token_list", SCU_E_STORE);
    fake_log_lines = 0;
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_GENERAL_ERROR);
    assert_int_equal(fake_log_lines, 1);
    assert_non_null(strstr(fake_log, "restore it from a backup"));
}

static void
empty_slot__session_works(void **state)
{
    CK_SLOT_ID slot = p11_first_slot();
    CK_SESSION_HANDLE s;
    CK_TOKEN_INFO info;
    CK_BYTE random[8];

    (void)state;
    assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_TOKEN_INITIALIZED, 0);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
        NULL, NULL, &s), CKR_OK);
    assert_int_equal(p11_count(s, CKO_CERTIFICATE), 0);
    assert_int_equal(log_in(s, CKU_USER, USER_PIN),
        CKR_USER_PIN_NOT_INITIALIZED);
    assert_int_equal(C_GenerateRandom(s, random, 8), CKR_OK);
    assert_int_equal(C_CloseSession(s), CKR_OK);
}

/* --- C_InitToken and PINs ------------------------------------------------- */

static void
init_token__from_empty_to_user(void **state)
{
    CK_SLOT_ID slot = p11_first_slot();
    CK_UTF8CHAR label[33] = "new token                       ";
    CK_SESSION_HANDLE s;
    CK_TOKEN_INFO info;

    (void)state;
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, label), CKR_OK);
    assert_int_equal(slot_count(), 1);
    assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
    assert_memory_equal(info.label, label, 32);
    assert_int_equal(info.model[15], ' ');
    assert_memory_not_equal(info.serialNumber, "                ", 16);
    assert_int_equal(info.flags & CKF_USER_PIN_INITIALIZED, 0);
    assert_int_not_equal(info.flags & CKF_TOKEN_INITIALIZED, 0);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
        NULL, NULL, &s), CKR_OK);
    assert_int_equal(log_in(s, CKU_USER, USER_PIN),
        CKR_USER_PIN_NOT_INITIALIZED);
    assert_int_equal(C_InitPIN(s, STRING(USER_PIN), 7),
        CKR_USER_NOT_LOGGED_IN);
    p11_log_in(s, CKU_SO);
    assert_int_equal(C_InitPIN(s, STRING("x"), 1), CKR_PIN_LEN_RANGE);
    assert_int_equal(C_InitPIN(s, STRING(USER_PIN), 7), CKR_OK);
    assert_int_equal(C_Logout(s), CKR_OK);
    p11_log_in(s, CKU_USER);
    assert_int_not_equal(token_flags(slot) & CKF_USER_PIN_INITIALIZED, 0);
}

static void
init_token__again_empties_it(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_UTF8CHAR label[33] = "other                           ";
    CK_SLOT_ID slot = p11_first_slot();
    CK_TOKEN_INFO info;

    p11_log_in(s, CKU_USER);
    (void)p11_make_ec(s, 256, true);
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, label),
        CKR_SESSION_EXISTS);
    assert_int_equal(C_CloseAllSessions(slot), CKR_OK);
    assert_int_equal(C_InitToken(slot, STRING("wrong"), 5, label),
        CKR_PIN_INCORRECT);
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, label), CKR_OK);
    assert_int_equal(C_GetTokenInfo(slot, &info), CKR_OK);
    assert_memory_equal(info.label, label, 32);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s),
        CKR_OK);
    assert_int_equal(p11_count(s, CKO_PUBLIC_KEY), 0);
}

static void
init_token__no_room_and_no_authorisation(void **state)
{
    CK_UTF8CHAR label[33] = "one                             ";
    CK_SLOT_ID slot = p11_first_slot();

    (void)state;
    fake_fail("scu_token_init", SCU_E_TOKENS_FULL);
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, label),
        CKR_DEVICE_MEMORY);
    fake_fail("scu_token_init", SCU_E_AUTH_NEEDED);
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, label),
        CKR_TOKEN_WRITE_PROTECTED);
    fake_fail("scu_token_init", SCU_E_UNPROVISIONED);
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, label),
        CKR_DEVICE_ERROR);
    assert_non_null(strstr(fake_log, "scu provision"));
    fake_fail("scu_provision_auto", SCU_E_OTHER_CHIP);
    assert_int_equal(C_InitToken(slot, STRING(SO_PIN), 5, label),
        CKR_DEVICE_REMOVED);
}

static void
set_pin__user_and_so(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state), reader;

    assert_int_equal(C_SetPIN(s, STRING("wrong"), 5, STRING("newpin"), 6),
        CKR_PIN_INCORRECT);
    assert_int_equal(C_SetPIN(s, STRING(USER_PIN), 7, STRING("newpin"), 6),
        CKR_OK);
    assert_int_equal(log_in(s, CKU_USER, USER_PIN), CKR_PIN_INCORRECT);
    assert_int_equal(log_in(s, CKU_USER, "newpin"), CKR_OK);
    assert_int_equal(C_Logout(s), CKR_OK);
    p11_log_in(s, CKU_SO);
    assert_int_equal(C_SetPIN(s, STRING(SO_PIN), 5, STRING("newso"), 5),
        CKR_OK);
    assert_int_equal(C_Logout(s), CKR_OK);
    assert_int_equal(log_in(s, CKU_SO, "newso"), CKR_OK);
    assert_int_equal(C_Logout(s), CKR_OK);
    assert_int_equal(C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION, NULL,
        NULL, &reader), CKR_OK);
    assert_int_equal(C_SetPIN(reader, STRING("newpin"), 6, STRING(USER_PIN),
        7), CKR_SESSION_READ_ONLY);
}

static void
flags__tell_of_wrong_pins(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_SLOT_ID slot = p11_first_slot();
    const CK_FLAGS low = CKF_USER_PIN_COUNT_LOW, last = CKF_USER_PIN_FINAL_TRY,
        locked = CKF_USER_PIN_LOCKED, all = low | last | locked;

    assert_int_equal(token_flags(slot) & all, 0);
    assert_int_equal(log_in(s, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
    assert_int_equal(token_flags(slot) & all, low);
    for (int i = 0; i < 8; i++)
        assert_int_equal(log_in(s, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
    assert_int_equal(token_flags(slot) & all, low | last);
    assert_int_equal(log_in(s, CKU_USER, "wrong"), CKR_PIN_INCORRECT);
    assert_int_equal(token_flags(slot) & all, locked);
    assert_int_equal(log_in(s, CKU_USER, USER_PIN), CKR_PIN_LOCKED);
    assert_int_equal(token_flags(slot) & (CKF_SO_PIN_COUNT_LOW |
        CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED), 0);
    p11_log_in(s, CKU_SO);
    assert_int_equal(C_InitPIN(s, STRING(USER_PIN), 7), CKR_OK);
    assert_int_equal(token_flags(slot) & all, 0);
}

/* However slow this machine is: not each of them. */
static void
flags__are_not_read_each_time(void **state)
{
    CK_SLOT_ID slot = p11_first_slot();

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        (void)token_flags(slot);
    assert_in_range(fake_chip_calls, 1, 99);
}

static void
flags__silent_chip(void **state)
{
    (void)state;
    fake_fail("scu_token_pin_status", SCU_E_NO_CHIP);
    fake_log_lines = 0;
    assert_int_not_equal(token_flags(p11_first_slot()) &
        CKF_TOKEN_INITIALIZED, 0);
    assert_int_equal(fake_log_lines, 1);
}

/* --- logins and sessions -------------------------------------------------- */

static void
login__states(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state), reader;
    CK_SESSION_INFO info;
    CK_SLOT_ID slot = p11_first_slot();

    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
        &reader), CKR_OK);
    assert_int_equal(log_in(s, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
    p11_log_in(reader, CKU_USER);
    assert_int_equal(C_GetSessionInfo(reader, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    assert_int_equal(C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_USER_FUNCTIONS);
    assert_int_equal(info.slotID, slot);
    assert_int_equal(log_in(s, CKU_USER, USER_PIN),
        CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(log_in(s, CKU_CONTEXT_SPECIFIC, USER_PIN),
        CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(log_in(s, 5, USER_PIN), CKR_USER_TYPE_INVALID);
    assert_int_equal(C_Logout(s), CKR_OK);
    assert_int_equal(C_Logout(s), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(C_GetSessionInfo(reader, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
    assert_int_equal(info.flags, CKF_SERIAL_SESSION);
    assert_int_equal(C_CloseSession(reader), CKR_OK);
    p11_log_in(s, CKU_SO);
    assert_int_equal(C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_SO_FUNCTIONS);
    assert_int_equal(info.flags, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    assert_int_equal(log_in(s, CKU_USER, USER_PIN),
        CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
        &reader), CKR_SESSION_READ_WRITE_SO_EXISTS);
}

static void
login__ends_with_the_last_session(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state), second;
    CK_SLOT_ID slot = p11_first_slot();
    CK_SESSION_INFO info;

    p11_log_in(s, CKU_USER);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
        &second), CKR_OK);
    assert_int_equal(C_CloseSession(s), CKR_OK);
    assert_int_equal(C_GetSessionInfo(second, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    assert_int_equal(C_CloseSession(second), CKR_OK);
    assert_int_equal(C_CloseSession(second), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
        &second), CKR_OK);
    assert_int_equal(C_GetSessionInfo(second, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
    assert_int_equal(C_OpenSession(slot, 0, NULL, NULL, &second),
        CKR_SESSION_PARALLEL_NOT_SUPPORTED);
}

static void
mechanisms__list_and_info(void **state)
{
    CK_MECHANISM_TYPE list[64];
    CK_MECHANISM_INFO info;
    CK_SLOT_ID slot = p11_first_slot();
    CK_ULONG count = 0;

    (void)state;
    assert_int_equal(C_GetMechanismList(slot, NULL, &count), CKR_OK);
    assert_in_range(count, 1, 64);
    count--;
    assert_int_equal(C_GetMechanismList(slot, list, &count),
        CKR_BUFFER_TOO_SMALL);
    assert_int_equal(C_GetMechanismList(slot, list, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        assert_int_equal(C_GetMechanismInfo(slot, list[i], &info), CKR_OK);
    assert_int_equal(C_GetMechanismInfo(slot, CKM_AES_CBC, &info),
        CKR_MECHANISM_INVALID);
}

static void
random__octets_and_seed(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE octets[8] = { 0 };

    assert_int_equal(C_GenerateRandom(s, octets, sizeof(octets)), CKR_OK);
    assert_int_equal(octets[7], 0xa5);
    assert_int_equal(C_GenerateRandom(s, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SeedRandom(s, octets, sizeof(octets)),
        CKR_RANDOM_SEED_NOT_SUPPORTED);
    fake_fail("scu_chip_random", SCU_E_TAMPERED);
    assert_int_equal(C_GenerateRandom(s, octets, 8), CKR_DEVICE_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        P11_TEST(slots__one_for_each_token),
        P11_TEST(slots__empty_one_when_wanted),
        P11_TEST(slots__unknown_number),
        P11_TEST(slots__damaged_store),
        P11_TEST_EMPTY(empty_slot__session_works),
        P11_TEST_EMPTY(init_token__from_empty_to_user),
        P11_TEST(init_token__again_empties_it),
        P11_TEST_EMPTY(init_token__no_room_and_no_authorisation),
        P11_TEST(set_pin__user_and_so),
        P11_TEST(flags__tell_of_wrong_pins),
        P11_TEST(flags__are_not_read_each_time),
        P11_TEST(flags__silent_chip),
        P11_TEST(login__states),
        P11_TEST(login__ends_with_the_last_session),
        P11_TEST(mechanisms__list_and_info),
        P11_TEST(random__octets_and_seed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
