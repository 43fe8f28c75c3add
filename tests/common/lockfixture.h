/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_COMMON_LOCKFIXTURE_H
#define TESTS_COMMON_LOCKFIXTURE_H

#include "lockfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* A lock in a folder of its own, for tests of locks. */
#define BOUNDED 60000 /* ms: never reached unless something is broken */

struct fixture {
    char dir[32];
    char path[64];
    struct lockfile *lock;
};

static inline int
lockfixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-lock.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/lock", f->dir);
    assert_int_equal(lockfile_open(f->path, &f->lock), 0);
    *state = f;
    return 0;
}

static inline int
lockfixture_teardown(void **state)
{
    struct fixture *f = *state;

    lockfile_close(&f->lock);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

#define LOCKFILE_TEST(t) \
    cmocka_unit_test_setup_teardown(t, lockfixture_setup, lockfixture_teardown)

#endif
