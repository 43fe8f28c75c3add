/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keytoken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pinin_kind user_pin = { "pin", "user PIN", false };

int
keytoken_open(struct keytoken *t, const struct scu_chip_options *where,
    const struct tokenpick *pick)
{
    int rc = scu_chip_open(where, &t->chip);

    if (rc != SCU_OK)
        return out_error_scu(t->out, rc);
    rc = tokenpick_find(t->chip, pick, &t->token, t->out);
    if (rc != SCU_OK)
        return rc;
    scu_token_info(t->token, &t->info);
    return SCU_OK;
}

int
keytoken_login(struct keytoken *t, const struct pinin_from *from,
    const char *pin_file)
{
    const struct pinin_from uri = { .file = pin_file };
    struct secret *pin = NULL;
    int rc;

    rc = pinin_read(&user_pin, pin_file != NULL && !pinin_given(from) ?
        &uri : from, t->info.label, &pin, t->out);
    if (rc != SCU_OK)
        return rc;
    rc = scu_token_login(t->token, SCU_USER_NORMAL, pin->data, pin->len);
    if (rc != SCU_OK)
        rc = tokenpick_refused(t->token, SCU_USER_NORMAL, rc, t->out);
    secret_free(&pin);
    return rc;
}

static void
forget(struct keytoken *t)
{
    free(t->list);
    t->list = NULL;
    t->count = 0;
    scu_object_list_free(&t->objects, t->n_objects);
    t->n_objects = 0;
}

static int
read_label_shared(struct keytoken *t)
{
    struct scu_token **all = NULL;
    struct scu_token_info mine, other;
    size_t count = 0, n = 0;
    int rc = scu_token_list(t->chip, &all, &count);

    if (rc != SCU_OK)
        return out_error_scu(t->out, rc);
    scu_token_info(t->token, &mine);
    for (size_t i = 0; i < count; i++) {
        scu_token_info(all[i], &other);
        n += strcmp(other.label, mine.label) == 0;
    }
    scu_token_list_free(&all, count);
    t->label_shared = n > 1;
    return SCU_OK;
}

int
keytoken_read(struct keytoken *t)
{
    int rc;

    forget(t);
    rc = read_label_shared(t);
    if (rc != SCU_OK)
        return rc;
    rc = scu_object_list(t->token, &t->objects, &t->n_objects);
    if (rc != SCU_OK)
        return out_error_scu(t->out, rc);
    t->list = calloc(t->n_objects + 1, sizeof(*t->list));
    if (t->list == NULL)
        return out_error(t->out, SCU_E_MEMORY, "out of memory on the host");
    for (size_t i = 0; i < t->n_objects; i++)
        t->count += keyobj_read(t->objects[i], &t->list[t->count]);
    return SCU_OK;
}

bool
keytoken_shares_label(const struct keytoken *t, const struct keyobj *o)
{
    size_t n = 0;

    for (size_t i = 0; i < t->count; i++)
        n += t->list[i].class == o->class &&
            strcmp(t->list[i].label, o->label) == 0;
    return n > 1;
}

void
keytoken_close(struct keytoken *t)
{
    forget(t);
    scu_token_free(&t->token);
    scu_chip_free(&t->chip);
}

int
keytoken_secret(struct keytoken *t, const char *name, const char *what,
    const struct pinin_from *from, struct secret **secret)
{
    char option[40], otherwise[96];
    const struct secretin_question question = {
        .what = what, .otherwise = otherwise,
    };

    *secret = NULL;
    (void)snprintf(option, sizeof(option), "--%s-fd ", name);
    (void)snprintf(otherwise, sizeof(otherwise), "use --%s-file or --%s-fd",
        name, name);
    if (from->file != NULL && from->fd != NULL)
        return out_error(t->out, SCU_E_ARG, "--%s-file and --%s-fd exclude "
            "each other", name, name);
    if (from->file != NULL)
        return secretin_file(from->file, secret, t->out);
    if (from->fd != NULL)
        return secretin_fd_option(option, from->fd, what, secret, t->out);
    return secretin_tty(&question, secret, t->out);
}
