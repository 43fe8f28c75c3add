/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* C_Initialize to C_Finalize, forks, interfaces. */
#include "tests/pkcs11/p11test.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static CK_RV
create(CK_VOID_PTR_PTR mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV
other(CK_VOID_PTR mutex)
{
    (void)mutex;
    return CKR_OK;
}

static void
initialize__locks_of_the_application(void **state)
{
    CK_C_INITIALIZE_ARGS args = {
        .CreateMutex = create, .DestroyMutex = other, .LockMutex = other,
    };

    (void)state;
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Initialize(&args), CKR_ARGUMENTS_BAD);
    args.UnlockMutex = other;
    assert_int_equal(C_Initialize(&args), CKR_CANT_LOCK);
    args.flags = CKF_OS_LOCKING_OK;
    assert_int_equal(C_Initialize(&args), CKR_OK);
}

static void
initialize__twice(void **state)
{
    (void)state;
    assert_int_equal(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
}

static void
initialize__configuration_refused(void **state)
{
    (void)state;
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    fake_fail("scu_chip_open", SCU_E_CONF);
    fake_log_lines = 0;
    assert_int_equal(C_Initialize(NULL), CKR_GENERAL_ERROR);
    assert_int_equal(fake_log_lines, 1);
    assert_int_equal(C_Initialize(NULL), CKR_OK);
}

static void
finalize__ends_all(void **state)
{
    CK_SESSION_INFO info;
    CK_INFO about;

    assert_int_equal(C_Finalize(&info), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_GetInfo(&about), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    assert_int_equal(C_GetSessionInfo(p11_session_of(state), &info),
        CKR_SESSION_HANDLE_INVALID);
}

static void
get_info__version_and_padding(void **state)
{
    CK_INFO info;

    (void)state;
    assert_int_equal(C_GetInfo(&info), CKR_OK);
    assert_int_equal(info.cryptokiVersion.major, 2);
    assert_int_equal(info.cryptokiVersion.minor, 40);
    assert_int_equal(info.manufacturerID[31], ' ');
    assert_int_equal(info.libraryDescription[31], ' ');
}

/* In a child: the module is not initialised, can be, and has no session. */
static int
child(CK_SESSION_HANDLE parents)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE session;

    if (C_GetSessionInfo(parents, &info) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 1;
    if (C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 2;
    if (C_Initialize(NULL) != CKR_OK)
        return 3;
    if (C_GetSessionInfo(parents, &info) != CKR_SESSION_HANDLE_INVALID)
        return 4;
    if (C_OpenSession(p11_first_slot(), CKF_SERIAL_SESSION, NULL, NULL,
        &session) != CKR_OK)
        return 5;
    return C_Finalize(NULL) == CKR_OK ? 0 : 6;
}

static void
fork__child_begins_anew(void **state)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_BYTE data[32] = { 0 }, sig[64];
    CK_ULONG len = 64;
    struct p11_pair pair;
    int status;
    pid_t pid;

    p11_log_in(s, CKU_USER);
    pair = p11_make_ec(s, 256, true);
    pid = fork();
    if (pid == 0)
        _exit(child(s));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(C_SignInit(s, &mechanism, pair.private), CKR_OK);
    assert_int_equal(C_Sign(s, data, 32, sig, &len), CKR_OK);
}

/* --- interfaces ----------------------------------------------------------- */

static void
get_interface__versions(void **state)
{
    CK_VERSION v240 = { 2, 40 }, v30 = { 3, 0 }, v31 = { 3, 1 };
    CK_INTERFACE *interface = NULL;
    CK_UTF8CHAR *name = STRING("PKCS 11");

    (void)state;
    assert_int_equal(C_GetInterface(NULL, NULL, &interface, 0), CKR_OK);
    assert_ptr_equal(interface->pFunctionList, &p11_functions_3_0);
    assert_string_equal(interface->pInterfaceName, "PKCS 11");
    assert_int_equal(C_GetInterface(name, &v240, &interface, 0), CKR_OK);
    assert_ptr_equal(interface->pFunctionList, &p11_functions);
    assert_int_equal(C_GetInterface(name, &v30, &interface, 0), CKR_OK);
    assert_int_equal(C_GetInterface(name, &v31, &interface, 0),
        CKR_FUNCTION_FAILED);
    assert_int_equal(C_GetInterface(STRING("PKCS 12"), NULL, &interface, 0),
        CKR_FUNCTION_FAILED);
    assert_int_equal(C_GetInterface(name, NULL, &interface,
        CKF_INTERFACE_FORK_SAFE), CKR_FUNCTION_FAILED);
    assert_int_equal(C_GetInterface(name, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
}

static void
get_interface_list__lengths(void **state)
{
    CK_INTERFACE list[2];
    CK_ULONG count = 0;

    (void)state;
    assert_int_equal(C_GetInterfaceList(NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    count = 1;
    assert_int_equal(C_GetInterfaceList(list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 2);
    assert_int_equal(C_GetInterfaceList(list, &count), CKR_OK);
    assert_ptr_equal(list[1].pFunctionList, &p11_functions);
}

/* Each entry is there and is the function of its name. */
static void
get_function_list__is_full(void **state)
{
    CK_FUNCTION_LIST *list = NULL;
    void *const *entry;
    size_t n;

    (void)state;
    assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetFunctionList(&list), CKR_OK);
    entry = (void *const *)(const void *)&list->C_Initialize;
    n = (sizeof(*list) - offsetof(CK_FUNCTION_LIST, C_Initialize)) /
        sizeof(*entry);
    assert_int_equal(n, 68);
    for (size_t i = 0; i < n; i++)
        assert_non_null(entry[i]);
    entry = (void *const *)(const void *)&p11_functions_3_0.C_Initialize;
    n = (sizeof(p11_functions_3_0) -
        offsetof(CK_FUNCTION_LIST_3_0, C_Initialize)) / sizeof(*entry);
    assert_int_equal(n, 92);
    for (size_t i = 0; i < n; i++)
        assert_non_null(entry[i]);
    assert_ptr_equal(list->C_Sign, C_Sign);
    assert_ptr_equal(p11_functions_3_0.C_SessionCancel, C_SessionCancel);
}

static void
unsupported__says_so(void **state)
{
    CK_SESSION_HANDLE s = p11_session_of(state);
    CK_MECHANISM mechanism = { .mechanism = CKM_AES_CBC };
    CK_SLOT_ID slot;

    assert_int_equal(C_EncryptInit(s, &mechanism, 1),
        CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(C_GetFunctionStatus(s), CKR_FUNCTION_NOT_PARALLEL);
    assert_int_equal(C_CancelFunction(s), CKR_FUNCTION_NOT_PARALLEL);
    assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL),
        CKR_NO_EVENT);
    assert_int_equal(C_WaitForSlotEvent(0, &slot, NULL),
        CKR_FUNCTION_NOT_SUPPORTED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        P11_TEST(initialize__locks_of_the_application),
        P11_TEST(initialize__twice),
        P11_TEST(initialize__configuration_refused),
        P11_TEST(finalize__ends_all),
        P11_TEST(get_info__version_and_padding),
        P11_TEST(fork__child_begins_anew),
        P11_TEST(get_interface__versions),
        P11_TEST(get_interface_list__lengths),
        P11_TEST(get_function_list__is_full),
        P11_TEST(unsupported__says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
