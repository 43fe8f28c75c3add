/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_SOFTWARE_H
#define KEY_SOFTWARE_H

#include "chip/crypto.h"
#include "key/alg.h"
#include "secret.h"

/* A private key in software. */
struct scu_import {
    const struct scu_alg *alg;
    TPM2B_PUBLIC public;    /* as the chip is to hold it */
    struct secret *private; /* EC: the scalar; RSA: one prime */
};

/*
 * Reads a key into import, which the caller clears in any case. passphrase
 * data NULL: none. Within an operation (offline will do). The errors are those
 * of scu_import_read().
 */
int software_read(struct crypto *crypto, struct bytes file,
    struct bytes passphrase, struct scu_import *import);

void software_clear(struct scu_import *import);

#endif
