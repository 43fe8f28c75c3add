/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attr.h"

#include <string.h>

/* --- lists ---------------------------------------------------------------- */

/* Only memory can be short. */
static CK_RV
set(int rc)
{
    return rc == SCU_OK ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV
p11_attrs_set(struct attrs *attrs, CK_ATTRIBUTE_TYPE type, const void *value,
    size_t len)
{
    return set(attrs_set(attrs, type, value, len));
}

CK_RV
p11_attrs_set_ulong(struct attrs *attrs, CK_ATTRIBUTE_TYPE type,
    CK_ULONG value)
{
    /* "Not available" has all bits set, however long a CK_ULONG is. */
    return set(attrs_set_number(attrs, type,
        value == CK_UNAVAILABLE_INFORMATION ? ATTR_UNAVAILABLE : value));
}

CK_RV
p11_attrs_set_bool(struct attrs *attrs, CK_ATTRIBUTE_TYPE type, bool value)
{
    return set(attrs_set_bool(attrs, type, value));
}

bool
p11_ulong_decode(const uint8_t *data, size_t len, CK_ULONG *value)
{
    uint64_t wide;

    if (!attrs_decode(data, len, &wide))
        return false;
    *value = (CK_ULONG)wide;
    return true;
}

/* --- templates ------------------------------------------------------------ */

void
p11_template_clear(struct p11_template *t)
{
    attrs_clear(&t->attrs);
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
            attrs_find(&t->attrs, rule->type) == NULL)
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
