/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tis-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/*
 * The model of a chip's registers, on which the links to bare chips are
 * tested, against a chip that others wrote from the same specification: QEMU's
 * TIS. Who is right where they differ is for the profile to say.
 */

/* --- ACCESS -------------------------------------------------------------- */

static void
access__request_grant_release(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(look(f, i, ACCESS, 1) & 0xfe, 0x80);
    for (unsigned i = 0; i < 4; i++) {
        put(f, i, ACCESS, REQUEST, 1);
        for (unsigned j = 0; j < 4; j++)
            assert_int_equal(look(f, j, ACCESS, 1) & 0x7e, j == i ? 0x20 : 0);
        put(f, i, ACCESS, REQUEST, 1); /* once more: it has it */
        look(f, i, ACCESS, 1);
        put(f, (i + 1) % 4, ACCESS, RELEASE, 1); /* who has it not */
        look(f, i, ACCESS, 1);
        put(f, i, ACCESS, RELEASE, 1);
        assert_int_equal(look(f, i, ACCESS, 1) & 0x7e, 0);
    }
}

static void
access__a_request_waits_for_the_release(void **state)
{
    struct fixture *f = *state;

    claim(f);
    put(f, 1, ACCESS, REQUEST, 1);
    put(f, 2, ACCESS, REQUEST, 1);
    assert_int_equal(look(f, 0, ACCESS, 1) & 0x7e, 0x24);
    assert_int_equal(look(f, 1, ACCESS, 1) & 0x7e, 0x06);
    assert_int_equal(look(f, 2, ACCESS, 1) & 0x7e, 0x06);
    put(f, 0, ACCESS, RELEASE, 1);
    assert_int_equal(look(f, 2, ACCESS, 1) & 0x7e, 0x24); /* the highest */
    put(f, 1, ACCESS, RELEASE, 1); /* takes its request back */
    for (unsigned i = 0; i < 3; i++)
        look(f, i, ACCESS, 1);
    put(f, 2, ACCESS, RELEASE, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(look(f, i, ACCESS, 1) & 0x7e, 0);
}

static void
access__a_higher_locality_seizes(void **state)
{
    struct fixture *f = *state;

    claim(f);
    put(f, 3, ACCESS, SEIZE, 1);
    assert_int_equal(look(f, 0, ACCESS, 1) & 0x7e, 0x10);
    assert_int_equal(look(f, 3, ACCESS, 1) & 0x7e, 0x20);
    put(f, 2, ACCESS, SEIZE, 1); /* not from a higher one */
    assert_int_equal(look(f, 3, ACCESS, 1) & 0x7e, 0x20);
    look(f, 2, ACCESS, 1);
    put(f, 0, ACCESS, 0x10, 1); /* the mark goes when it is written */
    assert_int_equal(look(f, 0, ACCESS, 1) & 0x7e, 0);
}

static void
access__nothing_without_a_locality(void **state)
{
    static const unsigned offsets[] = { STS, DATA_FIFO };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(look(f, 0, offsets[i], 4), UINT32_MAX);
    order(f, READY);
    put(f, 0, DATA_FIFO, 0x80, 1);
    claim(f);
    expect_status(f, READY | DATA | EXPECT, 0);
    assert_int_equal(look(f, 1, STS, 4), UINT32_MAX);
    put(f, 1, STS, READY, 1);
    expect_status(f, READY, 0);
}

static void
identity__interface_and_maker(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(look(f, 0, INTF_CAPABILITY, 4) >> 28, 3);
    look(f, 0, DID_VID, 4);
}

/* --- commands ------------------------------------------------------------ */

static void
command__goes_in_and_its_answer_comes(void **state)
{
    struct fixture *f = *state;
    uint8_t got[64];

    claim(f);
    expect_status(f, READY | DATA | EXPECT, 0);
    make_ready(f);
    load(f);
    order(f, GO);
    await_answer(f);
    assert_int_equal(emulator_command(qtest_emulator(f->qemu), got,
        sizeof(got)), sizeof(command));
    assert_memory_equal(got, command, sizeof(command));
    take(f, random_octets, sizeof(random_octets) - 1);
    expect_status(f, VALID | DATA, VALID | DATA);
    take(f, random_octets + 19, 1);
    expect_status(f, VALID | DATA, VALID);
    make_ready(f);
}

static void
command__octets_beyond_its_size_are_dropped(void **state)
{
    struct fixture *f = *state;

    claim(f);
    make_ready(f);
    load(f);
    put(f, 0, DATA_FIFO, 0xee, 1);
    expect_status(f, VALID | EXPECT, VALID);
    order(f, GO);
    await_answer(f);
    take(f, random_octets, sizeof(random_octets));
}

static void
command__is_not_taken_before_ready(void **state)
{
    struct fixture *f = *state;

    claim(f);
    put(f, 0, DATA_FIFO, 0x80, 1);
    expect_status(f, READY | DATA | EXPECT, 0);
    order(f, GO);
    expect_status(f, READY | DATA | EXPECT, 0);
    make_ready(f);
    order(f, GO); /* nothing to start */
    expect_status(f, READY | DATA | EXPECT, READY);
}

static void
command__does_not_start_in_its_midst(void **state)
{
    struct fixture *f = *state;

    claim(f);
    make_ready(f);
    for (size_t i = 0; i < 11; i++) {
        put(f, 0, DATA_FIFO, command[i], 1);
        order(f, GO);
        expect_status(f, VALID | READY | DATA | EXPECT, VALID | EXPECT);
    }
    put(f, 0, DATA_FIFO, command[11], 1);
    order(f, GO);
    await_answer(f);
}

static void
command__four_octets_at_a_time(void **state)
{
    struct fixture *f = *state;

    claim(f);
    make_ready(f);
    for (size_t i = 0; i < sizeof(command); i += 4)
        put(f, 0, DATA_FIFO, (uint32_t)command[i + 3] << 24
            | (uint32_t)command[i + 2] << 16 | (uint32_t)command[i + 1] << 8
            | command[i], 4);
    expect_status(f, VALID | EXPECT, VALID);
    order(f, GO);
    await_answer(f);
    for (size_t i = 0; i < sizeof(random_octets); i += 4)
        look(f, 0, DATA_FIFO, 4);
    expect_status(f, VALID | DATA, VALID);
}

/* A header's size below its own length: complete as soon as it is known. */
static void
command__size_of_junk(void **state)
{
    static const uint8_t junk[] = { 0x80, 0x01, 0, 0, 0, 3, 0 };
    struct fixture *f = *state;

    claim(f);
    make_ready(f);
    for (size_t i = 0; i < sizeof(junk); i++) {
        put(f, 0, DATA_FIFO, junk[i], 1);
        expect_status(f, VALID | EXPECT, VALID | (i < 5 ? EXPECT : 0));
    }
    make_ready(f);
}

/*
 * There is no room for what does not fit. What a chip makes of an octet that
 * is written all the same is its own matter.
 */
static void
command__longer_than_the_buffer(void **state)
{
    struct fixture *f = *state;

    claim(f);
    make_ready(f);
    put(f, 0, DATA_FIFO, 0x00000180, 4);
    put(f, 0, DATA_FIFO, 0x00000110, 4);
    for (size_t i = 8; i < 4096; i += 4)
        put(f, 0, DATA_FIFO, 0, 4);
    expect_status(f, VALID | EXPECT | BURST, VALID | EXPECT);
    order(f, GO);
    expect_status(f, VALID | EXPECT | BURST, VALID | EXPECT);
    make_ready(f);
}

static void
command__orders_are_one_bit_each(void **state)
{
    static const uint32_t several[] = {
        READY | GO, READY | RETRY, GO | RETRY, READY | GO | RETRY,
    };
    struct fixture *f = *state;

    claim(f);
    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
        order(f, several[i]);
        expect_status(f, READY | DATA | EXPECT, 0);
    }
    make_ready(f);
    load(f);
    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
        order(f, several[i]);
        expect_status(f, VALID | READY | DATA | EXPECT, VALID);
    }
}

static void
command__given_up_while_it_goes_in(void **state)
{
    struct fixture *f = *state;

    claim(f);
    make_ready(f);
    for (size_t i = 0; i < 7; i++)
        put(f, 0, DATA_FIFO, command[i], 1);
    make_ready(f);
    load(f);
    make_ready(f);
    load(f);
    order(f, GO);
    await_answer(f);
    take(f, random_octets, sizeof(random_octets));
}

/* --- answers ------------------------------------------------------------- */

static void
answer__retry_begins_it_anew(void **state)
{
    static const size_t read[] = { 0, 1, 9, 20 };
    struct fixture *f = *state;

    to_answer(f);
    for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
        take(f, random_octets, read[i]);
        order(f, RETRY);
        expect_status(f, VALID | DATA, VALID | DATA);
    }
    take(f, random_octets, sizeof(random_octets));
}

static void
answer__beyond_its_end_there_is_nothing(void **state)
{
    struct fixture *f = *state;

    to_answer(f);
    take(f, random_octets, sizeof(random_octets));
    for (int i = 0; i < 3; i++)
        assert_int_equal(look(f, 0, DATA_FIFO, 1), 0xff);
    expect_status(f, VALID | DATA, VALID);
}

static void
answer__left_over_goes_with_ready(void **state)
{
    struct fixture *f = *state;

    to_answer(f);
    take(f, random_octets, 5);
    make_ready(f);
    order(f, RETRY); /* there is none any more */
    expect_status(f, READY | DATA, READY);
    load(f);
    order(f, GO);
    await_answer(f);
    take(f, random_octets, sizeof(random_octets));
}

static void
answer__a_fifo_that_is_read_takes_nothing(void **state)
{
    struct fixture *f = *state;

    to_answer(f);
    put(f, 0, DATA_FIFO, 0x55, 1);
    order(f, GO);
    expect_status(f, VALID | DATA, VALID | DATA);
    take(f, random_octets, sizeof(random_octets));
}

/* --- execution ----------------------------------------------------------- */

static void
start_slow(struct fixture *f)
{
    hold(f, true);
    claim(f);
    make_ready(f);
    load(f);
    order(f, GO);
    emulator_await(qtest_emulator(f->qemu));
    expect_status(f, READY | DATA | EXPECT, 0);
}

static void
execution__has_neither_data_nor_room(void **state)
{
    struct fixture *f = *state;

    start_slow(f);
    assert_int_equal(look(f, 0, DATA_FIFO, 1), 0xff);
    put(f, 0, DATA_FIFO, 0x55, 1);
    order(f, GO);
    order(f, RETRY);
    expect_status(f, READY | DATA | EXPECT, 0);
    hold(f, false);
    await_answer(f);
    take(f, random_octets, sizeof(random_octets));
}

static void
execution__cancel(void **state)
{
    static const uint8_t canceled[] = {
        0x80, 0x01, 0, 0, 0, 10, 0, 0, 9, 9,
    };
    struct fixture *f = *state;

    start_slow(f);
    order(f, CANCEL);
    await_answer(f);
    take(f, canceled, sizeof(canceled));
    expect_status(f, VALID | DATA, VALID);
    make_ready(f);
    order(f, CANCEL); /* nothing to cancel */
    expect_status(f, READY | DATA, READY);
}

static void
execution__ready_ends_it(void **state)
{
    struct fixture *f = *state;

    start_slow(f);
    order(f, READY);
    await_ready(f);
    hold(f, false);
    load(f);
    order(f, GO);
    await_answer(f);
    take(f, random_octets, sizeof(random_octets));
}

#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, tis_setup, tis_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(access__request_grant_release),
        TEST(access__a_request_waits_for_the_release),
        TEST(access__a_higher_locality_seizes),
        TEST(access__nothing_without_a_locality),
        TEST(identity__interface_and_maker),
        TEST(command__goes_in_and_its_answer_comes),
        TEST(command__octets_beyond_its_size_are_dropped),
        TEST(command__is_not_taken_before_ready),
        TEST(command__does_not_start_in_its_midst),
        TEST(command__four_octets_at_a_time),
        TEST(command__size_of_junk),
        TEST(command__longer_than_the_buffer),
        TEST(command__orders_are_one_bit_each),
        TEST(command__given_up_while_it_goes_in),
        TEST(answer__retry_begins_it_anew),
        TEST(answer__beyond_its_end_there_is_nothing),
        TEST(answer__left_over_goes_with_ready),
        TEST(answer__a_fifo_that_is_read_takes_nothing),
        TEST(execution__has_neither_data_nor_room),
        TEST(execution__cancel),
        TEST(execution__ready_ends_it),
    };

    if (!qtest_there()) {
        (void)printf("skipped: missing Debian package: qemu-system-x86\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
