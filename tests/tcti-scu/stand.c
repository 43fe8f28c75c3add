/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stand.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define LIBRARY "libtss2-tcti-scu.so.0"
#define TAG_AT 10

const struct stand_kind *const stand_kinds[] = {
    &stand_device, &stand_spi, &stand_i2c, &stand_uart, &stand_swtpm,
    &stand_sim,
};
const size_t n_stand_kinds = sizeof(stand_kinds) / sizeof(stand_kinds[0]);

/* --- the chip ------------------------------------------------------------- */

int64_t
chip_now_us(void)
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

/* What follows the tag, of a command and of its response. */
static uint8_t
octet(uint32_t tag, size_t at)
{
    return (uint8_t)(tag * 31 + at);
}

void
chip_execute(struct chip *chip, int locality, const uint8_t *command,
    size_t len)
{
    uint32_t tag = len >= CHIP_COMMAND ? be32(command + TAG_AT) : 0;

    chip->executed++;
    chip->twice += tag == chip->tag;
    chip->tag = tag;
    for (size_t i = CHIP_COMMAND; i < len; i++)
        chip->twice += command[i] != octet(tag, i); /* not what was sent */
    chip->locality = locality;
    chip->running = true;
    chip->until_us = chip_now_us() + chip->takes_us;
}

bool
chip_is_done(const struct chip *chip)
{
    return chip->takes_us >= 0 && chip_now_us() >= chip->until_us;
}

static void
put_header(uint8_t *response, uint32_t size, uint32_t code)
{
    response[0] = 0x80;
    response[1] = 0x01;
    put_be32(response + 2, size);
    put_be32(response + 6, code);
}

size_t
chip_answer(struct chip *chip, uint8_t *response, size_t max)
{
    size_t len = chip->size < max ? chip->size : max;

    chip->running = false;
    put_header(response, chip->lies ? chip->said : (uint32_t)len, 0);
    put_be32(response + TAG_AT, chip->tag);
    for (size_t i = CHIP_COMMAND; i < len; i++)
        response[i] = octet(chip->tag, i);
    return len;
}

size_t
chip_cancel(struct chip *chip, uint8_t *response)
{
    chip->canceled++;
    chip->running = false;
    put_header(response, 10, 0x909); /* TPM_RC_CANCELED */
    return 10;
}

/* --- the stand ------------------------------------------------------------- */

void
stand_load(struct stand *s)
{
    TSS2_TCTI_INFO_FUNC info;

    s->library = dlopen(LIBRARY, RTLD_NOW);
    if (s->library == NULL)
        fail_msg("%s", dlerror());
    *(void **)&info = dlsym(s->library, TSS2_TCTI_INFO_SYMBOL);
    assert_non_null(info);
    s->init = info()->init;
}

void
stand_unload(struct stand *s)
{
    assert_int_equal(dlclose(s->library), 0);
    assert_null(dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD));
}

/* A test's signals are not for the threads of the far end. */
struct stand *
stand_new(const struct stand_kind *kind)
{
    struct stand *s = calloc(1, sizeof(*s));
    sigset_t all, before;

    assert_non_null(s);
    s->kind = kind;
    s->chip.size = CHIP_COMMAND;
    s->chip.locality = -1;
    (void)snprintf(s->dir, sizeof(s->dir), "/tmp/scu-stand.XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    (void)sigfillset(&all);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
    kind->up(s);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    stand_load(s);
    return s;
}

void
stand_free(struct stand **stand)
{
    struct stand *s = *stand;

    if (s == NULL)
        return;
    stand_close(&s->context);
    s->kind->down(s);
    assert_int_equal(rmdir(s->dir), 0);
    stand_unload(s);
    assert_int_equal(s->chip.twice, 0);
    free(s);
    *stand = NULL;
}

TSS2_RC
stand_open(struct stand *s, const char *more, TSS2_TCTI_CONTEXT **context)
{
    char conf[256];
    size_t size = 0;
    TSS2_RC rc;

    (void)snprintf(conf, sizeof(conf), "%s%s", s->conf, more);
    assert_int_equal(s->init(NULL, &size, NULL), TSS2_RC_SUCCESS);
    *context = calloc(1, size);
    assert_non_null(*context);
    rc = s->init(*context, &size, conf);
    if (rc != TSS2_RC_SUCCESS) {
        free(*context);
        *context = NULL;
    }
    return rc;
}

void
stand_close(TSS2_TCTI_CONTEXT **context)
{
    if (*context != NULL)
        Tss2_Tcti_Finalize(*context);
    free(*context);
    *context = NULL;
}

void
stand_start(struct stand *s)
{
    assert_int_equal(stand_open(s, ",timeout=100", &s->context),
        TSS2_RC_SUCCESS);
}

struct chip *
stand_hold(struct stand *s)
{
    s->kind->lock(s);
    return &s->chip;
}

void
stand_let(struct stand *s)
{
    s->kind->unlock(s);
}

void
stand_takes(struct stand *s, int64_t us)
{
    stand_hold(s)->takes_us = us;
    stand_let(s);
}

void
stand_wait_executed(struct stand *s, unsigned n)
{
    const struct timespec nap = { .tv_nsec = 500000 };
    int64_t end = chip_now_us() + 10000000;
    unsigned executed;

    for (;;) {
        executed = stand_hold(s)->executed;
        stand_let(s);
        if (executed >= n)
            return;
        assert_true(chip_now_us() < end);
        (void)nanosleep(&nap, NULL);
    }
}

/* --- exchanges -------------------------------------------------------------- */

TSS2_RC
stand_transmit_len(struct stand *s, TSS2_TCTI_CONTEXT *context, size_t len)
{
    uint8_t command[CHIP_LONGEST];

    put_header(command, (uint32_t)len, 0x17a); /* GetCapability: 750 ms */
    put_be32(command + TAG_AT, ++s->tag);
    for (size_t i = CHIP_COMMAND; i < len; i++)
        command[i] = octet(s->tag, i);
    return Tss2_Tcti_Transmit(context, len, command);
}

TSS2_RC
stand_transmit(struct stand *s)
{
    return stand_transmit_len(s, s->context, CHIP_COMMAND);
}

TSS2_RC
stand_receive_on(struct stand *s, TSS2_TCTI_CONTEXT *context, int32_t timeout)
{
    uint8_t response[CHIP_LONGEST];
    size_t size = sizeof(response);
    TSS2_RC rc = Tss2_Tcti_Receive(context, &size, response, timeout);

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    assert_true(size >= CHIP_COMMAND);
    assert_int_equal(be32(response + 2), size);
    assert_int_equal(be32(response + 6), 0);
    assert_int_equal(be32(response + TAG_AT), s->tag);
    for (size_t i = CHIP_COMMAND; i < size; i++)
        assert_int_equal(response[i], octet(s->tag, i));
    return rc;
}

TSS2_RC
stand_receive(struct stand *s, int32_t timeout)
{
    return stand_receive_on(s, s->context, timeout);
}

TSS2_RC
stand_exchange(struct stand *s)
{
    TSS2_RC rc = stand_transmit(s);

    return rc == TSS2_RC_SUCCESS ? stand_receive(s, -1) : rc;
}

void
stand_works(struct stand *s)
{
    assert_int_equal(stand_exchange(s), TSS2_RC_SUCCESS);
}
