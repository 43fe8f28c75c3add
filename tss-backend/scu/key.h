/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_KEY_H
#define SCU_KEY_H

#include <scu/chip.h>

/*
 * Keys
 * ----
 * A struct scu_key is a key whose private half only its chip can use. It may
 * or may not be in the chip at the moment: it is loaded by the first
 * operation that needs it and evicted when its slot is wanted. It keeps in
 * memory all that is needed to load it again.
 */
struct scu_key;

/* An algorithm and size of keys, a row of a const table. */
struct scu_alg;

/* A way to sign: key type, padding and hash, a row of a const table. */
struct scu_scheme;

enum scu_kind {
    SCU_KIND_EC = 1,
    SCU_KIND_RSA = 2,
};

/* "P-256", "P-384", "RSA-2048", "RSA-3072"; NULL where unknown. */
SCU_API const struct scu_alg *scu_alg_by_name(const char *name);

/* The rows of the table in turn, from index 0; NULL behind the last. */
SCU_API const struct scu_alg *scu_alg_at(size_t index);

SCU_API const char *scu_alg_name(const struct scu_alg *alg);
SCU_API enum scu_kind scu_alg_kind(const struct scu_alg *alg);
/* Bits of the modulus or of the curve's field. */
SCU_API unsigned scu_alg_bits(const struct scu_alg *alg);
/* The curve's name as OpenSSL has it ("prime256v1"); NULL for RSA. */
SCU_API const char *scu_alg_group(const struct scu_alg *alg);

/*
 * Schemes by name: "ECDSA-SHA256", "RSASSA-SHA256", "RSAPSS-SHA256" and so on
 * with SHA1, SHA256, SHA384, SHA512; "ECDSA" signs a digest of any length (cut
 * to the curve's size), "RSASSA" pads what it is given without a DigestInfo
 * (PKCS#1 1.5 type 1). NULL where unknown.
 */
SCU_API const struct scu_scheme *scu_scheme_by_name(const char *name);

/* The rows of the table in turn, from index 0; NULL behind the last. */
SCU_API const struct scu_scheme *scu_scheme_at(size_t index);

SCU_API const char *scu_scheme_name(const struct scu_scheme *scheme);
/* The hash as OpenSSL names it ("SHA2-256"), or NULL: none. */
SCU_API const char *scu_scheme_hash(const struct scu_scheme *scheme);

/* Salt lengths of RSAPSS besides a number of octets. */
#define SCU_SALT_DIGEST (-1) /* as long as the digest: TLS, X.509 */
#define SCU_SALT_MAX (-2)    /* as long as fits */

/*
 * Makes a key in the chip, below the pinned storage key: for signatures, RSA
 * also for decryption. password (may be NULL, len 0) becomes its authValue,
 * by SHA-256 where it is longer than 32 octets. TPM2_Create; the key is
 * loaded by its first use. SCU_E_UNSUPPORTED where the chip has not the
 * algorithm. The caller frees the key by scu_key_free(), before the chip.
 */
SCU_API SCU_MUST_CHECK int scu_key_generate(struct scu_chip *chip,
    const struct scu_alg *alg, const void *password, size_t len,
    struct scu_key **key);

/*
 * Reads a key file, "TSS2 PRIVATE KEY" in DER (scu_key_from_der) or PEM
 * (scu_key_from_pem; what stands around the block is passed over). Sends no
 * command: whether the chip takes the key shows at its first use.
 * SCU_E_KEYFILE with what is wrong at which place, SCU_E_UNSUPPORTED for
 * importable and sealed ones and for curves that no row has.
 */
SCU_API SCU_MUST_CHECK int scu_key_from_der(struct scu_chip *chip,
    const uint8_t *der, size_t len, struct scu_key **key);
SCU_API SCU_MUST_CHECK int scu_key_from_pem(struct scu_chip *chip,
    const char *pem, size_t len, struct scu_key **key);

/*
 * The key that stands in the chip under a persistent handle, 0x81000000 to
 * 0x81ffffff: one of tpm2_evictcontrol(1) or of another program. It is never
 * flushed or evicted. TPM2_ReadPublic, proven by the session. Nobody can ask
 * a chip whether a key has a password: until scu_key_set_password() it is
 * taken to have none. SCU_E_ARG for other handles, SCU_E_NOT_FOUND
 * where nothing has this one, SCU_E_USAGE for keys that do not sign,
 * SCU_E_UNSUPPORTED for types, curves and policies that are not known here.
 * A restricted key (an attestation key) is taken for its public half, but
 * scu_key_sign() refuses it: SCU_E_USAGE.
 */
SCU_API SCU_MUST_CHECK int scu_key_from_handle(struct scu_chip *chip,
    uint32_t handle, struct scu_key **key);

/* Whether the key is one of these, and its handle (else 0). */
SCU_API bool scu_key_handle(const struct scu_key *key, uint32_t *handle);

/*
 * Writes it; the caller frees *out by free(3). No command. SCU_E_UNSUPPORTED
 * for a key under a persistent handle: what stands in the chip has no file.
 */
SCU_API SCU_MUST_CHECK int scu_key_to_der(const struct scu_key *key,
    uint8_t **out, size_t *len);
SCU_API SCU_MUST_CHECK int scu_key_to_pem(const struct scu_key *key,
    char **out, size_t *len);

/*
 * Keys that exist outside of the chip
 * -----------------------------------
 * A struct scu_import is a private key in software, read from a file, on its
 * way into the chip. The chip cannot make it forget that others may have it:
 * keys that are made in the chip are the better ones.
 */
struct scu_import;

/*
 * Reads a private key, PEM or DER: PKCS#8, also encrypted, or the traditional
 * form of RSA and EC keys. passphrase may be NULL: none. No command.
 * SCU_E_AUTH_NEEDED where the file is encrypted and no passphrase was given,
 * SCU_E_AUTH where it is wrong, SCU_E_KEYFILE where this is no private key,
 * SCU_E_UNSUPPORTED for keys of other algorithms, sizes and exponents than
 * those of scu_alg_at(). The caller frees it by scu_import_free().
 */
SCU_API SCU_MUST_CHECK int scu_import_read(struct scu_chip *chip,
    const void *data, size_t len, const void *passphrase,
    size_t passphrase_len, struct scu_import **import);

/* Wipes. Takes NULL, sets the caller's pointer to NULL. */
SCU_API void scu_import_free(struct scu_import **import);

SCU_API const struct scu_alg *scu_import_alg(const struct scu_import *import);

/*
 * Brings it into the chip, below the pinned storage key, for the same uses as
 * those of scu_key_generate(); password as there. It crosses the bus encrypted
 * to the pinned key. TPM2_Import. The private half is not of this chip alone:
 * neither fixedTPM nor fixedParent.
 */
SCU_API SCU_MUST_CHECK int scu_key_import(struct scu_chip *chip,
    const struct scu_import *import, const void *password, size_t len,
    struct scu_key **key);

/*
 * Whether the chip itself made the private half, and never gives it to
 * anybody: fixedTPM, fixedParent and sensitiveDataOrigin.
 */
SCU_API bool scu_key_is_native(const struct scu_key *key);

/* Whether it works only on what the chip itself made: an attestation key. */
SCU_API bool scu_key_is_restricted(const struct scu_key *key);

/* Another reference to the same key, for scu_key_free() to give back. */
SCU_API struct scu_key *scu_key_ref(struct scu_key *key);

/*
 * Gives a reference back; with the last one a loaded key is flushed from the
 * chip (TPM2_FlushContext). Takes NULL, sets the caller's pointer to NULL.
 */
SCU_API void scu_key_free(struct scu_key **key);

/* Whether its file says that it has a password (emptyAuth is not TRUE). */
SCU_API bool scu_key_needs_password(const struct scu_key *key);

/*
 * The password for the operations to come; copied to locked memory. Whether
 * it is right shows at the first use: SCU_E_AUTH.
 */
SCU_API SCU_MUST_CHECK int scu_key_set_password(struct scu_key *key,
    const void *password, size_t len);

/* NULL where the key is of a size or curve that no row has. */
SCU_API const struct scu_alg *scu_key_alg(const struct scu_key *key);

/*
 * The public half, big endian without leading zeros (RSA: modulus) or padded
 * to the curve's size (EC: x, y). Borrowed: lives as long as the key.
 */
struct scu_public {
    enum scu_kind kind;
    const uint8_t *n;
    size_t n_len;
    uint32_t e;
    const uint8_t *x, *y;
    size_t xy_len;
};
SCU_API void scu_key_public(const struct scu_key *key, struct scu_public *out);

/* What it may be used for, as the chip holds it. */
SCU_API bool scu_key_can_sign(const struct scu_key *key);
SCU_API bool scu_key_can_decrypt(const struct scu_key *key);

/* The longest signature in octets (EC: DER). */
SCU_API size_t scu_key_signature_size(const struct scu_key *key);

/*
 * Signs a digest. sig has room for *sig_len octets, scu_key_signature_size()
 * or more; *sig_len becomes the length: DER
 * of ECDSA-Sig-Value (RFC 3279) or the RSA octet string. salt is of RSAPSS
 * only: octets, SCU_SALT_DIGEST or SCU_SALT_MAX; others pass 0.
 * One command when the key is loaded: TPM2_Sign, or, where the chip has not
 * the hash or would choose another salt, padding on the host and raw
 * TPM2_RSA_Decrypt. SCU_E_ARG: the digest's length is not the scheme's;
 * SCU_E_SIZE; SCU_E_USAGE; SCU_E_UNSUPPORTED; SCU_E_AUTH; SCU_E_FOREIGN_KEY;
 * SCU_E_AUTH_NEEDED, without a command, where the key needs a password and
 * none was set (the empty one counts as set).
 */
SCU_API SCU_MUST_CHECK int scu_key_sign(struct scu_key *key,
    const struct scu_scheme *scheme, int salt, const uint8_t *digest,
    size_t digest_len, uint8_t *sig, size_t *sig_len);

/*
 * The shared secret (x coordinate, curve's size) with a peer's point of the
 * same curve, each coordinate of the curve's size; EC keys that can decrypt.
 * TPM2_ECDH_ZGen; encrypted on the bus. The caller wipes out.
 */
SCU_API SCU_MUST_CHECK int scu_key_ecdh(struct scu_key *key,
    const uint8_t *x, const uint8_t *y, size_t xy_len, uint8_t *out,
    size_t *out_len);

#endif
