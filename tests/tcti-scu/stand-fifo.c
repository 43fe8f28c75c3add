/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model.h"
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/*
 * spi and i2c: a node that is a name of /dev/null, whose ioctl(2) calls lead
 * to a model. All in the test's own thread, so the lock is nothing.
 */
#define HOURS_US 3600000000u

static struct model *
model_of(struct stand *s)
{
    return s->own;
}

static size_t
execute(void *user, const uint8_t *command, size_t len, uint8_t *response)
{
    struct stand *s = user;

    chip_execute(&s->chip, model_of(s)->active, command, len);
    return chip_answer(&s->chip, response, CHIP_LONGEST);
}

static void
path_of(const struct stand *s, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", s->dir, name);
}

static void
plug(struct stand *s)
{
    char node[64];

    path_of(s, "node", node, sizeof(node));
    assert_int_equal(symlink("/dev/null", node), 0);
    model_of(s)->knobs.dead = false;
    model_reset(model_of(s));
}

static void
unplug(struct stand *s)
{
    char node[64];

    path_of(s, "node", node, sizeof(node));
    assert_int_equal(unlink(node), 0);
    model_of(s)->knobs.dead = true;
}

static void
up(struct stand *s)
{
    struct model *m = calloc(1, sizeof(*m));

    assert_non_null(m);
    s->own = m;
    m->execute = execute;
    m->user = s;
    model_attached = m;
    plug(s);
    (void)snprintf(s->conf, sizeof(s->conf), "%s:%s/node,lock=%s/lock",
        s->kind->name, s->dir, s->dir);
}

static void
down(struct stand *s)
{
    struct model *m = model_of(s);
    char path[64];

    assert_int_equal(m->frame_at, 0); /* no chip select is left low */
    assert_int_equal(m->counts.early_fifo, 0);
    model_attached = NULL;
    path_of(s, "node", path, sizeof(path));
    (void)unlink(path);
    path_of(s, "lock", path, sizeof(path));
    (void)unlink(path);
    free(m);
}

static void
lock(struct stand *s)
{
    s->chip.running = model_of(s)->state == MODEL_EXECUTION;
}

static void
unlock(struct stand *s)
{
    model_of(s)->knobs.execution_us = s->chip.takes_us < 0 ? HOURS_US
        : (unsigned)s->chip.takes_us;
}

static void
reset(struct stand *s)
{
    model_reset(model_of(s));
}

static bool
has_locality(struct stand *s)
{
    return model_of(s)->active >= 0;
}

#define FIFO_STAND \
    .longest = CHIP_LONGEST, .up = up, .down = down, .lock = lock, \
    .unlock = unlock, .unplug = unplug, .plug = plug, .reset = reset, \
    .has_locality = has_locality

const struct stand_kind stand_spi = { .name = "spi", FIFO_STAND };
const struct stand_kind stand_i2c = { .name = "i2c", FIFO_STAND };
