/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/lib/swtpm.h"

#include <scu/link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The bare link: by this project's TCTI, and by one of others. */

struct fixture {
    struct sim *sim;
    char tcti[128];
    struct scu_link *link;
};

/* TPM2_GetRandom of 8 octets. */
static const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};

static void
open_link(struct fixture *f)
{
    const struct scu_chip_options options = { .tcti = f->tcti };

    assert_int_equal(scu_link_open(&options, &f->link), SCU_OK);
    assert_string_equal(scu_link_tcti(f->link), f->tcti);
}

static int
setup(void **state, const char *how)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->sim = sim_new();
    assert_non_null(f->sim);
    (void)snprintf(f->tcti, sizeof(f->tcti), "%s:path=%s", how,
        sim_socket(f->sim));
    open_link(f);
    *state = f;
    return 0;
}

static int
setup_own(void **state)
{
    return setup(state, "scu:swtpm");
}

static int
setup_others(void **state)
{
    return setup(state, "swtpm");
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    scu_link_free(&f->link);
    assert_null(f->link);
    sim_free(&f->sim);
    free(f);
    return 0;
}

static void
good_exchange(struct fixture *f)
{
    uint8_t response[SCU_LINK_MESSAGE_MAX];
    size_t len = 0;

    assert_int_equal(scu_link_send(f->link, command, sizeof(command)), SCU_OK);
    assert_int_equal(scu_link_receive(f->link, -1, response,
        sizeof(response), &len), SCU_OK);
    assert_int_equal(len, 20);
    assert_int_equal(response[9], 0);
}

static void
link__exchanges(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        good_exchange(f);
}

static void
link_send__impossible_lengths(void **state)
{
    static const uint8_t data[SCU_LINK_MESSAGE_MAX + 1];
    struct fixture *f = *state;

    assert_int_equal(scu_link_send(f->link, data, 9), SCU_E_ARG);
    assert_int_equal(scu_link_send(f->link, data, sizeof(data)), SCU_E_ARG);
    good_exchange(f);
}

static void
link_receive__too_little_room(void **state)
{
    uint8_t response[SCU_LINK_MESSAGE_MAX];
    struct fixture *f = *state;
    size_t len = 1;

    assert_int_equal(scu_link_send(f->link, command, sizeof(command)), SCU_OK);
    assert_int_equal(scu_link_receive(f->link, -1, response,
        sizeof(response) - 1, &len), SCU_E_ARG);
    assert_int_equal(len, 0);
    assert_int_equal(scu_link_receive(f->link, -1, response,
        sizeof(response), &len), SCU_OK);
    assert_int_equal(len, 20);
}

static void
link_receive__nothing_was_sent(void **state)
{
    uint8_t response[SCU_LINK_MESSAGE_MAX];
    struct fixture *f = *state;
    size_t len = 1;

    assert_int_not_equal(scu_link_receive(f->link, 0, response,
        sizeof(response), &len), SCU_OK);
    assert_int_equal(len, 0);
    good_exchange(f);
}

static void
link_set_locality__levels(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(scu_link_set_locality(f->link, 3), SCU_OK);
    good_exchange(f);
    assert_int_equal(scu_link_set_locality(f->link, 0), SCU_OK);
    good_exchange(f);
}

static void
link_cancel__ends_the_exchange(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(scu_link_send(f->link, command, sizeof(command)), SCU_OK);
    assert_true(scu_link_fd(f->link) >= 0);
    assert_int_equal(scu_link_cancel(f->link), SCU_OK);
    good_exchange(f);
}

static void
link_cancel__is_not_for_links_of_others(void **state)
{
    uint8_t response[SCU_LINK_MESSAGE_MAX];
    struct fixture *f = *state;
    size_t len = 0;

    assert_int_equal(scu_link_send(f->link, command, sizeof(command)), SCU_OK);
    assert_int_equal(scu_link_fd(f->link), -1);
    assert_int_equal(scu_link_cancel(f->link), SCU_E_UNSUPPORTED);
    assert_int_equal(scu_link_receive(f->link, -1, response,
        sizeof(response), &len), SCU_OK);
    assert_int_equal(len, 20);
}

/* Fails while the chip is gone, and works when it is there again. */
static void
link__chip_that_goes_and_comes(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(scu_link_set_locality(f->link, 1), SCU_OK);
    sim_kill(f->sim);
    assert_int_not_equal(scu_link_send(f->link, command, sizeof(command)),
        SCU_OK);
    assert_true(strlen(scu_error_detail()) > 0);
    assert_int_not_equal(scu_link_send(f->link, command, sizeof(command)),
        SCU_OK);
    assert_int_equal(sim_restart(f->sim), 0);
    good_exchange(f);
}

static void
link_open__nobody_there(void **state)
{
    struct fixture *f = *state;
    const struct scu_chip_options options = { .tcti = f->tcti };
    struct scu_link *link = f->link;

    sim_kill(f->sim);
    assert_int_equal(scu_link_open(&options, &link), SCU_E_NO_CHIP);
    assert_null(link);
    scu_link_free(&link);
    scu_link_free(NULL);
}

#define OWN(t) cmocka_unit_test_setup_teardown(t, setup_own, teardown)
#define OTHERS(t) cmocka_unit_test_setup_teardown(t, setup_others, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OWN(link__exchanges),
        OTHERS(link__exchanges),
        OWN(link_send__impossible_lengths),
        OWN(link_receive__too_little_room),
        OWN(link_receive__nothing_was_sent),
        OTHERS(link_receive__nothing_was_sent),
        OWN(link_set_locality__levels),
        OTHERS(link_set_locality__levels),
        OWN(link_cancel__ends_the_exchange),
        OTHERS(link_cancel__is_not_for_links_of_others),
        OWN(link__chip_that_goes_and_comes),
        OTHERS(link__chip_that_goes_and_comes),
        OWN(link_open__nobody_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
