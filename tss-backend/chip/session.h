/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_SESSION_H
#define CHIP_SESSION_H

#include "chip/crypto.h"

#include "secret.h"

/*
 * The arithmetic of protected sessions (TPM 2.0 Part 1, 19.6): no command is
 * sent here, so each function can be held against known values. Sessions are
 * HMAC or policy, salted, SHA-256, AES-128-CFB.
 */
struct session {
    TPM2_HANDLE handle; /* 0: there is none */
    TPM2_SE type;
    bool with_auth_value; /* policy sessions: after PolicyAuthValue */
    bool cipher_proven;   /* it encrypts as it was asked to: what encrypted
                             parameters gave was compared with what was known;
                             no HMAC covers the choice of the cipher */
    size_t key_len;       /* the session key, from the salt */
    uint8_t key[CRYPTO_SHA256_SIZE];
    TPM2B_NONCE caller;   /* newest of each side */
    TPM2B_NONCE tpm;
};

/* 16 octets, the least that a chip takes: they travel with every command. */
#define SESSION_NONCE_SIZE 16

/* sessionKey := KDFa(salt, "ATH", nonceTPM, nonceCaller). */
int session_make_key(struct crypto *crypto, struct session *session,
    struct bytes salt);

/* Wipes. */
void session_clear(struct session *session);

/* cpHash := H(commandCode || names || parameters). */
int session_cp_hash(struct crypto *crypto, TPM2_CC code,
    const TPM2B_NAME *const *names, size_t n, struct bytes parameters,
    uint8_t *out);

/* rpHash := H(responseCode 0 || commandCode || parameters). */
int session_rp_hash(struct crypto *crypto, TPM2_CC code,
    struct bytes parameters, uint8_t *out);

/*
 * What one HMAC covers. newer and older are the nonces as the direction has
 * them: command: caller, tpm; response: tpm, caller. decrypt and encrypt are
 * the nonceTPM of other sessions of the command with these attributes, empty
 * otherwise (command only, first session only).
 */
struct session_mac {
    const uint8_t *hash; /* cpHash or rpHash */
    const TPM2B_NONCE *newer, *older;
    struct bytes decrypt, encrypt;
    TPMA_SESSION attributes;
};

/* The HMAC with the authValue (NULL: empty) of the authorised entity. */
int session_hmac(struct crypto *crypto, const struct session *session,
    const struct secret *auth, const struct session_mac *mac,
    TPM2B_DIGEST *out);

/*
 * A parameter to encrypt or decrypt in place. For a command newer is the
 * caller's nonce, for a response the chip's.
 */
struct session_param {
    const TPM2B_NONCE *newer, *older;
    bool encrypt;
    uint8_t *data;
    size_t len;
};

int session_crypt(struct crypto *crypto, const struct session *session,
    const struct secret *auth, const struct session_param *param);

/* The length of an authValue without its trailing zero octets: the chip
 * strips them (Part 1, 19.6.4.3). */
size_t session_auth_len(const struct secret *auth);

#endif
