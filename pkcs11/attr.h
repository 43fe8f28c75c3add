/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PKCS11_ATTR_H
#define PKCS11_ATTR_H

#include "attrs.h"
#include "p11.h"

/*
 * Attributes
 * ----------
 * What attributes an object of which kind has, and what an application may do
 * with them, is a table of rules. Values are kept as the store keeps them, see
 * attrs.h.
 */

/* Kinds of objects, a bit each. */
enum p11_kind {
    P11_DATA = 1,
    P11_CERTIFICATE = 2,
    P11_EC_PUBLIC = 4,
    P11_RSA_PUBLIC = 8,
    P11_EC_PRIVATE = 16,
    P11_RSA_PRIVATE = 32,
};
#define P11_PUBLIC (P11_EC_PUBLIC | P11_RSA_PUBLIC)
#define P11_PRIVATE (P11_EC_PRIVATE | P11_RSA_PRIVATE)
#define P11_EC (P11_EC_PUBLIC | P11_EC_PRIVATE)
#define P11_RSA (P11_RSA_PUBLIC | P11_RSA_PRIVATE)
#define P11_KEYS (P11_EC | P11_RSA)
#define P11_ALL (P11_DATA | P11_CERTIFICATE | P11_KEYS)

enum p11_format {
    P11_OCTETS,
    P11_ULONG,
    P11_BOOL,
    P11_DATE, /* empty or 8 digits */
};

enum p11_may {
    P11_CREATE = 1,    /* stand in a template of C_CreateObject */
    P11_GENERATE = 2,  /* stand in one of C_GenerateKeyPair */
    P11_MODIFY = 4,    /* be changed by C_SetAttributeValue */
    P11_NEEDED = 8,    /* must stand in a template of C_CreateObject */
    P11_FIXED = 16,    /* is always the rule's value; a template may say so */
    P11_WISH = 32,     /* with FIXED: a template may ask for something else,
                          which it does not get: applications ask for every
                          use that a key could have */
    P11_SECRET = 64,   /* exists, and nobody reads it */
    P11_COMPUTED = 128, /* comes from the key or from the object itself */
    P11_COPY = 256,     /* stand in a template of C_CopyObject */
};

struct p11_rule {
    CK_ATTRIBUTE_TYPE type;
    unsigned kinds;
    enum p11_format format;
    unsigned may;
    CK_ULONG value; /* of ULONG and BOOL where nothing else says one */
};

/* NULL where objects of this kind have no such attribute. */
const struct p11_rule *p11_rule_find(unsigned kind, CK_ATTRIBUTE_TYPE type);
/* In turn; NULL behind the last. */
const struct p11_rule *p11_rule_at(size_t index);

/* 0 where the module has no objects of this class and type. */
unsigned p11_kind_of(CK_OBJECT_CLASS class, CK_ULONG type);
/* CKO_... and CKK_... or CKC_... of a kind. */
CK_OBJECT_CLASS p11_kind_class(unsigned kind);
CK_ULONG p11_kind_type(unsigned kind);

/* Octets of a value in a template; no object of the store has more at all. */
#define P11_VALUE_MAX (1024 * 1024)

/* As attrs_set() and so on, in CK_RV: CKR_HOST_MEMORY. */
CK_RV p11_attrs_set(struct attrs *attrs, CK_ATTRIBUTE_TYPE type,
    const void *value, size_t len);
CK_RV p11_attrs_set_ulong(struct attrs *attrs, CK_ATTRIBUTE_TYPE type,
    CK_ULONG value);
CK_RV p11_attrs_set_bool(struct attrs *attrs, CK_ATTRIBUTE_TYPE type,
    bool value);

/* The number in 8 octets, big endian; false for another length. */
bool p11_ulong_decode(const uint8_t *data, size_t len, CK_ULONG *value);

/* A template, checked and taken over. */
struct p11_template {
    unsigned kind;
    bool token, private;
    struct attrs attrs; /* those to be stored */
};

void p11_template_clear(struct p11_template *t);

/*
 * Reads an application's template for an object of a kind. may: one of
 * P11_CREATE, P11_GENERATE, P11_MODIFY, P11_COPY. t->token and t->private hold
 * what counts where the template does not say it. The caller clears t, also
 * after an error:
 * CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
 * CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT,
 * CKR_TEMPLATE_INCOMPLETE.
 */
CK_RV p11_template_read(struct p11_template *t, unsigned may,
    const CK_ATTRIBUTE *attributes, CK_ULONG count);

/*
 * A CK_ULONG of an application's template. CKR_TEMPLATE_INCOMPLETE where it
 * has none, CKR_ATTRIBUTE_VALUE_INVALID.
 */
CK_RV p11_template_ulong(const CK_ATTRIBUTE *attributes, CK_ULONG count,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *value);

#endif
