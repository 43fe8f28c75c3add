/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fifo-fixture.h"
#include "tcti.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What stands between host and chip: controllers, adapters, GPIO lines. */

/* Some controllers stumble over empty messages; spidev has a longest. */
static void
messages__are_of_sound_length(void **state)
{
    struct fixture *f = *state;

    for (unsigned waits = 0; waits <= 16; waits++) {
        f->model.knobs.waits = waits;
        f->model.knobs.waits_change = waits % 3 * 5;
        f->model.knobs.bufsiz = 84; /* header, waits and data at most */
        start(f);
        end(f);
    }
    assert_int_equal(f->model.counts.empty, 0);
    assert_in_range(f->model.counts.longest, 64, 84);
}

/* An adapter that misses a NACK within a combined transfer gets none. */
static void
transfers__are_never_combined(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->model.knobs.nack_each = 3;
    works(f);
    assert_int_equal(f->model.counts.combined, 0);
}

static void
chunk__adapter_that_splits_long_writes(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.burst = 2048;
    f->model.knobs.splits = 33;
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    assert_int_equal(f->model.counts.executed, 0);
    end(f);
    with_items(f, "chunk=32"); /* and the register's address */
    start(f);
}

/* No waits, or always as many: a frame is one message, and CS no matter. */
static void
cs_gpio__controller_that_drops_its_own(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.drops_cs = true;
    f->model.knobs.waits = 2;
    start(f);
    assert_int_equal(f->model.counts.cs_held, 0);
    end(f);
    f->model.knobs.waits_change = 3;
    assert_int_not_equal(init(f) == TSS2_RC_SUCCESS ? exchange(f, 1) : 1,
        TSS2_RC_SUCCESS);
    end(f);
    f->model.counts.cs_held = 0;
    with_items(f, "cs-gpio=/dev/null:8");
    start(f);
    for (int i = 0; i < 5; i++)
        works(f);
    assert_int_equal(f->model.counts.cs_held, 0);
}

static void
reset__of_a_chip_that_does_not_answer(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.dead = true;
    assert_int_equal(init(f), TSS2_TCTI_RC_NO_CONNECTION);
    with_items(f, "reset=/dev/null:9");
    start(f);
    assert_int_equal(f->model.counts.resets, 1);
    f->model.knobs.dead = true;
    works(f);
    assert_int_equal(f->model.counts.resets, 2);
}

/* --- wires that are damp ------------------------------------------------- */

static void
nack_storm__in_the_middle(void **state)
{
    struct fixture *f = *state;
    static const unsigned storms[] = { 1, 2, 10, 100 };

    start(f);
    for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++) {
        assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
        f->model.knobs.nacks = storms[i];
        assert_int_equal(Tss2_Tcti_Receive(f->context, &(size_t){ 4096 },
            (uint8_t[4096]) { 0 }, -1), TSS2_RC_SUCCESS);
        f->model.knobs.nacks = storms[i];
        works(f);
    }
}

static void
nack_storm__without_end(void **state)
{
    struct fixture *f = *state;

    with_items(f, "retries=0");
    start(f);
    f->model.knobs.nacks = UINT32_MAX;
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    f->model.knobs.nacks = 0;
    works(f);
}

/* Each alone, as if its wire were loose, and all of them. */
static void
bits__that_must_be_zero(void **state)
{
    struct fixture *f = *state;
    static const uint8_t sts[] = { 0x01, 0x02, 0x20, 0x23 };
    static const uint8_t access[] = { 0x08, 0x40, 0x48 };

    start(f);
    for (size_t i = 0; i < sizeof(sts); i++) {
        f->model.knobs.sts_bits = sts[i];
        assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    }
    f->model.knobs.sts_bits = 0;
    works(f);
    end(f);
    for (size_t i = 0; i < sizeof(access); i++) {
        f->model.knobs.access_bits = access[i];
        assert_int_equal(init(f), TSS2_TCTI_RC_NO_CONNECTION);
    }
}

/* A bus that floats in the middle of an exchange. */
static void
floats__while_a_command_runs(void **state)
{
    struct fixture *f = *state;
    const struct model_knobs then = { .floating = 0xff };

    start(f);
    f->then = &then;
    assert_int_equal(exchange(f, 1), TSS2_TCTI_RC_IO_ERROR);
    f->then = NULL;
    f->model.knobs.floating = 0;
    works(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(messages__are_of_sound_length, spi),
        ON(transfers__are_never_combined, i2c),
        ON(chunk__adapter_that_splits_long_writes, i2c),
        ON(cs_gpio__controller_that_drops_its_own, spi),
        BOTH(reset__of_a_chip_that_does_not_answer),
        ON(nack_storm__in_the_middle, i2c),
        ON(nack_storm__without_end, i2c),
        BOTH(bits__that_must_be_zero),
        ON(floats__while_a_command_runs, spi),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
