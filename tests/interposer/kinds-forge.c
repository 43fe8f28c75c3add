/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attack.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>
#include <tss2/tss2_tpm2_types.h>

/*
 * Answers that the attacker makes: he runs the command himself, or makes up
 * what it says, and dresses it as an answer of the victim's session.
 */
enum dress {
    DRESS_BARE,     /* without sessions */
    DRESS_PASSWORD, /* as an answer to passwords: no HMAC */
    DRESS_NO_HMAC,  /* the victim's sessions, HMAC empty */
    DRESS_ZERO,     /* ... zero */
    DRESS_EMPTY_KEY, /* ... right for an empty key */
    DRESS_TRUE_AREA, /* the chip's own authorisation area */
    DRESSES,
};

/* --- the victim's sessions -------------------------------------------------- */

struct area_entry {
    uint32_t handle;
    const uint8_t *nonce;
    size_t nonce_len;
    uint8_t attributes;
};

/* Of the command's area; how many. */
static size_t
read_area(const struct frame *command, struct area_entry *entries, size_t max)
{
    struct layout l;
    size_t at, end, n = 0;

    if (!command_layout(command, &l))
        return 0;
    at = l.area;
    end = l.area + l.area_len;
    while (n < max && at + 9 <= end) {
        struct area_entry *e = &entries[n];

        e->handle = get32(command->data + at);
        e->nonce_len = get16(command->data + at + 4);
        e->nonce = command->data + at + 6;
        at += 6 + e->nonce_len;
        if (at + 3 > end)
            break;
        e->attributes = command->data[at];
        at += 3 + get16(command->data + at + 1);
        n++;
    }
    return n;
}

static void
empty_key_hmac(uint32_t code, const uint8_t *params, size_t params_len,
    const struct area_entry *e, uint8_t mac[32])
{
    struct frame data = { .len = 0 };
    uint8_t hash[32], nonce[16];
    unsigned len = 32;

    frame_u32(&data, 0);
    frame_u32(&data, code);
    frame_add(&data, params, params_len);
    (void)SHA256(data.data, data.len, hash);
    memset(nonce, 0xa5, sizeof(nonce));
    data.len = 0;
    frame_add(&data, hash, sizeof(hash));
    frame_add(&data, nonce, sizeof(nonce));
    frame_add(&data, e->nonce, e->nonce_len);
    frame_u8(&data, e->attributes);
    (void)HMAC(EVP_sha256(), "", 0, data.data, data.len, mac, &len);
}

static void
dress_one(enum dress dress, uint32_t code, const struct frame *params,
    const struct area_entry *e, struct frame *out)
{
    uint8_t mac[32] = { 0 }, nonce[16];

    memset(nonce, 0xa5, sizeof(nonce));
    if (dress == DRESS_PASSWORD || e->handle == TPM2_RH_PW) {
        frame_u16(out, 0);
        frame_u8(out, dress == DRESS_PASSWORD ? 1 : e->attributes);
        frame_u16(out, 0);
        return;
    }
    if (dress == DRESS_EMPTY_KEY)
        empty_key_hmac(code, params->data, params->len, e, mac);
    frame_u16(out, sizeof(nonce));
    frame_add(out, nonce, sizeof(nonce));
    frame_u8(out, e->attributes);
    frame_u16(out, dress == DRESS_NO_HMAC ? 0 : sizeof(mac));
    if (dress != DRESS_NO_HMAC)
        frame_add(out, mac, sizeof(mac));
}

/* handles: those of the answer. truth: the chip's own, or empty. */
static void
put_on(enum dress dress, const struct frame *command,
    const struct frame *handles, const struct frame *params,
    const struct frame *truth, struct frame *out)
{
    struct area_entry entries[3];
    size_t n = read_area(command, entries, 3);
    uint32_t code = frame_rc(command);
    struct layout l = { 0 };

    frame_begin(out, dress == DRESS_BARE ? TAG_NO_SESSIONS : TAG_SESSIONS, 0);
    frame_add(out, handles->data, handles->len);
    if (dress != DRESS_BARE)
        frame_u32(out, (uint32_t)params->len);
    frame_add(out, params->data, params->len);
    if (dress == DRESS_TRUE_AREA && response_layout(truth, code, &l))
        frame_add(out, truth->data + l.area, l.area_len);
    else if (dress != DRESS_BARE)
        for (size_t i = 0; i < n; i++)
            dress_one(dress, code, params, &entries[i], out);
    frame_end(out);
}

/* --- what the chip says to the attacker ------------------------------------ */

/*
 * The command with its parameters, on his own authority: an empty password
 * for each handle that wants one. What was encrypted is gibberish to the chip.
 */
static void
as_attacker(const struct frame *command, uint32_t session, struct frame *own)
{
    uint32_t code = frame_rc(command);
    struct area_entry entries[3];
    size_t n = read_area(command, entries, 3);
    struct layout l;

    (void)command_layout(command, &l);
    frame_begin(own, n > 0 && command_handles(code) > 0 ? TAG_SESSIONS :
        TAG_NO_SESSIONS, code);
    frame_add(own, command->data + FRAME_HEADER, command_handles(code));
    if (frame_tag(own) == TAG_SESSIONS) {
        frame_u32(own, 9);
        frame_u32(own, session);
        frame_u16(own, 0);
        frame_u8(own, session == TPM2_RH_PW ? 0 : 1);
        frame_u16(own, 0);
    }
    frame_add(own, command->data + l.params, l.params_len);
    frame_end(own);
}

static void
split(const struct frame *answer, uint32_t code, struct frame *handles,
    struct frame *params)
{
    struct layout l;

    handles->len = params->len = 0;
    if (!response_layout(answer, code, &l))
        return;
    frame_add(handles, answer->data + FRAME_HEADER, response_handles(code));
    frame_add(params, answer->data + l.params, l.params_len);
}

static size_t
protected_ones(const struct transcript *t, size_t nth)
{
    return frame_tag(&t->x[nth].command) == TAG_SESSIONS ? DRESSES : 0;
}

/*
 * A password for a PIN index would be a wrong try, and stand in its count; and
 * who takes a chip that has no owner yet, owns it.
 */
static bool
is_lasting(const struct frame *command)
{
    return frame_rc(command) == TPM2_CC_HierarchyChangeAuth ||
        (command_handles(frame_rc(command)) > 0 &&
            command->data[FRAME_HEADER] == TPM2_HT_NV_INDEX);
}

/* An answer of the chip, but to the attacker. */
static enum fate
forge(struct attack *a, struct frame *command, struct frame *response)
{
    struct frame own, answer = { .len = 0 }, truth = { .len = 0 };
    struct frame handles, params;

    if (a->variant == DRESS_TRUE_AREA)
        (void)attack_pass(a, command, &truth);
    as_attacker(command, TPM2_RH_PW, &own);
    if (is_lasting(command) ||
        wire_exchange(a->chip, &own, &answer) != 0 || answer.len == 0 ||
        frame_rc(&answer) != 0) {
        /* He is refused: what he remembers of another time will do. */
        answer = a->before->x[a->nth].response;
    }
    split(&answer, frame_rc(command), &handles, &params);
    put_on((enum dress)a->variant, command, &handles, &params, &truth,
        response);
    a->harmless = response->len == truth.len &&
        memcmp(response->data, truth.data, truth.len) == 0;
    return FATE_ANSWER;
}

const struct attack_kind kind_forge = {
    .name = "forge", .flags = ATTACK_ANSWER, .variants = protected_ones,
    .run = forge,
};

/* --- answers of his choice -------------------------------------------------- */

/* The last octets of what the chip says are his: value, digest, random. */
static enum fate
forge_end(struct attack *a, struct frame *command, struct frame *response,
    size_t octets)
{
    struct frame truth = { .len = 0 }, handles, params;
    enum fate fate = attack_pass(a, command, &truth);

    if (fate != FATE_ANSWER || frame_rc(&truth) != 0) {
        *response = truth;
        return fate;
    }
    split(&truth, frame_rc(command), &handles, &params);
    if (octets > params.len)
        octets = params.len;
    memset(params.data + params.len - octets, 0xa5, octets);
    put_on((enum dress)a->variant, command, &handles, &params, &truth,
        response);
    return FATE_ANSWER;
}

static size_t
of_code(const struct transcript *t, size_t nth, uint32_t code)
{
    return t->x[nth].code == code ? protected_ones(t, nth) : 0;
}

static size_t
randoms(const struct transcript *t, size_t nth)
{
    return of_code(t, nth, TPM2_CC_GetRandom);
}

static enum fate
forge_random(struct attack *a, struct frame *command, struct frame *response)
{
    return forge_end(a, command, response, 32);
}

const struct attack_kind kind_forge_random = {
    .name = "forge-random", .flags = ATTACK_ANSWER, .variants = randoms,
    .run = forge_random,
};

static size_t
pcr_reads(const struct transcript *t, size_t nth)
{
    return of_code(t, nth, TPM2_CC_PCR_Read);
}

static enum fate
forge_pcr_read(struct attack *a, struct frame *command,
    struct frame *response)
{
    return forge_end(a, command, response, 32);
}

const struct attack_kind kind_forge_pcr_read = {
    .name = "forge-pcr-read", .flags = ATTACK_ANSWER, .variants = pcr_reads,
    .run = forge_pcr_read,
};

static size_t
capabilities(const struct transcript *t, size_t nth)
{
    return of_code(t, nth, TPM2_CC_GetCapability);
}

static enum fate
forge_capability(struct attack *a, struct frame *command,
    struct frame *response)
{
    return forge_end(a, command, response, 4);
}

const struct attack_kind kind_forge_capability = {
    .name = "forge-capability", .flags = ATTACK_ANSWER,
    .variants = capabilities, .run = forge_capability,
};

/* --- PCR_Extend ------------------------------------------------------------- */

/*
 * The firmware's measurement is swallowed and answered well, or another one
 * is made of it, or it is made twice; and wherever a quote is on its way, the
 * attacker extends behind its back.
 */
static size_t
extends(const struct transcript *t, size_t nth)
{
    if (t->x[nth].code == TPM2_CC_PCR_Extend)
        return 3;
    for (size_t i = 0; i < t->n; i++)
        if (t->x[i].code == TPM2_CC_PCR_Extend)
            return 1;
    return 0;
}

static enum fate
forge_extend(struct attack *a, struct frame *command, struct frame *response)
{
    static const uint8_t other[32] = { 0xa5, 0x5a };

    if (frame_rc(command) != TPM2_CC_PCR_Extend) {
        (void)wire_pcr_extend(a->chip, 16, other);
    } else if (a->variant == 0) {
        *response = a->before->x[a->nth].response;
        return FATE_ANSWER;
    } else if (a->variant == 1) {
        memset(command->data + command->len - 32, 0xa5, 32);
    } else {
        (void)attack_pass(a, command, response);
    }
    return attack_pass(a, command, response);
}

const struct attack_kind kind_forge_pcr_extend = {
    .name = "forge-pcr-extend", .variants = extends, .run = forge_extend,
};

/* --- hijack ----------------------------------------------------------------- */

/* What takes a secret: the attacker must not get it done. */
static bool
is_guarded(uint32_t code)
{
    return code == TPM2_CC_Unseal || code == TPM2_CC_NV_ChangeAuth ||
        code == TPM2_CC_NV_UndefineSpace || code == TPM2_CC_NV_DefineSpace ||
        code == TPM2_CC_NV_Write;
}

static size_t
guarded(const struct transcript *t, size_t nth)
{
    return is_guarded(t->x[nth].code) ? 2 : 0;
}

/* The victim's command, a moment before him: by a password, or on the session
 * that he made ready for it. */
static enum fate
hijack(struct attack *a, struct frame *command, struct frame *response)
{
    struct area_entry entries[3];
    struct frame own, answer;
    uint32_t session = TPM2_RH_PW;

    if (a->variant == 1 && read_area(command, entries, 3) > 0)
        session = entries[0].handle;
    as_attacker(command, session, &own);
    if (wire_exchange(a->chip, &own, &answer) == 0 && frame_rc(&answer) == 0)
        a->won = "the attacker got the command done";
    return attack_pass(a, command, response);
}

const struct attack_kind kind_hijack = {
    .name = "hijack", .variants = guarded, .run = hijack,
};
