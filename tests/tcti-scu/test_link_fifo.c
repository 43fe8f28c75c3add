/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fifo-fixture.h"
#include "tcti.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* --- sound chips of all manners ------------------------------------------ */

static void
exchange__sizes(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (f->size = 10; f->size <= TPM_MESSAGE_MAX; f->size += 93) {
        f->said = (uint32_t)f->size;
        works(f);
    }
    f->size = f->said = TPM_MESSAGE_MAX;
    works(f);
}

static void
exchange__takes_the_fewest_accesses(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    f->size = f->said = 12;
    f->model.knobs.burst = 256; /* of which SPI carries 64 at a time */
    start(f);
    before = f->model.counts.accesses;
    works(f);
    /*
     * ACCESS; STS, commandReady, STS; the FIFO; STS; tpmGo; STS; header; rest;
     * STS; commandReady. SPI: four pieces. I2C: LOC_SEL and two checksums.
     */
    assert_int_equal(f->model.counts.accesses - before,
        12 + 3);
}

static void
exchange__waits(void **state)
{
    struct fixture *f = *state;

    for (unsigned waits = 0; waits <= 20; waits++) {
        f->model.knobs.waits = waits;
        start(f);
        /* At most the first lesson. */
        assert_true(f->model.counts.broken_frames <= (waits > 16 ? 1 : 0));
        f->model.counts.broken_frames = 0;
        end(f);
    }
}

static void
exchange__waits_that_change(void **state)
{
    struct fixture *f = *state;

    for (unsigned each = 2; each < 40; each++) {
        f->model.knobs.waits = each % 3;
        f->model.knobs.waits_change = each;
        start(f);
        for (int i = 0; i < 5; i++)
            works(f);
        end(f);
    }
}

static void
exchange__bursts(void **state)
{
    struct fixture *f = *state;
    static const unsigned large[] = { 65, 256, 2048, 65535 };

    for (unsigned i = 0; i < 2 * 64 + 2 * 4; i++) {
        f->model.knobs.burst = i < 128 ? i / 2 + 1 : large[i / 2 - 64];
        f->model.knobs.burst_left = i % 2 != 0;
        start(f);
        end(f);
    }
}

/* A chip that rests in Idle is not asked to get ready for nothing. */
static void
init__asks_little(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    assert_true(f->model.counts.accesses <= 7);
    assert_int_equal(f->model.state, MODEL_IDLE);
    assert_int_equal(f->model.active, -1);
    assert_int_equal(f->model.counts.executed, 0);
}

static void
exchange__chips_that_take_their_time(void **state)
{
    struct fixture *f = *state;

    f->model.knobs = (struct model_knobs) {
        .invalid_reads = 5,
        .execution_reads = 20,
        .execution_us = 3000,
        .access_reads = 4,
        .floating = 0x7f,
        .grant_reads = 3,
        .rests_ready = true,
    };
    start(f);
    works(f);
}

static void
exchange__localities(void **state)
{
    struct fixture *f = *state;

    start(f);
    for (uint8_t locality = 0; locality < MODEL_LOCALITIES; locality++) {
        assert_int_equal(Tss2_Tcti_SetLocality(f->context, locality),
            TSS2_RC_SUCCESS);
        works(f);
        assert_int_equal(f->model.active, locality);
    }
    end(f);
    assert_int_equal(f->model.active, -1);
}

/* --- the contract of receive --------------------------------------------- */

static void
receive__asks_and_waits(void **state)
{
    struct fixture *f = *state;
    uint8_t response[TPM_MESSAGE_MAX];
    size_t size = sizeof(response);

    f->model.knobs.execution_us = 20000;
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, 0),
        TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, 1),
        TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, NULL, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(size, f->size);
    size--;
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, -1),
        TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
    assert_int_equal(size, f->size);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, -1),
        TSS2_RC_SUCCESS);
    assert_int_equal(response[size - 1], (uint8_t)((size - 1) ^ 1));
    works(f);
}

static void
poll__tells_when_to_ask(void **state)
{
    struct fixture *f = *state;
    uint8_t response[TPM_MESSAGE_MAX];
    size_t size, n = 1;
    TSS2_TCTI_POLL_HANDLE handle;
    TSS2_RC rc;

    f->model.knobs.execution_us = 5000;
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
    do {
        assert_int_equal(Tss2_Tcti_GetPollHandles(f->context, &handle, &n),
            TSS2_RC_SUCCESS);
        assert_int_equal(n, 1);
        assert_int_equal(poll(&handle, 1, 5000), 1);
        size = sizeof(response);
        rc = Tss2_Tcti_Receive(f->context, &size, response, 0);
    } while (rc == TSS2_TCTI_RC_TRY_AGAIN);
    assert_int_equal(rc, TSS2_RC_SUCCESS);
    assert_int_equal(size, f->size);
}

static void
cancel__ends_the_command(void **state)
{
    struct fixture *f = *state;

    for (int deaf = 0; deaf < 2; deaf++) {
        f->model.knobs = (struct model_knobs) {
            .execution_us = 3600000000u, .deaf_to_cancel = deaf != 0,
        };
        assert_int_equal(init(f), TSS2_RC_SUCCESS);
        assert_int_equal(transmit(f, 1), TSS2_RC_SUCCESS);
        assert_int_equal(Tss2_Tcti_Cancel(f->context), TSS2_RC_SUCCESS);
        f->model.knobs.execution_us = 0;
        works(f);
        end(f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(exchange__sizes),
        BOTH(exchange__takes_the_fewest_accesses),
        ON(exchange__waits, spi),
        ON(exchange__waits_that_change, spi),
        BOTH(exchange__bursts),
        BOTH(init__asks_little),
        BOTH(exchange__chips_that_take_their_time),
        BOTH(exchange__localities),
        BOTH(receive__asks_and_waits),
        BOTH(poll__tells_when_to_ask),
        BOTH(cancel__ends_the_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
