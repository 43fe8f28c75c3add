/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DOORS_ATTRS_H
#define DOORS_ATTRS_H

#include <scu/token.h>

/*
 * Attributes of objects as the doors keep them in the store: numbered like
 * those of PKCS#11, and encoded so that programs of any word size read the
 * same: a number is 8 octets, big endian ("not available" has all bits set);
 * a truth value one octet; the rest as it is. This unit and keyattrs.h are a
 * library of their own (doors/libattrs.la), on the public headers of libscu.
 */

/* CKA_..., as far as doors other than PKCS#11's look at them. */
enum attr_type {
    ATTR_CLASS = 0x000,
    ATTR_LABEL = 0x003,
    ATTR_VALUE = 0x011,
    ATTR_CERTIFICATE_TYPE = 0x080,
    ATTR_KEY_TYPE = 0x100,
    ATTR_ID = 0x102,
    ATTR_SIGN = 0x108,
    ATTR_MODULUS = 0x120,
    ATTR_MODULUS_BITS = 0x121,
    ATTR_PUBLIC_EXPONENT = 0x122,
    ATTR_LOCAL = 0x163,
    ATTR_NEVER_EXTRACTABLE = 0x164,
    ATTR_ALWAYS_SENSITIVE = 0x165,
    ATTR_KEY_GEN_MECHANISM = 0x166,
    ATTR_EC_PARAMS = 0x180,
    ATTR_EC_POINT = 0x181,
};

/* CKO_... */
enum attr_class {
    ATTR_CLASS_DATA = 0,
    ATTR_CLASS_CERTIFICATE = 1,
    ATTR_CLASS_PUBLIC_KEY = 2,
    ATTR_CLASS_PRIVATE_KEY = 3,
};

/* CKK_... */
enum attr_key_type {
    ATTR_KEY_RSA = 0,
    ATTR_KEY_EC = 3,
};

/* What all tokens say of themselves. */
#define ATTR_MANUFACTURER "SCU"
#define ATTR_MODEL "SCU"
#define ATTR_LIBRARY "PKCS#11 on the SCU" /* the module */

/* A number that is not available. */
#define ATTR_UNAVAILABLE UINT64_MAX

/* A growing list of attributes that owns its values. { 0 } is an empty one. */
struct attrs {
    struct scu_attribute *item;
    size_t count, room;
};

void attrs_clear(struct attrs *attrs);

/* Sets or replaces one. SCU_OK or SCU_E_MEMORY. */
int attrs_set(struct attrs *attrs, uint64_t type, const void *value,
    size_t len);
int attrs_set_number(struct attrs *attrs, uint64_t type, uint64_t value);
int attrs_set_bool(struct attrs *attrs, uint64_t type, bool value);

/* NULL where there is none. */
const struct scu_attribute *attrs_find(const struct attrs *attrs,
    uint64_t type);

/* The number in 8 octets; false for another length. */
bool attrs_decode(const uint8_t *data, size_t len, uint64_t *value);

#endif
