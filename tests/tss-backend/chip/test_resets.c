/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* What changes of the chip's clock mean, by the table, and the record. */
#include "chip/record.h"
#include "chip/resets.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define YES true
#define NO false

static void
judge__each_change_has_its_kind(void **state)
{
    static const struct {
        struct scu_clock before, after;
        bool same_key;
        enum scu_event_kind kind;
    } rows[] = {
        /* nothing */
        { { 1000, 5, 2, YES }, { 1000, 5, 2, YES }, YES, SCU_EVENT_NONE },
        { { 1000, 5, 2, YES }, { 9000, 5, 2, YES }, YES, SCU_EVENT_NONE },
        { { 1000, 5, 2, NO }, { 9000, 5, 2, YES }, YES, SCU_EVENT_NONE },
        { { 1000, 5, 2, NO }, { 1001, 5, 2, NO }, YES, SCU_EVENT_NONE },
        /* resets */
        { { 1000, 5, 2, YES }, { 1100, 6, 0, YES }, YES, SCU_EVENT_ORDERLY },
        { { 1000, 5, 2, YES }, { 1000, 6, 0, YES }, YES, SCU_EVENT_ORDERLY },
        { { 1000, 5, 2, NO }, { 1100, 9, 0, YES }, YES, SCU_EVENT_ORDERLY },
        { { 1000, 5, 2, YES }, { 1100, 6, 0, NO }, YES,
            SCU_EVENT_POWER_CUT },
        { { 1000, 5, 2, YES }, { 100, 6, 0, NO }, YES, SCU_EVENT_POWER_CUT },
        { { 1000, 5, 2, NO }, { 100, 6, 0, NO }, YES, SCU_EVENT_POWER_CUT },
        { { 1000, 5, 2, YES }, { 1100, 6, 3, NO }, YES,
            SCU_EVENT_POWER_CUT },
        { { 1000, 0xfffffffe, 0, YES }, { 1100, 0xffffffff, 0, YES }, YES,
            SCU_EVENT_ORDERLY },
        /* restarts and resumes */
        { { 1000, 5, 2, YES }, { 1100, 5, 3, YES }, YES, SCU_EVENT_RESUME },
        { { 1000, 5, 2, NO }, { 1100, 5, 4, NO }, YES, SCU_EVENT_RESUME },
        /* backwards */
        { { 1000, 5, 2, YES }, { 999, 5, 2, YES }, YES, SCU_EVENT_REPLAY },
        { { 1000, 5, 2, YES }, { 999, 5, 2, NO }, YES, SCU_EVENT_REPLAY },
        { { 1000, 5, 2, YES }, { 1100, 4, 0, YES }, YES, SCU_EVENT_REPLAY },
        { { 1000, 5, 2, YES }, { 1100, 4, 9, NO }, YES, SCU_EVENT_REPLAY },
        { { 1000, 5, 2, YES }, { 0, 0, 0, YES }, YES, SCU_EVENT_REPLAY },
        { { 1000, 5, 2, YES }, { 1100, 5, 1, YES }, YES, SCU_EVENT_REPLAY },
        { { 1000, 5, 2, YES }, { 900, 5, 3, YES }, YES, SCU_EVENT_REPLAY },
        { { 1000, 5, 2, YES }, { 999, 6, 0, YES }, YES, SCU_EVENT_REPLAY },
        /* another storage key */
        { { 1000, 5, 2, YES }, { 10, 0, 0, YES }, NO, SCU_EVENT_CLEAR },
        { { 1000, 5, 2, YES }, { 2000, 7, 0, NO }, NO, SCU_EVENT_CLEAR },
        { { 1000, 5, 2, YES }, { 1000, 5, 2, YES }, NO, SCU_EVENT_CLEAR },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (resets_judge(&rows[i].before, &rows[i].after, rows[i].same_key) !=
            rows[i].kind)
            fail_msg("row %zu is no %s", i, scu_event_name(rows[i].kind));
}

/* The table has no hole: each of all changes has one of the kinds. */
static void
judge__every_change_has_a_kind(void **state)
{
    const struct scu_clock before = { 1, 1, 1, true };

    (void)state;
    for (unsigned i = 0; i < 2 * 2 * 3 * 3 * 3; i++) {
        const struct scu_clock after = {
            .ms = i % 3, .resets = i / 3 % 3, .restarts = i / 9 % 3,
            .safe = i / 27 % 2,
        };
        enum scu_event_kind kind = resets_judge(&before, &after, i / 54 % 2);
        bool still = after.ms >= 1 && after.resets == 1 &&
            after.restarts == 1 && i >= 54;

        assert_in_range(kind, SCU_EVENT_NONE, SCU_EVENT_REPLAY);
        assert_int_equal(kind == SCU_EVENT_NONE, still);
    }
}

static void
event__names_are_unique(void **state)
{
    (void)state;
    for (enum scu_event_kind a = SCU_EVENT_NONE; a <= SCU_EVENT_REPLAY; a++)
        for (enum scu_event_kind b = SCU_EVENT_NONE; b < a; b++) {
            assert_string_not_equal(scu_event_name(a), scu_event_name(b));
            assert_string_not_equal(scu_event_text(a), scu_event_text(b));
        }
    assert_string_equal(scu_event_name((enum scu_event_kind)99), "none");
}

/* --- the record ----------------------------------------------------------- */

static char folder[] = "/tmp/scu-test-XXXXXX", path[64];

static int
make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/resets", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
put(const char *text, mode_t mode)
{
    int fd;

    (void)unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void
record__comes_back_as_it_was(void **state)
{
    struct record record = {
        .boot = "0f0e0d0c-0000-4000-8000-0123456789ab", .key = "000b0123",
        .clock = { UINT64_MAX, UINT32_MAX, 7, true },
    };
    struct record back;
    struct stat st;

    (void)state;
    for (unsigned i = 0; i < SCU_EVENTS_MAX + 3; i++) {
        const struct scu_chip_event event = {
            .kind = (enum scu_event_kind)(1 + i % SCU_EVENT_REPLAY),
            .time = 1700000000 + i, .before = { i, i, i, i % 2 == 0 },
            .after = { i + 1, i + 2, i + 3, i % 2 != 0 },
        };

        record_add(&record, &event);
    }
    assert_int_equal(record.n, SCU_EVENTS_MAX);
    assert_int_equal(record.event[0].time, 1700000003);
    assert_int_equal(record_write(path, &record), SCU_OK);
    assert_int_equal(record_read(path, &back), SCU_OK);
    assert_string_equal(back.boot, record.boot);
    assert_string_equal(back.key, record.key);
    assert_true(back.clock.ms == UINT64_MAX && back.clock.safe);
    assert_int_equal(back.clock.resets, UINT32_MAX);
    assert_int_equal(back.n, SCU_EVENTS_MAX);
    for (size_t i = 0; i < SCU_EVENTS_MAX; i++) {
        assert_int_equal(back.event[i].kind, record.event[i].kind);
        assert_int_equal(back.event[i].time, record.event[i].time);
        assert_int_equal(back.event[i].after.restarts,
            record.event[i].after.restarts);
        assert_int_equal(back.event[i].before.safe,
            record.event[i].before.safe);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

#define HEAD "version = 1\nboot = x\nstorage-key = 00\n"

static void
record__damaged_ones_are_refused(void **state)
{
    static const char *const texts[] = {
        "", "nonsense\n", "version = 1\n",
        "version = 2\nboot = x\nstorage-key = 00\nclock = 1 2 3 1\n",
        HEAD "clock = 1 2 3\n", HEAD "clock = 1 2 3 1 4\n",
        HEAD "clock = 1 2 x 1\n", HEAD "clock = 1 2 3 1\nboot = y\n",
        HEAD "clock = 1 2 3 1\nevent = 5 2 1 2 3 1\n",
        HEAD "clock = 1 2 3 1\nevent = 5 0 1 2 3 1 1 2 3 1\n",
        HEAD "clock = 1 2 3 1\nevent = 5 9 1 2 3 1 1 2 3 1\n",
        HEAD "clock = 1 2 3 1\nevent = 5 2 1 2 3 1 1 2 3 1 7\n",
        "version = 1\nboot = /../x\nstorage-key = 00\nclock = 1 2 3 1\n",
    };
    struct record record;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        put(texts[i], 0600);
        assert_int_equal(record_read(path, &record), SCU_E_FILE);
        assert_non_null(strstr(scu_error_detail(), path));
        assert_int_equal(record.n, 0);
    }
    put(HEAD "clock = 1 2 3 1\n", 0600);
    assert_int_equal(record_read(path, &record), SCU_OK);
}

static void
record__writable_by_others_is_refused(void **state)
{
    struct record record;

    (void)state;
    put(HEAD "clock = 1 2 3 1\n", 0620);
    assert_int_equal(record_read(path, &record), SCU_E_FILE);
    assert_non_null(strstr(scu_error_detail(), "others can write"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(record_read(path, &record), SCU_E_NOT_FOUND);
}

static void
record__boot_is_the_same_twice(void **state)
{
    char a[RECORD_TEXT_MAX], b[RECORD_TEXT_MAX];

    (void)state;
    record_boot(a);
    record_boot(b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 36);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge__each_change_has_its_kind),
        cmocka_unit_test(judge__every_change_has_a_kind),
        cmocka_unit_test(event__names_are_unique),
        cmocka_unit_test(record__comes_back_as_it_was),
        cmocka_unit_test(record__damaged_ones_are_refused),
        cmocka_unit_test(record__writable_by_others_is_refused),
        cmocka_unit_test(record__boot_is_the_same_twice),
    };

    return cmocka_run_group_tests_name("resets", tests, make_folder,
        remove_folder);
}
