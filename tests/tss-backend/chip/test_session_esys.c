/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/*
 * The session arithmetic against ESYS: ESYS runs TPM2_HMAC in sessions on a
 * real (simulated) chip, a TCTI between them keeps the octets, and ours must
 * compute each HMAC of both directions and decrypt both parameters. The
 * sessions are bound to a key whose authValue is known, so the session key
 * can be made here: the bind authValue stands where a salt would.
 */
#include "base/error.h"
#include "chip/session.h"
#include "tests/lib/swtpm.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include <cmocka.h>

#define HEADER 10
#define MESSAGE "thirty-two octets of plain data."

/* A TCTI that keeps the last exchange of the one behind it. */
struct capture {
    TSS2_TCTI_CONTEXT_COMMON_V2 common;
    TSS2_TCTI_CONTEXT *next;
    uint8_t command[4096], response[4096];
    size_t command_len, response_len;
};

struct fixture {
    struct sim *sim;
    struct capture capture;
    ESYS_CONTEXT *esys;
    struct crypto *crypto;
};

static TSS2_RC
capture_transmit(TSS2_TCTI_CONTEXT *context, size_t size,
    const uint8_t *command)
{
    struct capture *c = (struct capture *)(void *)context;

    assert_true(size <= sizeof(c->command));
    memcpy(c->command, command, size);
    c->command_len = size;
    return Tss2_Tcti_Transmit(c->next, size, command);
}

static TSS2_RC
capture_receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response,
    int32_t timeout)
{
    struct capture *c = (struct capture *)(void *)context;
    TSS2_RC rc = Tss2_Tcti_Receive(c->next, size, response, timeout);

    if (rc == TSS2_RC_SUCCESS && response != NULL) {
        assert_true(*size <= sizeof(c->response));
        memcpy(c->response, response, *size);
        c->response_len = *size;
    }
    return rc;
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char conf[256];

    *state = f;
    if (f == NULL || (f->sim = sim_new()) == NULL ||
        (f->crypto = crypto_new()) == NULL)
        return -1;
    (void)snprintf(conf, sizeof(conf), "swtpm:path=%s", sim_socket(f->sim));
    if (Tss2_TctiLdr_Initialize(conf, &f->capture.next) != TSS2_RC_SUCCESS)
        return -1;
    f->capture.common.v1.magic = 0x73637563;
    f->capture.common.v1.version = 2;
    f->capture.common.v1.transmit = capture_transmit;
    f->capture.common.v1.receive = capture_receive;
    return Esys_Initialize(&f->esys, (TSS2_TCTI_CONTEXT *)&f->capture,
        NULL) == TSS2_RC_SUCCESS ? 0 : -1;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    Esys_Finalize(&f->esys);
    Tss2_TctiLdr_Finalize(&f->capture.next);
    crypto_free(&f->crypto);
    sim_free(&f->sim);
    free(f);
    return 0;
}

/* The authValues that the issue is about. */
static const struct auth_row {
    const char *what;
    TPM2B_AUTH value;
} auths[] = {
    { "empty", { .size = 0 } },
    { "plain", { .size = 4, .buffer = "pass" } },
    { "one trailing zero", { .size = 3, .buffer = { 'a', 'b', 0 } } },
    { "two trailing zeros", { .size = 4, .buffer = { 'a', 'b', 0, 0 } } },
    { "zero inside", { .size = 3, .buffer = { 'a', 0, 'b' } } },
    { "longest", { .size = 32, .buffer = "0123456789abcdef0123456789abcdeF" } },
    { "longest, ends in two zeros",
        { .size = 32, .buffer = "0123456789abcdef0123456789abcd" } },
};
#define AUTHS (sizeof(auths) / sizeof(auths[0]))

/* An HMAC key as a primary of the null hierarchy, with an authValue. */
static ESYS_TR
make_key(ESYS_CONTEXT *esys, const TPM2B_AUTH *auth)
{
    const TPM2B_PUBLIC public = { .publicArea = {
        .type = TPM2_ALG_KEYEDHASH,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
            TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
            TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT,
        .parameters.keyedHashDetail.scheme = {
            .scheme = TPM2_ALG_HMAC,
            .details.hmac.hashAlg = TPM2_ALG_SHA256,
        },
    } };
    TPM2B_SENSITIVE_CREATE sensitive = { .sensitive.userAuth = *auth };
    const TPM2B_DATA outside = { 0 };
    const TPML_PCR_SELECTION pcrs = { 0 };
    ESYS_TR key = ESYS_TR_NONE;

    assert_int_equal(Esys_CreatePrimary(esys, ESYS_TR_RH_NULL,
        ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &public,
        &outside, &pcrs, &key, NULL, NULL, NULL, NULL), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_TR_SetAuth(esys, key, auth), TSS2_RC_SUCCESS);
    return key;
}

static ESYS_TR
start_session(struct fixture *f, ESYS_TR bind, size_t nonce_size,
    struct session *ours)
{
    const TPMT_SYM_DEF symmetric = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
        .mode.aes = TPM2_ALG_CFB,
    };
    TPM2B_NONCE nonce = { .size = (uint16_t)nonce_size };
    ESYS_TR session = ESYS_TR_NONE;
    size_t offset = HEADER;

    for (size_t i = 0; i < nonce_size; i++)
        nonce.buffer[i] = (uint8_t)(17 * i + nonce_size);
    assert_int_equal(Esys_StartAuthSession(f->esys, ESYS_TR_NONE, bind,
        ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nonce, TPM2_SE_HMAC,
        &symmetric, TPM2_ALG_SHA256, &session), TSS2_RC_SUCCESS);
    assert_int_equal(Esys_TRSess_SetAttributes(f->esys, session,
        TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT |
        TPMA_SESSION_CONTINUESESSION, 0xff), TSS2_RC_SUCCESS);
    memset(ours, 0, sizeof(*ours));
    ours->type = TPM2_SE_HMAC;
    ours->caller = nonce;
    assert_int_equal(Tss2_MU_UINT32_Unmarshal(f->capture.response,
        f->capture.response_len, &offset, &ours->handle), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_MU_TPM2B_NONCE_Unmarshal(f->capture.response,
        f->capture.response_len, &offset, &ours->tpm), TSS2_RC_SUCCESS);
    assert_int_equal(ours->tpm.size, nonce_size);
    return session;
}

/* The authorisation of the command ESYS sent, and its parameters. */
struct parsed {
    TPM2B_NONCE nonce;
    uint8_t attributes;
    TPM2B_DIGEST hmac;
    struct bytes parameters;
    TPM2B_MAX_BUFFER first;
};

static size_t
parse_auth(const uint8_t *data, size_t len, size_t offset, struct parsed *p)
{
    assert_int_equal(Tss2_MU_TPM2B_NONCE_Unmarshal(data, len, &offset,
        &p->nonce), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_MU_UINT8_Unmarshal(data, len, &offset,
        &p->attributes), TSS2_RC_SUCCESS);
    assert_int_equal(Tss2_MU_TPM2B_DIGEST_Unmarshal(data, len, &offset,
        &p->hmac), TSS2_RC_SUCCESS);
    return offset;
}

static void
parse_command(const struct capture *c, struct parsed *p)
{
    size_t offset = HEADER + 4 + 4 + 4; /* key, area size, session handle */

    offset = parse_auth(c->command, c->command_len, offset, p);
    p->parameters = (struct bytes){ c->command + offset,
        c->command_len - offset };
    assert_int_equal(Tss2_MU_TPM2B_MAX_BUFFER_Unmarshal(c->command,
        c->command_len, &offset, &p->first), TSS2_RC_SUCCESS);
}

static void
parse_response(const struct capture *c, struct parsed *p)
{
    size_t offset = HEADER;
    uint32_t size = 0;

    assert_int_equal(Tss2_MU_UINT32_Unmarshal(c->response, c->response_len,
        &offset, &size), TSS2_RC_SUCCESS);
    p->parameters = (struct bytes){ c->response + offset, size };
    (void)parse_auth(c->response, c->response_len, offset + size, p);
    assert_int_equal(Tss2_MU_TPM2B_MAX_BUFFER_Unmarshal(c->response,
        c->response_len, &offset, &p->first), TSS2_RC_SUCCESS);
}

static void
check_command(struct fixture *f, struct session *s, const struct secret *auth,
    const TPM2B_NAME *name)
{
    const TPM2B_NAME *names[] = { name };
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct parsed p;
    TPM2B_DIGEST hmac;

    parse_command(&f->capture, &p);
    s->caller = p.nonce;
    assert_int_equal(session_cp_hash(f->crypto, TPM2_CC_HMAC, names, 1,
        p.parameters, hash), SCU_OK);
    const struct session_mac mac = {
        .hash = hash, .newer = &s->caller, .older = &s->tpm,
        .attributes = p.attributes,
    };
    assert_int_equal(session_hmac(f->crypto, s, auth, &mac, &hmac), SCU_OK);
    assert_int_equal(hmac.size, p.hmac.size);
    assert_memory_equal(hmac.buffer, p.hmac.buffer, hmac.size);
    const struct session_param param = {
        .newer = &s->caller, .older = &s->tpm, .encrypt = false,
        .data = p.first.buffer, .len = p.first.size,
    };
    assert_int_equal(p.first.size, strlen(MESSAGE));
    assert_memory_not_equal(p.first.buffer, MESSAGE, p.first.size);
    assert_int_equal(session_crypt(f->crypto, s, auth, &param), SCU_OK);
    assert_memory_equal(p.first.buffer, MESSAGE, p.first.size);
}

static void
check_response(struct fixture *f, struct session *s,
    const struct secret *auth, const TPM2B_DIGEST *clear)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct parsed p;
    TPM2B_DIGEST hmac;

    parse_response(&f->capture, &p);
    s->tpm = p.nonce;
    assert_int_equal(session_rp_hash(f->crypto, TPM2_CC_HMAC, p.parameters,
        hash), SCU_OK);
    const struct session_mac mac = {
        .hash = hash, .newer = &s->tpm, .older = &s->caller,
        .attributes = p.attributes,
    };
    assert_int_equal(session_hmac(f->crypto, s, auth, &mac, &hmac), SCU_OK);
    assert_int_equal(hmac.size, p.hmac.size);
    assert_memory_equal(hmac.buffer, p.hmac.buffer, hmac.size);
    const struct session_param param = {
        .newer = &s->tpm, .older = &s->caller, .encrypt = false,
        .data = p.first.buffer, .len = p.first.size,
    };
    assert_int_equal(session_crypt(f->crypto, s, auth, &param), SCU_OK);
    assert_int_equal(p.first.size, clear->size);
    assert_memory_equal(p.first.buffer, clear->buffer, clear->size);
}

/* Two commands, so that nonces of a response go into the next command. */
static void
compare(struct fixture *f, ESYS_TR key, ESYS_TR session, struct session *ours,
    const struct secret *auth)
{
    TPM2B_MAX_BUFFER buffer = { .size = (uint16_t)strlen(MESSAGE) };
    TPM2B_NAME *name = NULL;
    TPM2B_DIGEST *out = NULL;

    memcpy(buffer.buffer, MESSAGE, strlen(MESSAGE));
    assert_int_equal(Esys_TR_GetName(f->esys, key, &name), TSS2_RC_SUCCESS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(Esys_HMAC(f->esys, key, session, ESYS_TR_NONE,
            ESYS_TR_NONE, &buffer, TPM2_ALG_SHA256, &out), TSS2_RC_SUCCESS);
        check_command(f, ours, auth, name);
        check_response(f, ours, auth, out);
        Esys_Free(out);
    }
    Esys_Free(name);
}

static void
session__agrees_with_esys(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < AUTHS; i++) {
        /*
         * Another authValue binds, so the HMAC key is of both: a session that
         * is bound to the key it authorises would leave the key's out.
         */
        const TPM2B_AUTH bind_auth = { .size = 4,
            .buffer = { 'x', 'y', 0, 0 } };
        struct secret *salt = secret_new(bind_auth.buffer, bind_auth.size);
        struct secret *auth = secret_new(auths[i].value.buffer,
            auths[i].value.size);
        ESYS_TR bind = make_key(f->esys, &bind_auth);
        ESYS_TR key = make_key(f->esys, &auths[i].value);

        for (size_t nonce = 16; nonce <= 32; nonce++) {
            struct session ours;
            ESYS_TR session = start_session(f, bind, nonce, &ours);

            assert_int_equal(session_make_key(f->crypto, &ours,
                (struct bytes){ salt->data, session_auth_len(salt) }),
                SCU_OK);
            compare(f, key, session, &ours, auth);
            assert_int_equal(Esys_FlushContext(f->esys, session),
                TSS2_RC_SUCCESS);
        }
        assert_int_equal(Esys_FlushContext(f->esys, key), TSS2_RC_SUCCESS);
        assert_int_equal(Esys_FlushContext(f->esys, bind), TSS2_RC_SUCCESS);
        secret_free(&salt);
        secret_free(&auth);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(session__agrees_with_esys, setup,
            teardown),
    };

    return cmocka_run_group_tests_name("session against ESYS", tests, NULL,
        NULL);
}
