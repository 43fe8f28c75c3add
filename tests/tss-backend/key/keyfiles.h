/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_KEY_KEYFILES_H
#define TESTS_KEY_KEYFILES_H

#include <stddef.h>
#include <stdint.h>

/* DER made by hand, apart from the code under test. */
struct blob {
    size_t len;
    uint8_t data[4096];
};

/* Appends an element. */
void put(struct blob *to, uint8_t tag, const void *data, size_t len);

/* Appends [number] EXPLICIT of one element. */
void put_explicit(struct blob *to, unsigned number, uint8_t tag,
    const void *data, size_t len);

/* Appends octets as they are. */
void put_raw(struct blob *to, const void *data, size_t len);

/* Makes a SEQUENCE of what is there. */
void wrap(struct blob *blob);

/* The elements of a key file, NULL data: left out. */
struct keyfile_parts {
    struct element {
        const void *data;
        size_t len;
    } type, empty_auth, policy, secret, auth_policy, description, rsa_parent,
        parent, public, private;
};

/* Those of a P-256 key without password below the owner's storage key. */
extern const struct keyfile_parts keyfile_good;

/* The same with each optional element. */
void with_all_options(struct keyfile_parts *parts);

void assemble(const struct keyfile_parts *parts, struct blob *out);

/* A file of tests/tss-backend/key/data, terminated; the caller frees it. */
char *read_data(const char *name, size_t *len);

#endif
