/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The arithmetic of the bench on rounds that were made up. */
#include "tests/bench/figures.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A table of the test's own: figures.c looks ids up in it. */
const struct row bench_rows[] = { { .id = "one" }, { .id = "two" } };
const size_t bench_row_count = 2;

static void
assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-9);
}

static struct sample
sample_of(uint64_t op_us)
{
    return (struct sample) { .ops = 10, .op_ns = op_us * 1000 };
}

static void
figures_median__odd_and_even(void **state)
{
    double odd[] = { 9, 1, 5 }, even[] = { 8, 1, 2, 4 };

    (void)state;
    assert_near(figures_median(odd, 3), 5);
    assert_near(figures_median(even, 4), 3);
    assert_near(figures_median(odd, 0), 0);
}

static void
figures_of__each_figure_is_per_operation(void **state)
{
    const struct sample s = {
        .ops = 10, .op_ns = 500000, .link_ns = 400000, .host_ns = 90000,
        .cpu_ns = 300000, .wall_ns = 1,
    };

    (void)state;
    assert_near(figures_of(&s, FIGURE_RATE), 2000);
    assert_near(figures_of(&s, FIGURE_WALL), 500);
    assert_near(figures_of(&s, FIGURE_LINK), 400);
    assert_near(figures_of(&s, FIGURE_HOST), 90);
    assert_near(figures_of(&s, FIGURE_CPU), 30);
}

static void
figures_of__nothing_measured_is_zero(void **state)
{
    const struct sample s = { 0 };

    (void)state;
    assert_near(figures_of(&s, FIGURE_RATE), 0);
}

static void
figures_spread__outliers_do_not_count(void **state)
{
    static struct result r;
    static const uint64_t us[] = { 1000, 100000, 800, 1250, 10, 1000, 500 };

    (void)state;
    for (size_t i = 0; i < 7; i++)
        r.round[i] = sample_of(us[i]);
    /* Per second: 10 800 1000 1000 1250 2000 100000 */
    assert_near(figures_spread(&r, 7), 1.2);
}

/* A slow round slows both rows, and the ratio does not see it. */
static void
figures_compare__is_paired_by_round(void **state)
{
    static struct result fast, slow;
    struct comparison c = {
        .left = &slow, .right = &fast, .left_figure = FIGURE_RATE,
        .right_figure = FIGURE_RATE, .relation = RELATION_RATIO,
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        fast.round[i] = sample_of(100 * (i + 1));
        slow.round[i] = sample_of(125 * (i + 1));
    }
    assert_near(figures_compare(&c, 3), 0.8);
    c.left_figure = c.right_figure = FIGURE_WALL;
    c.relation = RELATION_DIFFERENCE;
    assert_near(figures_compare(&c, 3), 50);
}

/* A figure that stands alone is the median of its row. */
static void
figures_compare__of_one_row(void **state)
{
    static struct result r;
    const struct comparison c = {
        .left = &r, .left_figure = FIGURE_WALL, .relation = RELATION_NONE,
    };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        r.round[i] = sample_of(100 * (i + 1));
    assert_near(figures_compare(&c, 3), 200);
}

/* Counted once for all rounds, not in them. */
static void
figures_row__commands_are_those_that_were_counted(void **state)
{
    static struct result r = { .commands = 8 };

    (void)state;
    r.round[0] = sample_of(100);
    assert_near(figures_row(&r, 1, FIGURE_COMMANDS), 8);
}

static void
figures_pass__keeps_both_bounds(void **state)
{
    (void)state;
    assert_true(figures_pass(0.85, 0.85, 0));
    assert_false(figures_pass(0.84, 0.85, 0));
    assert_true(figures_pass(40, 0, 40));
    assert_false(figures_pass(40.5, 0, 40));
    assert_true(figures_pass(7, 0, 0));
}

static void
figures_row_index__unknown_id_is_the_count(void **state)
{
    (void)state;
    assert_int_equal(figures_row_index("two"), 1);
    assert_int_equal(figures_row_index("three"), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_median__odd_and_even),
        cmocka_unit_test(figures_of__each_figure_is_per_operation),
        cmocka_unit_test(figures_of__nothing_measured_is_zero),
        cmocka_unit_test(figures_spread__outliers_do_not_count),
        cmocka_unit_test(figures_compare__is_paired_by_round),
        cmocka_unit_test(figures_compare__of_one_row),
        cmocka_unit_test(figures_row__commands_are_those_that_were_counted),
        cmocka_unit_test(figures_pass__keeps_both_bounds),
        cmocka_unit_test(figures_row_index__unknown_id_is_the_count),
    };

    return cmocka_run_group_tests_name("figures of the bench", tests, NULL,
        NULL);
}
