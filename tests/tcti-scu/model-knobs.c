/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-knobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Flips of the next responses, from their first octet on. */
static void
set_damage(struct model_knobs *knobs, unsigned value)
{
    knobs->flip_after = 0;
    knobs->flips = value;
}

static void
set_dead(struct model_knobs *knobs, unsigned value)
{
    knobs->dead = value != 0;
}

static void
set_dead_line(struct model_knobs *knobs, unsigned value)
{
    knobs->dead_line = value != 0;
}

static void
set_error(struct model_knobs *knobs, unsigned value)
{
    knobs->error = (int)value;
}

static void
set_nacks(struct model_knobs *knobs, unsigned value)
{
    knobs->nacks = value;
}

static void
set_taken(struct model_knobs *knobs, unsigned value)
{
    knobs->taken_by = (int)value;
}

static void
set_execution(struct model_knobs *knobs, unsigned value)
{
    knobs->execution_us = value;
}

static const struct {
    const char *name;
    void (*set)(struct model_knobs *knobs, unsigned value);
} rows[] = {
    { "damage", set_damage },
    { "dead", set_dead },
    { "dead-line", set_dead_line },
    { "error", set_error },
    { "execution", set_execution },
    { "nacks", set_nacks },
    { "taken", set_taken },
};

static void
set(struct model_knobs *knobs, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (value != NULL && strcmp(rows[i].name, name) == 0) {
            rows[i].set(knobs, (unsigned)strtoul(value, NULL, 10));
            return;
        }
    (void)fprintf(stderr, "SCU_MODEL_KNOBS: %s\n", name);
    abort();
}

void
model_knobs_from_environment(struct model_knobs *knobs)
{
    const char *all = getenv("SCU_MODEL_KNOBS");
    char *copy, *item, *value, *rest = NULL;

    if (all == NULL || (copy = strdup(all)) == NULL)
        return;
    for (item = strtok_r(copy, ",", &rest); item != NULL;
         item = strtok_r(NULL, ",", &rest)) {
        value = strchr(item, '=');
        if (value != NULL)
            *value++ = '\0';
        set(knobs, item, value);
    }
    free(copy);
}
