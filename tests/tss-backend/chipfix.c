/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/tss-backend/chipfix.h"

#include "tests/lib/commands.h"
#include "tests/lib/proxy.h"

#include <endian.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct counter {
    struct proxy *proxy;
    struct proxy_hooks hooks;
    pthread_t thread;
    pthread_mutex_t mutex;
    uint32_t refused, rc;
    char commands[4096];
    char copy[4096];
};

static enum proxy_verdict
on_command(void *user, uint8_t *data, size_t *len)
{
    struct counter *c = user;
    enum proxy_verdict verdict = PROXY_PASS;
    uint32_t answer[2], code;

    (void)pthread_mutex_lock(&c->mutex);
    memcpy(&code, data + 6, sizeof(code));
    if (c->refused != 0 && be32toh(code) == c->refused) {
        answer[0] = htobe32(10);
        answer[1] = htobe32(c->rc);
        memcpy(data, "\x80\x01", 2);
        memcpy(data + 2, answer, sizeof(answer));
        *len = 10;
        verdict = PROXY_ANSWER;
    }
    (void)pthread_mutex_unlock(&c->mutex);
    return verdict;
}

static void
on_done(void *user, const struct proxy_record *record)
{
    struct counter *c = user;
    char name[COMMAND_NAME_MAX];
    size_t len;

    (void)pthread_mutex_lock(&c->mutex);
    len = strlen(c->commands);
    (void)snprintf(c->commands + len, sizeof(c->commands) - len, "%s%s",
        len == 0 ? "" : " ", command_name(record->command, name));
    (void)pthread_mutex_unlock(&c->mutex);
}

static void *
run(void *arg)
{
    (void)proxy_run(arg);
    return NULL;
}

static void
start_counter(struct chipfix *fix)
{
    struct counter *c = calloc(1, sizeof(*c));
    char path[200];

    assert_non_null(c);
    (void)pthread_mutex_init(&c->mutex, NULL);
    c->hooks.user = c;
    c->hooks.command = on_command;
    c->hooks.done = on_done;
    assert_true((size_t)snprintf(path, sizeof(path), "%s/proxy.sock",
        sim_dir(fix->sim)) < sizeof(path));
    c->proxy = proxy_new(path, sim_socket(fix->sim), &c->hooks);
    assert_non_null(c->proxy);
    assert_int_equal(pthread_create(&c->thread, NULL, run, c->proxy), 0);
    fix->counter = c;
    (void)snprintf(fix->tcti, sizeof(fix->tcti), "scu:swtpm:path=%s", path);
}

struct scu_chip *
chipfix_connect(struct chipfix *fix)
{
    const struct scu_chip_options options = {
        .tcti = fix->tcti, .state = fix->provisioned->state,
    };
    struct scu_chip *chip = NULL;

    if (scu_chip_open(&options, &chip) != SCU_OK)
        fail_msg("%s", scu_error_detail());
    return chip;
}

struct chipfix *
chipfix_new(bool owner_auth)
{
    const struct scu_provision_options options = {
        .owner_auth = owner_auth ?
            SCU_OWNER_AUTH_RANDOM : SCU_OWNER_AUTH_EMPTY,
    };
    struct scu_provision_report report;
    struct chipfix *fix = calloc(1, sizeof(*fix));
    void *state = NULL;

    assert_non_null(fix);
    assert_int_equal(unprovisioned_setup(&state), 0);
    fix->provisioned = state;
    fix->sim = fix->provisioned->sim;
    start_counter(fix);
    fix->chip = chipfix_connect(fix);
    if (scu_provision(fix->chip, &options, &report) != SCU_OK)
        fail_msg("%s", scu_error_detail());
    return fix;
}

void
chipfix_free(struct chipfix *fix)
{
    void *state;

    if (fix == NULL)
        return;
    scu_chip_free(&fix->chip);
    proxy_stop(fix->counter->proxy);
    (void)pthread_join(fix->counter->thread, NULL);
    proxy_free(&fix->counter->proxy);
    (void)pthread_mutex_destroy(&fix->counter->mutex);
    free(fix->counter);
    state = fix->provisioned;
    (void)provisioned_teardown(&state);
    free(fix);
}

int
chipfix_setup(void **state)
{
    *state = chipfix_new(false);
    return 0;
}

int
chipfix_teardown(void **state)
{
    chipfix_free(*state);
    return 0;
}

void
chipfix_count(struct chipfix *fix)
{
    (void)pthread_mutex_lock(&fix->counter->mutex);
    fix->counter->commands[0] = '\0';
    (void)pthread_mutex_unlock(&fix->counter->mutex);
}

const char *
chipfix_commands(struct chipfix *fix)
{
    struct counter *c = fix->counter;

    (void)pthread_mutex_lock(&c->mutex);
    memcpy(c->copy, c->commands, sizeof(c->copy));
    (void)pthread_mutex_unlock(&c->mutex);
    return c->copy;
}

void
chipfix_refuse(struct chipfix *fix, uint32_t code, uint32_t rc)
{
    (void)pthread_mutex_lock(&fix->counter->mutex);
    fix->counter->refused = code;
    fix->counter->rc = rc;
    (void)pthread_mutex_unlock(&fix->counter->mutex);
}

unsigned
chipfix_transients(struct chipfix *fix)
{
    return provisioned_count(fix->provisioned, CHIP_TRANSIENT_FIRST);
}

unsigned
chipfix_sessions(struct chipfix *fix)
{
    return provisioned_count(fix->provisioned, TPM2_LOADED_SESSION_FIRST);
}

/* There are three slots; an empty one says so. */
static int
flush(struct scu_chip *chip, void *arg)
{
    (void)arg;
    for (TPM2_HANDLE i = 0; i < 3; i++)
        (void)chip_flush(chip, CHIP_TRANSIENT_FIRST + i);
    return SCU_OK;
}

void
chipfix_flush(struct chipfix *fix)
{
    assert_int_equal(chip_perform(fix->provisioned->chip, CHIP_BARE, flush,
        NULL), SCU_OK);
    assert_int_equal(chipfix_transients(fix), 0);
}
