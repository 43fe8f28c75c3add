/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The connection over a bus on which answers are lost or altered. */
#include "tests/lib/proxy.h"
#include "tests/lib/unixsock.h"
#include "tests/tss-backend/provisioned.h"

#include <pthread.h>
#include <scu/key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const uint8_t digest[32] = { 1, 2, 3 };

static int
sign(struct scu_key *key)
{
    uint8_t sig[128];
    size_t len = sizeof(sig);

    return scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0, digest,
        sizeof(digest), sig, &len);
}

static struct scu_key *
make_key(struct scu_chip *chip)
{
    struct scu_key *key = NULL;

    assert_int_equal(scu_key_generate(chip, scu_alg_by_name("P-256"), NULL, 0,
        &key), SCU_OK);
    return key;
}

/* A bus on which one answer to TPM2_Sign is spoilt. */
struct bus {
    struct proxy *proxy;
    pthread_t thread;
    enum proxy_verdict verdict;
    bool flip, armed;
};

static enum proxy_verdict
spoil(void *user, const uint8_t *command, size_t command_len, uint8_t *data,
    size_t *len)
{
    struct bus *bus = user;

    (void)command_len;
    if (!bus->armed || frame_code(command) != TPM2_CC_Sign)
        return PROXY_PASS;
    bus->armed = false;
    if (bus->flip)
        data[*len - 1] ^= 1;
    return bus->verdict;
}

static void *
serve(void *arg)
{
    (void)proxy_run(arg);
    return NULL;
}

static void
on_a_bus(struct provisioned *p, struct bus *bus)
{
    const struct proxy_hooks hooks = { .user = bus, .response = spoil };
    char path[300], tcti[400];
    const struct scu_chip_options options = {
        .tcti = tcti, .state = p->state,
    };

    (void)snprintf(path, sizeof(path), "%s/bus", sim_dir(p->sim));
    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s", path);
    bus->proxy = proxy_new(path, sim_socket(p->sim), &hooks);
    assert_non_null(bus->proxy);
    assert_int_equal(pthread_create(&bus->thread, NULL, serve, bus->proxy),
        0);
    scu_chip_free(&p->chip);
    assert_int_equal(scu_chip_open(&options, &p->chip), SCU_OK);
    struct scu_key *key = make_key(p->chip);

    assert_int_equal(sign(key), SCU_OK);
    for (int i = 0; i < 4; i++) {
        bus->armed = true;
        assert_int_equal(sign(key), bus->flip ? SCU_E_TAMPERED : SCU_OK);
        assert_false(bus->armed);
        assert_int_equal(sign(key), SCU_OK);
    }
    assert_int_equal(provisioned_count(p, TPM2_LOADED_SESSION_FIRST), 1);
    scu_key_free(&key);
    scu_chip_free(&p->chip);
    proxy_stop(bus->proxy);
    assert_int_equal(pthread_join(bus->thread, NULL), 0);
    proxy_free(&bus->proxy);
}

/* The chip rolled its nonce, we did not: the session is of no use any more. */
static void
perform__lost_answer_is_made_good(void **state)
{
    struct bus bus = { .verdict = PROXY_DROP };

    on_a_bus(*state, &bus);
}

static void
perform__altered_answer_spoils_nothing_else(void **state)
{
    struct bus bus = { .verdict = PROXY_PASS, .flip = true };

    on_a_bus(*state, &bus);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(perform__lost_answer_is_made_good),
        TEST(perform__altered_answer_spoils_nothing_else),
    };

    return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
