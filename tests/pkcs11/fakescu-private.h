/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_PKCS11_FAKESCU_PRIVATE_H
#define TESTS_PKCS11_FAKESCU_PRIVATE_H

#include "tests/pkcs11/fakescu.h"

/* Of fakescu.c and fakekey.c. The failure that was asked for, or SCU_OK. */
int fake_enter(const char *function);
int fake_error(int rc, const char *text);
/* The key is the row's then. */
int fake_add_row(struct scu_token *token, unsigned flags,
    const struct scu_attribute *attributes, size_t count, struct scu_key *key,
    struct scu_object **object);

#endif
