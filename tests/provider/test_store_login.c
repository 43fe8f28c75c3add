/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uris.h"

#include <openssl/err.h>
#include <openssl/store.h>
#include <pthread.h>
#include <scu/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* --- logins --------------------------------------------------------------- */

static void
login__is_shared_as_long_as_it_is_used(void **state)
{
    const struct ossl *o = *state;
    struct uris_user user = { .pin = TOKENS_PIN };
    EVP_PKEY *first = uris_load_key(o, URIS_ONE ";object=ec", &user);
    EVP_PKEY *second = uris_load_key(o, URIS_ONE ";object=rsa", &user);

    assert_int_equal(user.asked, 1);
    ossl_sign_and_verify(o, first, "SHA256");
    EVP_PKEY_free(first);
    first = uris_load_key(o, URIS_ONE ";object=lone", &user);
    assert_int_equal(user.asked, 1);
    ossl_sign_and_verify(o, second, "SHA256");
    EVP_PKEY_free(second);
    ossl_sign_and_verify(o, first, "SHA256");
    second = EVP_PKEY_dup(first);
    EVP_PKEY_free(first);
    first = uris_load_key(o, "pkcs11:object=lone", &user);
    assert_int_equal(user.asked, 1);
    ossl_sign_and_verify(o, second, "SHA256");
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    first = uris_load_key(o, URIS_ONE ";object=ec", &user);
    assert_int_equal(user.asked, 2);
    EVP_PKEY_free(first);
}

static void
wrong_pin__is_tried_once(void **state)
{
    const struct ossl *o = *state;
    struct uris_user user = { .pin = "wrong-pin" };
    EVP_PKEY *key = NULL;

    uris_refused(o, URIS_ONE ";object=ec", OSSL_STORE_INFO_PKEY, &user,
        SCU_E_AUTH);
    assert_int_equal(user.asked, 1);
    assert_int_equal(tokens_failed("one"), 1);
    uris_refused(o, URIS_ONE ";object=ec?pin-value=wrong", OSSL_STORE_INFO_PKEY,
        NULL, SCU_E_AUTH);
    assert_int_equal(tokens_failed("one"), 2);
    user.pin = "123";
    uris_refused(o, URIS_ONE, OSSL_STORE_INFO_PKEY, &user, SCU_E_PIN_LENGTH);
    user.pin = NULL;
    uris_refused(o, URIS_ONE, OSSL_STORE_INFO_PKEY, &user, SCU_E_AUTH_NEEDED);
    assert_int_equal(tokens_failed("one"), 2);
    key = uris_load_key(o, URIS_ONE ";object=ec" URIS_PIN, NULL);
    assert_int_equal(tokens_failed("one"), 0);
    EVP_PKEY_free(key);
}

/* A PIN is not tried with a token that it may not be for. */
static void
pin_for_several_tokens__is_not_tried(void **state)
{
    const struct ossl *o = *state;
    struct uris_user user = { .pin = "wrong-pin" };

    uris_refused(o, "pkcs11:object=ec", OSSL_STORE_INFO_PKEY, &user,
        SCU_E_ARG);
    uris_refused(o, "pkcs11:object=ec" URIS_PIN, OSSL_STORE_INFO_PKEY, &user,
        SCU_E_ARG);
    assert_int_equal(user.asked, 0);
    assert_int_equal(tokens_failed("one") + tokens_failed("two"), 0);
}

static void
public_objects__come_before_a_login_that_fails(void **state)
{
    const struct ossl *o = *state;
    struct uris_user user = { 0 };
    struct uris_given given = uris_load_all(o, URIS_ONE, 0, &user);

    assert_int_equal(given.certs, 1);
    assert_int_equal(given.publics, 2);
    assert_int_equal(given.privates, 0);
    assert_int_equal(user.asked, 1);
    assert_true(uris_raised(SCU_E_AUTH_NEEDED));
    EVP_PKEY_free(given.key);
}

/* Asked by the leak checker, where there is one, when a process ends. */
int __lsan_is_turned_off(void) __attribute__((visibility("default")));

static int leaks;

int
__lsan_is_turned_off(void)
{
    return leaks;
}

/* It ends as programs do, without freeing what it inherited. */
static int
in_child(int (*work)(const struct ossl *o, EVP_PKEY *key),
    const struct ossl *o, EVP_PKEY *key)
{
    int status = -1;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        leaks = 1;
        exit(work(o, key));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* In a child cmocka would report its parent's failures: exit codes it is. */
static int
child_signs(const struct ossl *o, EVP_PKEY *key)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char sig[512];
    size_t len = sizeof(sig);
    bool ok = EVP_DigestSignInit_ex(ctx, NULL, "SHA256", o->libctx, NULL, key,
                  NULL) == 1 &&
        EVP_DigestSign(ctx, sig, &len, sig, 1) == 1;

    EVP_MD_CTX_free(ctx);
    if (!ok)
        ERR_print_errors_fp(stderr);
    return ok ? 0 : 1;
}

/* It has to log in anew; the key that it inherited goes on working. */
static int
child_opens(const struct ossl *o, EVP_PKEY *key)
{
    struct uris_user user = { .pin = TOKENS_PIN };
    struct uris_given given = uris_load_all(o, URIS_ONE ";object=rsa",
        OSSL_STORE_INFO_PKEY, &user);
    int rc = given.key == NULL || user.asked != 1 ? 2 : 0;

    if (rc == 0)
        rc = child_signs(o, given.key);
    if (rc == 0)
        rc = child_signs(o, key);
    EVP_PKEY_free(given.key);
    if (rc == 0)
        rc = child_signs(o, key);
    return rc;
}

/* As a worker that may not read the store. */
static int
child_signs_without_store(const struct ossl *o, EVP_PKEY *key)
{
    char store[300], away[300];
    int rc = 3;

    (void)snprintf(store, sizeof(store), "%s/store.db", o->state);
    (void)snprintf(away, sizeof(away), "%s/store.away", o->state);
    if (rename(store, away) == 0)
        rc = child_signs(o, key);
    return rename(away, store) == 0 ? rc : 4;
}

static void
children__sign_with_inherited_keys(void **state)
{
    const struct ossl *o = *state;
    EVP_PKEY *key = uris_load_key(o, URIS_ONE ";object=ec" URIS_PIN, NULL);

    assert_int_equal(in_child(child_signs, o, key), 0);
    ossl_sign_and_verify(o, key, "SHA256");
    assert_int_equal(in_child(child_signs, o, key), 0);
    assert_int_equal(in_child(child_signs_without_store, o, key), 0);
    assert_int_equal(in_child(child_opens, o, key), 0);
    ossl_sign_and_verify(o, key, "SHA256");
    EVP_PKEY_free(key);
    assert_int_equal(tokens_in_chip(), 1); /* the parent's session */
}

struct thread {
    pthread_t id;
    const struct ossl *o;
    struct uris_user user;
    int rc;
};

static void *
open_and_sign(void *arg)
{
    struct thread *t = arg;

    for (int i = 0; i < 3 && t->rc == 0; i++) {
        struct uris_given given = uris_load_all(t->o, URIS_ONE ";object=ec",
            OSSL_STORE_INFO_PKEY, &t->user);

        t->rc = given.key == NULL ? 2 : child_signs(t->o, given.key);
        EVP_PKEY_free(given.key);
    }
    return NULL;
}

static void
threads__share_a_token(void **state)
{
    struct thread threads[4];

    for (size_t i = 0; i < 4; i++) {
        threads[i] = (struct thread){
            .o = *state,
            .user = { .pin = TOKENS_PIN },
        };
        assert_int_equal(pthread_create(&threads[i].id, NULL, open_and_sign,
                             &threads[i]),
            0);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i].id, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(threads[i].rc, 0);
    assert_int_equal(tokens_failed("one"), 0);
    assert_int_equal(tokens_in_chip(), 1);
}

/* --- PIN files ----------------------------------------------------------- */

static const struct {
    const char *content;
    unsigned mode;
    int reason; /* 0: it opens */
} files[] = {
    { TOKENS_PIN, 0600, 0 },
    { TOKENS_PIN "\n", 0400, 0 },
    { TOKENS_PIN, 0640, SCU_E_FILE },
    { TOKENS_PIN, 0604, SCU_E_FILE },
    { TOKENS_PIN, 0620, SCU_E_FILE },
    { TOKENS_PIN, 0602, SCU_E_FILE },
    { TOKENS_PIN "\n\n", 0600, SCU_E_AUTH },
    { "wrong-pin\n", 0600, SCU_E_AUTH },
    { "", 0600, SCU_E_PIN_LENGTH },
    { "\n", 0600, SCU_E_PIN_LENGTH },
    { "abc\n", 0600, SCU_E_PIN_LENGTH },
};

static void
write_file(const char *path, const char *content, unsigned mode)
{
    FILE *file = NULL;

    (void)unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void
pin_file__is_read_if_nobody_else_can(void **state)
{
    const struct ossl *o = *state;
    char path[300], uri[400];

    (void)snprintf(path, sizeof(path), "%s/pin", o->state);
    (void)snprintf(uri, sizeof(uri), URIS_ONE ";object=ec?pin-source=file:%s",
        path);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        write_file(path, files[i].content, files[i].mode);
        if (files[i].reason == 0)
            EVP_PKEY_free(uris_load_key(o, uri, NULL));
        else
            uris_refused(o, uri, OSSL_STORE_INFO_PKEY, NULL,
                files[i].reason);
    }
    /* The right URIS_PIN, last, takes back the two wrong ones. */
    write_file(path, TOKENS_PIN, 0600);
    (void)snprintf(uri, sizeof(uri), URIS_ONE ";object=ec?pin-source=file://%s",
        path);
    EVP_PKEY_free(uris_load_key(o, uri, NULL));
    assert_int_equal(tokens_failed("one"), 0);
}

static void
pin_file__is_bounded(void **state)
{
    const struct ossl *o = *state;
    char path[300], uri[400], much[1000];

    memset(much, '1', sizeof(much));
    (void)snprintf(path, sizeof(path), "%s/pin", o->state);
    (void)snprintf(uri, sizeof(uri), URIS_ONE ";object=ec?pin-source=file:%s",
        path);
    for (size_t len = SCU_PIN_MAX + 1; len <= SCU_PIN_MAX + 4; len++) {
        much[len] = '\0';
        write_file(path, much, 0600);
        uris_refused(o, uri, OSSL_STORE_INFO_PKEY, NULL, SCU_E_PIN_LENGTH);
        much[len] = '1';
    }
    assert_int_equal(tokens_failed("one"), 0);
}

static void
pin_file__is_a_regular_one(void **state)
{
    const struct ossl *o = *state;
    char path[300], uri[400];

    (void)snprintf(path, sizeof(path), "%s/fifo", o->state);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(uri, sizeof(uri), URIS_ONE ";object=ec?pin-source=file:%s",
        path);
    uris_refused(o, uri, OSSL_STORE_INFO_PKEY, NULL, SCU_E_FILE);
    (void)snprintf(uri, sizeof(uri), URIS_ONE ";object=ec?pin-source=file:%s",
        o->state);
    uris_refused(o, uri, OSSL_STORE_INFO_PKEY, NULL, SCU_E_FILE);
    uris_refused(o, URIS_ONE ";object=ec?pin-source=file:/dev/null",
        OSSL_STORE_INFO_PKEY, NULL, SCU_E_FILE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OSSL_BOTH(login__is_shared_as_long_as_it_is_used),
        OSSL_BOTH(wrong_pin__is_tried_once),
        OSSL_BOTH(pin_for_several_tokens__is_not_tried),
        OSSL_BOTH(public_objects__come_before_a_login_that_fails),
        OSSL_BOTH(children__sign_with_inherited_keys),
        OSSL_BOTH(threads__share_a_token),
        OSSL_BOTH(pin_file__is_read_if_nobody_else_can),
        OSSL_BOTH(pin_file__is_bounded),
        OSSL_BOTH(pin_file__is_a_regular_one),
    };

    return cmocka_run_group_tests(tests, uris_group_setup,
        ossl_group_teardown);
}
