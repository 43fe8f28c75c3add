/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "capture.h"
#include "uart-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

TSS2_RC Tss2_Tcti_Scu_Init(TSS2_TCTI_CONTEXT *context, size_t *size,
    const char *conf);

/* --- the TPM that counts ------------------------------------------------------ */

static int64_t
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
put_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t
be32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16
        | (uint32_t)in[2] << 8 | in[3];
}

static void
counter_start(void *user, uint8_t locality, const uint8_t *command, size_t len)
{
    struct counter *c = user;

    c->started++;
    c->locality = locality;
    c->tag = len >= COMMAND_MIN ? be32(command + 10) : 0;
    c->running = true;
    c->stop = false;
    c->until_us = now_us() + c->takes_us;
    if (c->tag < TAGS && c->seen[c->tag]++ != 0)
        c->twice++;
}

static size_t
counter_done(void *user, uint8_t *response, size_t max)
{
    struct counter *c = user;
    size_t len = c->response_len != 0 ? c->response_len : COMMAND_MIN;

    if (!c->stop && (c->takes_us < 0 || now_us() < c->until_us))
        return 0;
    c->running = false;
    if (len > max)
        len = max;
    if (c->fixed) {
        memcpy(response, c->response, len);
        return len;
    }
    memset(response, 0, len);
    response[0] = 0x80;
    response[1] = 0x01;
    put_be32(response + 2, (uint32_t)(c->stop ? 10 : len));
    if (c->stop) {
        put_be32(response + 6, 0x909); /* TPM_RC_CANCELED */
        return 10;
    }
    put_be32(response + 10, c->tag);
    return len;
}

static void
counter_cancel(void *user)
{
    struct counter *c = user;

    c->canceled++;
    c->stop = !c->deaf;
}

const struct connector_tpm counter_ops = {
    .start = counter_start, .done = counter_done, .cancel = counter_cancel,
};

/* --- the fixture ---------------------------------------------------------------- */

int
uart_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/scu-uart.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->line = line_new(f->dir, &counter_ops, &f->tpm);
    assert_non_null(f->line);
    *state = f;
    return 0;
}

int
uart_teardown(void **state)
{
    struct fixture *f = *state;

    uart_end(&f->context);
    line_free(&f->line);
    assert_int_equal(rmdir(f->dir), 0);
    assert_int_equal(f->tpm.twice, 0);
    free(f);
    return 0;
}

TSS2_RC
uart_init(struct fixture *f, const char *more, TSS2_TCTI_CONTEXT **context)
{
    size_t size = 0;
    TSS2_RC rc;

    (void)snprintf(f->conf, sizeof(f->conf), "uart:%s%s", line_path(f->line),
        more);
    assert_int_equal(Tss2_Tcti_Scu_Init(NULL, &size, NULL), TSS2_RC_SUCCESS);
    *context = calloc(1, size);
    assert_non_null(*context);
    rc = Tss2_Tcti_Scu_Init(*context, &size, f->conf);
    if (rc != TSS2_RC_SUCCESS) {
        free(*context);
        *context = NULL;
    }
    return rc;
}

void
uart_end(TSS2_TCTI_CONTEXT **context)
{
    if (*context != NULL)
        Tss2_Tcti_Finalize(*context);
    free(*context);
    *context = NULL;
}

void
start(struct fixture *f)
{
    assert_int_equal(uart_init(f, ",timeout=100", &f->context),
        TSS2_RC_SUCCESS);
}

struct line_view *
hold(struct fixture *f)
{
    f->view = line_lock(f->line);
    return f->view;
}

void
let(struct fixture *f)
{
    f->view = NULL;
    line_unlock(f->line);
}

TSS2_RC
transmit_len(struct fixture *f, TSS2_TCTI_CONTEXT *context, size_t len)
{
    uint8_t command[WIRE_MESSAGE] = { 0x80, 0x01 };

    put_be32(command + 2, (uint32_t)len);
    put_be32(command + 6, 0x17a); /* GetCapability: 750 ms at most */
    put_be32(command + 10, ++f->tag);
    return Tss2_Tcti_Transmit(context, len, command);
}

TSS2_RC
transmit(struct fixture *f)
{
    return transmit_len(f, f->context, COMMAND_MIN);
}

TSS2_RC
receive_on(struct fixture *f, TSS2_TCTI_CONTEXT *context, int32_t timeout)
{
    uint8_t response[WIRE_MESSAGE];
    size_t size = sizeof(response);
    TSS2_RC rc = Tss2_Tcti_Receive(context, &size, response, timeout);

    if (rc == TSS2_RC_SUCCESS) {
        assert_true(size >= COMMAND_MIN);
        assert_int_equal(be32(response + 2), size);
        assert_int_equal(be32(response + 6), 0);
        assert_int_equal(be32(response + 10), f->tag);
    }
    return rc;
}

TSS2_RC
receive(struct fixture *f, int32_t timeout)
{
    return receive_on(f, f->context, timeout);
}

TSS2_RC
exchange(struct fixture *f)
{
    TSS2_RC rc = transmit(f);

    return rc == TSS2_RC_SUCCESS ? receive(f, -1) : rc;
}

void
works(struct fixture *f)
{
    assert_int_equal(exchange(f), TSS2_RC_SUCCESS);
}

void
receive_fails(struct fixture *f, TSS2_RC rc, const char *part)
{
    capture_start();
    assert_int_equal(receive(f, -1), rc);
    capture_expect(part);
}

void
transmit_fails(struct fixture *f, TSS2_RC rc, const char *part)
{
    capture_start();
    assert_int_equal(transmit(f), rc);
    capture_expect(part);
}

void
wait_started(struct fixture *f, unsigned n)
{
    const struct timespec nap = { .tv_nsec = 500000 };
    int64_t end = now_us() + 10000000;

    while (started(f) < n) {
        assert_true(now_us() < end);
        (void)nanosleep(&nap, NULL);
    }
}

unsigned
started(struct fixture *f)
{
    unsigned n;

    (void)hold(f);
    n = f->tpm.started;
    assert_int_equal(f->tpm.twice, 0);
    let(f);
    return n;
}
