/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model.h"
#include "qtest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/*
 * The model of a chip's registers, on which the links to bare chips are
 * tested, against a chip that others wrote from the same specification: QEMU's
 * TIS. Each script runs on both, step by step, and what is read must agree but
 * for what differences[] lists. Who is right is for the profile to say.
 */
#define BASE 0xfed40000u
#define ACCESS 0x000u
#define INTF_CAPABILITY 0x014u
#define STS 0x018u
#define DATA_FIFO 0x024u
#define DID_VID 0xf00u

#define READY 0x40u
#define GO 0x20u
#define RETRY 0x02u
#define CANCEL 0x01000000u
#define DATA 0x10u
#define EXPECT 0x08u
#define VALID 0x80u
#define BURST 0x00ffff00u

#define REQUEST 0x02u
#define RELEASE 0x20u
#define SEIZE 0x08u

/*
 * Bits that may be other ones, and why. Not compared at all: what becomes of a
 * command when its locality is released, which QEMU keeps for each locality
 * and the profile's state diagram does not; whether a chip goes from its last
 * response to Ready at once, which the profile leaves to the chip.
 */
static const struct {
    unsigned offset;
    uint32_t mask;
    const char *why;
} differences[] = {
    { ACCESS, 0x01, "whether there was a dynamic launch: QEMU "
        "shows that there was none; nobody here asks" },
    { STS, BURST, "the size of the FIFO: 4096 octets in QEMU, "
        "what the test says in the model; whether it is 0 is compared" },
    { DID_VID, 0xffffffff, "the makers" },
};

struct fixture {
    struct model model;
    struct qtest *qemu;
    uint8_t response[MODEL_BUFFER];
    size_t response_len;
    int n; /* of the step */
};

/* TPM2_GetRandom. */
static const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};
static const uint8_t random_octets[20] = {
    0x80, 0x01, 0, 0, 0, 20, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,
};

static size_t
execute(void *user, const uint8_t *in, size_t len, uint8_t *response)
{
    const struct fixture *f = user;

    (void)in;
    (void)len;
    memcpy(response, f->response, f->response_len);
    return f->response_len;
}

static void
answer(struct fixture *f, const uint8_t *response, size_t len)
{
    memcpy(f->response, response, len);
    f->response_len = len;
    emulator_answer(qtest_emulator(f->qemu), response, len);
}

/* Nothing that is started ends by itself; or all ends at once. */
static void
hold(struct fixture *f, bool held)
{
    f->model.knobs.execution_reads = held ? UINT32_MAX : 0;
    emulator_hold(qtest_emulator(f->qemu), held);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->qemu = qtest_new();
    f->model.execute = execute;
    f->model.user = f;
    f->model.knobs.rests_ready = true; /* as QEMU does; the profile has both */
    model_reset(&f->model);
    answer(f, random_octets, sizeof(random_octets));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    qtest_free(&f->qemu);
    free(f);
    return 0;
}

/* --- steps --------------------------------------------------------------- */

static uint32_t
read_model(struct fixture *f, unsigned locality, unsigned offset, size_t len)
{
    uint8_t data[4] = { 0 };

    model_read(&f->model, locality, offset, data, len);
    return (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16
        | (uint32_t)data[1] << 8 | data[0];
}

static uint32_t
read_qemu(struct fixture *f, unsigned locality, unsigned offset, size_t len)
{
    return qtest_read(f->qemu, BASE + (locality << 12) + offset, len);
}

/* The bits that are compared. */
static uint32_t
compared(unsigned offset, uint32_t value)
{
    uint32_t mask = UINT32_MAX;

    if (value == UINT32_MAX)
        return value; /* the locality is not active */
    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++)
        if (differences[i].offset == offset)
            mask &= ~differences[i].mask;
    return value & mask;
}

/* Of STS, beyond the differences: data moves only where there is a burst. */
static void
compare_burst(const struct fixture *f, uint32_t qemu, uint32_t model)
{
    if (f->model.state == MODEL_RECEPTION || (model & DATA) != 0)
        assert_true(((qemu & BURST) != 0) == ((model & BURST) != 0));
}

static uint32_t
look(struct fixture *f, unsigned locality, unsigned offset, size_t len)
{
    uint32_t qemu = read_qemu(f, locality, offset, len);
    uint32_t model = read_model(f, locality, offset, len);

    f->n++;
    if (compared(offset, qemu) != compared(offset, model))
        fail_msg("step %d: register 0x%03x of locality %u is %08x in QEMU, "
            "%08x in the model, whose state is %d", f->n, offset, locality,
            qemu, model, f->model.state);
    if (offset == STS && qemu != UINT32_MAX && len == 4)
        compare_burst(f, qemu, model);
    return qemu;
}

static void
put(struct fixture *f, unsigned locality, unsigned offset, uint32_t value,
    size_t len)
{
    uint8_t data[4] = { (uint8_t)value, (uint8_t)(value >> 8),
        (uint8_t)(value >> 16), (uint8_t)(value >> 24) };

    f->n++;
    qtest_write(f->qemu, BASE + (locality << 12) + offset, value, len);
    model_write(&f->model, locality, offset, data, len);
}

/* STS of locality 0, which must be as wanted on both. */
static void
expect_status(struct fixture *f, uint32_t mask, uint32_t wanted)
{
    uint32_t sts = look(f, 0, STS, 4);

    if ((sts & mask) != wanted)
        fail_msg("step %d: STS is %08x", f->n, sts);
    assert_int_equal(sts & 0x23, 0); /* what must be zero */
}

static void
order(struct fixture *f, uint32_t bits)
{
    put(f, 0, STS, bits, bits > 0xff ? 4 : 1);
}

static void
claim(struct fixture *f)
{
    put(f, 0, ACCESS, REQUEST, 1);
    assert_int_equal(look(f, 0, ACCESS, 1) & 0xa0, 0xa0);
}

static void
make_ready(struct fixture *f)
{
    order(f, READY);
    expect_status(f, READY | DATA | EXPECT, READY);
}

static void
load(struct fixture *f)
{
    for (size_t i = 0; i < sizeof(command); i++) {
        put(f, 0, DATA_FIFO, command[i], 1);
        expect_status(f, VALID | READY | EXPECT,
            VALID | (i < sizeof(command) - 1 ? EXPECT : 0));
    }
}

/* Until both have the answer; QEMU's comes from another thread. */
static void
await_answer(struct fixture *f)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    for (int i = 0; i < 10000; i++) {
        if ((read_qemu(f, 0, STS, 4) & DATA) != 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    expect_status(f, VALID | DATA | READY, VALID | DATA);
}

static void
take(struct fixture *f, const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(look(f, 0, DATA_FIFO, 1), octets[i]);
}

static void
to_answer(struct fixture *f)
{
    claim(f);
    make_ready(f);
    load(f);
    order(f, GO);
    await_answer(f);
}

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
    const struct timespec pause = { .tv_nsec = 1000000 };
    struct fixture *f = *state;

    start_slow(f);
    order(f, READY);
    for (int i = 0; i < 10000; i++) {
        if ((read_qemu(f, 0, STS, 4) & READY) != 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
    expect_status(f, READY | DATA, READY);
    hold(f, false);
    load(f);
    order(f, GO);
    await_answer(f);
    take(f, random_octets, sizeof(random_octets));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

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
