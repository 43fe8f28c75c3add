/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keymake.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- a pair ------------------------------------------------------------------- */

int
keypair_check(const struct keypair *pair, struct out *out)
{
    uint8_t id[KEYOBJ_ID_MAX];
    size_t len;

    if (pair->label == NULL || pair->label[0] == '\0')
        return out_error(out, SCU_E_ARG, "%s: --label is missing", pair->cmd);
    if (strlen(pair->label) >= sizeof(((struct keyobj *)NULL)->label))
        return out_error(out, SCU_E_ARG, "%s: --label is longer than %zu "
            "octets", pair->cmd, sizeof(((struct keyobj *)NULL)->label) - 1);
    return pair->id == NULL ? SCU_OK :
        keyobj_read_id(pair->cmd, pair->id, id, &len, out);
}

/* Certificates have the label and id of their keys, so these do not count. */
static int
check_free(const struct keypair *pair, const struct keytoken *t)
{
    const struct scu_attribute *id = attrs_find(&pair->private, ATTR_ID);

    for (size_t i = 0; i < t->count; i++) {
        const struct keyobj *o = &t->list[i];

        if (!keyobj_is_key(o))
            continue;
        if (strcmp(o->label, pair->label) == 0)
            return out_error(t->out, SCU_E_EXISTS, "token '%s' has a key with "
                "label '%s' already: choose another label, or remove that key",
                t->info.label, pair->label);
        if (o->id_len == id->len && memcmp(o->id, id->value, id->len) == 0)
            return out_error(t->out, SCU_E_EXISTS, "token '%s' has a key with "
                "this id already, '%s': choose another id, or remove that key",
                t->info.label, o->label);
    }
    return SCU_OK;
}

static int
set_half(struct attrs *attrs, enum attr_class class,
    const struct keypair *pair)
{
    int rc = keyattrs_set_origin(attrs, class, pair->kind, pair->origin);

    if (rc == SCU_OK)
        rc = attrs_set(attrs, ATTR_LABEL, pair->label, strlen(pair->label));
    return rc;
}

static int
set_attributes(struct keypair *pair)
{
    int rc = set_half(&pair->private, ATTR_CLASS_PRIVATE_KEY, pair);

    if (rc == SCU_OK)
        rc = set_half(&pair->public, ATTR_CLASS_PUBLIC_KEY, pair);
    if (rc == SCU_OK && pair->no_sign)
        rc = attrs_set_bool(&pair->private, ATTR_SIGN, false);
    return rc == SCU_OK ? keyattrs_set_id(&pair->public, &pair->private) : rc;
}

int
keypair_compose(struct keypair *pair, struct keytoken *t)
{
    uint8_t id[KEYOBJ_ID_MAX];
    size_t len = 0;
    int rc = SCU_OK;

    if (pair->id != NULL) {
        rc = keyobj_read_id(pair->cmd, pair->id, id, &len, t->out);
        if (rc != SCU_OK)
            return rc;
        rc = attrs_set(&pair->public, ATTR_ID, id, len);
    }
    if (rc == SCU_OK)
        rc = set_attributes(pair);
    if (rc != SCU_OK)
        return out_error(t->out, rc, "%s", scu_error_text(rc));
    rc = keytoken_read(t);
    return rc == SCU_OK ? check_free(pair, t) : rc;
}

static int
store_public(struct keypair *pair, struct keytoken *t)
{
    struct scu_key *key = NULL;
    int rc = scu_object_key(pair->private_object, &key);

    if (rc != SCU_OK)
        return out_error_scu(t->out, rc);
    rc = keyattrs_set_public(&pair->public, key);
    scu_key_free(&key);
    if (rc != SCU_OK)
        return out_error(t->out, rc, "%s", scu_error_text(rc));
    rc = scu_object_create(t->token, SCU_OBJECT_PUBLIC, pair->public.item,
        pair->public.count, &pair->public_object);
    return rc == SCU_OK ? SCU_OK : out_error_scu(t->out, rc);
}

static int
put_pair(const struct keypair *pair, const struct keytoken *t)
{
    struct keyobj o;
    char *id = NULL, *uri = NULL;
    int rc = SCU_E_MEMORY;

    if (keyobj_read(pair->private_object, &o)) {
        id = keyobj_id(&o);
        uri = keyobj_uri(&o, t->token,
            t->label_shared ? KEYOBJ_URI_SERIAL : 0);
    }
    if (id == NULL || uri == NULL) {
        rc = out_error(t->out, rc, "out of memory on the host");
        goto out;
    }
    out_string(t->out, "uri", "URI", uri);
    out_string(t->out, "token", "token", t->info.label);
    out_string(t->out, "type", "type", o.type != NULL ? o.type : "unknown");
    out_string(t->out, "label", "label", o.label);
    out_string(t->out, "id", "id", id);
    rc = SCU_OK;
out:
    free(id);
    free(uri);
    return rc;
}

int
keypair_complete(struct keypair *pair, struct keytoken *t)
{
    int rc = store_public(pair, t);

    if (rc == SCU_OK)
        return put_pair(pair, t);
    /* Half a pair is of no use; what failed first is what is told. */
    if (scu_object_delete(pair->private_object) != SCU_OK)
        out_note(t->out, "the private key '%s' is left in the token: `scu key "
            "remove` removes it", pair->label);
    return rc;
}

void
keypair_clear(struct keypair *pair)
{
    attrs_clear(&pair->public);
    attrs_clear(&pair->private);
    scu_object_free(&pair->public_object);
    scu_object_free(&pair->private_object);
}

/* --- gen ---------------------------------------------------------------------- */

struct gen_options {
    struct tokenpick pick;
    struct pinin_from pin;
    const char *type, *label, *id;
};

static const struct opt gen_options[] = {
    TOKENPICK_OPTIONS(struct gen_options),
    {
        .name = "type",
        .arg = "TYPE",
        .help = "p256, p384, rsa2048 or rsa3072",
        .offset = offsetof(struct gen_options, type),
    },
    {
        .name = "label",
        .arg = "LABEL",
        .help = "what the key is called",
        .offset = offsetof(struct gen_options, label),
    },
    {
        .name = "id",
        .arg = "HEX",
        .help = "its id; random by default",
        .offset = offsetof(struct gen_options, id),
    },
    PININ_OPTIONS(struct gen_options, pin, "pin", "the user PIN"),
    { 0 },
};

/* "p256" and "P-256" are the same. */
static bool
is_name(const char *given, const char *name)
{
    while (*given != '\0' || *name != '\0') {
        if (*name == '-') {
            name++;
            given += *given == '-';
            continue;
        }
        if (tolower((unsigned char)*given) != tolower((unsigned char)*name))
            return false;
        given++;
        name++;
    }
    return true;
}

static int
find_type(const char *given, const struct scu_alg **alg, struct out *out)
{
    if (given == NULL)
        return out_error(out, SCU_E_ARG, "key gen: --type is missing: p256, "
            "p384, rsa2048 or rsa3072");
    for (size_t i = 0; (*alg = scu_alg_at(i)) != NULL; i++)
        if (is_name(given, scu_alg_name(*alg)))
            return SCU_OK;
    return out_error(out, SCU_E_ARG, "key gen: --type \"%s\": p256, p384, "
        "rsa2048 and rsa3072 are known", given);
}

static int
run_gen(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct gen_options *given = values;
    struct keypair pair = {
        .cmd = "key gen",
        .label = given->label,
        .id = given->id,
        .origin = KEYATTRS_GENERATED,
    };
    struct keytoken t = { .out = out };
    const struct scu_alg *alg = NULL;
    int rc;

    if ((rc = find_type(given->type, &alg, out)) != SCU_OK ||
        (rc = keypair_check(&pair, out)) != SCU_OK)
        return rc;
    pair.kind = scu_alg_kind(alg);
    if ((rc = keytoken_open(&t, where, &given->pick)) != SCU_OK ||
        (rc = keytoken_login(&t, &given->pin, NULL)) != SCU_OK ||
        (rc = keypair_compose(&pair, &t)) != SCU_OK)
        goto out;
    rc = scu_object_generate(t.token, alg, pair.private.item,
        pair.private.count, &pair.private_object);
    rc = rc == SCU_OK ? keypair_complete(&pair, &t) : out_error_scu(out, rc);
out:
    keypair_clear(&pair);
    keytoken_close(&t);
    return rc;
}

const struct cmd cmd_key_gen = {
    .name = "key gen",
    .summary = "make a key pair in the chip",
    .page = "scu-key(1)",
    .options = gen_options,
    .options_size = sizeof(struct gen_options),
    .takes_chip = true,
    .run = run_gen,
};
