/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* A chip that is provisioned when the first token is made. */
#include "tests/tss-backend/provisioned.h"

#include <pthread.h>
#include <scu/provision.h>
#include <scu/token.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool
has_pins(const struct provisioned *p)
{
    struct scu_provision_report pins;

    return scu_provision_read(p->chip, &pins) == SCU_OK;
}

static int
init(struct scu_chip *chip)
{
    struct scu_token *token = NULL;
    int rc = scu_token_init(chip, "t", "so-pin", 6, 0, &token);

    scu_token_free(&token);
    return rc;
}

static void
auto__off_does_nothing(void **state)
{
    struct provisioned *p = *state;
    bool done = true;

    assert_int_equal(scu_provision_auto(p->chip, &done), SCU_OK);
    assert_false(done);
    assert_false(has_pins(p));
    assert_int_equal(init(p->chip), SCU_E_UNPROVISIONED);
    assert_non_null(strstr(scu_error_detail(), "scu provision"));
}

static void
auto__on_provisions_once(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip_info info;
    bool done = false;

    p->chip->auto_provision = true;
    assert_int_equal(scu_provision_auto(p->chip, &done), SCU_OK);
    assert_true(done);
    assert_int_equal(scu_provision_auto(p->chip, &done), SCU_OK);
    assert_false(done);
    assert_int_equal(scu_provision_auto(p->chip, NULL), SCU_OK);
    assert_int_equal(init(p->chip), SCU_OK);
    assert_int_equal(scu_chip_info(p->chip, &info), SCU_OK);
    assert_true(info.authentic && info.owner_auth_set);
    assert_true(info.lockout_auth_set);
}

/* Pins, also those of a chip that is away, are never replaced. */
static void
auto__keeps_pins(void **state)
{
    struct provisioned *p = *state;
    char path[512];
    bool done = true;
    FILE *file;

    p->chip->auto_provision = true;
    assert_int_equal(scu_provision_auto(p->chip, NULL), SCU_OK);
    (void)snprintf(path, sizeof(path), "%s/pins", p->state);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("damaged\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(scu_provision_auto(p->chip, &done), SCU_OK);
    assert_false(done);
    assert_false(has_pins(p));
}

static void
auto__no_chip(void **state)
{
    const struct scu_chip_options options = {
        .tcti = "scu:swtpm:path=/nonexistent/socket",
        .state = ((struct provisioned *)*state)->state,
    };
    struct scu_chip *chip = NULL;
    bool done = true;

    assert_int_equal(scu_chip_open(&options, &chip), SCU_OK);
    chip->auto_provision = true;
    assert_int_equal(scu_provision_auto(chip, &done), SCU_E_NO_CHIP);
    assert_false(done);
    scu_chip_free(&chip);
}

struct racer {
    struct scu_chip *chip;
    int rc;
    bool done;
};

static void *
race(void *arg)
{
    struct racer *r = arg;

    r->rc = scu_provision_auto(r->chip, &r->done);
    if (r->rc == SCU_OK)
        r->rc = init(r->chip);
    return NULL;
}

static void
auto__two_at_once(void **state)
{
    struct provisioned *p = *state;
    struct racer racers[2] = { { .rc = SCU_E_INTERNAL } };
    pthread_t threads[2];

    for (int i = 0; i < 2; i++) {
        racers[i].chip = provisioned_connect(p);
        assert_non_null(racers[i].chip);
        racers[i].chip->auto_provision = true;
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]),
            0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(racers[i].rc, SCU_OK);
        scu_chip_free(&racers[i].chip);
    }
    assert_true(racers[0].done != racers[1].done);
}

#define TEST(NAME)                                                            \
    cmocka_unit_test_setup_teardown(NAME, unprovisioned_setup,                \
        provisioned_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(auto__off_does_nothing),
        TEST(auto__on_provisions_once),
        TEST(auto__keeps_pins),
        TEST(auto__no_chip),
        TEST(auto__two_at_once),
    };

    return cmocka_run_group_tests_name("autoprovision", tests, NULL, NULL);
}
