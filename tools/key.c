/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keytoken.h"

#include <stdlib.h>

/* --- list ------------------------------------------------------------------- */

struct list_options {
    struct tokenpick pick;
    struct pinin_from pin;
    bool login;
};

static const struct opt list_options[] = {
    TOKENPICK_OPTIONS(struct list_options),
    {
        .name = "login",
        .help = "private objects, too: asks for the user PIN",
        .offset = offsetof(struct list_options, login),
    },
    PININ_OPTIONS(struct list_options, pin, "pin", "the user PIN"),
    { 0 },
};

/* "local" of a private key: whether the token itself made it. */
static void
put_origin(struct out *out, const struct keyobj *o)
{
    struct scu_key *key = NULL;
    const uint8_t *local;
    uint32_t handle = 0;
    char text[16];
    size_t len = 0;

    local = scu_object_attribute(o->object, ATTR_LOCAL, &len);
    out_bool(out, "local", NULL, local != NULL && len == 1 && local[0] != 0);
    if (scu_object_key(o->object, &key) != SCU_OK)
        return;
    if (scu_key_handle(key, &handle)) {
        (void)snprintf(text, sizeof(text), "0x%08x", handle);
        out_string(out, "handle", NULL, text);
    }
    scu_key_free(&key);
}

static int
put_object(const struct keytoken *t, const struct keyobj *o)
{
    char *id = keyobj_id(o);
    char *uri = keyobj_uri(o, t->token, KEYOBJ_URI_TYPE |
        (t->label_shared ? KEYOBJ_URI_SERIAL : 0) |
        (keytoken_shares_label(t, o) ? KEYOBJ_URI_ID : 0));
    int rc = SCU_OK;

    if (id == NULL || uri == NULL) {
        rc = out_error(t->out, SCU_E_MEMORY, "out of memory on the host");
        goto out;
    }
    out_begin(t->out, NULL);
    out_string(t->out, "uri", NULL, uri);
    out_string(t->out, "class", NULL, keyobj_json_class(o));
    if (o->type != NULL)
        out_string(t->out, "type", NULL, o->type);
    else
        out_null(t->out, "type");
    out_string(t->out, "label", NULL, o->label);
    out_string(t->out, "id", NULL, id);
    if (o->class == ATTR_CLASS_PRIVATE_KEY)
        put_origin(t->out, o);
    out_end(t->out);
    out_line(t->out, "%-11s  %-8s  %s%s%s", keyobj_class(o),
        o->type != NULL ? o->type : "-", uri, id[0] != '\0' ? "  id " : "",
        id);
out:
    free(id);
    free(uri);
    return rc;
}

/* The whole of one token; nothing is said where it is empty. */
static int
put_token(struct keytoken *t, const struct list_options *given)
{
    int rc = SCU_OK;

    if (given->login || pinin_given(&given->pin))
        rc = keytoken_login(t, &given->pin, NULL);
    if (rc == SCU_OK)
        rc = keytoken_read(t);
    for (size_t i = 0; rc == SCU_OK && i < t->count; i++)
        rc = put_object(t, &t->list[i]);
    return rc;
}

static int
put_all(struct keytoken *t, const struct list_options *given)
{
    struct scu_token **all = NULL;
    size_t count = 0, n = 0;
    int rc = scu_token_list(t->chip, &all, &count);

    if (rc != SCU_OK)
        return out_error_scu(t->out, rc);
    for (size_t i = 0; rc == SCU_OK && i < count; i++) {
        scu_token_info(all[i], &t->info);
        if (t->info.other_chip)
            continue;
        scu_token_free(&t->token);
        t->token = scu_token_ref(all[i]);
        rc = put_token(t, given);
        n += t->count;
    }
    scu_token_list_free(&all, count);
    if (rc == SCU_OK && n == 0)
        out_line(t->out, "There are no %sobjects.", given->login ? "" :
            "public ");
    return rc;
}

static int
run_list(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct list_options *given = values;
    bool login = given->login || pinin_given(&given->pin);
    struct keytoken t = { .out = out };
    int rc;

    out_begin_list(out, "objects");
    if (given->pick.label != NULL || given->pick.serial != NULL || login) {
        rc = keytoken_open(&t, where, &given->pick);
        if (rc == SCU_OK)
            rc = put_token(&t, given);
        if (rc == SCU_OK && t.count == 0)
            out_line(out, "There are no %sobjects.", login ? "" : "public ");
    } else if ((rc = scu_chip_open(where, &t.chip)) != SCU_OK) {
        rc = out_error_scu(out, rc);
    } else {
        rc = put_all(&t, given);
    }
    out_end(out);
    keytoken_close(&t);
    return rc;
}

static const struct cmd cmd_key_list = {
    .name = "key list",
    .summary = "show keys, certificates and data of tokens",
    .page = "scu-key(1)",
    .options = list_options,
    .options_size = sizeof(struct list_options),
    .takes_chip = true,
    .run = run_list,
};

/* --- the group ------------------------------------------------------------------ */

static const struct cmd *const commands[] = {
    &cmd_key_gen,
    &cmd_key_list,
    &cmd_key_import,
    &cmd_key_adopt,
    &cmd_key_export,
    &cmd_key_remove,
    NULL,
};

const struct cmd cmd_key = {
    .name = "key",
    .summary = "make keys in tokens, bring them in, look at and remove them",
    .page = "scu-key(1)",
    .commands = commands,
};
