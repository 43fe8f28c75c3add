/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fifo.h"
#include "qtest.h"
#include "response.h"
#include "stats.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/*
 * The FIFO protocol of the links to bare chips (tcti-scu/fifo.c) on a chip
 * that others wrote, QEMU's TIS, over a bus of its memory.
 */
#define BASE 0xfed40000u

/* Accesses that a step may take besides those that carry data. */
#define FEW 64

struct fixture {
    struct bus bus;
    struct stats stats;
    struct fifo fifo;
    struct qtest *qemu;
    uint8_t locality;
};

static const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};

/* --- a bus --------------------------------------------------------------- */

static const unsigned offsets[PTP_REGISTERS] = {
    [PTP_ACCESS] = 0x00,
    [PTP_INT_ENABLE] = 0x08,
    [PTP_INT_VECTOR] = 0x0c,
    [PTP_INT_STATUS] = 0x10,
    [PTP_INTF_CAPABILITY] = 0x14,
    [PTP_STS] = 0x18,
    [PTP_DATA_FIFO] = 0x24,
    [PTP_DID_VID] = 0xf00,
};

static struct fixture *
fixture_of(struct bus *bus)
{
    return (struct fixture *)(void *)bus;
}

static uint32_t
address(const struct fixture *f, enum ptp_register reg)
{
    return BASE + ((uint32_t)f->locality << 12) + offsets[reg];
}

static int
bus_select(struct bus *bus, uint8_t locality)
{
    fixture_of(bus)->locality = locality;
    return 0;
}

/* Numbers at once; the FIFO octet by octet. */
static int
bus_read(struct bus *bus, enum ptp_register reg, uint8_t *data, size_t len)
{
    struct fixture *f = fixture_of(bus);
    size_t piece = reg == PTP_DATA_FIFO ? 1 : len;
    uint32_t value;

    for (size_t at = 0; at < len; at += piece) {
        value = qtest_read(f->qemu, address(f, reg), piece);
        for (size_t i = 0; i < piece; i++)
            data[at + i] = (uint8_t)(value >> 8 * i);
    }
    return 0;
}

static int
bus_write(struct bus *bus, enum ptp_register reg, const uint8_t *data,
    size_t len)
{
    struct fixture *f = fixture_of(bus);
    size_t piece = reg == PTP_DATA_FIFO ? 1 : len;

    for (size_t at = 0; at < len; at += piece) {
        uint32_t value = 0;

        for (size_t i = 0; i < piece; i++)
            value |= (uint32_t)data[at + i] << 8 * i;
        qtest_write(f->qemu, address(f, reg), value, piece);
    }
    return 0;
}

static const struct bus_ops memory_ops = {
    .select = bus_select,
    .read = bus_read,
    .write = bus_write,
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->qemu = qtest_new();
    f->bus = (struct bus) {
        .ops = &memory_ops, .path = "QEMU", .stats = &f->stats, .max = 64,
    };
    f->fifo.bus = &f->bus;
    f->fifo.irq.line = f->fifo.irq.watch = -1;
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

/* --- exchanges ----------------------------------------------------------- */

/* A wait that is in vain asks again and again. */
static void
quick(struct fixture *f)
{
    if (f->stats.accesses > FEW)
        fail_msg("%u accesses to registers",
            (unsigned)f->stats.accesses);
    f->stats.accesses = 0;
}

static void
start(struct fixture *f)
{
    assert_int_equal(fifo_meet(&f->fifo), 0);
    assert_int_equal(fifo_claim(&f->fifo), 0);
    quick(f);
}

static void
send(struct fixture *f)
{
    assert_int_equal(fifo_send(&f->fifo, command, sizeof(command)), 0);
    quick(f);
}

/* The answer is len octets, most of them its own number. */
static void
works(struct fixture *f, size_t len)
{
    uint8_t sent[64], wanted[TPM_MESSAGE_MAX], got[TPM_MESSAGE_MAX];
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        wanted[i] = (uint8_t)i;
    memcpy(wanted, (uint8_t[10]) { 0x80, 0x01 }, 10);
    wanted[4] = (uint8_t)(len >> 8);
    wanted[5] = (uint8_t)len;
    emulator_answer(qtest_emulator(f->qemu), wanted, len);
    send(f);
    assert_int_equal(fifo_receive(&f->fifo, got, sizeof(got), &n,
        deadline_in(-1)), 0);
    assert_int_equal(n, len);
    assert_memory_equal(got, wanted, len);
    assert_int_equal(emulator_command(qtest_emulator(f->qemu), sent,
        sizeof(sent)), sizeof(command));
    assert_memory_equal(sent, command, sizeof(command));
    f->stats.accesses = 0; /* how often it asked is up to QEMU's pace */
}

static void
fifo__exchanges(void **state)
{
    static const size_t sizes[] = { 10, 11, 64, 74, 300, TPM_MESSAGE_MAX };
    struct fixture *f = *state;

    start(f);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        works(f, sizes[i]);
    fifo_release(&f->fifo);
    assert_int_equal(f->stats.retries, 0);
}

static void
fifo__long_command(void **state)
{
    uint8_t sent[TPM_MESSAGE_MAX], got[TPM_MESSAGE_MAX];
    struct fixture *f = *state;
    size_t n = 0;

    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(7 * i);
    memcpy(sent, (uint8_t[10]) { 0x80, 0x01, 0, 0, 0x10 }, 10);
    start(f);
    assert_int_equal(fifo_send(&f->fifo, sent, sizeof(sent)), 0);
    assert_int_equal(fifo_receive(&f->fifo, got, sizeof(got), &n,
        deadline_in(-1)), 0);
    assert_int_equal(emulator_command(qtest_emulator(f->qemu), got,
        sizeof(got)), sizeof(sent));
    assert_memory_equal(got, sent, sizeof(sent));
}

static void
fifo__localities(void **state)
{
    struct fixture *f = *state;

    for (uint8_t i = 0; i < 4; i++) {
        f->fifo.locality = i;
        start(f);
        works(f, 20);
        fifo_release(&f->fifo);
    }
}

static void
fifo__timeout_then_the_answer(void **state)
{
    struct fixture *f = *state;
    uint8_t data[64];
    size_t n;

    emulator_hold(qtest_emulator(f->qemu), true);
    start(f);
    send(f);
    assert_int_equal(fifo_receive(&f->fifo, data, sizeof(data), &n,
        deadline_in(0)), -ETIMEDOUT);
    assert_int_equal(fifo_receive(&f->fifo, data, sizeof(data), &n,
        deadline_in(5)), -ETIMEDOUT);
    emulator_hold(qtest_emulator(f->qemu), false);
    assert_int_equal(fifo_receive(&f->fifo, data, sizeof(data), &n,
        deadline_in(-1)), 0);
    assert_int_equal(n, TPM_HEADER_LEN);
    works(f, 20);
}

static void
fifo__cancel(void **state)
{
    struct fixture *f = *state;

    emulator_hold(qtest_emulator(f->qemu), true);
    start(f);
    send(f);
    emulator_await(qtest_emulator(f->qemu));
    assert_int_equal(fifo_cancel(&f->fifo), 0);
    quick(f);
    emulator_hold(qtest_emulator(f->qemu), false);
    works(f, 20);
}

/* What was left half-way, by a program that was killed, say. */
static void
fifo__after_a_command_that_was_left_half_way(void **state)
{
    struct fixture *f = *state;

    start(f);
    assert_int_equal(bus_write(&f->bus, PTP_STS, (uint8_t[1]) { 0x40 }, 1),
        0);
    assert_int_equal(bus_write(&f->bus, PTP_DATA_FIFO, command, 7), 0);
    works(f, 20);
    assert_int_equal(bus_write(&f->bus, PTP_STS, (uint8_t[1]) { 0x40 }, 1),
        0);
    assert_int_equal(bus_write(&f->bus, PTP_DATA_FIFO, command, 7), 0);
    fifo_release(&f->fifo); /* QEMU's chip remembers, others forget */
    start(f);
    works(f, 20);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fifo__exchanges),
        TEST(fifo__long_command),
        TEST(fifo__localities),
        TEST(fifo__timeout_then_the_answer),
        TEST(fifo__cancel),
        TEST(fifo__after_a_command_that_was_left_half_way),
    };

    if (!qtest_there()) {
        (void)printf("skipped: missing Debian package: qemu-system-x86\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
