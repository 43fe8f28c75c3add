/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/chip.h"
#include "chip/command.h"

#include <stdio.h>
#include <string.h>

/*
 * One command on its way: the sessions that go along, in the order of the
 * authorisation area, each with the authValue that it proves. A password
 * stands as a NULL session.
 */
struct exchange {
    const struct chip_command *command;
    const struct command_row *row;
    size_t n;
    struct session *session[3];
    const struct secret *value[3];
    size_t crypt; /* which of them encrypts; n: none */
    bool decrypts; /* the first command parameter goes encrypted */
    TSS2L_SYS_AUTH_COMMAND out;
    TSS2L_SYS_AUTH_RESPONSE in;
};

static const char *
name_of(TPM2_CC code, char text[64])
{
    const struct command_row *row = command_find(code);

    (void)snprintf(text, 64, "TPM2_%s", row == NULL ? "?" : row->name);
    return text;
}

int
chip_prepared(TSS2_RC rc, TPM2_CC code)
{
    char text[64];

    return err_tss(rc, name_of(code, text));
}

int
chip_completed(TSS2_RC rc, TPM2_CC code)
{
    char text[64];

    if (rc == TSS2_RC_SUCCESS)
        return SCU_OK;
    /* What has an authentic HMAC and yet cannot be parsed, or is cut off. */
    return err_set(SCU_E_CHIP, "%s: the chip's answer is malformed (0x%x)",
        name_of(code, text), rc);
}

static void
gather(struct scu_chip *chip, struct exchange *x)
{
    const struct chip_command *command = x->command;

    for (size_t i = 0; i < command->auths; i++) {
        const struct chip_auth *auth = &command->auth[i];

        x->value[x->n] = auth->value;
        x->session[x->n++] = auth->password ? NULL :
            auth->session != NULL ? auth->session : &chip->session;
    }
    /* Nothing associates it with a handle: no authValue is in its keys. */
    if (x->n == 0 || command->companion)
        x->session[x->n++] = &chip->session;
    /* An HMAC session encrypts; a policy session only where there is none. */
    x->crypt = x->n;
    for (size_t i = x->n; i-- > 0;)
        if (x->session[i] != NULL && (x->crypt == x->n ||
                x->session[i]->type == TPM2_SE_HMAC))
            x->crypt = i;
}

static int
encrypt_parameter(struct scu_chip *chip, struct exchange *x)
{
    struct session *s = x->session[x->crypt];
    uint8_t copy[TPM2_MAX_COMMAND_SIZE];
    struct session_param param = {
        .newer = &s->caller, .older = &s->tpm, .encrypt = true, .data = copy,
    };
    const uint8_t *clear = NULL;
    TSS2_RC tss;
    int rc;

    tss = Tss2_Sys_GetDecryptParam(chip->sys, &param.len, &clear);
    if (tss == TSS2_SYS_RC_NO_DECRYPT_PARAM ||
        (tss == TSS2_RC_SUCCESS && param.len == 0))
        return SCU_OK;
    if (tss != TSS2_RC_SUCCESS)
        return err_tss(tss, "command parameter");
    if (param.len > sizeof(copy))
        return err_set(SCU_E_INTERNAL, "a parameter of %zu octets",
            param.len);
    memcpy(copy, clear, param.len);
    rc = session_crypt(chip->crypto, s, x->value[x->crypt], &param);
    if (rc == SCU_OK)
        rc = err_tss(Tss2_Sys_SetDecryptParam(chip->sys, param.len, copy),
            "command parameter");
    explicit_bzero(copy, param.len);
    x->decrypts = rc == SCU_OK;
    return rc;
}

static bool
ends(const struct exchange *x, size_t i)
{
    return i < x->command->auths && x->command->auth[i].last;
}

static TPMA_SESSION
attributes(const struct exchange *x, size_t i)
{
    TPMA_SESSION a = ends(x, i) ? 0 : TPMA_SESSION_CONTINUESESSION;

    if (i != x->crypt)
        return a;
    if (x->decrypts)
        a |= TPMA_SESSION_DECRYPT;
    if (x->row->encrypts)
        a |= TPMA_SESSION_ENCRYPT;
    /* A session must do something: authorise, encrypt or audit. */
    if (x->command->auths == 0 && !x->decrypts && !x->row->encrypts)
        a |= TPMA_SESSION_AUDIT;
    return a;
}

/* nonceTPM of the encrypting session, for the first session's HMAC. */
static struct bytes
other_nonce(const struct exchange *x, size_t i, bool wanted)
{
    if (!wanted || i != 0 || x->crypt == 0 || x->crypt == x->n)
        return (struct bytes){ NULL, 0 };
    return (struct bytes){ x->session[x->crypt]->tpm.buffer,
        x->session[x->crypt]->tpm.size };
}

static int
authorise(struct scu_chip *chip, struct exchange *x)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct bytes parameters = { NULL, 0 };
    TSS2_RC tss;
    int rc;

    tss = Tss2_Sys_GetCpBuffer(chip->sys, &parameters.len,
        (const uint8_t **)&parameters.data);
    if ((rc = err_tss(tss, "command")) != SCU_OK)
        return rc;
    rc = session_cp_hash(chip->crypto, x->command->code, x->command->names,
        x->command->handles, parameters, hash);
    for (size_t i = 0; rc == SCU_OK && i < x->n; i++) {
        TPMS_AUTH_COMMAND *auth = &x->out.auths[i];
        struct session *s = x->session[i];

        if (s == NULL) {
            auth->sessionHandle = TPM2_RH_PW;
            auth->sessionAttributes = TPMA_SESSION_CONTINUESESSION;
            continue;
        }
        auth->sessionHandle = s->handle;
        auth->sessionAttributes = attributes(x, i);
        auth->nonce = s->caller;
        const struct session_mac mac = {
            .hash = hash, .newer = &s->caller, .older = &s->tpm,
            .decrypt = other_nonce(x, i, x->decrypts),
            /* Only once where one session does both. */
            .encrypt = other_nonce(x, i, x->row->encrypts && !x->decrypts),
            .attributes = auth->sessionAttributes,
        };
        rc = session_hmac(chip->crypto, s, x->value[i], &mac, &auth->hmac);
    }
    x->out.count = (uint16_t)x->n;
    if (rc == SCU_OK)
        rc = err_tss(Tss2_Sys_SetCmdAuths(chip->sys, &x->out), "command");
    return rc;
}

static int
tampered(const struct exchange *x, const char *how)
{
    char text[64];

    return err_set(SCU_E_TAMPERED, "%s: the answer is not authentic (%s): "
        "somebody alters the bus, or the link is faulty",
        name_of(x->command->code, text), how);
}

static int
verify_one(struct scu_chip *chip, struct exchange *x, size_t i,
    const uint8_t *hash)
{
    const TPMS_AUTH_RESPONSE *auth = &x->in.auths[i];
    struct session *s = x->session[i];
    const struct secret *value = x->value[i];
    TPM2B_DIGEST expected;
    int rc;

    if (auth->nonce.size < SESSION_NONCE_SIZE)
        return tampered(x, "short nonce");
    /* auditExclusive is the chip's to set. */
    if (((auth->sessionAttributes ^ x->out.auths[i].sessionAttributes) &
            ~(unsigned)TPMA_SESSION_AUDITEXCLUSIVE) != 0)
        return tampered(x, "session attributes");
    if (i == 0 && x->command->new_auth != NULL)
        value = x->command->new_auth;
    const struct session_mac mac = {
        .hash = hash, .newer = &auth->nonce, .older = &s->caller,
        .attributes = auth->sessionAttributes,
    };
    rc = session_hmac(chip->crypto, s, value, &mac, &expected);
    if (rc != SCU_OK)
        return rc;
    if (auth->hmac.size != expected.size ||
        !secret_equal(auth->hmac.buffer, expected.buffer, expected.size))
        return tampered(x, "HMAC");
    s->tpm = auth->nonce;
    return SCU_OK;
}

static int
verify(struct scu_chip *chip, struct exchange *x)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct bytes parameters = { NULL, 0 };
    int rc;

    if (Tss2_Sys_GetRspAuths(chip->sys, &x->in) != TSS2_RC_SUCCESS ||
        x->in.count != x->n)
        return tampered(x, "authorisations");
    if (Tss2_Sys_GetRpBuffer(chip->sys, &parameters.len,
            (const uint8_t **)&parameters.data) != TSS2_RC_SUCCESS ||
        parameters.len > TPM2_MAX_RESPONSE_SIZE) /* it is the bus's word */
        return tampered(x, "parameters");
    rc = session_rp_hash(chip->crypto, x->command->code, parameters, hash);
    for (size_t i = 0; rc == SCU_OK && i < x->n; i++)
        if (x->session[i] != NULL)
            rc = verify_one(chip, x, i, hash);
    return rc;
}

static int
decrypt_parameter(struct scu_chip *chip, struct exchange *x)
{
    struct session *s = x->session[x->crypt];
    uint8_t copy[TPM2_MAX_RESPONSE_SIZE];
    struct session_param param = {
        .newer = &s->tpm, .older = &s->caller, .data = copy,
    };
    const struct secret *value = x->value[x->crypt];
    const uint8_t *sealed = NULL;
    int rc;

    if (!x->row->encrypts)
        return SCU_OK;
    if (Tss2_Sys_GetEncryptParam(chip->sys, &param.len, &sealed) !=
            TSS2_RC_SUCCESS || param.len > sizeof(copy))
        return tampered(x, "first parameter");
    if (param.len == 0)
        return SCU_OK;
    memcpy(copy, sealed, param.len);
    rc = session_crypt(chip->crypto, s, value, &param);
    if (rc == SCU_OK)
        rc = err_tss(Tss2_Sys_SetEncryptParam(chip->sys, param.len, copy),
            "response parameter");
    explicit_bzero(copy, param.len);
    return rc;
}

/* The session that a code speaks of, or NULL. */
static struct session *
accused(const struct exchange *x, TSS2_RC tss)
{
    size_t i = x->n;

    tss &= ~TSS2_RC_LAYER_MASK;
    if ((tss & TPM2_RC_FMT1) == 0)
        i = tss - TPM2_RC_REFERENCE_S0;
    else if ((tss & TPM2_RC_P) == 0 && (tss & TPM2_RC_S) != 0)
        i = ((tss & TPM2_RC_N_MASK & ~TPM2_RC_S) >> 8) - 1;
    return i < x->n ? x->session[i] : NULL;
}

/* Its handle is nobody's by now, or somebody else's. */
static void
session_lost(struct scu_chip *chip)
{
    turn_gone(chip, chip->session.handle);
    session_clear(&chip->session);
}

/*
 * An answer that was lost or altered took the chip's new nonce with it: the
 * session is in the chip still, but of no use.
 */
static void
out_of_step(struct scu_chip *chip, const struct exchange *x)
{
    for (size_t i = 0; i < x->n; i++)
        if (x->session[i] == &chip->session && chip->session.handle != 0) {
            chip->stale_session = chip->session.handle;
            session_clear(&chip->session);
        }
}

/*
 * It lost its power, and with it all that was loaded. Or so somebody says, for
 * this answer is not protected: so the session is flushed before the next one.
 */
static int
not_started(struct scu_chip *chip, const struct exchange *x)
{
    char text[64];

    out_of_step(chip, x);
    return err_set(SCU_E_NOT_STARTED, "%s: the chip lost its power, and "
        "nobody has started it since: set \"startup = if-needed\" in "
        "scu.conf, or let firmware or a driver send TPM2_Startup",
        name_of(x->command->code, text));
}

/*
 * What the chip's refusal means here. That a session does not fit, or that its
 * HMAC is wrong where the authValue is empty, is no wrong password: either the
 * session is not ours any more (nor its handle ours to flush), or the chip
 * never had the key that its salt went to. An authValue that only we take for
 * empty remains in doubt. The HMAC of a policy session covers the nonce of its
 * companion: without an authValue, it is that one which is out of step.
 */
static int
refused(struct scu_chip *chip, const struct exchange *x, TSS2_RC tss)
{
    char text[64];
    int rc = err_tss(tss, name_of(x->command->code, text));

    if (rc == SCU_E_NOT_STARTED)
        return not_started(chip, x);
    if (err_is_chips(tss) && rc == SCU_E_AUTH && x->command->companion &&
        accused(x, tss) == x->session[0]) {
        out_of_step(chip, x);
        return SCU_E_LOST;
    }
    if (!err_is_chips(tss) || accused(x, tss) != &chip->session)
        return rc;
    for (size_t i = 0; i < x->n && rc == SCU_E_AUTH; i++)
        if (session_auth_len(x->value[i]) > 0)
            return rc;
    if (!chip->session_proven && rc != SCU_E_LOST) {
        chip->doubted = rc == SCU_E_AUTH;
        return SCU_E_OTHER_CHIP;
    }
    if (rc == SCU_E_AUTH && x->command->auths > 0)
        chip->doubted = true;
    else
        session_lost(chip);
    return SCU_E_LOST;
}

/* What there was no room for; persistent keys in use take a slot, too. */
static TPM2_HANDLE
lacking(TSS2_RC tss)
{
    switch (tss & ~TSS2_RC_LAYER_MASK) {
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_OBJECT_HANDLES:
        return CHIP_TRANSIENT_FIRST;
    case TPM2_RC_SESSION_MEMORY:
    case TPM2_RC_SESSION_HANDLES:
        return TPM2_LOADED_SESSION_FIRST;
    /* The last slot is kept for a session that was saved too long ago. */
    case TPM2_RC_CONTEXT_GAP:
        return TPM2_ACTIVE_SESSION_FIRST;
    default:
        return 0;
    }
}

/* What the host has to do anyway costs nothing now. */
static void
work(struct scu_chip *chip)
{
    chip_work *own = chip->work;

    chip->work = NULL;
    if (chip->crypto != NULL)
        crypto_ready_cipher(chip->crypto);
    if (own != NULL)
        own(chip, chip->work_arg);
}

/*
 * A refusal is no proof that nothing was done: it comes unprotected, and
 * somebody on the bus may have made it up. What never left the host was not.
 */
static void
note_answer(struct scu_chip *chip, TSS2_RC tss)
{
    /* One that nobody has started is as good as none. */
    if (tss == TSS2_RC_SUCCESS || (err_is_chips(tss) &&
            err_of_tss(tss) != SCU_E_NOT_STARTED)) {
        chip->met = true;
        chip->absent = false;
    }
    if (err_is_chips(tss) || err_of_tss(tss) != SCU_E_NO_CHIP)
        chip->touched = true;
}

static int
execute(struct scu_chip *chip, const struct exchange *x)
{
    TSS2_RC tss = Tss2_Sys_ExecuteAsync(chip->sys);

    work(chip);
    if (tss == TSS2_RC_SUCCESS)
        tss = Tss2_Sys_ExecuteFinish(chip->sys, TSS2_TCTI_TIMEOUT_BLOCK);
    note_answer(chip, tss);
    if (err_is_chips(tss) && err_of_tss(tss) == SCU_E_SLOTS)
        chip->wanted = lacking(tss);

    if (tss == TSS2_RC_SUCCESS)
        return SCU_OK;
    if (!err_is_chips(tss)) {
        /* A context without its answer takes no other command. */
        chip->faulty = true;
        out_of_step(chip, x);
    }
    return refused(chip, x, tss);
}

/*
 * What the chip was asked to encrypt with stands under no HMAC: somebody on the
 * bus may have asked for another cipher, and what one side encrypts is then
 * nonsense to the other, with an authentic HMAC.
 */
static bool
is_blind(const struct scu_chip *chip, const struct exchange *x)
{
    return x->row->blind && x->crypt < x->n && chip->have_pins &&
        x->session[x->crypt] == &chip->session &&
        !chip->session.cipher_proven;
}

int
chip_run(struct scu_chip *chip, const struct chip_command *command)
{
    struct exchange x = {
        .command = command, .row = command_find(command->code),
    };
    int rc;

    if (x.row == NULL)
        return err_set(SCU_E_INTERNAL, "command 0x%x has no row",
            command->code);
    if (command->clear)
        return execute(chip, &x);
    gather(chip, &x);
    if (is_blind(chip, &x) && (rc = chip_prove_cipher(chip)) != SCU_OK)
        return rc;
    for (size_t i = 0; i < x.n; i++) {
        if (x.session[i] == NULL)
            continue;
        x.session[i]->caller.size = SESSION_NONCE_SIZE;
        rc = crypto_random(chip->crypto, x.session[i]->caller.buffer,
            SESSION_NONCE_SIZE);
        if (rc != SCU_OK)
            return rc;
    }
    if (x.crypt < x.n && (rc = encrypt_parameter(chip, &x)) != SCU_OK)
        return rc;
    if ((rc = authorise(chip, &x)) != SCU_OK ||
        (rc = execute(chip, &x)) != SCU_OK)
        return rc;
    if ((rc = verify(chip, &x)) != SCU_OK) {
        out_of_step(chip, &x);
        return rc;
    }
    for (size_t i = 0; i < x.n; i++)
        if (x.session[i] == &chip->session)
            chip->session_proven = true;
    if (x.crypt < x.n)
        rc = decrypt_parameter(chip, &x);
    for (size_t i = 0; i < x.n; i++)
        if (x.session[i] != NULL && ends(&x, i)) {
            turn_gone(chip, x.session[i]->handle);
            session_clear(x.session[i]);
        }
    return rc;
}
