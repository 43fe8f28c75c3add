/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * A process is killed at each command of its life, once before the chip gets
 * it, once before the answer comes. What it leaves goes with the next process;
 * another program's object and session, and a process that only keeps what it
 * has, come to no harm.
 */
#include "tests/lib/proxy.h"
#include "tests/lib/unixsock.h"
#include "tests/tss-backend/store/tokens.h"
#include "tests/tss-backend/turns.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PASSWORD "a password"

/* At which command who dies; counts down to 0. */
struct death {
    struct provisioned *p;
    struct proxy *proxy;
    pthread_t thread;
    char path[300];
    pid_t victim;
    unsigned left;
    bool answered; /* the chip still does the command */
    bool unknown;  /* it died while it made a session */
};

static enum proxy_verdict
strike(struct death *d, const uint8_t *command)
{
    siginfo_t info;

    (void)kill(d->victim, SIGKILL);
    (void)waitid(P_PID, (id_t)d->victim, &info, WEXITED | WNOWAIT);
    d->unknown = d->answered &&
        frame_code(command) == TPM2_CC_StartAuthSession;
    return PROXY_DROP;
}

static enum proxy_verdict
before(void *user, uint8_t *data, size_t *len)
{
    struct death *d = user;

    (void)len;
    if (d->left == 0 || --d->left > 0 || d->answered)
        return PROXY_PASS;
    return strike(d, data);
}

static enum proxy_verdict
after(void *user, const uint8_t *command, size_t command_len, uint8_t *data,
    size_t *len)
{
    struct death *d = user;

    (void)command_len;
    (void)data;
    (void)len;
    if (d->left > 0 || !d->answered || d->victim == 0)
        return PROXY_PASS;
    strike(d, command);
    d->victim = 0;
    return PROXY_DROP;
}

static void *
serve(void *arg)
{
    (void)proxy_run(arg);
    return NULL;
}

/* The children fork while there is no thread. */
static void
start_bus(struct death *d)
{
    static struct proxy_hooks hooks = { .command = before,
        .response = after };

    hooks.user = d;
    d->proxy = proxy_new(d->path, sim_socket(d->p->sim), &hooks);
    assert_non_null(d->proxy);
    assert_int_equal(pthread_create(&d->thread, NULL, serve, d->proxy), 0);
}

static void
stop_bus(struct death *d)
{
    proxy_stop(d->proxy);
    assert_int_equal(pthread_join(d->thread, NULL), 0);
    proxy_free(&d->proxy);
}

static struct scu_chip *
connect_to(const struct death *d)
{
    char tcti[400];
    const struct scu_chip_options options = {
        .tcti = tcti, .state = d->p->state,
    };
    struct scu_chip *chip = NULL;

    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s", d->path);
    return scu_chip_open(&options, &chip) == SCU_OK ? chip : NULL;
}

/* --- lives ---------------------------------------------------------------- */

typedef int life(struct scu_chip *chip);

/* More keys than slots, one with a password: a policy session, too. */
static int
live_with_keys(struct scu_chip *chip)
{
    struct scu_key *key[3] = { NULL };
    int rc = SCU_OK;

    for (size_t i = 0; rc == SCU_OK && i < 3; i++)
        rc = scu_key_generate(chip, scu_alg_by_name("P-256"),
            i == 0 ? PASSWORD : NULL, i == 0 ? strlen(PASSWORD) : 0, &key[i]);
    if (rc == SCU_OK)
        rc = scu_key_set_password(key[0], PASSWORD, strlen(PASSWORD));
    for (size_t i = 0; rc == SCU_OK && i < 6; i++)
        rc = turns_sign(key[i % 3]);
    for (size_t i = 0; i < 3; i++)
        scu_key_free(&key[i]);
    return rc;
}

static int
live_with_a_token(struct scu_chip *chip)
{
    struct scu_token *token = token_only(chip);
    struct scu_object *object;
    int rc = token_login(token, SCU_USER_NORMAL, USER_PIN);

    if (rc == SCU_OK) {
        object = token_key(token, "key");
        rc = token_sign(object);
        if (rc == SCU_OK)
            rc = token_sign(object);
        scu_object_free(&object);
    }
    scu_token_free(&token);
    return rc;
}

/* Returns whether it lived to its end. */
static bool
live_and_die(struct death *d, life *live)
{
    int go[2], status = -1;
    pid_t pid;
    char c;

    assert_int_equal(pipe(go), 0);
    assert_true((pid = fork()) >= 0);
    if (pid == 0) {
        struct scu_chip *chip;
        int rc;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (read(go[0], &c, 1) != 1 || (chip = connect_to(d)) == NULL)
            _exit(2);
        rc = live(chip);
        if (rc != SCU_OK)
            (void)fprintf(stderr, "%s\n", scu_error_detail());
        scu_chip_free(&chip);
        _exit(rc == SCU_OK ? 0 : 1);
    }
    d->victim = pid;
    d->unknown = false;
    start_bus(d);
    assert_int_equal(write(go[1], "", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(go[0]);
    (void)close(go[1]);
    assert_true(status == 0 || WIFSIGNALED(status));
    return status == 0;
}

static int
name_of_stranger(struct scu_chip *chip, void *arg)
{
    TPM2B_PUBLIC public;

    return chip_read_public(chip, CHIP_TRANSIENT_FIRST, true, &public, arg);
}

/* Another process comes and goes; the strangers' are as they were. */
static void
tidy_up_after(struct death *d, const TPM2B_NAME *stranger)
{
    struct scu_chip *chip = connect_to(d);
    struct scu_key *key = turns_key(chip);
    TPM2B_NAME name = { 0 };

    turns_must_sign(key);
    scu_key_free(&key);
    assert_int_equal(chip_perform(chip, CHIP_BARE, name_of_stranger, &name),
        SCU_OK);
    assert_int_equal(name.size, stranger->size);
    assert_memory_equal(name.name, stranger->name, name.size);
    scu_chip_free(&chip);
}

/*
 * A session of which nobody learned the handle cannot be told from another
 * program's: it stays, and is the only thing that does.
 */
static void
count_what_is_left(struct death *d)
{
    unsigned sessions = turns_sessions(d->p);

    assert_int_equal(turns_objects(d->p), 1);
    assert_in_range(sessions, 1, d->unknown ? 2 : 1);
    if (sessions == 1)
        return;
    provisioned_flush(d->p, TPM2_LOADED_SESSION_FIRST);
    provisioned_crowd(d->p, 0, 1);
}

static void
die_at_each_command(struct death *d, life *live)
{
    TPM2B_NAME stranger = { 0 };
    struct scu_chip *chip;
    struct scu_key *key;
    bool lived = false;

    (void)snprintf(d->path, sizeof(d->path), "%s/bus", sim_dir(d->p->sim));
    provisioned_crowd(d->p, 1, 1);
    start_bus(d);
    chip = connect_to(d);
    assert_int_equal(chip_perform(chip, CHIP_BARE, name_of_stranger,
        &stranger), SCU_OK);
    scu_chip_free(&chip);
    stop_bus(d);
    for (unsigned k = 1; !lived; k++)
        for (int answered = 0; answered <= 1 && !lived; answered++) {
            d->left = k;
            d->answered = answered != 0;
            lived = live_and_die(d, live);
            d->victim = 0;
            d->left = 0;
            tidy_up_after(d, &stranger);
            stop_bus(d);
            count_what_is_left(d);
        }
    /* One that keeps a key and a session all the time. */
    start_bus(d);
    chip = connect_to(d);
    key = turns_key(chip);
    for (unsigned k = 1; k < 20; k += 4) {
        turns_must_sign(key);
        stop_bus(d);
        d->left = k;
        d->answered = true;
        (void)live_and_die(d, live);
        d->victim = 0;
        d->left = 0;
        turns_must_sign(key);
        tidy_up_after(d, &stranger);
        if (turns_sessions(d->p) == 3 && d->unknown)
            provisioned_flush(d->p, TPM2_LOADED_SESSION_FIRST);
    }
    scu_key_free(&key);
    scu_chip_free(&chip);
    stop_bus(d);
    assert_int_equal(turns_objects(d->p), 1);
    provisioned_flush_all(d->p);
}

static void
death__with_keys(void **state)
{
    struct death d = { .p = *state };

    die_at_each_command(&d, live_with_keys);
}

static void
death__with_a_token(void **state)
{
    struct death d = { .p = *state };
    struct scu_token *token;

    d.p->chip = provisioned_connect(d.p);
    token = token_made(d.p, 5);
    scu_token_free(&token);
    scu_chip_free(&d.p->chip);
    die_at_each_command(&d, live_with_a_token);
}

#define TURN_TEST(t)                                                          \
    cmocka_unit_test_setup_teardown(t, turns_setup, turns_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TURN_TEST(death__with_keys),
        TURN_TEST(death__with_a_token),
    };

    return cmocka_run_group_tests_name("turn death", tests, NULL, NULL);
}
