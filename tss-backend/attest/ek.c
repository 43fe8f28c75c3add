/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attest/ek.h"

#include "log.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#define CERTIFICATE_MAX 8192
#define NV_CHUNK 512

#define EK_ATTRIBUTES                                                         \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |                         \
        TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |       \
        TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)

/* PolicySecret(TPM_RH_ENDORSEMENT): EK Credential Profile, B.3.1. */
#define EK_POLICY                                                             \
    { .size = 32, .buffer = {                                                 \
        0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,     \
        0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,     \
        0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa } }

#define AES_128_CFB                                                           \
    { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,                          \
        .mode.aes = TPM2_ALG_CFB }

/* Templates L-2 and L-1; "unique" is as many zeros as the key is long. */
static const struct ek_row {
    TPM2_HANDLE certificate;
    TPM2B_PUBLIC template;
} rows[] = {
    {
        .certificate = 0x01c0000a,
        .template.publicArea = {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = EK_ATTRIBUTES,
            .authPolicy = EK_POLICY,
            .parameters.eccDetail = {
                .symmetric = AES_128_CFB,
                .scheme.scheme = TPM2_ALG_NULL,
                .curveID = TPM2_ECC_NIST_P256,
                .kdf.scheme = TPM2_ALG_NULL,
            },
            .unique.ecc = { .x.size = 32, .y.size = 32 },
        },
    },
    {
        .certificate = 0x01c00002,
        .template.publicArea = {
            .type = TPM2_ALG_RSA,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = EK_ATTRIBUTES,
            .authPolicy = EK_POLICY,
            .parameters.rsaDetail = {
                .symmetric = AES_128_CFB,
                .scheme.scheme = TPM2_ALG_NULL,
                .keyBits = 2048,
            },
            .unique.rsa.size = 256,
        },
    },
};

static int
nv_size(struct scu_chip *chip, TPM2_HANDLE index, TPM2B_NAME *name,
    size_t *size)
{
    const struct chip_command command = {
        .code = TPM2_CC_NV_ReadPublic, .clear = true,
    };
    TPM2B_NV_PUBLIC public = { 0 };
    int rc = chip_prepared(Tss2_Sys_NV_ReadPublic_Prepare(chip->sys, index),
        command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_NV_ReadPublic_Complete(chip->sys,
            &public, name), command.code);
    *size = public.nvPublic.dataSize;
    if (rc == SCU_OK && *size > CERTIFICATE_MAX)
        rc = err_set(SCU_E_NOT_FOUND, "NV index 0x%08x is too large for an "
            "EK certificate", index);
    return rc;
}

static int
nv_read(struct scu_chip *chip, TPM2_HANDLE index, const TPM2B_NAME *name,
    size_t size, uint8_t *data)
{
    /* Readable by anybody: its own authorisation is empty. */
    const struct chip_command command = {
        .code = TPM2_CC_NV_Read, .handles = 2, .names = { name, name },
        .auths = 1, .auth = { { .password = true } },
    };
    TPM2B_MAX_NV_BUFFER part = { 0 };
    int rc = SCU_OK;

    for (size_t done = 0; rc == SCU_OK && done < size; done += part.size) {
        size_t want = size - done < NV_CHUNK ? size - done : NV_CHUNK;

        part.size = 0;
        rc = chip_prepared(Tss2_Sys_NV_Read_Prepare(chip->sys, index, index,
            (uint16_t)want, (uint16_t)done), command.code);
        if (rc == SCU_OK)
            rc = chip_run(chip, &command);
        if (rc == SCU_OK)
            rc = chip_completed(Tss2_Sys_NV_Read_Complete(chip->sys, &part),
                command.code);
        if (rc == SCU_OK && part.size != want)
            rc = err_set(SCU_E_CHIP, "NV index 0x%08x: short answer", index);
        if (rc == SCU_OK)
            memcpy(data + done, part.buffer, want);
    }
    return rc;
}

static X509 *
parse_certificate(struct crypto *crypto, const uint8_t *der, size_t *size)
{
    X509 *certificate = X509_new_ex(crypto_lib(crypto), NULL);
    const unsigned char *p = der;

    /* What fills the index behind the certificate does not belong to it. */
    if (certificate != NULL && d2i_X509(&certificate, &p, (long)*size) == NULL)
        certificate = NULL; /* d2i_X509() freed it */
    if (certificate != NULL)
        *size = (size_t)(p - der);
    return certificate;
}

/* Whether the certificate names the key that the chip made again. */
static bool
names_key(struct crypto *crypto, X509 *certificate, const TPMT_PUBLIC *public)
{
    EVP_PKEY *own = crypto_public_key(crypto, public);
    EVP_PKEY *named = X509_get0_pubkey(certificate);
    bool same = own != NULL && named != NULL && EVP_PKEY_eq(own, named) == 1;

    EVP_PKEY_free(own);
    return same;
}

/* The key of a certificate; SCU_E_NOT_FOUND where it is of another key. */
static int
make_key(struct scu_chip *chip, const struct ek_row *row, X509 *certificate,
    struct ek *ek)
{
    struct chip_primary primary = {
        .hierarchy = TPM2_RH_ENDORSEMENT, .auth.password = true,
        .template = &row->template,
    };
    int rc = chip_create_primary(chip, &primary);

    if (rc == SCU_E_AUTH)
        return err_set(SCU_E_AUTH_NEEDED, "the chip's endorsement "
            "authorisation is set: empty it by `tpm2_changeauth -c e` while "
            "provisioning");
    if (rc != SCU_OK)
        return rc;
    if (!names_key(chip->crypto, certificate, &primary.public.publicArea)) {
        log_line(LOG_LEVEL_WARN, "EK certificate at 0x%08x is of another key "
            "than the chip's: passed over", row->certificate);
        (void)chip_flush(chip, primary.handle);
        return SCU_E_NOT_FOUND;
    }
    ek->handle = primary.handle;
    ek->public = primary.public;
    ek->name = primary.name;
    return SCU_OK;
}

static int
try_row(struct scu_chip *chip, const struct ek_row *row, struct ek *ek)
{
    uint8_t der[CERTIFICATE_MAX];
    struct bytes part = { der, 0 };
    TPM2B_NAME name = { 0 };
    X509 *certificate = NULL;
    int rc;

    if ((rc = nv_size(chip, row->certificate, &name, &part.len)) != SCU_OK)
        return rc;
    rc = nv_read(chip, row->certificate, &name, part.len, der);
    if (rc == SCU_E_CHIP || rc == SCU_E_AUTH || rc == SCU_E_LOCKED) {
        log_line(LOG_LEVEL_WARN, "EK certificate at 0x%08x cannot be read "
            "(%s): passed over", row->certificate, scu_error_detail());
        return SCU_E_NOT_FOUND;
    }
    if (rc != SCU_OK)
        return rc;
    certificate = parse_certificate(chip->crypto, der, &part.len);
    if (certificate == NULL) {
        log_line(LOG_LEVEL_WARN, "EK certificate at 0x%08x cannot be parsed: "
            "passed over", row->certificate);
        return SCU_E_NOT_FOUND;
    }
    rc = crypto_hash(chip->crypto, TPM2_ALG_SHA256, &part, 1,
        ek->certificate_hash);
    if (rc == SCU_OK)
        rc = make_key(chip, row, certificate, ek);
    X509_free(certificate);
    return rc;
}

int
ek_find(struct scu_chip *chip, struct ek *ek)
{
    int rc = SCU_E_NOT_FOUND;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rc = try_row(chip, &rows[i], ek);
        if (rc != SCU_E_NOT_FOUND)
            break;
    }
    return rc;
}
