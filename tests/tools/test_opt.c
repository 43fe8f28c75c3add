/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct values {
    bool flag;
    const char *dir;
};

struct more {
    bool other;
};

static const struct opt rows[] = {
    { .name = "flag", .offset = offsetof(struct values, flag) },
    { .name = "dir", .arg = "DIR", .offset = offsetof(struct values, dir) },
    { 0 },
};

static const struct opt more_rows[] = {
    { .name = "other", .offset = offsetof(struct more, other) },
    { 0 },
};

static struct values values;
static struct more more;
static char why[128];

/* Of a command line of up to four words behind the program's name. */
static int
parse(const char *a, const char *b, const char *c, const char *d)
{
    const char *words[] = { "x", a, b, c, d, NULL };
    char text[5][64] = { "" };
    char *argv[6] = { NULL };
    const struct opt_set sets[] = {
        { rows, &values }, { NULL, NULL }, { more_rows, &more },
    };
    int argc = 0;

    for (; words[argc] != NULL; argc++) {
        strncpy(text[argc], words[argc], sizeof(text[argc]) - 1);
        argv[argc] = text[argc];
    }
    memset(&values, 0, sizeof(values));
    memset(&more, 0, sizeof(more));
    memset(why, 0, sizeof(why));
    return opt_parse(sets, 3, argc, argv, why, sizeof(why));
}

static void
opt_parse__nothing_leaves_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(NULL, NULL, NULL, NULL), 1);
    assert_false(values.flag);
    assert_null(values.dir);
}

static void
opt_parse__fills_each_table(void **state)
{
    (void)state;
    assert_int_equal(parse("--other", "--flag", NULL, NULL), 3);
    assert_true(values.flag);
    assert_true(more.other);
    assert_null(values.dir);
}

static void
opt_parse__value_in_next_word_or_behind_equals(void **state)
{
    const char *const given[][2] = { { "--dir", "/a" }, { "--dir=/a", NULL } };
    int operand;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        operand = parse(given[i][0], given[i][1], NULL, NULL);
        assert_int_equal(operand, i == 0 ? 3 : 2);
        assert_non_null(values.dir);
    }
}

static void
opt_parse__stops_at_operand(void **state)
{
    (void)state;
    assert_int_equal(parse("--flag", "word", "--other", NULL), 2);
    assert_true(values.flag);
    assert_false(more.other);
}

static void
opt_parse__double_dash_ends_options(void **state)
{
    (void)state;
    assert_int_equal(parse("--", "--flag", NULL, NULL), 2);
    assert_false(values.flag);
}

static void
opt_parse__no_value_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse("--flag", "--dir", NULL, NULL), -1);
    assert_non_null(strstr(why, "--dir needs a value"));
}

static void
opt_parse__value_for_flag_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(parse("--other=1", NULL, NULL, NULL), -1);
    assert_non_null(strstr(why, "--other takes no value"));
}

static void
opt_parse__unknown_is_named(void **state)
{
    (void)state;
    assert_int_equal(parse("--flag", "--nothing", NULL, NULL), -1);
    assert_non_null(strstr(why, "unknown option --nothing"));
    assert_int_equal(parse("-x", NULL, NULL, NULL), -1);
    assert_non_null(strstr(why, "unknown option -x"));
}

static void
opt_number__digits_only_and_bounded(void **state)
{
    const char *bad[] = { "", "-1", "+1", " 1", "1 ", "1x", "x", "11", "0x1",
        "99999999999999999999999" };
    unsigned long n;

    (void)state;
    assert_int_equal(opt_number("0", 10, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(opt_number("10", 10, &n), 0);
    assert_int_equal(n, 10);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(opt_number(bad[i], 10, &n), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opt_parse__nothing_leaves_defaults),
        cmocka_unit_test(opt_parse__fills_each_table),
        cmocka_unit_test(opt_parse__value_in_next_word_or_behind_equals),
        cmocka_unit_test(opt_parse__stops_at_operand),
        cmocka_unit_test(opt_parse__double_dash_ends_options),
        cmocka_unit_test(opt_parse__no_value_is_an_error),
        cmocka_unit_test(opt_parse__value_for_flag_is_an_error),
        cmocka_unit_test(opt_parse__unknown_is_named),
        cmocka_unit_test(opt_number__digits_only_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
