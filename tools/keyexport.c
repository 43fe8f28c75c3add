/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keyattrs.h"
#include "keytoken.h"
#include "pem.h"
#include "printable.h"
#include "tofile.h"

#include <stdlib.h>
#include <string.h>

struct export_options {
    struct tokenpick pick;
    struct keyname name;
    struct pinin_from pin;
    const char *out;
    bool ssh, cert;
};

static const struct opt options[] = {
    TOKENPICK_OPTIONS(struct export_options),
    KEYNAME_OPTIONS(struct export_options),
    {
        .name = "ssh",
        .help = "as a line for OpenSSH",
        .offset = offsetof(struct export_options, ssh),
    },
    {
        .name = "cert",
        .help = "the certificate, not the public key",
        .offset = offsetof(struct export_options, cert),
    },
    {
        .name = "out",
        .arg = "FILE",
        .help = "write it there",
        .offset = offsetof(struct export_options, out),
    },
    PININ_OPTIONS(struct export_options, pin, "pin",
        "the user PIN, where one is needed"),
    { 0 },
};

/* --- which one ----------------------------------------------------------------- */

static int
refuse_private(struct out *out)
{
    return out_error(out, SCU_E_USAGE, "key export: a private key does not "
        "leave the chip, and no command makes it do so; its public half: "
        "type=public in the URI, or no type");
}

/*
 * The best of those that fit: of a pair the public half, then the private one
 * (whose public half it is about), then a certificate.
 */
static const struct keyobj *
choose(const struct keytoken *t, const struct keyquery *q, size_t *same)
{
    static const enum attr_class order[] = {
        ATTR_CLASS_PUBLIC_KEY, ATTR_CLASS_PRIVATE_KEY, ATTR_CLASS_CERTIFICATE,
        ATTR_CLASS_DATA,
    };
    const struct keyobj *found = NULL;

    *same = 0;
    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        for (size_t i = 0; i < t->count; i++) {
            const struct keyobj *o = &t->list[i];

            if (o->class != order[k] || !keyquery_fits(q, o))
                continue;
            found = o;
            ++*same;
        }
        if (found != NULL)
            return found;
    }
    return NULL;
}

static int
find(struct keytoken *t, const struct keyquery *q,
    const struct export_options *given, const struct keyobj **found)
{
    bool login = pinin_given(&given->pin) || q->pin_file != NULL;
    char what[512];
    size_t same = 0;
    int rc = SCU_OK;

    *found = NULL;
    if (login)
        rc = keytoken_login(t, &given->pin, q->pin_file);
    if (rc == SCU_OK)
        rc = keytoken_read(t);
    if (rc != SCU_OK)
        return rc;
    *found = choose(t, q, &same);
    keyquery_describe(q, what, sizeof(what));
    if (*found == NULL)
        return out_error(t->out, SCU_E_NOT_FOUND, "token '%s' has no %s%s",
            t->info.label, what, login ? "" : " that is public: --pin-file "
            "or --pin-fd show the private ones, too");
    if (same > 1)
        return out_error(t->out, SCU_E_ARG, "token '%s' has %zu of these, %s: "
            "say which by --id", t->info.label, same, what);
    return SCU_OK;
}

/* --- its text ------------------------------------------------------------------ */

static void
take(const struct scu_object *object, uint64_t type, const uint8_t **data,
    size_t *len)
{
    *data = scu_object_attribute(object, type, len);
}

static struct keyattrs_parts
parts_of_row(const struct keyobj *o)
{
    struct keyattrs_parts parts = { .kind = SCU_KIND_RSA };

    take(o->object, ATTR_EC_PARAMS, &parts.params, &parts.params_len);
    take(o->object, ATTR_EC_POINT, &parts.point, &parts.point_len);
    take(o->object, ATTR_MODULUS, &parts.modulus, &parts.modulus_len);
    take(o->object, ATTR_PUBLIC_EXPONENT, &parts.exponent,
        &parts.exponent_len);
    if (parts.params != NULL)
        parts.kind = SCU_KIND_EC;
    return parts;
}

/* From attributes that were made of a private key for this. */
static struct keyattrs_parts
parts_of_list(const struct attrs *attrs)
{
    static const struct scu_attribute none;
    static const uint64_t types[] = {
        ATTR_EC_PARAMS, ATTR_EC_POINT, ATTR_MODULUS, ATTR_PUBLIC_EXPONENT,
    };
    const struct scu_attribute *a[4];

    for (size_t i = 0; i < 4; i++) {
        a[i] = attrs_find(attrs, types[i]);
        if (a[i] == NULL)
            a[i] = &none;
    }
    return (struct keyattrs_parts){
        .kind = a[0]->len > 0 ? SCU_KIND_EC : SCU_KIND_RSA,
        .params = a[0]->value, .params_len = a[0]->len,
        .point = a[1]->value, .point_len = a[1]->len,
        .modulus = a[2]->value, .modulus_len = a[2]->len,
        .exponent = a[3]->value, .exponent_len = a[3]->len,
    };
}

static int
write_parts(const struct keyattrs_parts *parts, const struct keyobj *o,
    bool ssh, char **text, struct out *out)
{
    uint8_t spki[KEYATTRS_SPKI_MAX];
    char comment[sizeof(o->label)];
    bool unfit = false;
    size_t len;

    memcpy(comment, o->label, sizeof(comment));
    printable(comment, false);
    if (ssh) {
        *text = pem_write_ssh(parts, comment, &unfit);
    } else {
        len = keyattrs_spki(parts, spki, sizeof(spki));
        unfit = len == 0;
        *text = unfit ? NULL : pem_write("PUBLIC KEY", spki, len);
    }
    if (unfit)
        return out_error(out, SCU_E_STORE, "key export: the attributes of "
            "'%s' are none of a public key", o->label);
    return *text != NULL ? SCU_OK :
        out_error(out, SCU_E_MEMORY, "out of memory on the host");
}

/* The public half is in the key itself. */
static int
write_private(const struct keyobj *o, bool ssh, char **text, struct out *out)
{
    struct attrs attrs = { 0 };
    struct scu_key *key = NULL;
    struct keyattrs_parts parts;
    int rc = scu_object_key(o->object, &key);

    if (rc != SCU_OK)
        return out_error_scu(out, rc);
    rc = keyattrs_set_public(&attrs, key);
    scu_key_free(&key);
    if (rc == SCU_OK) {
        parts = parts_of_list(&attrs);
        rc = write_parts(&parts, o, ssh, text, out);
    } else {
        rc = out_error(out, rc, "%s", scu_error_text(rc));
    }
    attrs_clear(&attrs);
    return rc;
}

static int
write_text(const struct keyobj *o, bool ssh, char **text, struct out *out)
{
    struct keyattrs_parts parts;
    const uint8_t *value;
    size_t len = 0;

    if (o->class == ATTR_CLASS_PUBLIC_KEY) {
        parts = parts_of_row(o);
        return write_parts(&parts, o, ssh, text, out);
    }
    if (o->class == ATTR_CLASS_PRIVATE_KEY)
        return write_private(o, ssh, text, out);
    if (o->class != ATTR_CLASS_CERTIFICATE || ssh)
        return out_error(out, SCU_E_USAGE, "key export: '%s' is %s: public "
            "keys and, without --ssh, certificates are exported", o->label,
            o->class == ATTR_CLASS_CERTIFICATE ? "a certificate" : "data");
    value = scu_object_attribute(o->object, ATTR_VALUE, &len);
    if (value == NULL || len == 0)
        return out_error(out, SCU_E_STORE, "key export: the certificate '%s' "
            "has no value", o->label);
    *text = pem_write("CERTIFICATE", value, len);
    return *text != NULL ? SCU_OK :
        out_error(out, SCU_E_MEMORY, "out of memory on the host");
}

/* --- where to ------------------------------------------------------------------ */

static int
put_text(struct out *out, const struct export_options *given,
    const struct keyobj *o, char *text)
{
    bool to_file = given->out != NULL && strcmp(given->out, "-") != 0;
    int rc;

    if (to_file) {
        rc = tofile_write(given->out, text, strlen(text), 0644);
        if (rc != 0)
            return out_error(out, SCU_E_FILE, "cannot write %s: %s",
                given->out, strerror(-rc));
        out_string(out, "file", "file", given->out);
    }
    out_string(out, "class", NULL, o->class == ATTR_CLASS_CERTIFICATE ?
        "certificate" : "public-key");
    out_string(out, "label", NULL, o->label);
    out_string(out, given->ssh ? "ssh" : "pem", NULL, text);
    for (char *line = text; !to_file && *line != '\0';) {
        size_t len = strcspn(line, "\n");

        out_line(out, "%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
    return SCU_OK;
}

static int
export_object(struct keytoken *t, const struct keyquery *q,
    const struct export_options *given)
{
    const struct keyobj *o = NULL;
    char *text = NULL;
    int rc = find(t, q, given, &o);

    if (rc == SCU_OK)
        rc = write_text(o, given->ssh, &text, t->out);
    if (rc == SCU_OK)
        rc = put_text(t->out, given, o, text);
    free(text);
    return rc;
}

static int
run(struct out *out, const struct scu_chip_options *where, const void *values)
{
    const struct export_options *given = values;
    struct keytoken t = { .out = out };
    struct keyquery q;
    int rc = keyquery_read(&q, "key export", &given->name, &given->pick, out);

    if (rc == SCU_OK && q.has_class && q.class == ATTR_CLASS_PRIVATE_KEY)
        rc = refuse_private(out);
    if (rc == SCU_OK && given->cert) {
        q.has_class = true;
        q.class = ATTR_CLASS_CERTIFICATE;
    }
    if (rc == SCU_OK)
        rc = keytoken_open(&t, where, &q.pick);
    if (rc == SCU_OK)
        rc = export_object(&t, &q, given);
    keyquery_clear(&q);
    keytoken_close(&t);
    return rc;
}

const struct cmd cmd_key_export = {
    .name = "key export",
    .summary = "print a public key or a certificate",
    .page = "scu-key(1)",
    .operand = "URI",
    .operand_optional = true,
    .operand_offset = offsetof(struct export_options, name.uri),
    .options = options,
    .options_size = sizeof(struct export_options),
    .takes_chip = true,
    .run = run,
};
