/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "uart-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * Many commands on a line that loses, damages, doubles and delays: none is
 * lost, and none is executed twice. LOSSY_COMMANDS says how many; 1000.
 */
#define STANDARD 1000

static unsigned
how_many(void)
{
    const char *text = getenv("LOSSY_COMMANDS");

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : STANDARD;
}

static unsigned
run(struct fixture *f, TSS2_TCTI_CONTEXT *context, unsigned n)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < n; i++)
        if (transmit_len(f, context, COMMAND_MIN + i % 50) != TSS2_RC_SUCCESS
            || receive_on(f, context, -1) != TSS2_RC_SUCCESS)
            bad++;
    return bad;
}

static void
lossy(struct fixture *f, const struct line_faults *faults)
{
    unsigned n = how_many();

    assert_int_equal(uart_init(f, "", &f->context), TSS2_RC_SUCCESS);
    hold(f)->to_chip = *faults;
    f->view->to_host = *faults;
    let(f);
    assert_int_equal(run(f, f->context, n), 0);
    assert_int_equal(started(f), n);
    (void)hold(f);
    print_message("%u commands: %u frames lost, %u damaged, %u twice, %u "
        "late\n", n, f->view->counts.lost, f->view->counts.damaged,
        f->view->counts.twice, f->view->counts.late);
    let(f);
}

static void
lossy__one_frame_in_a_hundred(void **state)
{
    static const struct line_faults faults = { .lose_frames = 10000 };

    lossy(*state, &faults);
}

static void
lossy__all_faults(void **state)
{
    static const struct line_faults faults = {
        .lose_frames = 3000, .double_frames = 10000, .late_frames = 5000,
        .flip_octets = 50, .lose_octets = 50, .add_octets = 50,
    };

    lossy(*state, &faults);
}

/* Two processes, each command an epoch of its own as likely as not. */
static void
lossy__two_processes(void **state)
{
    struct fixture *f = *state;
    unsigned n = how_many() / 10;
    int status = -1;
    pid_t pid;

    hold(f)->to_chip.lose_frames = 10000;
    f->view->to_host.lose_frames = 10000;
    let(f);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        f->tag = TAGS / 2;
        _exit(uart_init(f, "", &f->context) != TSS2_RC_SUCCESS
            || run(f, f->context, n) != 0);
    }
    assert_int_equal(uart_init(f, "", &f->context), TSS2_RC_SUCCESS);
    assert_int_equal(run(f, f->context, n), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(started(f), 2 * n);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        UART_TEST(lossy__one_frame_in_a_hundred),
        UART_TEST(lossy__all_faults),
        UART_TEST(lossy__two_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
