/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "line.h"
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* uart: the chip behind the connector behind a line; all in its thread. */

static void
tpm_start(void *user, uint8_t locality, const uint8_t *command, size_t len)
{
    struct stand *s = user;

    chip_execute(&s->chip, locality, command, len);
}

static size_t
tpm_done(void *user, uint8_t *response, size_t max)
{
    struct stand *s = user;

    if (!s->chip.running) /* it was cancelled */
        return chip_cancel(&s->chip, response);
    return chip_is_done(&s->chip) ? chip_answer(&s->chip, response, max) : 0;
}

static void
tpm_cancel(void *user)
{
    struct stand *s = user;

    s->chip.running = false;
}

static const struct connector_tpm tpm = {
    .start = tpm_start, .done = tpm_done, .cancel = tpm_cancel,
};

static void
up(struct stand *s)
{
    struct line *line = line_new(s->dir, &tpm, s);

    assert_non_null(line);
    s->own = line;
    (void)snprintf(s->conf, sizeof(s->conf), "uart:%s", line_path(line));
}

static void
down(struct stand *s)
{
    struct line *line = s->own;

    line_free(&line);
}

static void
lock(struct stand *s)
{
    (void)line_lock(s->own);
}

static void
unlock(struct stand *s)
{
    line_unlock(s->own);
}

static void
unplug(struct stand *s)
{
    line_unplug(s->own);
}

static void
plug(struct stand *s)
{
    line_plug(s->own);
}

static void
reset(struct stand *s)
{
    connector_restart(&line_lock(s->own)->chip);
    s->chip.running = false;
    line_unlock(s->own);
}

/* It goes with each command. */
static bool
has_locality(struct stand *s)
{
    (void)s;
    return false;
}

const struct stand_kind stand_uart = {
    .name = "uart",
    .longest = CHIP_LONGEST,
    .up = up,
    .down = down,
    .lock = lock,
    .unlock = unlock,
    .unplug = unplug,
    .plug = plug,
    .reset = reset,
    .has_locality = has_locality,
};
