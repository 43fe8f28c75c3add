/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Quotes while a register changes between its reading and the quote. */
#include "tests/lib/proxy.h"
#include "tests/lib/unixsock.h"
#include "tests/tss-backend/provisioned.h"

#include <pthread.h>
#include <scu/attest.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t nonce[8] = "8 octets";

/* TPM2_PCR_Extend of PCR 16, sha256, by the empty password. */
static const uint8_t extend[65] = {
    0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, 16,
    0, 0, 0, 9, 0x40, 0, 0, 0x09, 0, 0, 1, 0, 0,
    0, 0, 0, 1, 0, 0x0b, 1, 2, 3,
};

struct bus {
    struct proxy_hooks hooks; /* the proxy borrows them */
    struct proxy *proxy;
    pthread_t thread;
    int moves;      /* quotes before which the register still changes */
    int refused;    /* extensions that the chip did not take */
    int quotes, reads;
};

static enum proxy_verdict
move(void *user, uint8_t *data, size_t *len)
{
    uint8_t answer[PROXY_FRAME_MAX];
    struct bus *bus = user;

    (void)len;
    bus->reads += frame_code(data) == TPM2_CC_PCR_Read;
    if (frame_code(data) != TPM2_CC_Quote)
        return PROXY_PASS;
    bus->quotes++;
    if (bus->moves > 0 && bus->moves-- > 0 &&
        (proxy_inject(bus->proxy, extend, sizeof(extend), answer) < 10 ||
            frame_code(answer) != 0))
        bus->refused++;
    return PROXY_PASS;
}

static void *
serve(void *arg)
{
    (void)proxy_run(arg);
    return NULL;
}

static void
bus_open(struct provisioned *p, struct bus *bus)
{
    char path[300], tcti[400];
    const struct scu_chip_options options = {
        .tcti = tcti, .state = p->state,
    };

    (void)snprintf(path, sizeof(path), "%s/bus", sim_dir(p->sim));
    (void)snprintf(tcti, sizeof(tcti), "scu:swtpm:path=%s", path);
    bus->hooks = (struct proxy_hooks) { .user = bus, .command = move };
    bus->proxy = proxy_new(path, sim_socket(p->sim), &bus->hooks);
    assert_non_null(bus->proxy);
    assert_int_equal(pthread_create(&bus->thread, NULL, serve, bus->proxy),
        0);
    scu_chip_free(&p->chip);
    assert_int_equal(scu_chip_open(&options, &p->chip), SCU_OK);
}

static void
bus_close(struct provisioned *p, struct bus *bus)
{
    scu_chip_free(&p->chip);
    proxy_stop(bus->proxy);
    assert_int_equal(pthread_join(bus->thread, NULL), 0);
    proxy_free(&bus->proxy);
    assert_int_equal(bus->refused, 0);
}

static void
quote__registers_at_rest_are_read_once(void **state)
{
    struct scu_evidence *evidence = NULL;
    struct bus bus = { 0 };

    bus_open(*state, &bus);
    assert_int_equal(scu_quote(((struct provisioned *)*state)->chip, nonce,
        sizeof(nonce), "sha256:0-7", &evidence), SCU_OK);
    scu_evidence_free(&evidence);
    bus_close(*state, &bus);
    assert_int_equal(bus.reads, 1);
    assert_int_equal(bus.quotes, 1);
}

static void
quote__register_that_moves_is_read_again(void **state)
{
    const struct scu_expected expected = {
        .nonce = nonce, .nonce_len = sizeof(nonce),
    };
    struct provisioned *p = *state;
    struct scu_evidence *evidence = NULL;
    struct bus bus = { .moves = 2 };
    struct scu_verdict verdict;

    bus_open(p, &bus);
    assert_int_equal(scu_quote(p->chip, nonce, sizeof(nonce), "sha256:16",
        &evidence), SCU_OK);
    assert_int_equal(scu_evidence_verify(evidence, &expected, &verdict),
        SCU_OK);
    assert_int_equal(verdict.reason, SCU_VERDICT_UNVOUCHED);
    scu_evidence_free(&evidence);
    bus_close(p, &bus);
    assert_int_equal(bus.quotes, 3);
    assert_int_equal(bus.reads, 3);
}

static void
quote__register_that_never_rests_is_given_up(void **state)
{
    struct provisioned *p = *state;
    struct scu_evidence *evidence = NULL;
    struct bus bus = { .moves = 1000 };

    bus_open(p, &bus);
    assert_int_equal(scu_quote(p->chip, nonce, sizeof(nonce), "sha256:16",
        &evidence), SCU_E_BUSY);
    assert_null(evidence);
    assert_non_null(strstr(scu_error_detail(), "changed"));
    /* One that is not quoted may move. */
    assert_int_equal(scu_quote(p->chip, nonce, sizeof(nonce), "sha256:0",
        &evidence), SCU_OK);
    scu_evidence_free(&evidence);
    bus_close(p, &bus);
    assert_int_equal(bus.quotes, 5 + 1);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, provisioned_setup,                  \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quote__registers_at_rest_are_read_once),
        TEST(quote__register_that_moves_is_read_again),
        TEST(quote__register_that_never_rests_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
