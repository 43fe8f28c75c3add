/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "keymake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Keys that exist already: import and adopt. */

#define FILE_MAX 65536

/* Its content may be a secret: the caller wipes and frees it. */
static int
read_file(const char *path, char **data, size_t *len, struct out *out)
{
    int rc = strcmp(path, "-") == 0 ? io_read_all(0, FILE_MAX, data, len) :
        io_read_file(path, FILE_MAX, data, len);

    if (rc == -EFBIG)
        return out_error(out, SCU_E_KEYFILE, "%s is longer than %d octets: "
            "no key file is", path, FILE_MAX);
    if (rc != 0)
        return out_error(out, SCU_E_FILE, "cannot read %s: %s", path,
            strerror(-rc));
    return SCU_OK;
}

static void
wipe_file(char **data, size_t len)
{
    if (*data != NULL)
        explicit_bzero(*data, len);
    free(*data);
    *data = NULL;
}

/* What libscu said about a file, with its name in front. */
static int
about_file(const char *path, int rc, struct out *out)
{
    char why[512];

    (void)snprintf(why, sizeof(why), "%s", scu_error_detail());
    return out_error(out, rc, "%s: %s", path, why);
}

/* --- import ------------------------------------------------------------------- */

struct import_options {
    struct tokenpick pick;
    struct pinin_from pin, passphrase;
    const char *file, *label, *id;
};

static const struct opt import_options[] = {
    TOKENPICK_OPTIONS(struct import_options),
    {
        .name = "label",
        .arg = "LABEL",
        .help = "what the key is called",
        .offset = offsetof(struct import_options, label),
    },
    {
        .name = "id",
        .arg = "HEX",
        .help = "its id; random by default",
        .offset = offsetof(struct import_options, id),
    },
    PININ_OPTIONS(struct import_options, pin, "pin", "the user PIN"),
    PININ_OPTIONS(struct import_options, passphrase, "passphrase",
        "the file's passphrase"),
    { 0 },
};

/* Asks for a passphrase only where the file turns out to need one. */
static int
read_software(struct keytoken *t, const struct import_options *given,
    struct scu_import **import)
{
    struct secret *passphrase = NULL;
    char *data = NULL, what[256];
    size_t len = 0;
    int rc = read_file(given->file, &data, &len, t->out);

    if (rc != SCU_OK)
        return rc;
    rc = scu_import_read(t->chip, data, len, NULL, 0, import);
    if (rc == SCU_E_AUTH_NEEDED) {
        (void)snprintf(what, sizeof(what), "passphrase of %s", given->file);
        rc = keytoken_secret(t, "passphrase", what, &given->passphrase,
            &passphrase);
        if (rc == SCU_OK && (rc = scu_import_read(t->chip, data, len,
                passphrase->data, passphrase->len, import)) != SCU_OK)
            rc = about_file(given->file, rc, t->out);
    } else if (rc != SCU_OK) {
        rc = about_file(given->file, rc, t->out);
    }
    secret_free(&passphrase);
    wipe_file(&data, len);
    return rc;
}

static int
run_import(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct import_options *given = values;
    struct keypair pair = {
        .cmd = "key import",
        .label = given->label,
        .id = given->id,
        .origin = KEYATTRS_IMPORTED,
    };
    struct keytoken t = { .out = out };
    struct scu_import *import = NULL;
    int rc = keypair_check(&pair, out);

    if (rc != SCU_OK)
        return rc;
    if ((rc = keytoken_open(&t, where, &given->pick)) != SCU_OK ||
        (rc = read_software(&t, given, &import)) != SCU_OK ||
        (rc = keytoken_login(&t, &given->pin, NULL)) != SCU_OK)
        goto out;
    pair.kind = scu_alg_kind(scu_import_alg(import));
    if ((rc = keypair_compose(&pair, &t)) != SCU_OK)
        goto out;
    rc = scu_object_import(t.token, import, pair.private.item,
        pair.private.count, &pair.private_object);
    rc = rc == SCU_OK ? keypair_complete(&pair, &t) : out_error_scu(out, rc);
    if (rc == SCU_OK)
        out_note(out, "this key existed outside the chip: whoever has a copy "
            "of %s has the key; destroy all copies, or better make a key in "
            "the chip by `scu key gen`", given->file);
out:
    scu_import_free(&import);
    keypair_clear(&pair);
    keytoken_close(&t);
    return rc;
}

const struct cmd cmd_key_import = {
    .name = "key import",
    .summary = "bring a private key of a file into the chip",
    .page = "scu-key(1)",
    .operand = "FILE",
    .operand_offset = offsetof(struct import_options, file),
    .options = import_options,
    .options_size = sizeof(struct import_options),
    .takes_chip = true,
    .run = run_import,
};

/* --- adopt -------------------------------------------------------------------- */

struct adopt_options {
    struct tokenpick pick;
    struct pinin_from pin, password;
    const char *what, *label, *id;
};

static const struct opt adopt_options[] = {
    TOKENPICK_OPTIONS(struct adopt_options),
    {
        .name = "label",
        .arg = "LABEL",
        .help = "what the key is called",
        .offset = offsetof(struct adopt_options, label),
    },
    {
        .name = "id",
        .arg = "HEX",
        .help = "its id; random by default",
        .offset = offsetof(struct adopt_options, id),
    },
    PININ_OPTIONS(struct adopt_options, pin, "pin", "the user PIN"),
    PININ_OPTIONS(struct adopt_options, password, "password",
        "the key's own password"),
    { 0 },
};

/* "0x81..." */
static bool
is_handle(const char *text, uint32_t *handle)
{
    char *end = NULL;
    unsigned long value;

    if (strncmp(text, "0x", 2) != 0 || strlen(text) != 10)
        return false;
    errno = 0;
    value = strtoul(text, &end, 16);
    *handle = (uint32_t)value;
    return errno == 0 && *end == '\0';
}

static int
open_file(struct keytoken *t, const char *path, struct scu_key **key)
{
    char *data = NULL;
    size_t len = 0;
    int rc = read_file(path, &data, &len, t->out);

    if (rc != SCU_OK)
        return rc;
    rc = len > 0 && data[0] == 0x30 ?
        scu_key_from_der(t->chip, (const uint8_t *)data, len, key) :
        scu_key_from_pem(t->chip, data, len, key);
    if (rc != SCU_OK)
        rc = about_file(path, rc, t->out);
    wipe_file(&data, len);
    return rc;
}

/*
 * The key's own password: where its file says that it has one, or where an
 * option gives one, since nobody can ask a chip.
 */
static int
set_password(struct keytoken *t, const struct adopt_options *given,
    struct scu_key *key)
{
    struct secret *password = NULL;
    char what[256];
    int rc;

    if (!scu_key_needs_password(key) && !pinin_given(&given->password))
        return SCU_OK;
    (void)snprintf(what, sizeof(what), "password of %s", given->what);
    rc = keytoken_secret(t, "password", what, &given->password, &password);
    if (rc == SCU_OK && (rc = scu_key_set_password(key, password->data,
            password->len)) != SCU_OK)
        rc = out_error_scu(t->out, rc);
    secret_free(&password);
    return rc;
}

static enum scu_kind
kind_of(const struct scu_key *key)
{
    struct scu_public public;

    scu_key_public(key, &public);
    return public.kind;
}

/*
 * A signature of nothing shows that the chip takes the key, and its password.
 * Keys that take only a scheme of their own refuse this one, and that is fine.
 */
static int
try_key(struct keytoken *t, const char *what, struct scu_key *key)
{
    const uint8_t digest[32] = { 0 };
    size_t len = scu_key_signature_size(key);
    uint8_t *sig;
    int rc;

    if (scu_key_is_restricted(key))
        return SCU_OK;
    if ((sig = malloc(len)) == NULL)
        return out_error(t->out, SCU_E_MEMORY, "out of memory on the host");
    rc = scu_key_sign(key, scu_scheme_by_name(kind_of(key) == SCU_KIND_EC ?
        "ECDSA-SHA256" : "RSASSA-SHA256"), 0, digest, sizeof(digest), sig,
        &len);
    free(sig);
    if (rc == SCU_OK || rc == SCU_E_USAGE || rc == SCU_E_CHIP ||
        rc == SCU_E_UNSUPPORTED)
        return SCU_OK;
    return about_file(what, rc, t->out);
}

static int
open_key(struct keytoken *t, const struct adopt_options *given,
    struct scu_key **key)
{
    uint32_t handle = 0;
    int rc;

    if (!is_handle(given->what, &handle) &&
        strncmp(given->what, "0x", 2) == 0 && access(given->what, F_OK) != 0)
        return out_error(t->out, SCU_E_FILE, "%s is neither a file nor a "
            "handle: these are 0x81000000 to 0x81ffffff", given->what);
    if (!is_handle(given->what, &handle))
        rc = open_file(t, given->what, key);
    else if ((rc = scu_key_from_handle(t->chip, handle, key)) != SCU_OK)
        rc = out_error_scu(t->out, rc);
    if (rc != SCU_OK)
        return rc;
    if (!scu_key_can_sign(*key))
        return out_error(t->out, SCU_E_USAGE, "%s: the key does not sign: "
            "tokens have keys that do", given->what);
    rc = set_password(t, given, *key);
    return rc == SCU_OK ? try_key(t, given->what, *key) : rc;
}

static void
put_notes(const struct keytoken *t, const struct scu_key *key)
{
    uint32_t handle = 0;

    if (scu_key_handle(key, &handle))
        out_note(t->out, "the key stays in the chip at 0x%08x: who evicts it "
            "there takes it from the token", handle);
    if (scu_key_is_restricted(key))
        out_note(t->out, "the key is restricted: it signs what the chip made, "
            "like quotes, and nothing of programs");
    else if (!scu_key_is_native(key))
        out_note(t->out, "this key was not made in the chip, or can leave it: "
            "others may have it");
}

static int
run_adopt(struct out *out, const struct scu_chip_options *where,
    const void *values)
{
    const struct adopt_options *given = values;
    struct keypair pair = {
        .cmd = "key adopt",
        .label = given->label,
        .id = given->id,
    };
    struct keytoken t = { .out = out };
    struct scu_key *key = NULL;
    int rc = keypair_check(&pair, out);

    if (rc != SCU_OK)
        return rc;
    if ((rc = keytoken_open(&t, where, &given->pick)) != SCU_OK ||
        (rc = open_key(&t, given, &key)) != SCU_OK ||
        (rc = keytoken_login(&t, &given->pin, NULL)) != SCU_OK)
        goto out;
    pair.kind = kind_of(key);
    pair.origin = scu_key_is_native(key) ? KEYATTRS_ADOPTED :
        KEYATTRS_IMPORTED;
    pair.no_sign = scu_key_is_restricted(key);
    if ((rc = keypair_compose(&pair, &t)) != SCU_OK)
        goto out;
    rc = scu_object_adopt(t.token, key, pair.private.item, pair.private.count,
        &pair.private_object);
    rc = rc == SCU_OK ? keypair_complete(&pair, &t) : out_error_scu(out, rc);
    if (rc == SCU_OK)
        put_notes(&t, key);
out:
    scu_key_free(&key);
    keypair_clear(&pair);
    keytoken_close(&t);
    return rc;
}

const struct cmd cmd_key_adopt = {
    .name = "key adopt",
    .summary = "take a key of this chip into a token",
    .page = "scu-key(1)",
    .operand = "FILE|HANDLE",
    .operand_offset = offsetof(struct adopt_options, what),
    .options = adopt_options,
    .options_size = sizeof(struct adopt_options),
    .takes_chip = true,
    .run = run_adopt,
};
