/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Several threads at once, and a store that goes while sessions are open. */
#include "tests/pkcs11/p11test.h"

#include <pthread.h>
#include <string.h>

#define THREADS 4
#define ROUNDS 25

struct worker {
    pthread_t thread;
    CK_SESSION_HANDLE session;
    struct p11_pair pair;
    CK_RV rv;
};

/* --- logins ------------------------------------------------------------------ */

static void *
log_in_too(void *arg)
{
    struct worker *w = arg;

    w->rv = C_Login(w->session, CKU_USER, STRING(USER_PIN), 7);
    return NULL;
}

static struct worker other;

/* While a login is going on, another one begins; it gets its time to do so. */
static void
begin_another(void)
{
    static const struct timespec time = { .tv_nsec = 50000000 };

    fake_in_login = NULL;
    assert_int_equal(pthread_create(&other.thread, NULL, log_in_too, &other),
        0);
    (void)nanosleep(&time, NULL);
}

static void
login__two_threads_are_one_login(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);

    other.session = s;
    fake_in_login = begin_another;
    assert_int_equal(C_Login(s, CKU_USER, STRING(USER_PIN), 7), CKR_OK);
    assert_int_equal(pthread_join(other.thread, NULL), 0);
    assert_int_equal(other.rv, CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(fake_logins, 1);
}

static void *
close_it(void *arg)
{
    struct worker *w = arg;

    w->rv = C_CloseSession(w->session);
    return NULL;
}

static void
begin_to_close(void)
{
    static const struct timespec time = { .tv_nsec = 50000000 };

    fake_in_login = NULL;
    assert_int_equal(pthread_create(&other.thread, NULL, close_it, &other), 0);
    (void)nanosleep(&time, NULL);
}

/* The last session goes while it logs in: nobody stays logged in. */
static void
login__its_session_is_closed(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_SESSION_INFO info;

    other.session = s;
    fake_in_login = begin_to_close;
    assert_int_equal(C_Login(s, CKU_USER, STRING(USER_PIN), 7), CKR_OK);
    assert_int_equal(pthread_join(other.thread, NULL), 0);
    assert_int_equal(other.rv, CKR_OK);
    assert_int_equal(C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION, NULL,
        NULL, &s), CKR_OK);
    assert_int_equal(C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
}

static void *
look(void *arg)
{
    CK_SESSION_HANDLE s;
    CK_SESSION_INFO info;
    struct worker *w = arg;

    w->rv = C_GetSessionInfo(w->session, &info);
    if (w->rv == CKR_OK)
        w->rv = C_OpenSession(info.slotID, CKF_SERIAL_SESSION, NULL, NULL, &s);
    return NULL;
}

static void
look_meanwhile(void)
{
    fake_in_login = NULL;
    assert_int_equal(pthread_create(&other.thread, NULL, look, &other), 0);
    assert_int_equal(pthread_join(other.thread, NULL), 0);
}

/* A chip that takes its time holds up nobody who only looks. */
static void
login__others_look_meanwhile(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);

    other.session = s;
    fake_in_login = look_meanwhile;
    assert_int_equal(C_Login(s, CKU_USER, STRING(USER_PIN), 7), CKR_OK);
    assert_int_equal(other.rv, CKR_OK);
}

/* --- everything at once -------------------------------------------------------- */

static CK_RV
work_once(struct worker *w)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, class), ATTR(CKA_TOKEN, p11_true),
    };
    CK_BYTE data[32] = { 0 }, sig[64];
    CK_OBJECT_HANDLE object, found[8];
    CK_ULONG len = 64, n;
    CK_TOKEN_INFO info;
    CK_RV rv = C_SignInit(w->session, &mechanism, w->pair.private);

    if (rv == CKR_OK)
        rv = C_Sign(w->session, data, 32, sig, &len);
    if (rv == CKR_OK)
        rv = C_CreateObject(w->session, template, 2, &object);
    if (rv == CKR_OK)
        rv = C_FindObjectsInit(w->session, NULL, 0);
    if (rv == CKR_OK)
        rv = C_FindObjects(w->session, found, 8, &n);
    if (rv == CKR_OK)
        rv = C_FindObjectsFinal(w->session);
    if (rv == CKR_OK)
        rv = C_GetTokenInfo(p11_first_slot(), &info);
    return rv == CKR_OK ? C_DestroyObject(w->session, object) : rv;
}

static void *
work(void *arg)
{
    struct worker *w = arg;

    w->rv = C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION |
        CKF_RW_SESSION, NULL, NULL, &w->session);
    for (int i = 0; w->rv == CKR_OK && i < ROUNDS; i++)
        w->rv = work_once(w);
    if (w->rv == CKR_OK)
        w->rv = C_CloseSession(w->session);
    return NULL;
}

static void
threads__sign_search_and_write(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    struct worker workers[THREADS] = { 0 };
    struct p11_pair pair;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].pair = pair;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
            &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].rv, CKR_OK);
    }
    assert_int_equal(p11_count(s, CKO_DATA), 0);
    assert_int_equal(p11_count(s, CKO_PRIVATE_KEY), 1);
}

/* --- the store goes and comes ---------------------------------------------------- */

static void
store__goes_and_the_login_ends_with_its_session(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_SLOT_ID slot = p11_first_slot();
    CK_SESSION_INFO info;
    CK_ULONG count;

    p11_log_in(s, CKU_USER);
    fake_store_gone = true;
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(C_CloseAllSessions(slot), CKR_OK);
    assert_int_equal(C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
    fake_store_gone = false;
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s),
        CKR_OK);
    assert_int_equal(C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
}

static void
store__goes_and_logout_works(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_SESSION_INFO info;
    CK_ULONG count;

    p11_log_in(s, CKU_USER);
    fake_store_gone = true;
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(C_Logout(s), CKR_OK);
    assert_int_equal(C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
}

/* "No such object" of a token is that the token is gone. */
static void
store__gone_is_a_token_removed(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_ATTRIBUTE template[] = {
        ATTR(CKA_CLASS, class), ATTR(CKA_TOKEN, p11_true),
    };
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_OBJECT_HANDLE object;

    fake_fail("scu_token_login", SCU_E_NOT_FOUND);
    assert_int_equal(C_Login(s, CKU_USER, STRING(USER_PIN), 7),
        CKR_DEVICE_REMOVED);
    p11_log_in(s, CKU_USER);
    fake_fail("scu_object_list", SCU_E_NOT_FOUND);
    assert_int_equal(C_FindObjectsInit(s, NULL, 0), CKR_DEVICE_REMOVED);
    fake_fail("scu_object_create", SCU_E_NOT_FOUND);
    assert_int_equal(C_CreateObject(s, template, 2, &object),
        CKR_DEVICE_REMOVED);
    fake_add_bare_key("P-256");
    assert_int_equal(C_FindObjectsInit(s, NULL, 0), CKR_OK);
    assert_int_equal(C_FindObjects(s, &object, 1, &class), CKR_OK);
    assert_int_equal(C_FindObjectsFinal(s), CKR_OK);
    fake_fail("scu_object_key", SCU_E_NOT_FOUND);
    assert_int_equal(C_SignInit(s, &mechanism, object),
        CKR_KEY_HANDLE_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        P11_TEST(login__two_threads_are_one_login),
        P11_TEST(login__its_session_is_closed),
        P11_TEST(login__others_look_meanwhile),
        P11_TEST(threads__sign_search_and_write),
        P11_TEST(store__goes_and_the_login_ends_with_its_session),
        P11_TEST(store__goes_and_logout_works),
        P11_TEST(store__gone_is_a_token_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
