/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "simdir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void
check(const char *runtime, const char *home, const char *expected)
{
    char *dir;

    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_int_equal(unsetenv("HOME"), 0);
    if (runtime != NULL)
        assert_int_equal(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
    if (home != NULL)
        assert_int_equal(setenv("HOME", home, 1), 0);
    errno = 0;
    dir = sim_dir_default();
    if (expected == NULL) {
        assert_null(dir);
        assert_int_equal(errno, ENOENT);
        return;
    }
    assert_non_null(dir);
    assert_string_equal(dir, expected);
    free(dir);
}

static void
sim_dir_default__prefers_the_runtime_folder(void **state)
{
    (void)state;
    check("/run/user/1", "/home/a", "/run/user/1/scu-sim");
}

static void
sim_dir_default__falls_back_to_home(void **state)
{
    (void)state;
    check(NULL, "/home/a", "/home/a/.local/state/scu/sim");
    check("", "/home/a", "/home/a/.local/state/scu/sim");
    check("relative", "/home/a", "/home/a/.local/state/scu/sim");
}

static void
sim_dir_default__nowhere(void **state)
{
    (void)state;
    check(NULL, NULL, NULL);
    check(NULL, "relative", NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sim_dir_default__prefers_the_runtime_folder),
        cmocka_unit_test(sim_dir_default__falls_back_to_home),
        cmocka_unit_test(sim_dir_default__nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
