/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/*
 * traces FOLDER: a trace from each link, FOLDER/LINK, of two GetCapability and
 * of one that was cancelled, where the link can do that. For test_traces.sh.
 */
#define GET_CAPABILITY 22 /* octets of the command */
#define KINDS 6

static const char *folder;

static void
trace__of_a_link(void **state)
{
    const struct stand_kind *const *kind = *state;
    struct stand *s = stand_new(*kind);
    char more[512];
    TSS2_RC rc;

    (void)snprintf(more, sizeof(more), ",trace=%s/%s", folder, s->kind->name);
    stand_hold(s)->size = 300;
    stand_let(s);
    assert_int_equal(stand_open(s, more, &s->context), TSS2_RC_SUCCESS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stand_transmit_len(s, s->context, GET_CAPABILITY),
            TSS2_RC_SUCCESS);
        assert_int_equal(stand_receive(s, -1), TSS2_RC_SUCCESS);
    }
    stand_takes(s, -1);
    assert_int_equal(stand_transmit_len(s, s->context, GET_CAPABILITY),
        TSS2_RC_SUCCESS);
    rc = Tss2_Tcti_Cancel(s->context);
    assert_true(rc == TSS2_RC_SUCCESS || rc == TSS2_TCTI_RC_NOT_IMPLEMENTED);
    stand_free(&s);
}

int
main(int argc, char **argv)
{
    struct CMUnitTest tests[KINDS] = { 0 };

    if (argc != 2 || n_stand_kinds != KINDS)
        return 2;
    folder = argv[1];
    for (size_t i = 0; i < KINDS; i++)
        tests[i] = (struct CMUnitTest) {
            .name = stand_kinds[i]->name,
            .test_func = trace__of_a_link,
            .initial_state = (void *)(uintptr_t)&stand_kinds[i],
        };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
