/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "../lib/swtpm.h"
#include "line.h"
#include "unixsock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * The connector before a simulated chip: a counter in its NV memory, which
 * the chip itself counts up, tells how often a command was executed.
 */
#define INDEX 0x01800001
#define COUNTS 150

struct chip {
    int fd;
    uint8_t response[WIRE_MESSAGE];
    size_t have;
};

struct fixture {
    char dir[32];
    struct sim *sim;
    struct chip chip;
    struct line *line;
    TSS2_TCTI_CONTEXT *context;
};

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

/* --- the TPM of the connector ----------------------------------------------------- */

static void
chip_start(void *user, uint8_t locality, const uint8_t *command, size_t len)
{
    struct chip *chip = user;

    (void)locality;
    chip->have = 0;
    (void)unixsock_send(chip->fd, command, len);
}

static size_t
chip_done(void *user, uint8_t *response, size_t max)
{
    struct chip *chip = user;
    ssize_t n = recv(chip->fd, chip->response + chip->have,
        sizeof(chip->response) - chip->have, MSG_DONTWAIT);

    chip->have += n > 0 ? (size_t)n : 0;
    if (chip->have < 10 || chip->have < frame_length(chip->response)
        || chip->have > max)
        return 0;
    memcpy(response, chip->response, chip->have);
    return chip->have;
}

static void
chip_cancel(void *user)
{
    (void)user;
}

static const struct connector_tpm chip_ops = {
    .start = chip_start, .done = chip_done, .cancel = chip_cancel,
};

/* --- the fixture -------------------------------------------------------------------- */

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char conf[128];
    size_t size = 0;

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-uart.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->sim = sim_new();
    assert_non_null(f->sim);
    f->chip.fd = unixsock_connect(sim_socket(f->sim));
    assert_true(f->chip.fd >= 0);
    f->line = line_new(f->dir, &chip_ops, &f->chip);
    assert_non_null(f->line);
    line_lock(f->line)->wait_fd = f->chip.fd;
    line_unlock(f->line);
    (void)snprintf(conf, sizeof(conf), "uart:%s", line_path(f->line));
    assert_int_equal(Tss2_Tcti_Scu_Init(NULL, &size, NULL), TSS2_RC_SUCCESS);
    f->context = calloc(1, size);
    assert_non_null(f->context);
    assert_int_equal(Tss2_Tcti_Scu_Init(f->context, &size, conf),
        TSS2_RC_SUCCESS);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    Tss2_Tcti_Finalize(f->context);
    free(f->context);
    line_free(&f->line);
    (void)close(f->chip.fd);
    sim_free(&f->sim);
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static uint8_t *
put_be(uint8_t *out, uint32_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(value >> 8 * (len - 1 - i));
    return out + len;
}

/* As the owner, with an empty password; index 0: none. The response's code. */
static uint32_t
as_owner(struct fixture *f, uint32_t code, uint32_t index, const void *tail,
    size_t tail_len, uint8_t *response)
{
    uint8_t command[128], *p = command + 2;
    size_t size = WIRE_MESSAGE;

    (void)put_be(command, TPM2_ST_SESSIONS, 2);
    p = put_be(p + 4, code, 4);
    p = put_be(p, TPM2_RH_OWNER, 4);
    if (index != 0)
        p = put_be(p, index, 4);
    p = put_be(p, 9, 4);
    p = put_be(p, TPM2_RS_PW, 4);
    p = put_be(p, 0, 4); /* no nonce, no attributes */
    p = put_be(p, 0, 1); /* ... and no password */
    if (tail_len > 0)
        memcpy(p, tail, tail_len);
    p += tail_len;
    (void)put_be(command + 2, (uint32_t)(p - command), 4);
    assert_int_equal(Tss2_Tcti_Transmit(f->context, (size_t)(p - command),
        command), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_Tcti_Receive(f->context, &size, response, -1),
        TSS2_RC_SUCCESS);
    return frame_code(response);
}

static void
lossy__the_chip_counts_each_command_once(void **state)
{
    static const uint8_t public_area[] = {
        0, 0, /* no password */
        0, 14, INDEX >> 24, INDEX >> 16 & 0xff, INDEX >> 8 & 0xff,
        INDEX & 0xff, 0, 0x0b, 0x02, 0x06, 0x00, 0x16, 0, 0, 0, 8,
    };
    static const uint8_t eight_from_0[] = { 0, 8, 0, 0 };
    struct fixture *f = *state;
    uint8_t response[WIRE_MESSAGE];
    uint64_t first, now;
    struct line_view *view;

    assert_int_equal(as_owner(f, TPM2_CC_NV_DefineSpace, 0, public_area,
        sizeof(public_area), response), TPM2_RC_SUCCESS);
    assert_int_equal(as_owner(f, TPM2_CC_NV_Increment, INDEX, NULL, 0,
        response), TPM2_RC_SUCCESS);
    assert_int_equal(as_owner(f, TPM2_CC_NV_Read, INDEX, eight_from_0,
        sizeof(eight_from_0), response), TPM2_RC_SUCCESS);
    first = response[23];

    view = line_lock(f->line);
    view->to_chip.lose_frames = view->to_host.lose_frames = 30000;
    view->to_chip.double_frames = view->to_host.double_frames = 30000;
    line_unlock(f->line);
    for (int i = 0; i < COUNTS; i++)
        assert_int_equal(as_owner(f, TPM2_CC_NV_Increment, INDEX, NULL, 0,
            response), TPM2_RC_SUCCESS);
    assert_int_equal(as_owner(f, TPM2_CC_NV_Read, INDEX, eight_from_0,
        sizeof(eight_from_0), response), TPM2_RC_SUCCESS);
    now = response[23];
    assert_int_equal((now - first) & 0xff, COUNTS);
    view = line_lock(f->line);
    assert_true(view->counts.lost > 0 && view->counts.twice > 0);
    line_unlock(f->line);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            lossy__the_chip_counts_each_command_once, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
