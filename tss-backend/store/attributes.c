/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/attributes.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define HEAD (sizeof(uint64_t) + sizeof(uint32_t))

void
attributes_clear(struct attributes *attributes)
{
    octets_clear(&attributes->octets);
    free(attributes->at);
    attributes->at = NULL;
    attributes->count = 0;
}

/* The length of the attribute at p, left octets from the end; 0: none. */
static size_t
take(const uint8_t *p, size_t left, struct scu_attribute *out)
{
    uint64_t type;
    uint32_t len;

    if (left < HEAD)
        return 0;
    memcpy(&type, p, sizeof(type));
    memcpy(&len, p + sizeof(type), sizeof(len));
    out->type = be64toh(type);
    out->len = be32toh(len);
    out->value = p + HEAD;
    return out->len > left - HEAD ? 0 : HEAD + out->len;
}

int
attributes_read(struct octets *octets, struct attributes *out)
{
    struct scu_attribute one;
    size_t n;

    memset(out, 0, sizeof(*out));
    out->octets = *octets;
    memset(octets, 0, sizeof(*octets));
    out->at = calloc(out->octets.len / HEAD + 1, sizeof(*out->at));
    if (out->at == NULL) {
        attributes_clear(out);
        return err_memory();
    }
    for (size_t at = 0; at < out->octets.len; at += n) {
        n = take(out->octets.data + at, out->octets.len - at, &one);
        if (n == 0) {
            attributes_clear(out);
            return err_set(SCU_E_STORE, "an object's attributes are damaged: "
                "restore the store from a backup");
        }
        out->at[out->count++] = one;
    }
    return SCU_OK;
}

static const struct scu_attribute *
find(const struct scu_attribute *in, size_t count, uint64_t type)
{
    for (size_t i = 0; i < count; i++)
        if (in[i].type == type)
            return &in[i];
    return NULL;
}

const struct scu_attribute *
attributes_find(const struct attributes *in, uint64_t type)
{
    return find(in->at, in->count, type);
}

static int
append(struct octets *out, const struct scu_attribute *one)
{
    uint64_t type = htobe64(one->type);
    uint32_t len = htobe32((uint32_t)one->len);
    struct octets more = { .len = out->len + HEAD + one->len };
    uint8_t *p;

    if (one->len > ATTRIBUTES_MAX || (one->value == NULL && one->len > 0) ||
        out->len + HEAD + one->len > ATTRIBUTES_MAX)
        return err_set(SCU_E_ARG, "attributes of more than %d octets",
            ATTRIBUTES_MAX);
    /* No realloc(): what it leaves behind may be a private object's. */
    more.data = malloc(more.len);
    if (more.data == NULL)
        return err_memory();
    if (out->len > 0)
        memcpy(more.data, out->data, out->len);
    p = more.data + out->len;
    memcpy(p, &type, sizeof(type));
    memcpy(p + sizeof(type), &len, sizeof(len));
    if (one->len > 0)
        memcpy(p + HEAD, one->value, one->len);
    octets_clear(out);
    *out = more;
    return SCU_OK;
}

int
attributes_merge(const struct attributes *base,
    const struct scu_attribute *set, size_t count, struct attributes *out)
{
    struct octets all = { 0 };
    int rc = SCU_OK;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; base != NULL && rc == SCU_OK && i < base->count; i++)
        if (find(set, count, base->at[i].type) == NULL)
            rc = append(&all, &base->at[i]);
    for (size_t i = 0; rc == SCU_OK && i < count; i++) {
        if (find(set, i, set[i].type) != NULL)
            rc = err_set(SCU_E_ARG, "attribute 0x%llx is given twice",
                (unsigned long long)set[i].type);
        else if (set[i].len > 0 || base == NULL)
            rc = append(&all, &set[i]);
    }
    if (rc != SCU_OK) {
        octets_clear(&all);
        return rc;
    }
    return attributes_read(&all, out);
}
