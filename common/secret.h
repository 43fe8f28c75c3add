/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A secret of fixed size on memory pages of its own: locked into memory and
 * left out of core dumps where the system allows it, wiped when freed.
 */
struct secret {
    size_t len;
    uint8_t *data;
};

/*
 * A copy of len octets at data, or len zero octets where data is NULL.
 * Returns NULL when memory is short. The caller frees it by secret_free().
 */
struct secret *secret_new(const void *data, size_t len);

/* Wipes and frees; takes NULL; sets the caller's pointer to NULL. */
void secret_free(struct secret **secret);

/* Whether two byte strings are equal, in a time that depends on len only. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
