/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keytoken.h"
#include "printable.h"
#include "tty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct remove_options {
    struct tokenpick pick;
    struct keyname name;
    struct pinin_from pin;
    bool yes;
};

static const struct opt options[] = {
    TOKENPICK_OPTIONS(struct remove_options),
    KEYNAME_OPTIONS(struct remove_options),
    {
        .name = "yes",
        .help = "do not ask",
        .offset = offsetof(struct remove_options, yes),
    },
    PININ_OPTIONS(struct remove_options, pin, "pin", "the user PIN"),
    { 0 },
};

/* What is to go: one object, or the halves of one pair. */
struct doomed {
    const struct keyobj *first, *second;
    uint32_t handle; /* of a key that stays in the chip; 0: none */
};

/* Without a type a key is a pair, and what is no key is named by its type. */
static bool
is_meant(const struct keyquery *q, const struct keyobj *o)
{
    return keyquery_fits(q, o) && (q->has_class || keyobj_is_key(o));
}

static int
ambiguous(struct keytoken *t, const struct keyquery *q)
{
    char what[512];

    keyquery_describe(q, what, sizeof(what));
    return out_error(t->out, SCU_E_ARG, "token '%s' has several of these, %s: "
        "say which by --id", t->info.label, what);
}

/* The other half: the same id, the other class, and only one of it. */
static const struct keyobj *
find_other_half(const struct keytoken *t, const struct keyobj *first)
{
    const struct keyobj *found = NULL;

    for (size_t i = 0; i < t->count; i++) {
        const struct keyobj *o = &t->list[i];

        if (!keyobj_is_key(o) || !keyobj_same_id(o, first) || o == first)
            continue;
        if (found != NULL || o->class == first->class)
            return NULL;
        found = o;
    }
    return found;
}

static void
note_handle(struct doomed *d, const struct keyobj *o)
{
    struct scu_key *key = NULL;

    if (o == NULL || o->class != ATTR_CLASS_PRIVATE_KEY ||
        scu_object_key(o->object, &key) != SCU_OK)
        return;
    (void)scu_key_handle(key, &d->handle);
    scu_key_free(&key);
}

static int
choose(struct keytoken *t, const struct keyquery *q, struct doomed *d)
{
    char what[512];

    for (size_t i = 0; i < t->count; i++) {
        const struct keyobj *o = &t->list[i];

        if (!is_meant(q, o))
            continue;
        if (d->first == NULL)
            d->first = o;
        else if (d->second == NULL && d->first->class != o->class &&
            (keyobj_same_id(d->first, o) || d->first->id_len + o->id_len == 0))
            d->second = o;
        else
            return ambiguous(t, q);
    }
    if (d->first == NULL) {
        keyquery_describe(q, what, sizeof(what));
        return out_error(t->out, SCU_E_NOT_FOUND, "token '%s' has no %s%s",
            t->info.label, what, q->has_class ? "" : " that is a key: "
            "certificates and data are named by a URI with their type");
    }
    if (d->second == NULL && !q->has_class)
        d->second = find_other_half(t, d->first);
    note_handle(d, d->first);
    note_handle(d, d->second);
    return SCU_OK;
}

static int
confirm(struct keytoken *t, const struct doomed *d, bool *confirmed)
{
    char question[512], typed[8] = "";
    size_t len = 0;
    int rc;

    (void)snprintf(question, sizeof(question), "%s '%s' of token '%s' will be "
        "gone for good. Type \"yes\" to remove it",
        keyobj_is_key(d->first) && d->second != NULL ? "Key" :
        keyobj_class(d->first), d->first->label, t->info.label);
    printable(question, false);
    rc = tty_ask(question, TTY_SHOWN, typed, sizeof(typed), &len);
    *confirmed = rc == 0 && len == 3 && memcmp(typed, "yes", 3) == 0;
    if (rc != 0 && rc != -EMSGSIZE)
        return out_error(t->out, SCU_E_CONF, "no terminal to ask on whether "
            "to remove it (%s): say --yes", strerror(-rc));
    return SCU_OK;
}

static int
delete_one(struct keytoken *t, const struct keyobj *o)
{
    int rc = o == NULL ? SCU_OK : scu_object_delete(o->object);

    if (rc != SCU_OK)
        return out_error_scu(t->out, rc);
    if (o == NULL)
        return SCU_OK;
    out_begin(t->out, NULL);
    out_string(t->out, "class", NULL, keyobj_json_class(o));
    out_string(t->out, "label", NULL, o->label);
    out_end(t->out);
    out_line(t->out, "Removed: %s '%s'.", keyobj_class(o), o->label);
    return SCU_OK;
}

static int
remove_all(struct keytoken *t, const struct doomed *d)
{
    int rc;

    out_begin_list(t->out, "removed");
    rc = delete_one(t, d->first);
    if (rc == SCU_OK)
        rc = delete_one(t, d->second);
    out_end(t->out);
    if (rc == SCU_OK && d->handle != 0)
        out_note(t->out, "the key itself is still in the chip, at 0x%08x: "
            "`tpm2_evictcontrol -c 0x%08x` removes it there", d->handle,
            d->handle);
    return rc;
}

static int
remove_object(struct keytoken *t, const struct keyquery *q,
    const struct remove_options *given)
{
    struct doomed d = { 0 };
    bool confirmed = given->yes;
    int rc = keytoken_login(t, &given->pin, q->pin_file);

    if (rc == SCU_OK)
        rc = keytoken_read(t);
    if (rc == SCU_OK)
        rc = choose(t, q, &d);
    if (rc == SCU_OK && !given->yes)
        rc = confirm(t, &d, &confirmed);
    if (rc != SCU_OK)
        return rc;
    if (!confirmed) {
        out_begin_list(t->out, "removed");
        out_end(t->out);
        out_note(t->out, "not confirmed: nothing is removed");
        return 1;
    }
    return remove_all(t, &d);
}

static int
run(struct out *out, const struct scu_chip_options *where, const void *values)
{
    const struct remove_options *given = values;
    struct keytoken t = { .out = out };
    struct keyquery q;
    int rc = keyquery_read(&q, "key remove", &given->name, &given->pick, out);

    if (rc == SCU_OK)
        rc = keytoken_open(&t, where, &q.pick);
    if (rc == SCU_OK)
        rc = remove_object(&t, &q, given);
    keyquery_clear(&q);
    keytoken_close(&t);
    return rc;
}

const struct cmd cmd_key_remove = {
    .name = "key remove",
    .summary = "remove a key pair, a certificate or data from a token",
    .page = "scu-key(1)",
    .operand = "URI",
    .operand_optional = true,
    .operand_offset = offsetof(struct remove_options, name.uri),
    .options = options,
    .options_size = sizeof(struct remove_options),
    .takes_chip = true,
    .run = run,
};
