/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stand.h"

#include <dirent.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * Part of `make check-long`: many contexts, and many commands on one, on each
 * link. Descriptors and heap must be level afterwards, as they were when half
 * of it was done. LONG_CONTEXTS (10 000) and LONG_COMMANDS (100 000) say how
 * many.
 */
#define KINDS 6

struct level {
    size_t descriptors;
    size_t heap;     /* octets in use */
    size_t resident; /* KiB */
};

static unsigned
number(const char *name, unsigned standard)
{
    const char *text = getenv(name);

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : standard;
}

static size_t
count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n;
}

static size_t
resident_kib(void)
{
    FILE *statm = fopen("/proc/self/statm", "re");
    unsigned long all = 0, resident = 0;

    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%lu %lu", &all, &resident), 2);
    (void)fclose(statm);
    return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

/* Once what the far end does behind our back is done, too. */
static struct level
level_now(struct stand *s)
{
    struct level level;

    (void)stand_hold(s);
    level.descriptors = count_descriptors();
    level.resident = resident_kib();
    level.heap = mallinfo2().uordblks;
    stand_let(s);
    return level;
}

static void
open_and_close(struct stand *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        stand_start(s);
        if (i % 16 == 0)
            stand_works(s);
        stand_close(&s->context);
    }
}

static void
exchanges(struct stand *s, unsigned n)
{
    stand_start(s);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(stand_transmit_len(s, s->context,
            CHIP_COMMAND + i % 200), TSS2_RC_SUCCESS);
        assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    }
    stand_close(&s->context);
}

/* The peer's descriptor of the last connection may still be there. */
static void
expect_level(struct level before, struct level after)
{
    assert_in_range(after.descriptors, before.descriptors - 1,
        before.descriptors + 1);
    assert_in_range(after.heap, 0, before.heap + 4096);
}

static void
run(struct stand *s, const char *what, void (*part)(struct stand *, unsigned),
    unsigned n)
{
    int64_t start = chip_now_us();
    struct level half, end;

    part(s, n / 2);
    half = level_now(s);
    part(s, n - n / 2);
    end = level_now(s);
    print_message("%-6s %7u %s: %6.1f s; descriptors %zu, then %zu; heap %zu, "
        "then %zu octets; resident %zu, then %zu KiB\n", s->kind->name, n,
        what, (double)(chip_now_us() - start) / 1e6, half.descriptors,
        end.descriptors, half.heap, end.heap, half.resident, end.resident);
    expect_level(half, end);
}

static void
link__stays_level(void **state)
{
    const struct stand_kind *const *kind = *state;
    struct stand *s = stand_new(*kind);
    unsigned commands = number("LONG_COMMANDS", 100000);

    run(s, "contexts", open_and_close, number("LONG_CONTEXTS", 10000));
    assert_int_equal(stand_hold(s)->twice, 0);
    stand_let(s);
    run(s, "commands", exchanges, commands);
    stand_free(&s);
}

int
main(void)
{
    struct CMUnitTest tests[KINDS] = { 0 };

    if (n_stand_kinds != KINDS)
        return 1;
    for (size_t i = 0; i < KINDS; i++)
        tests[i] = (struct CMUnitTest) {
            .name = stand_kinds[i]->name,
            .test_func = link__stays_level,
            .initial_state = (void *)(uintptr_t)&stand_kinds[i],
        };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
