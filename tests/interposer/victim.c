/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "victim.h"

#include "hurry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const uint8_t victim_digest[32] = "This is as long as a digest is.";

/* The reference scenario: each is one operation of a program, or a few. */
const struct scene scenes[] = {
    { .name = "random", .run = scene_random },
    { .name = "ec", .run = scene_ec },
    { .name = "rsa", .run = scene_rsa },
    { .name = "ecdh", .run = scene_ecdh },
    { .name = "generate", .run = scene_generate },
    { .name = "import", .run = scene_import },
    { .name = "handle", .run = scene_handle },
    { .name = "quote", .run = scene_quote },
    { .name = "info", .run = scene_info },
    { .name = "login", .run = scene_login, .after = after_login },
    { .name = "wrong-pin", .run = scene_wrong, .after = after_login },
    { .name = "pin-status", .run = scene_status, .after = after_login },
    { .name = "change-pin", .run = scene_change, .after = after_change },
    { .name = "unlock", .run = scene_unlock, .after = after_unlock },
    { .name = "init", .run = scene_init, .after = after_init },
    { .name = "remove", .run = scene_remove, .after = after_remove },
    { .name = "provision", .run = scene_provision, .after = after_provision,
        .fresh = true },
};
const size_t scenes_n = sizeof(scenes) / sizeof(scenes[0]);

void
victim_wrong(struct victim *v, const char *format, ...)
{
    va_list args;

    if (v->shared->wrong)
        return;
    v->shared->wrong = true;
    va_start(args, format);
    (void)vsnprintf(v->shared->why, sizeof(v->shared->why), format, args);
    va_end(args);
}

bool
victim_must(struct victim *v, int rc, const char *what)
{
    if (rc != SCU_OK)
        victim_wrong(v, "afterwards, %s: %s: %s", what, scu_error_name(rc),
            scu_error_detail());
    return rc == SCU_OK;
}

char *
victim_read(const struct victim *v, const char *name, size_t *len)
{
    char path[512], *text = calloc(1, 8192);
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", v->dir, name);
    file = fopen(path, "r");
    *len = file == NULL || text == NULL ? 0 : fread(text, 1, 8191, file);
    if (file != NULL)
        (void)fclose(file);
    return text;
}

int
victim_prepare(struct victim *v)
{
    const struct scu_provision_options options = { 0 };
    struct scu_provision_report report;
    int rc = scu_chip_open(&v->options, &v->chip);

    if (rc == SCU_OK)
        rc = scu_provision(v->chip, &options, &report);
    if (rc == SCU_OK)
        rc = victim_prepare_keys(v);
    if (rc == SCU_OK)
        rc = victim_prepare_tokens(v);
    if (rc == SCU_OK)
        rc = scu_chip_info(v->chip, &v->shared->facts.info);
    if (rc != SCU_OK)
        (void)fprintf(stderr, "preparing: %s: %s\n", scu_error_name(rc),
            scu_error_detail());
    scu_chip_free(&v->chip);
    return rc;
}

static void
look_afterwards(struct victim *v, const struct scene *scene)
{
    if (scene->after != NULL)
        scene->after(v);
    else
        (void)victim_must(v, scene->run(v), "the same again");
}

void
victim_live(struct victim *v, const struct scene *scene)
{
    struct shared *s = v->shared;

    hurry_by(&s->speed);
    s->rc = scu_chip_open(&v->options, &v->chip);
    s->phase = PHASE_ATTACK;
    if (s->rc == SCU_OK)
        s->rc = scene->run(v);
    v->rc = s->rc;
    if (s->rc != SCU_OK)
        (void)snprintf(s->detail, sizeof(s->detail), "%s",
            scu_error_detail());
    s->speed = 1;
    s->phase = PHASE_AFTER;
    if (!s->wrong)
        look_afterwards(v, scene);
    scu_chip_free(&v->chip);
    s->done = true;
    _exit(0);
}
