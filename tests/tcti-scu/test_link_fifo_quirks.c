/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "fifo-fixture.h"
#include "model-clock.h"
#include "quirks.h"
#include "tcti.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define CR50 0x00281ae0
#define NUVOTON 0x00fe1050
#define ST 0x0000104a

/* --- configuration ------------------------------------------------------- */

static void
quirks__of_chips(void **state)
{
    (void)state;
    assert_int_equal(quirks_of(0x001b15d1, 0), 0);
    assert_int_equal(quirks_of(0x0000104a, 0), QUIRK_BURST_32);
    assert_int_equal(quirks_of(0x1234104a, 0), QUIRK_BURST_32);
    assert_int_equal(quirks_of(NUVOTON, 0), QUIRK_RELEASE_DELAY);
    assert_int_equal(quirks_of(0x00fc1050, 0), 0);
    assert_int_equal(quirks_of(CR50, 0), QUIRK_WAKE_PULSE | QUIRK_ACCESS_DELAY);
    assert_int_equal(quirks_of(NUVOTON, QUIRK_NO_EXPECT),
        QUIRK_RELEASE_DELAY | QUIRK_NO_EXPECT);
    assert_int_equal(quirks_of(NUVOTON, QUIRK_NONE), 0);
    assert_int_equal(quirks_of(NUVOTON, QUIRK_NONE | QUIRK_BURST_32),
        QUIRK_BURST_32);
}

/* Each bit has its name. */
static void
quirks__names(void **state)
{
    static const struct {
        const char *text;
        uint32_t quirks;
    } rows[] = {
        { "none", QUIRK_NONE },
        { "no-expect", QUIRK_NO_EXPECT },
        { "burst-32", QUIRK_BURST_32 },
        { "release-delay", QUIRK_RELEASE_DELAY },
        { "wake-pulse", QUIRK_WAKE_PULSE },
        { "access-delay", QUIRK_ACCESS_DELAY },
        { "none+wake-pulse+no-expect",
            QUIRK_NONE | QUIRK_WAKE_PULSE | QUIRK_NO_EXPECT },
    };
    struct options options;
    char conf[80] = "i2c:/dev/null,quirks=";
    size_t len = strlen(conf);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        strcpy(conf + len, rows[i].text);
        assert_int_equal(options_parse(conf, &options), TSS2_RC_SUCCESS);
        assert_int_equal(options.quirks, rows[i].quirks);
        options_clear(&options);
    }
}

static void
quirks__unknown_names(void **state)
{
    static const struct {
        const char *conf;
        const char *part;
    } rows[] = {
        { "spi:/dev/null,quirks=no-expect+nonsense", "'nonsense' is unknown" },
        { "spi:/dev/null,quirks=burst-3", "'burst-3' is unknown" },
        { "i2c:/dev/null,quirks=none+", "'' is unknown" },
        { "i2c:/dev/null,quirks=+none", "'' is unknown" },
        { "i2c:/dev/null,quirks=None", "'None' is unknown" },
        { "i2c:/dev/null,quirks=", "'quirks'" },
        { "i2c:/dev/null,quirks", "'quirks'" },
    };
    struct options options;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        capture_start();
        assert_int_equal(options_parse(rows[i].conf, &options),
            TSS2_TCTI_RC_BAD_VALUE);
        capture_expect(rows[i].part);
    }
}

/* --- each on the model: without, then with ------------------------------- */

static void
fails(struct fixture *f)
{
    capture_start();
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    assert_int_equal(transmit(f, 1), TSS2_TCTI_RC_IO_ERROR);
    capture_expect("takes no command");
    assert_int_equal(f->model.counts.executed, 0);
    end(f);
}

static void
no_expect__chip_without_expect(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.no_expect = true;
    f->model.knobs.burst = 63; /* it is asked for between pieces */
    fails(f);
    with_items(f, "quirks=no-expect");
    start(f);
}

static void
burst_32__chip_with_a_short_breath(void **state)
{
    struct fixture *f = *state;
    size_t len = strlen(f->conf);

    f->model.knobs.access_max = 32;
    f->model.knobs.burst = 63;
    fails(f);
    with_items(f, "quirks=burst-32");
    start(f);
    end(f);
    f->conf[len] = '\0';
    f->model.knobs.did_vid = ST;
    start(f);
    end(f);
    f->model.counts.executed = 0;
    with_items(f, "quirks=none");
    fails(f);
}

static void
release_delay__chip_that_gives_back_slowly(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.release_us = 3000;
    start(f);
    capture_start();
    assert_int_equal(Tss2_Tcti_SetLocality(f->context, 1),
        TSS2_TCTI_RC_IO_ERROR);
    capture_expect("refuses the locality");
    end(f);
    f->model.knobs.did_vid = NUVOTON;
    start(f);
    for (uint8_t locality = 0; locality < MODEL_LOCALITIES; locality++) {
        assert_int_equal(Tss2_Tcti_SetLocality(f->context, locality),
            TSS2_RC_SUCCESS);
        works(f);
    }
}

/* Only the pulse falls on deaf ears. */
static void
wake_pulse__chip_that_sleeps(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.sleep_us = 1000000;
    f->model.knobs.waits = 1;
    f->model.knobs.did_vid = CR50;
    with_items(f, "quirks=none+wake-pulse");
    for (int i = 0; i < 3; i++) {
        model_clock_skip(5000000);
        start(f);
        assert_int_equal(f->model.counts.overslept, 1);
        model_clock_skip(2000000);
        works(f);
        assert_int_equal(f->model.counts.overslept, 2);
        works(f);
        assert_int_equal(f->model.counts.overslept, 2);
        f->model.counts.overslept = 0;
        end(f);
    }
    assert_int_equal(f->model.counts.broken_frames, 0);
}

/* The table knows it as soon as it has said who it is. */
static void
wake_pulse__from_the_table(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.sleep_us = 1000000;
    f->model.knobs.did_vid = CR50;
    start(f);
    f->model.counts.overslept = 0;
    model_clock_skip(2000000);
    works(f);
    assert_int_equal(f->model.counts.overslept, 1);
}

static void
access_delay__chip_that_wants_time(void **state)
{
    struct fixture *f = *state;

    f->model.knobs.access_us = 1900; /* clocks of two kinds */
    start(f);
    assert_true(f->model.counts.too_soon > 0);
    end(f);
    with_items(f, "quirks=access-delay");
    f->model.last_us = 0;
    f->model.counts.too_soon = 0;
    start(f);
    works(f);
    assert_int_equal(f->model.counts.too_soon, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quirks__of_chips),
        cmocka_unit_test(quirks__names),
        cmocka_unit_test(quirks__unknown_names),
        BOTH(no_expect__chip_without_expect),
        BOTH(burst_32__chip_with_a_short_breath),
        BOTH(release_delay__chip_that_gives_back_slowly),
        ON(wake_pulse__chip_that_sleeps, spi),
        ON(wake_pulse__from_the_table, spi),
        BOTH(access_delay__chip_that_wants_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
