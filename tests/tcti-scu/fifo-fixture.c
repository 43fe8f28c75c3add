/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fifo-fixture.h"
#include "model-clock.h"
#include "tcti.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

static size_t
answer(void *user, const uint8_t *command, size_t len, uint8_t *response)
{
    struct fixture *f = user;

    f->last = command[len - 1];
    if (f->then != NULL)
        f->model.knobs = *f->then;
    for (size_t i = 0; i < f->size; i++)
        response[i] = (uint8_t)(i ^ f->last);
    if (f->size >= 10) {
        memcpy(response, (uint8_t[10]) { 0x80, 0x01 }, 10);
        response[2] = (uint8_t)(f->said >> 24);
        response[3] = (uint8_t)(f->said >> 16);
        response[4] = (uint8_t)(f->said >> 8);
        response[5] = (uint8_t)f->said;
        response[8] = (uint8_t)(f->code >> 8);
        response[9] = (uint8_t)f->code;
    }
    return f->size;
}

static void
make_command(uint8_t *command, uint8_t last)
{
    static const uint8_t header[] = {
        0x80, 0x01, 0, 0, 0, COMMAND_LEN, 0, 0, 0x01, 0x7b,
    };

    for (size_t i = 0; i < COMMAND_LEN; i++)
        command[i] = (uint8_t)(7 * i);
    memcpy(command, header, sizeof(header));
    command[COMMAND_LEN - 1] = last;
}

const struct row rows_spi = { "spi:/dev/null,hz=1000000,lock=", false };
const struct row rows_i2c = { "i2c:/dev/null,lock=", true };

/* --- a context on the model ---------------------------------------------- */

TSS2_RC
init(struct fixture *f)
{
    size_t size = 0;
    TSS2_RC rc;

    assert_int_equal(Tss2_Tcti_Scu_Init(NULL, &size, NULL), TSS2_RC_SUCCESS);
    f->context = calloc(1, size);
    assert_non_null(f->context);
    rc = Tss2_Tcti_Scu_Init(f->context, &size, f->conf);
    if (rc != TSS2_RC_SUCCESS) {
        free(f->context);
        f->context = NULL;
    }
    return rc;
}

void
end(struct fixture *f)
{
    if (f->context != NULL)
        Tss2_Tcti_Finalize(f->context);
    free(f->context);
    f->context = NULL;
}

void
with_items(struct fixture *f, const char *items)
{
    size_t len = strlen(f->conf);

    (void)snprintf(f->conf + len, sizeof(f->conf) - len, ",%s", items);
}

int
fixture_setup(void **state)
{
    const struct row *row = *state;
    struct fixture *f = calloc(1, sizeof(*f));
    int fd;

    assert_non_null(f);
    model_clock_real = false;
    f->row = row;
    f->size = f->said = 300;
    (void)snprintf(f->lock, sizeof(f->lock), "/tmp/scu-fifo-XXXXXX");
    fd = mkstemp(f->lock);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(f->conf, sizeof(f->conf), "%s%s", row->conf, f->lock);
    f->model.execute = answer;
    f->model.user = f;
    model_reset(&f->model);
    model_attached = &f->model;
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;

    end(f);
    assert_int_equal(f->model.frame_at, 0); /* no chip select is left low */
    assert_int_equal(f->model.counts.early_fifo, 0);
    model_attached = NULL;
    model_lines_close(&f->model);
    (void)unlink(f->lock);
    free(f);
    return 0;
}

TSS2_RC
transmit(struct fixture *f, uint8_t last)
{
    uint8_t command[COMMAND_LEN];

    make_command(command, last);
    return Tss2_Tcti_Transmit(f->context, sizeof(command), command);
}

TSS2_RC
exchange(struct fixture *f, uint8_t last)
{
    uint8_t response[TPM_MESSAGE_MAX];
    size_t size = sizeof(response);
    TSS2_RC rc = transmit(f, last);

    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Tcti_Receive(f->context, &size, response, -1);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    assert_int_equal(f->last, last);
    assert_int_equal(size, f->size);
    for (size_t i = 10; i < size; i++)
        assert_int_equal(response[i], (uint8_t)(i ^ last));
    return rc;
}

void
works(struct fixture *f)
{
    static uint8_t last;

    assert_int_equal(exchange(f, ++last), TSS2_RC_SUCCESS);
}

void
start(struct fixture *f)
{
    assert_int_equal(init(f), TSS2_RC_SUCCESS);
    works(f);
}
