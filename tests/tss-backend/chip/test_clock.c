/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* Resets are noticed, recorded and told; and what the looks cost. */
#include "chip/record.h"
#include "tests/lib/faults.h"
#include "tests/tss-backend/provisioned.h"

#include <scu/attest.h>
#include <scu/key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct run {
    struct provisioned *p;
    struct faults *faults;
    struct scu_chip *chip;
    struct scu_key *key;
    char tcti[300];
    char record[400];
    unsigned told; /* by the handler */
    struct scu_chip_event last;
};

static void
connect(struct run *r)
{
    const struct scu_chip_options options = {
        .tcti = r->tcti, .state = r->p->state,
    };

    scu_key_free(&r->key);
    scu_chip_free(&r->chip);
    assert_int_equal(scu_chip_open(&options, &r->chip), SCU_OK);
}

static void
make_key(struct run *r)
{
    assert_int_equal(scu_key_generate(r->chip, scu_alg_by_name("P-256"), NULL,
        0, &r->key), SCU_OK);
}

static int
setup(void **state)
{
    struct run *r = calloc(1, sizeof(*r));
    uint8_t octets[4];
    void *p = NULL;
    unsigned looks;

    *state = r;
    if (r == NULL || provisioned_setup(&p) != 0)
        return -1;
    r->p = p;
    scu_chip_free(&r->p->chip);
    (void)snprintf(r->record, sizeof(r->record), "%s/resets", r->p->state);
    if ((r->faults = faults_new(r->p->sim, r->tcti)) == NULL)
        return -1;
    /* The first process of all begins the record. */
    connect(r);
    if (scu_chip_random(r->chip, octets, sizeof(octets)) != SCU_OK)
        return -1;
    looks = faults_sent(r->faults, "ReadClock");
    connect(r);
    return looks == 1 ? 0 : -1;
}

static int
teardown(void **state)
{
    struct run *r = *state;
    void *p = r->p;

    scu_key_free(&r->key);
    scu_chip_free(&r->chip);
    faults_free(&r->faults);
    (void)provisioned_teardown(&p);
    free(r);
    return 0;
}

static int
sign(struct run *r)
{
    static const uint8_t digest[32] = { 1, 2, 3 };
    uint8_t sig[128];
    size_t len = sizeof(sig);

    return scu_key_sign(r->key, scu_scheme_by_name("ECDSA-SHA256"), 0,
        digest, sizeof(digest), sig, &len);
}

static size_t
events(struct run *r, struct scu_chip_event *last)
{
    struct scu_chip_event all[SCU_EVENTS_MAX];
    size_t n = 0;

    assert_int_equal(scu_chip_events(r->chip, all, SCU_EVENTS_MAX, &n),
        SCU_OK);
    if (n > 0)
        *last = all[n - 1];
    return n;
}

static void
look_by_info(struct run *r)
{
    struct scu_chip_info info;

    assert_int_equal(scu_chip_info(r->chip, &info), SCU_OK);
}

static void
look_by_quote(struct run *r)
{
    static const uint8_t nonce[8] = { 1 };
    struct scu_evidence *evidence = NULL;

    assert_int_equal(scu_quote(r->chip, nonce, sizeof(nonce), "sha256:0",
        &evidence), SCU_OK);
    scu_evidence_free(&evidence);
}

/* Who signs is not looking for it: the loss of its session tells. */
static void
look_by_signing(struct run *r)
{
    assert_int_equal(sign(r), SCU_OK);
}

/* In this order: after a power cut the clock is not safe for a while. */
static const struct {
    const char *name;
    unsigned event;
    enum scu_event_kind kind;
} resets[] = {
    { "orderly", FAULT_ORDERLY, SCU_EVENT_ORDERLY },
    { "resume", FAULT_RESUME, SCU_EVENT_RESUME },
    { "power cut", FAULT_POWER_CUT, SCU_EVENT_POWER_CUT },
    { "killed", FAULT_KILL, SCU_EVENT_POWER_CUT },
};

/* One event for each, of its kind, of now. */
static void
find_each(struct run *r, void (*look)(struct run *r))
{
    make_key(r);
    for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
        struct scu_chip_event e = { 0 };

        look(r);
        assert_int_equal(events(r, &e), i);
        faults_now(r->faults, resets[i].event);
        look(r);
        assert_int_equal(events(r, &e), i + 1);
        if (e.kind != resets[i].kind)
            fail_msg("%s: %s", resets[i].name, scu_event_name(e.kind));
        assert_in_range(time(NULL) - e.time, 0, 60);
        if (e.kind == SCU_EVENT_RESUME)
            assert_int_equal(e.after.restarts, e.before.restarts + 1);
        else
            assert_int_equal(e.after.resets, e.before.resets + 1);
    }
}

static void
info__finds_the_kind_of_a_reset(void **state)
{
    find_each(*state, look_by_info);
}

static void
quote__finds_the_kind_of_a_reset(void **state)
{
    find_each(*state, look_by_quote);
}

static void
sign__finds_the_kind_of_a_reset(void **state)
{
    find_each(*state, look_by_signing);
}

/* By ReadClock where something was lost, once; otherwise not at all. */
static void
look__costs_one_command_after_a_loss(void **state)
{
    static const struct fault cut = {
        .name = "power cut", .at = "Sign", .events = FAULT_POWER_CUT,
    };
    static const struct fault busy = {
        .name = "busy", .at = "Sign", .refuse = "Sign", .rc = 0x922,
        .times = 1,
    };
    struct run *r = *state;
    unsigned before = faults_executed(r->faults, "ReadClock");

    make_key(r);
    assert_int_equal(sign(r), SCU_OK);
    assert_int_equal(faults_executed(r->faults, "ReadClock"), before);
    faults_arm(r->faults, &busy);
    assert_int_equal(sign(r), SCU_OK);
    assert_int_equal(faults_executed(r->faults, "ReadClock"), before);
    faults_arm(r->faults, &cut);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sign(r), SCU_OK);
    assert_int_equal(faults_executed(r->faults, "ReadClock"), before + 1);
}

/* The host was started since: one process looks, and those after it do not. */
static void
look__first_connection_after_a_boot(void **state)
{
    struct run *r = *state;
    struct scu_chip_event e;
    unsigned before = faults_sent(r->faults, "ReadClock");
    struct record record;
    uint8_t octets[4];

    assert_int_equal(record_read(r->record, &record), SCU_OK);
    strcpy(record.boot, "an-earlier-boot");
    assert_int_equal(record_write(r->record, &record), SCU_OK);
    faults_now(r->faults, FAULT_ORDERLY);
    for (int i = 0; i < 3; i++) {
        connect(r);
        assert_int_equal(scu_chip_random(r->chip, octets, 4), SCU_OK);
        assert_int_equal(scu_chip_random(r->chip, octets, 4), SCU_OK);
        assert_int_equal(faults_sent(r->faults, "ReadClock"), before + 1);
    }
    assert_int_equal(events(r, &e), 1);
    assert_int_equal(e.kind, SCU_EVENT_ORDERLY);
}

/* Of a chip of which nothing was seen yet there is nothing to tell. */
static void
look__without_a_record_begins_one(void **state)
{
    struct run *r = *state;
    struct scu_chip_event e;
    struct stat st;
    uint8_t octets[4];

    assert_int_equal(unlink(r->record), 0);
    assert_int_equal(events(r, &e), 0);
    assert_int_equal(scu_chip_random(r->chip, octets, 4), SCU_OK);
    assert_int_equal(stat(r->record, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(events(r, &e), 0);
}

/* A chip whose memory was set back to what it was. */
static void
look__finds_a_replay(void **state)
{
    struct run *r = *state;
    struct scu_chip_event e;
    struct record record;

    look_by_info(r);
    assert_int_equal(record_read(r->record, &record), SCU_OK);
    record.clock.resets += 5;
    assert_int_equal(record_write(r->record, &record), SCU_OK);
    look_by_info(r);
    assert_int_equal(events(r, &e), 1);
    assert_int_equal(e.kind, SCU_EVENT_REPLAY);
    /* It is told once, and goes on from there. */
    look_by_info(r);
    assert_int_equal(events(r, &e), 1);
}

static void
look__finds_another_chip_provisioned(void **state)
{
    const struct scu_provision_options options = { .force = true };
    struct scu_provision_report report;
    struct run *r = *state;
    struct provisioned *other = NULL;
    struct scu_chip_event e;

    assert_int_equal(unprovisioned_setup((void **)&other), 0);
    const struct scu_chip_options there = {
        .tcti = sim_tcti(other->sim), .state = r->p->state,
    };
    scu_chip_free(&r->chip);
    assert_int_equal(scu_chip_open(&there, &r->chip), SCU_OK);
    assert_int_equal(scu_provision(r->chip, &options, &report), SCU_OK);
    look_by_info(r);
    assert_int_equal(events(r, &e), 1);
    assert_int_equal(e.kind, SCU_EVENT_CLEAR);
    scu_chip_free(&r->chip);
    assert_int_equal(provisioned_teardown((void **)&other), 0);
}

/* Others may have written it: it is neither believed nor overwritten. */
static void
look__damaged_record_is_left_alone(void **state)
{
    struct run *r = *state;
    struct scu_chip_event all[1];
    struct scu_chip_info info;
    struct stat st;
    size_t n;

    assert_int_equal(chmod(r->record, 0666), 0);
    assert_int_equal(scu_chip_info(r->chip, &info), SCU_OK);
    assert_int_equal(scu_chip_events(r->chip, all, 1, &n), SCU_E_FILE);
    assert_int_equal(stat(r->record, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
}

static void
note(struct scu_chip *chip, const struct scu_chip_event *event, void *user)
{
    struct run *r = user;
    struct scu_chip_info info;

    assert_ptr_equal(chip, r->chip);
    r->told++;
    r->last = *event;
    /* What it may do: the operation has ended. */
    assert_int_equal(scu_chip_info(chip, &info), SCU_OK);
    assert_int_equal(info.reset_count, event->after.resets);
}

static void
handler__is_told_once(void **state)
{
    struct run *r = *state;

    make_key(r);
    scu_chip_on_event(r->chip, note, r);
    assert_int_equal(sign(r), SCU_OK);
    assert_int_equal(r->told, 0);
    faults_now(r->faults, FAULT_POWER_CUT);
    assert_int_equal(sign(r), SCU_OK);
    assert_int_equal(r->told, 1);
    assert_int_equal(r->last.kind, SCU_EVENT_POWER_CUT);
    assert_int_equal(sign(r), SCU_OK);
    assert_int_equal(r->told, 1);
    scu_chip_on_event(r->chip, NULL, NULL);
    faults_now(r->faults, FAULT_POWER_CUT);
    assert_int_equal(sign(r), SCU_OK);
    assert_int_equal(r->told, 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(info__finds_the_kind_of_a_reset),
        TEST(quote__finds_the_kind_of_a_reset),
        TEST(sign__finds_the_kind_of_a_reset),
        TEST(look__costs_one_command_after_a_loss),
        TEST(look__first_connection_after_a_boot),
        TEST(look__without_a_record_begins_one),
        TEST(look__finds_a_replay),
        TEST(look__finds_another_chip_provisioned),
        TEST(look__damaged_record_is_left_alone),
        TEST(handler__is_told_once),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
