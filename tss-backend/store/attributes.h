/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_ATTRIBUTES_H
#define STORE_ATTRIBUTES_H

#include "store/rows.h"

/*
 * A set of attributes as octets: for each, its type (8 octets, big endian),
 * its length (4) and its value. The pointers of those that are read point
 * into these octets.
 */
struct attributes {
    struct octets octets;
    struct scu_attribute *at;
    size_t count;
};

#define ATTRIBUTES_MAX (1024 * 1024)

/* Takes over octets, also on failure. SCU_E_STORE. */
int attributes_read(struct octets *octets, struct attributes *out);

/*
 * A new set: base (may be NULL) with those given set or, with len 0, removed.
 * SCU_E_ARG where a type is given twice or all is larger than ATTRIBUTES_MAX.
 */
int attributes_merge(const struct attributes *base,
    const struct scu_attribute *set, size_t count, struct attributes *out);

/* NULL where there is none of this type. */
const struct scu_attribute *attributes_find(const struct attributes *in,
    uint64_t type);

void attributes_clear(struct attributes *attributes);

#endif
