/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "connector-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const uint8_t command[12] = {
    0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8,
};

static void
tpm_start(void *user, uint8_t locality, const uint8_t *data, size_t len)
{
    struct fixture *f = user;

    assert_false(f->running);
    f->running = true;
    f->starts++;
    f->locality = locality;
    memcpy(f->command, data, len);
    f->command_len = len;
}

static size_t
tpm_done(void *user, uint8_t *response, size_t max)
{
    struct fixture *f = user;

    assert_true(f->running && max >= f->response_len);
    if (f->slow)
        return 0;
    f->running = false;
    memcpy(response, f->response, f->response_len);
    return f->response_len;
}

static void
tpm_cancel(void *user)
{
    struct fixture *f = user;

    assert_true(f->running);
    f->cancels++;
}

static const struct connector_tpm tpm = {
    .start = tpm_start, .done = tpm_done, .cancel = tpm_cancel,
};

static void
hear(void *user, const uint8_t *octets, size_t len)
{
    struct fixture *f = user;

    assert_true(len <= sizeof(f->line) - f->line_len);
    memcpy(f->line + f->line_len, octets, len);
    f->line_len += len;
    for (size_t i = 0; i < len; i++) {
        if (!wire_collect(&f->collector, octets[i], &f->said[f->n_said]))
            continue;
        f->n_said++;
        assert_true(f->n_said < 8);
    }
}

int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->chip.tpm = &tpm;
    f->chip.user = f;
    f->chip.send = hear;
    f->chip.line = f;
    connector_restart(&f->chip);
    memcpy(f->response, (const uint8_t[]) {
        0x80, 0x01, 0, 0, 0, 20, 0, 0, 0, 0, 0, 8,
        0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 }, 20);
    f->response_len = 20;
    *state = f;
    return 0;
}

int
teardown(void **state)
{
    free(*state);
    return 0;
}

void
give(struct fixture *f, uint8_t type, uint64_t epoch, uint16_t number,
    const void *payload, size_t len)
{
    struct wire_frame frame = {
        .type = type, .epoch = epoch, .number = number, .len = len,
    };
    uint8_t octets[WIRE_LINE];

    f->n_said = f->line_len = 0;
    if (len != 0)
        memcpy(frame.payload, payload, len);
    connector_take(&f->chip, octets, wire_write(&frame, octets), f->now);
}

void
hello(struct fixture *f, uint64_t epoch)
{
    give(f, WIRE_HELLO, epoch, 0, (const uint8_t[]) { 1, 0x10, 0 }, 3);
}

void
send_command(struct fixture *f, uint64_t epoch, uint16_t number)
{
    uint8_t payload[1 + sizeof(command)] = { 3 };

    memcpy(payload + 1, command, sizeof(command));
    give(f, WIRE_COMMAND, epoch, number, payload, sizeof(payload));
}

void
said(const struct fixture *f, size_t i, uint8_t type, uint16_t number)
{
    assert_true(i < f->n_said);
    assert_int_equal(f->said[i].type, type);
    assert_int_equal(f->said[i].number, number);
    assert_int_equal(f->said[i].epoch, f->chip.frame.epoch);
    if (type == WIRE_RESPONSE) {
        assert_int_equal(f->said[i].len, f->response_len);
        assert_memory_equal(f->said[i].payload, f->response, f->response_len);
    } else if (type == WIRE_WORKING) {
        assert_int_equal(f->said[i].len, 0);
    } else if (type == WIRE_UNKNOWN) {
        uint64_t epoch = 0;

        assert_int_equal(f->said[i].len, 9);
        assert_int_equal(f->said[i].payload[0], f->chip.frame.type);
        for (int j = 0; j < 8; j++)
            epoch = epoch << 8 | f->said[i].payload[1 + j];
        assert_int_equal(epoch, f->chip.has_epoch ? f->chip.epoch : 0);
    }
}

void
only(const struct fixture *f, uint8_t type, uint16_t number)
{
    assert_int_equal(f->n_said, 1);
    said(f, 0, type, number);
}

void
under_way(struct fixture *f)
{
    f->slow = true;
    hello(f, EPOCH);
    send_command(f, EPOCH, 1);
    only(f, WIRE_WORKING, 1);
}

void
finish(struct fixture *f)
{
    f->slow = false;
    f->n_said = 0;
    connector_tick(&f->chip, f->now);
}
