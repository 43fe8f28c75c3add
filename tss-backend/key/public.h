/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_PUBLIC_H
#define KEY_PUBLIC_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>

/*
 * Public areas of foreign origin. SCU_OK where it is one of an RSA or EC key
 * that can be worked with, its sizes consistent; SCU_E_KEYFILE,
 * SCU_E_UNSUPPORTED.
 */
int public_check(const TPMT_PUBLIC *public);

/* Unmarshals all of a TPM2B_PUBLIC and checks it; the same errors. */
int public_read(const uint8_t *data, size_t len, TPM2B_PUBLIC *public);

#endif
