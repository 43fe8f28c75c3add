/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attr.h"

#include <stdlib.h>
#include <string.h>

/* --- lists ---------------------------------------------------------------- */

/*
 * The list owns its values, for which struct scu_attribute, made to lend, has
 * a pointer to const.
 */
static void
free_value(struct scu_attribute *attribute)
{
    union {
        const uint8_t *lent;
        uint8_t *owned;
    } value = { .lent = attribute->value };

    if (value.owned != NULL) /* what an application keeps may be a secret */
        explicit_bzero(value.owned, attribute->len);
    free(value.owned);
    attribute->value = NULL;
    attribute->len = 0;
}

void
p11_attrs_clear(struct p11_attrs *attrs)
{
    for (size_t i = 0; i < attrs->count; i++)
        free_value(&attrs->item[i]);
    free(attrs->item);
    *attrs = (struct p11_attrs){ 0 };
}

static struct scu_attribute *
find(const struct p11_attrs *attrs, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < attrs->count; i++)
        if (attrs->item[i].type == type)
            return &attrs->item[i];
    return NULL;
}

const struct scu_attribute *
p11_attrs_find(const struct p11_attrs *attrs, CK_ATTRIBUTE_TYPE type)
{
    return find(attrs, type);
}

/* One of that type; NULL where memory is short. */
static struct scu_attribute *
obtain(struct p11_attrs *attrs, CK_ATTRIBUTE_TYPE type)
{
    struct scu_attribute *item = find(attrs, type);
    size_t room = attrs->room == 0 ? 8 : 2 * attrs->room;

    if (item != NULL)
        return item;
    if (attrs->count == attrs->room) {
        item = reallocarray(attrs->item, room, sizeof(*item));
        if (item == NULL)
            return NULL;
        attrs->item = item;
        attrs->room = room;
    }
    item = &attrs->item[attrs->count++];
    *item = (struct scu_attribute){ .type = type };
    return item;
}

CK_RV
p11_attrs_set(struct p11_attrs *attrs, CK_ATTRIBUTE_TYPE type,
    const void *value, size_t len)
{
    struct scu_attribute *item = obtain(attrs, type);
    uint8_t *copy = malloc(len + 1); /* of nothing, too, there is a copy */

    if (item == NULL || copy == NULL) {
        free(copy);
        return CKR_HOST_MEMORY;
    }
    if (len > 0)
        memcpy(copy, value, len);
    free_value(item);
    item->value = copy;
    item->len = len;
    return CKR_OK;
}

CK_RV
p11_attrs_set_ulong(struct p11_attrs *attrs, CK_ATTRIBUTE_TYPE type,
    CK_ULONG value)
{
    /* "Not available" has all bits set, however long a CK_ULONG is. */
    uint64_t wide = value == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : value;
    uint8_t octets[8];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(wide >> (56 - 8 * i));
    return p11_attrs_set(attrs, type, octets, sizeof(octets));
}

CK_RV
p11_attrs_set_bool(struct p11_attrs *attrs, CK_ATTRIBUTE_TYPE type, bool value)
{
    uint8_t octet = value;

    return p11_attrs_set(attrs, type, &octet, 1);
}

bool
p11_ulong_decode(const uint8_t *data, size_t len, CK_ULONG *value)
{
    uint64_t wide = 0;

    if (len != 8)
        return false;
    for (size_t i = 0; i < len; i++)
        wide = wide << 8 | data[i];
    *value = (CK_ULONG)wide;
    return true;
}

/* --- templates ------------------------------------------------------------ */

void
p11_template_clear(struct p11_template *t)
{
    p11_attrs_clear(&t->attrs);
}

CK_RV
p11_template_ulong(const CK_ATTRIBUTE *attributes, CK_ULONG count,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *value)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (attributes[i].type != type)
            continue;
        if (attributes[i].pValue == NULL ||
            attributes[i].ulValueLen != sizeof(*value))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        memcpy(value, attributes[i].pValue, sizeof(*value));
        return CKR_OK;
    }
    return CKR_TEMPLATE_INCOMPLETE;
}

static bool
is_date(const CK_ATTRIBUTE *a)
{
    const uint8_t *digit = a->pValue;

    if (a->ulValueLen == 0)
        return true;
    for (size_t i = 0; i < sizeof(CK_DATE); i++)
        if (a->ulValueLen != sizeof(CK_DATE) || digit[i] < '0' ||
            digit[i] > '9')
            return false;
    return true;
}

/* The number in *number where the attribute is one. */
static bool
is_valid(const struct p11_rule *rule, const CK_ATTRIBUTE *a, CK_ULONG *number)
{
    CK_BBOOL flag = CK_FALSE;

    *number = 0;
    if (a->pValue == NULL && a->ulValueLen != 0)
        return false;
    switch (rule->format) {
    case P11_ULONG:
        if (a->ulValueLen != sizeof(*number))
            return false;
        memcpy(number, a->pValue, sizeof(*number));
        return true;
    case P11_BOOL:
        if (a->ulValueLen != sizeof(flag))
            return false;
        memcpy(&flag, a->pValue, sizeof(flag));
        *number = flag;
        return flag == CK_TRUE || flag == CK_FALSE;
    case P11_DATE:
        return is_date(a);
    case P11_OCTETS:
        break;
    }
    return a->ulValueLen <= P11_VALUE_MAX;
}

/* Those that are no attribute of the store but of where the object stands. */
static CK_RV
take_computed(struct p11_template *t, const CK_ATTRIBUTE *a, CK_ULONG number)
{
    switch (a->type) {
    case CKA_TOKEN:
        t->token = number != 0;
        return CKR_OK;
    case CKA_PRIVATE:
        t->private = number != 0;
        return CKR_OK;
    case CKA_CLASS:
        return number == p11_kind_class(t->kind) ? CKR_OK :
            CKR_TEMPLATE_INCONSISTENT;
    case CKA_KEY_TYPE:
    case CKA_CERTIFICATE_TYPE:
        return number == p11_kind_type(t->kind) ? CKR_OK :
            CKR_TEMPLATE_INCONSISTENT;
    case CKA_MODULUS_BITS:
        return p11_attrs_set_ulong(&t->attrs, a->type, number);
    default:
        return CKR_OK; /* what is computed counts */
    }
}

static CK_RV
take_value(struct p11_template *t, const struct p11_rule *rule,
    const CK_ATTRIBUTE *a)
{
    CK_ULONG number;

    if (!is_valid(rule, a, &number))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if ((rule->may & P11_COMPUTED) != 0)
        return take_computed(t, a, number);
    if ((rule->may & P11_FIXED) != 0)
        return (rule->may & P11_WISH) != 0 || number == rule->value ?
            CKR_OK : CKR_TEMPLATE_INCONSISTENT;
    if (rule->format == P11_ULONG)
        return p11_attrs_set_ulong(&t->attrs, a->type, number);
    if (rule->format == P11_BOOL)
        return p11_attrs_set_bool(&t->attrs, a->type, number != 0);
    return p11_attrs_set(&t->attrs, a->type, a->pValue, a->ulValueLen);
}

static CK_RV
take(struct p11_template *t, unsigned may, const CK_ATTRIBUTE *a)
{
    const struct p11_rule *rule = p11_rule_find(t->kind, a->type);

    if (rule == NULL)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if ((rule->may & may) == 0)
        return CKR_ATTRIBUTE_READ_ONLY;
    return take_value(t, rule, a);
}

static bool
is_repeated(const CK_ATTRIBUTE *attributes, CK_ULONG i)
{
    for (CK_ULONG k = 0; k < i; k++)
        if (attributes[k].type == attributes[i].type)
            return true;
    return false;
}

static CK_RV
check_needed(const struct p11_template *t)
{
    const struct p11_rule *rule;

    for (size_t i = 0; (rule = p11_rule_at(i)) != NULL; i++)
        if ((rule->kinds & t->kind) != 0 && (rule->may & P11_NEEDED) != 0 &&
            p11_attrs_find(&t->attrs, rule->type) == NULL)
            return p11_refuse(CKR_TEMPLATE_INCOMPLETE,
                "the template lacks attribute 0x%lx", rule->type);
    return CKR_OK;
}

CK_RV
p11_template_read(struct p11_template *t, unsigned may,
    const CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    CK_RV rv;

    if (attributes == NULL && count > 0)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < count; i++) {
        rv = is_repeated(attributes, i) ? CKR_TEMPLATE_INCONSISTENT :
            take(t, may, &attributes[i]);
        if (rv != CKR_OK)
            return p11_refuse(rv, "attribute 0x%lx of the template is refused "
                "(0x%lx)", attributes[i].type, rv);
    }
    return may == P11_CREATE ? check_needed(t) : CKR_OK;
}
