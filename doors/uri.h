/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DOORS_URI_H
#define DOORS_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * PKCS#11 URIs (RFC 7512), "pkcs11:token=...;object=...", taken apart and
 * written by p11-kit, but without its types: for doors that have no PKCS#11
 * of their own. This unit is a library of its own (doors/liburi.la), since
 * not everybody in the house may link p11-kit. No locks: a struct uri is one
 * thread's at a time.
 */

/* "type=": what the object is. */
enum uri_type {
    URI_ANY = 0, /* the URI does not say */
    URI_PUBLIC,
    URI_PRIVATE,
    URI_CERT,
    URI_DATA,
    URI_SECRET_KEY,
};

/*
 * Decoded and terminated; NULL where the URI does not say. An empty value
 * ("object=") is an empty string.
 */
struct uri {
    /* the token */
    char *token; /* its label */
    char *serial;
    char *manufacturer;
    char *model;

    /* the object */
    char *object; /* its label */
    uint8_t *id;
    size_t id_len; /* octets; id is not NULL where the URI has an empty one */
    enum uri_type type;

    /* the library and the slot */
    char *library_manufacturer;
    char *library_description;
    char *slot_manufacturer;
    char *slot_description;
    bool has_slot_id;
    uint64_t slot_id;
    char *module_name;
    char *module_path;

    /* how to get the PIN */
    char *pin_value;  /* the PIN itself, wiped by uri_free() */
    char *pin_source; /* see uri_pin_path() */
};

/* What a URI begins with. */
#define URI_SCHEME "pkcs11:"

/* Whether text begins like one, in any case of letters. NULL does not. */
bool uri_is(const char *text);

/*
 * Takes text apart. 0 and a URI that the caller frees by uri_free(), or
 * -EINVAL or -ENOMEM with one line of cause and remedy in why (always
 * terminated; without the text, as it may hold a PIN). Attributes that are
 * not known, or a "library-version", are errors: what they ask for could not
 * be held against anything.
 */
int uri_parse(const char *text, struct uri **uri, char *why, size_t why_size);

/* Wipes and frees; takes NULL; sets the caller's pointer to NULL. */
void uri_free(struct uri **uri);

/*
 * Writes token, serial, manufacturer, model, object, id and type, as far as
 * they are there; never a PIN. Returns a string that the caller frees by
 * free(3), or NULL: out of memory, or a field is longer than PKCS#11 has it.
 */
char *uri_write(const struct uri *uri);

/*
 * The path of a pin_source that is a file, "file:/path" or "file:///path"
 * (RFC 8089), or NULL: the only ones that are read here. Borrowed from
 * pin_source.
 */
const char *uri_pin_path(const char *pin_source);

/*
 * Whether a field of a URI allows a value: it is NULL or the same. Blanks at
 * the value's end, PKCS#11's padding, do not count.
 */
bool uri_allows(const char *field, const char *value);

#endif
