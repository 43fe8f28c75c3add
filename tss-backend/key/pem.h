/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_PEM_H
#define KEY_PEM_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The first TSS2 PRIVATE KEY block of a text, decoded; the caller frees *der
 * by free(3). SCU_E_KEYFILE.
 */
int pem_decode(const char *text, size_t len, uint8_t **der, size_t *der_len);

/* The block, terminated; *len without the NUL. The caller frees *text. */
int pem_encode(const uint8_t *der, size_t der_len, char **text, size_t *len);

#endif
