/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void
deadline_in__zero_is_past_at_once(void **state)
{
    struct deadline d = deadline_in(0);

    (void)state;
    assert_true(deadline_past(d));
    assert_int_equal(deadline_left(d), 0);
}

static void
deadline_in__negative_is_never(void **state)
{
    struct deadline d = deadline_in(-1);

    (void)state;
    assert_false(deadline_past(d));
    assert_int_equal(deadline_left(d), -1);
}

static void
deadline_in__far_leaves_at_most_what_was_asked(void **state)
{
    struct deadline d = deadline_in(INT32_MAX);

    (void)state;
    assert_false(deadline_past(d));
    assert_in_range(deadline_left(d), INT32_MAX - 60000, INT32_MAX);
}

static void
deadline_earlier__of_two(void **state)
{
    struct deadline never = deadline_in(-1);
    struct deadline soon = { .at_ms = 5 };
    struct deadline late = { .at_ms = 9 };

    (void)state;
    assert_int_equal(deadline_earlier(soon, late).at_ms, 5);
    assert_int_equal(deadline_earlier(late, soon).at_ms, 5);
    assert_int_equal(deadline_earlier(never, soon).at_ms, 5);
    assert_false(deadline_earlier(soon, never).forever);
    assert_true(deadline_earlier(never, never).forever);
}

static void
deadline_left__long_past_is_zero(void **state)
{
    struct deadline d = { .at_ms = INT64_MIN / 2 };

    (void)state;
    assert_int_equal(deadline_left(d), 0);
    assert_true(deadline_past(d));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline_in__zero_is_past_at_once),
        cmocka_unit_test(deadline_in__negative_is_never),
        cmocka_unit_test(deadline_in__far_leaves_at_most_what_was_asked),
        cmocka_unit_test(deadline_earlier__of_two),
        cmocka_unit_test(deadline_left__long_past_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
