/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "keyattrs.h"

#include <sys/random.h>

#define ID_LEN 20

/* CKM_..._KEY_PAIR_GEN */
#define GEN_RSA 0x0000
#define GEN_EC 0x1040

int
keyattrs_set_origin(struct attrs *attrs, enum attr_class class,
    enum scu_kind kind, enum keyattrs_origin origin)
{
    bool local = origin == KEYATTRS_GENERATED, rsa = kind == SCU_KIND_RSA;
    int rc = attrs_set_number(attrs, ATTR_CLASS, class);

    if (rc == SCU_OK)
        rc = attrs_set_number(attrs, ATTR_KEY_TYPE,
            rsa ? ATTR_KEY_RSA : ATTR_KEY_EC);
    if (rc == SCU_OK)
        rc = attrs_set_bool(attrs, ATTR_LOCAL, local);
    if (rc == SCU_OK && local)
        rc = attrs_set_number(attrs, ATTR_KEY_GEN_MECHANISM,
            rsa ? GEN_RSA : GEN_EC);
    /* Of others the rules of PKCS#11 have "not available" and "true". */
    if (class != ATTR_CLASS_PRIVATE_KEY || origin != KEYATTRS_IMPORTED)
        return rc;
    if (rc == SCU_OK)
        rc = attrs_set_bool(attrs, ATTR_ALWAYS_SENSITIVE, false);
    if (rc == SCU_OK)
        rc = attrs_set_bool(attrs, ATTR_NEVER_EXTRACTABLE, false);
    return rc;
}

int
keyattrs_set_id(struct attrs *public, struct attrs *private)
{
    const struct scu_attribute *a = attrs_find(public, ATTR_ID);
    const struct scu_attribute *b = attrs_find(private, ATTR_ID);
    uint8_t id[ID_LEN];
    int rc;

    if (a != NULL && b != NULL)
        return SCU_OK;
    if (a != NULL)
        return attrs_set(private, ATTR_ID, a->value, a->len);
    if (b != NULL)
        return attrs_set(public, ATTR_ID, b->value, b->len);
    if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
        return SCU_E_INTERNAL;
    rc = attrs_set(public, ATTR_ID, id, sizeof(id));
    return rc != SCU_OK ? rc : attrs_set(private, ATTR_ID, id, sizeof(id));
}
