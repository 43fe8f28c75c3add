/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "fifo-fixture.h"
#include "tcti.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* --- hostile and broken chips -------------------------------------------- */

static void
receive__sizes_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    static const uint32_t sizes[] = {
        0, 3, 6, 9, 4097, 0x7fffffff, 0x80000000, 0xffffffff,
    };

    start(f);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        f->said = sizes[i];
        f->size = 300;
        assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
        f->said = 300;
        works(f);
    }
}

/* More than the header says, less, and less than a header. */
static void
receive__another_size_than_said(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->said = 200;
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
    f->said = 600;
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
    f->size = 5;
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
    f->size = f->said = 300;
    works(f);
}

static void
send__burst_stuck_at_zero(void **state)
{
    struct fixture *f = *state;

    with_items(f, "retries=0"); /* what never comes is waited for once */
    start(f);
    f->model.knobs.burst_stuck = true;
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    f->model.knobs.burst_stuck = false;
    works(f);
}

static void
receive__burst_stuck_at_zero(void **state)
{
    struct fixture *f = *state;
    const struct model_knobs then = { .burst_stuck = true };

    with_items(f, "retries=1");
    start(f);
    f->then = &then;
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_MALFORMED_RESPONSE);
    f->then = NULL;
    f->model.knobs.burst_stuck = false;
    works(f);
}

/* commandReady brings it back; some chips need that now and then. */
static void
send__status_that_is_never_valid(void **state)
{
    struct fixture *f = *state;
    unsigned executed;

    start(f);
    executed = f->model.counts.executed;
    f->model.knobs.stuck_status = 3;
    works(f);
    f->model.knobs.stuck_status = UINT32_MAX;
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(f->model.counts.executed, executed + 1);
    f->model.knobs.stuck_status = 0;
    works(f);
}

/* Expect is still there after the last octet, and nobody starts that. */
static void
send__octets_that_the_chip_misses(void **state)
{
    struct fixture *f = *state;
    unsigned executed;

    start(f);
    executed = f->model.counts.executed;
    f->model.knobs.lost = 1;
    works(f);
    f->model.knobs.lost = UINT32_MAX;
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(f->model.counts.executed, executed + 1);
    f->model.knobs.lost = 0;
    works(f);
}

/* Expect goes before the last octet: the chip has read another length. */
static void
send__expect_falls_early(void **state)
{
    struct fixture *f = *state;
    unsigned executed;

    f->model.knobs.burst = 63;
    start(f);
    executed = f->model.counts.executed;
    f->model.fifo_octets = 0;
    f->model.knobs.flip_after = 5; /* the last octet of the length */
    f->model.knobs.flip_by = 0xc0; /* of 200: 8 */
    f->model.knobs.flips = 1;
    works(f);
    assert_int_equal(f->model.counts.executed, executed + 1);
    assert_int_equal(f->model.counts.aborted, 1);
}

/* Told once, in plain words; the link stays. */
static void
receive__chip_in_failure_mode(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->code = 0x101;
    f->size = f->said = 10;
    capture_start();
    works(f);
    works(f);
    capture_expect("failure mode");
    f->code = 0;
    works(f);
}

static void
init__nobody_there(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.floating = 0xff;
    f->model.knobs.access_reads = f->row->i2c ? UINT32_MAX : 0;
    assert_int_equal(init(f), TSS2_TCTI_RC_NO_CONNECTION);
    f->model.knobs = (struct model_knobs) { .dead = true };
    assert_int_equal(init(f), TSS2_TCTI_RC_NO_CONNECTION);
    f->model.knobs = (struct model_knobs) { 0 };
    model_reset(&f->model);
    start(f);
}

static void
send__locality_is_anothers(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.taken_by = 1;
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    f->model.knobs.taken_by = 0;
    works(f);
}

static void
send__chip_is_reset(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->model.knobs.reset_at_go = true;
    assert_int_not_equal(exchange(f, 1), TSS2_RC_SUCCESS);
    works(f);
    f->model.knobs.reset_in_execution = true;
    assert_int_not_equal(exchange(f, 1), TSS2_RC_SUCCESS);
    works(f);
    model_reset(&f->model);
    works(f);
}

/* An error in each of the messages of an exchange: once told, then well. */
static void
exchange__bus_errors(void **state)
{
    struct fixture *f = *state;
    unsigned executed, failed = 0;
    TSS2_RC rc;

    for (unsigned n = 0; n < 40; n++) {
        model_reset(&f->model);
        start(f);
        executed = f->model.counts.executed;
        f->model.knobs.error = EIO;
        f->model.knobs.error_after = n;
        rc = exchange(f, 1);
        if (rc != TSS2_RC_SUCCESS)
            failed++;
        assert_true(f->model.counts.executed - executed <= 1);
        f->model.knobs.error = 0;
        works(f);
        assert_true(f->model.counts.executed - executed <= 2);
        end(f);
    }
    assert_true(failed > 0 && failed < 20);
}

static void
exchange__chip_that_does_not_acknowledge(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.guard_us = 50;
    for (unsigned each = 2; each < 9; each++) {
        f->model.knobs.nack_each = each;
        start(f);
        end(f);
    }
    f->model.knobs.nack_each = 0;
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    f->model.knobs.nacks = 30;
    works(f);
    assert_int_equal(f->model.counts.guard_faults, 0);
}

/* The checksum finds what the bus damaged, on both ways. */
static void
exchange__damaged_octets(void **state)
{
    struct fixture *f = *state;
    unsigned executed;

    for (unsigned at = 0; at < COMMAND_LEN + 300; at += 23) {
        start(f);
        executed = f->model.counts.executed;
        f->model.fifo_octets = 0;
        f->model.knobs.flip_after = at;
        f->model.knobs.flips = 1;
        works(f);
        assert_int_equal(f->model.knobs.flips, 0);
        assert_int_equal(f->model.counts.executed - executed, 1);
        end(f);
    }
}

static void
exchange__damaged_for_good(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->model.fifo_octets = f->model.knobs.flip_after = 0;
    f->model.knobs.flips = UINT32_MAX;
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_IO_ERROR);
    f->model.knobs.flips = 0;
    works(f);
}

/* A process died between tpmGo and its last write: the chip is as it left it. */
static void
send__drops_what_a_dead_process_left(void **state)
{
    static const enum model_state left[] = {
        MODEL_RECEPTION, MODEL_EXECUTION, MODEL_COMPLETION,
    };
    struct fixture *f = *state;
    unsigned before, usual;

    start(f);
    before = f->model.counts.accesses;
    works(f);
    usual = f->model.counts.accesses - before;
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        for (size_t read = 0; read <= 10; read += 10) {
            f->model.state = left[i];
            f->model.in_len = 8;
            f->model.out_len = 10;
            f->model.out_at = read;
            before = f->model.counts.accesses;
            works(f);
            /* Not so many as asking for all of timeout B would be. */
            assert_true(f->model.counts.accesses - before < usual + 40);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(receive__sizes_that_cannot_be),
        BOTH(receive__another_size_than_said),
        BOTH(send__burst_stuck_at_zero),
        BOTH(receive__burst_stuck_at_zero),
        BOTH(send__status_that_is_never_valid),
        BOTH(send__octets_that_the_chip_misses),
        BOTH(send__expect_falls_early),
        BOTH(receive__chip_in_failure_mode),
        BOTH(init__nobody_there),
        BOTH(send__locality_is_anothers),
        BOTH(send__chip_is_reset),
        BOTH(send__drops_what_a_dead_process_left),
        BOTH(exchange__bus_errors),
        ON(exchange__chip_that_does_not_acknowledge, i2c),
        ON(exchange__damaged_octets, i2c),
        ON(exchange__damaged_for_good, i2c),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
