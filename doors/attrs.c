/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attrs.h"

#include <stdlib.h>
#include <string.h>

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
attrs_clear(struct attrs *attrs)
{
    for (size_t i = 0; i < attrs->count; i++)
        free_value(&attrs->item[i]);
    free(attrs->item);
    *attrs = (struct attrs){ 0 };
}

static struct scu_attribute *
find(const struct attrs *attrs, uint64_t type)
{
    for (size_t i = 0; i < attrs->count; i++)
        if (attrs->item[i].type == type)
            return &attrs->item[i];
    return NULL;
}

const struct scu_attribute *
attrs_find(const struct attrs *attrs, uint64_t type)
{
    return find(attrs, type);
}

/* One of that type; NULL where memory is short. */
static struct scu_attribute *
obtain(struct attrs *attrs, uint64_t type)
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

int
attrs_set(struct attrs *attrs, uint64_t type, const void *value, size_t len)
{
    struct scu_attribute *item = obtain(attrs, type);
    uint8_t *copy = malloc(len + 1); /* of nothing, too, there is a copy */

    if (item == NULL || copy == NULL) {
        free(copy);
        return SCU_E_MEMORY;
    }
    if (len > 0)
        memcpy(copy, value, len);
    free_value(item);
    item->value = copy;
    item->len = len;
    return SCU_OK;
}

int
attrs_set_number(struct attrs *attrs, uint64_t type, uint64_t value)
{
    uint8_t octets[8];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)(value >> (56 - 8 * i));
    return attrs_set(attrs, type, octets, sizeof(octets));
}

int
attrs_set_bool(struct attrs *attrs, uint64_t type, bool value)
{
    uint8_t octet = value;

    return attrs_set(attrs, type, &octet, 1);
}

bool
attrs_decode(const uint8_t *data, size_t len, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < len && len == 8; i++)
        *value = *value << 8 | data[i];
    return len == 8;
}
