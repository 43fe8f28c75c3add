/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tis-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define BASE 0xfed40000u

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
        "64 in the model; whether it is 0 is compared where octets move" },
    { DID_VID, 0xffffffff, "the makers" },
};

const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};
const uint8_t random_octets[20] = {
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

void
hold(struct fixture *f, bool held)
{
    f->model.knobs.execution_reads = held ? UINT32_MAX : 0;
    emulator_hold(qtest_emulator(f->qemu), held);
}

int
tis_setup(void **state)
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

int
tis_teardown(void **state)
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

uint32_t
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

void
put(struct fixture *f, unsigned locality, unsigned offset, uint32_t value,
    size_t len)
{
    uint8_t data[4] = { (uint8_t)value, (uint8_t)(value >> 8),
        (uint8_t)(value >> 16), (uint8_t)(value >> 24) };

    f->n++;
    qtest_write(f->qemu, BASE + (locality << 12) + offset, value, len);
    model_write(&f->model, locality, offset, data, len);
}

void
expect_status(struct fixture *f, uint32_t mask, uint32_t wanted)
{
    uint32_t sts = look(f, 0, STS, 4);

    if ((sts & mask) != wanted)
        fail_msg("step %d: STS is %08x", f->n, sts);
    assert_int_equal(sts & 0x23, 0); /* what must be zero */
}

void
order(struct fixture *f, uint32_t bits)
{
    put(f, 0, STS, bits, bits > 0xff ? 4 : 1);
}

void
claim(struct fixture *f)
{
    put(f, 0, ACCESS, REQUEST, 1);
    assert_int_equal(look(f, 0, ACCESS, 1) & 0xa0, 0xa0);
}

void
make_ready(struct fixture *f)
{
    order(f, READY);
    expect_status(f, READY | DATA | EXPECT, READY);
}

void
load(struct fixture *f)
{
    for (size_t i = 0; i < sizeof(command); i++) {
        put(f, 0, DATA_FIFO, command[i], 1);
        expect_status(f, VALID | READY | EXPECT,
            VALID | (i < sizeof(command) - 1 ? EXPECT : 0));
    }
}

/* Threads of QEMU do what is awaited; the model has done it by then. */
static void
await(struct fixture *f, uint32_t bit)
{
    const struct timespec pause = { .tv_nsec = 1000000 };

    for (int i = 0; i < 20000; i++) {
        if ((read_qemu(f, 0, STS, 4) & bit) != 0)
            break;
        (void)nanosleep(&pause, NULL);
    }
}

void
await_answer(struct fixture *f)
{
    await(f, DATA);
    expect_status(f, VALID | DATA | READY, VALID | DATA);
}

void
await_ready(struct fixture *f)
{
    await(f, READY);
    expect_status(f, READY | DATA, READY);
}

void
take(struct fixture *f, const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(look(f, 0, DATA_FIFO, 1), octets[i]);
}

void
to_answer(struct fixture *f)
{
    claim(f);
    make_ready(f);
    load(f);
    order(f, GO);
    await_answer(f);
}
