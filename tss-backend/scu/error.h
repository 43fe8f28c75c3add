/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_ERROR_H
#define SCU_ERROR_H

#include <scu/api.h>

/*
 * Errors
 * ------
 * Each function of libscu that can fail returns SCU_OK (0) or one of the
 * negative codes below. The text of a code says what to do next. What
 * happened in this case (which file, which handle, both Names) stands in the
 * calling thread's scu_error_detail().
 *
 * This is the one list: the columns are
 *   X(NAME, VALUE, CKR, EXIT, TEXT)
 * NAME  the enumerator is SCU_E_NAME; VALUE is its fixed value;
 * CKR   the image in PKCS#11, CKR_... without the prefix;
 * EXIT  the exit code of the command scu(1);
 * TEXT  one line.
 * The OpenSSL reason code of an error is minus its VALUE.
 */
#define SCU_ERROR_LIST(X)                                                     \
    X(ARG, -1, ARGUMENTS_BAD, 2,                                              \
        "an argument is not valid")                                           \
    X(MEMORY, -2, HOST_MEMORY, 1,                                             \
        "out of memory on the host")                                          \
    X(SIZE, -3, BUFFER_TOO_SMALL, 1,                                          \
        "the buffer is too small for the result")                             \
    X(CONF, -4, GENERAL_ERROR, 2,                                             \
        "the configuration is not valid: correct the line named")             \
    X(FILE, -5, GENERAL_ERROR, 1,                                             \
        "a file could not be read or written: check its path and rights")     \
    X(NO_CHIP, -6, DEVICE_REMOVED, 4,                                         \
        "no chip answers on this link: check SCU_TCTI, scu.conf, wiring")     \
    X(IO, -7, DEVICE_ERROR, 4,                                                \
        "the link to the chip failed: check the connection and repeat")       \
    X(BUSY, -8, DEVICE_ERROR, 4,                                              \
        "another program holds the chip: repeat when it is done")             \
    X(SLOTS, -9, DEVICE_MEMORY, 4,                                            \
        "the chip's slots are full: end or flush the programs that hold them")\
    X(UNPROVISIONED, -10, DEVICE_ERROR, 4,                                    \
        "this chip is not provisioned here: run `scu provision`")             \
    X(OTHER_CHIP, -11, DEVICE_REMOVED, 3,                                     \
        "this is not the chip that was provisioned: put the right chip back, "\
        "or run `scu provision --force` to trust this one")                   \
    X(TAMPERED, -12, DEVICE_ERROR, 3,                                         \
        "an answer of the chip was not authentic: someone alters the bus")    \
    X(AUTH, -13, PIN_INCORRECT, 6,                                            \
        "the password or authorisation is wrong")                             \
    X(AUTH_NEEDED, -14, USER_NOT_LOGGED_IN, 6,                                \
        "this needs a password or authorisation that was not given")          \
    X(LOCKED, -15, PIN_LOCKED, 6,                                             \
        "the chip's dictionary-attack lockout is active: wait, or reset it "  \
        "with the lockout authorisation")                                     \
    X(KEYFILE, -16, DATA_INVALID, 3,                                          \
        "this is not a valid TSS2 PRIVATE KEY file")                          \
    X(FOREIGN_KEY, -17, KEY_HANDLE_INVALID, 3,                                \
        "this key belongs to another chip, or its parent key is gone")        \
    X(UNSUPPORTED, -18, MECHANISM_INVALID, 7,                                 \
        "this chip or version does not offer that")                           \
    X(USAGE, -19, KEY_FUNCTION_NOT_PERMITTED, 2,                              \
        "the key does not permit this use")                                   \
    X(NOT_FOUND, -20, OBJECT_HANDLE_INVALID, 1,                               \
        "no such object")                                                     \
    X(EXISTS, -21, GENERAL_ERROR, 1,                                          \
        "something else stands there already")                                \
    X(CHIP, -22, DEVICE_ERROR, 4,                                             \
        "the chip reported an error")                                         \
    X(LOST, -23, DEVICE_ERROR, 4,                                             \
        "the chip lost a session or key (reset or flushed): repeat")          \
    X(INTERNAL, -24, FUNCTION_FAILED, 1,                                      \
        "internal error, please report it")                                   \
    X(PIN_LOCKED, -25, PIN_LOCKED, 6,                                         \
        "the token's PIN is locked: the SO unlocks it by setting a new one")  \
    X(PIN_UNSET, -26, USER_PIN_NOT_INITIALIZED, 6,                            \
        "the token has no user PIN yet: the SO sets it")                      \
    X(PIN_LENGTH, -27, PIN_LEN_RANGE, 2,                                      \
        "a PIN has 4 to 127 octets")                                          \
    X(STORE, -28, GENERAL_ERROR, 3,                                           \
        "the store is damaged or was altered: restore it from a backup")      \
    X(STORE_NEWER, -29, GENERAL_ERROR, 1,                                     \
        "the store was written by a newer version: use that one")             \
    X(TOKENS_FULL, -30, DEVICE_MEMORY, 4,                                     \
        "the chip has no room for another token: remove one")                 \
    X(READ_ONLY, -31, TOKEN_WRITE_PROTECTED, 1,                               \
        "the store's folder is read-only: check its rights")                  \
    X(DISK_FULL, -32, DEVICE_MEMORY, 1,                                       \
        "the disk is full: nothing was changed, make room and repeat")        \
    X(NOT_STARTED, -33, DEVICE_ERROR, 4,                                      \
        "the chip was not started after it lost its power: set \"startup = "  \
        "if-needed\" in scu.conf, or let firmware or a driver start it")

enum scu_rc {
    SCU_OK = 0,
#define SCU_ERROR_ENUM(name, value, ckr, exit, text) SCU_E_##name = value,
    SCU_ERROR_LIST(SCU_ERROR_ENUM)
#undef SCU_ERROR_ENUM
};

/* "SCU_E_AUTH" for SCU_E_AUTH; never NULL, also for unknown codes. */
SCU_API const char *scu_error_name(int rc);

/* The one-line text of a code; never NULL. */
SCU_API const char *scu_error_text(int rc);

/*
 * What happened at the calling thread's last failed call: one line with cause
 * and, where the code's text does not say it, remedy. Never NULL; valid until
 * the thread's next call into libscu.
 */
SCU_API const char *scu_error_detail(void);

/*
 * A line "scu: text" on standard error where SCU_LOG (error by default) shows
 * lines of this level, for doors that have no place for text. libscu itself
 * notes its failures in scu_error_detail() only. Any thread.
 */
enum scu_log_level {
    SCU_LOG_ERROR = 1,
    SCU_LOG_WARN = 2,
    SCU_LOG_INFO = 3,
    SCU_LOG_DEBUG = 4,
};
SCU_API void scu_log(enum scu_log_level level, const char *format, ...)
    SCU_FORMAT(2, 3);

/* The exit code of scu(1) for a code. */
SCU_API int scu_error_exit(int rc);

#endif
