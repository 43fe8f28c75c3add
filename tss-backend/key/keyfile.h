/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEY_KEYFILE_H
#define KEY_KEYFILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>

/*
 * TSS2 PRIVATE KEY ("ASN.1 Specification for TPM 2.0 Key Files"):
 *
 *     TPMKey ::= SEQUENCE {
 *       type        OBJECT IDENTIFIER,
 *       emptyAuth   [0] BOOLEAN OPTIONAL,
 *       policy      [1] SEQUENCE OF TPMPolicy OPTIONAL,
 *       secret      [2] OCTET STRING OPTIONAL,
 *       authPolicy  [3] SEQUENCE OF TPMAuthPolicy OPTIONAL,
 *       description [4] UTF8String OPTIONAL,
 *       rsaParent   [5] BOOLEAN OPTIONAL,
 *       parent      INTEGER,
 *       pubkey      OCTET STRING,    -- TPM2B_PUBLIC
 *       privkey     OCTET STRING }   -- TPM2B_PRIVATE
 *
 * Loadable keys (type 2.23.133.10.1.3) only.
 *
 * The store also keeps keys that stand in the chip under a persistent handle:
 * parent is that handle, and privkey is an empty TPM2B. Nobody else's files
 * are like that, and none of ours leave the store.
 */
struct keyfile {
    bool in_chip;         /* the key itself has the handle "parent" */
    bool empty_auth;      /* no password */
    bool rsa_parent;      /* below a hierarchy: template H-1, not H-2 */
    bool policy;          /* there is a policy or authPolicy */
    TPM2_HANDLE parent;   /* persistent key or hierarchy */
    TPM2B_PUBLIC public;  /* RSA or EC, sizes checked */
    TPM2B_PRIVATE private;
    uint8_t *kept;        /* the elements [1] to [4] as they stood there */
    size_t kept_len;
};

/* Larger files are not looked at. */
#define KEYFILE_MAX 65536

/*
 * Reads all of der. SCU_E_KEYFILE with octet, element and what is wrong with
 * it; SCU_E_UNSUPPORTED for other types of files and keys; SCU_E_MEMORY. The
 * caller calls keyfile_clear() after success.
 */
int keyfile_read(const uint8_t *der, size_t len, struct keyfile *file);

/* The same of the store, which has keys under a persistent handle, too. */
int keyfile_read_stored(const uint8_t *der, size_t len, struct keyfile *file);

/* Writes it; the caller frees *der by free(3). */
int keyfile_write(const struct keyfile *file, uint8_t **der, size_t *len);

/* Frees what keyfile_read() made, and zeroes. */
void keyfile_clear(struct keyfile *file);

#endif
