/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_KEYOBJ_H
#define TOOLS_KEYOBJ_H

#include "attrs.h"
#include "tokenpick.h"
#include "uri.h"

/* What the key commands read of an object of a token; borrowed from it. */
struct keyobj {
    struct scu_object *object;
    enum attr_class class;
    const uint8_t *id;
    size_t id_len;
    char label[256]; /* cut where it is longer; without zero octets */
    const char *type; /* "P-256", "RSA-2048"; NULL where it is not known */
    char buffer[16];  /* of type */
};

/* False for objects of a class that is not known here: later doors'. */
bool keyobj_read(struct scu_object *object, struct keyobj *o);

/* "private key" and so on; with a hyphen as JSON has it. */
const char *keyobj_class(const struct keyobj *o);
const char *keyobj_json_class(const struct keyobj *o);

/* Whether it is one half of a key pair. */
bool keyobj_is_key(const struct keyobj *o);

/* Whether both have an id, and the same. */
bool keyobj_same_id(const struct keyobj *a, const struct keyobj *b);

/* The id in hexadecimal, which the caller frees; NULL: out of memory. */
char *keyobj_id(const struct keyobj *o);

/* What a URI says besides the labels of token and object. */
enum {
    KEYOBJ_URI_SERIAL = 1, /* another token has the label, too */
    KEYOBJ_URI_ID = 2,     /* another object has it */
    KEYOBJ_URI_TYPE = 4,   /* one object, not the whole of a pair */
};

/*
 * The object's URI, which the caller frees; NULL: out of memory. It has the
 * id as well where the label is empty.
 */
char *keyobj_uri(const struct keyobj *o, const struct scu_token *token,
    unsigned parts);

/* --- which objects a command line means ------------------------------------ */

/* As it was given; NULL what was not. */
struct keyname {
    const char *uri, *label, *id;
};

#define KEYNAME_OPTIONS(STRUCT)                                               \
    {                                                                         \
        .name = "label",                                                      \
        .arg = "LABEL",                                                       \
        .help = "the object, by its label",                                   \
        .offset = offsetof(STRUCT, name.label),                               \
    },                                                                        \
    {                                                                         \
        .name = "id",                                                         \
        .arg = "HEX",                                                         \
        .help = "the object, by its id",                                      \
        .offset = offsetof(STRUCT, name.id),                                  \
    }

#define KEYOBJ_ID_MAX 64

struct keyquery {
    struct tokenpick pick; /* of the token */
    const char *label;     /* NULL: any */
    bool has_id, has_class;
    uint8_t id[KEYOBJ_ID_MAX];
    size_t id_len;
    enum attr_class class;
    const char *pin_file;  /* of the URI's pin-source, or NULL */
    struct uri *uri;       /* what some of it is borrowed from */
};

/*
 * Takes a command line apart, which must say at least a label, an id or a
 * type. cmd names the command in errors. SCU_E_ARG, recorded in out: also for
 * a URI that has a PIN in it, since others can read command lines. The caller
 * calls keyquery_clear() in any case.
 */
int keyquery_read(struct keyquery *q, const char *cmd,
    const struct keyname *name, const struct tokenpick *pick,
    struct out *out);
void keyquery_clear(struct keyquery *q);

bool keyquery_fits(const struct keyquery *q, const struct keyobj *o);

/* What was asked for, for errors: "label 'x'". */
void keyquery_describe(const struct keyquery *q, char *text, size_t size);

/* 1 to 64 octets in hexadecimal, else SCU_E_ARG recorded in out. */
int keyobj_read_id(const char *cmd, const char *text,
    uint8_t id[KEYOBJ_ID_MAX], size_t *len, struct out *out);

#endif
