/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attack.h"

#include <string.h>
#include <tss2/tss2_tpm2_types.h>

/* TPM2_StartAuthSession, which goes in the clear, and its answer. */

struct request {
    uint32_t key, bind;
    struct frame nonce, salt; /* without their sizes */
    uint8_t type;
    struct frame symmetric;
    uint16_t hash;
};

static size_t
take(const struct frame *from, size_t at, struct frame *to)
{
    size_t n = get16(from->data + at);

    to->len = 0;
    frame_add(to, from->data + at + 2, n);
    return at + 2 + n;
}

/* The victim's are well formed. */
static void
request_read(const struct frame *f, struct request *r)
{
    size_t at = FRAME_HEADER;

    r->key = get32(f->data + at);
    r->bind = get32(f->data + at + 4);
    at = take(f, at + 8, &r->nonce);
    at = take(f, at, &r->salt);
    r->type = f->data[at++];
    r->symmetric.len = 0;
    frame_add(&r->symmetric, f->data + at, f->len - at - 2);
    r->hash = get16(f->data + f->len - 2);
}

static void
request_write(const struct request *r, struct frame *f)
{
    frame_begin(f, TAG_NO_SESSIONS, TPM2_CC_StartAuthSession);
    frame_u32(f, r->key);
    frame_u32(f, r->bind);
    frame_u16(f, (uint16_t)r->nonce.len);
    frame_add(f, r->nonce.data, r->nonce.len);
    frame_u16(f, (uint16_t)r->salt.len);
    frame_add(f, r->salt.data, r->salt.len);
    frame_u8(f, r->type);
    frame_add(f, r->symmetric.data, r->symmetric.len);
    frame_u16(f, r->hash);
    frame_end(f);
}

static void
set_symmetric(struct request *r, uint16_t alg, uint16_t bits, uint16_t mode)
{
    r->symmetric.len = 0;
    frame_u16(&r->symmetric, alg);
    if (alg == TPM2_ALG_NULL)
        return;
    frame_u16(&r->symmetric, bits);
    if (alg != TPM2_ALG_XOR)
        frame_u16(&r->symmetric, mode);
}

/* A point that is on the curve, as an ephemeral key. */
static void
set_own_salt(struct attack *a, struct request *r)
{
    r->salt.len = 0;
    frame_u16(&r->salt, 32);
    frame_add(&r->salt, a->loot.signing_point, 32);
    frame_u16(&r->salt, 32);
    frame_add(&r->salt, a->loot.signing_point + 32, 32);
}

/* --- the request ----------------------------------------------------------- */

static void
key_null(struct attack *a, struct request *r)
{
    (void)a;
    r->key = TPM2_RH_NULL;
    r->salt.len = 0;
}

static void
key_null_salt_kept(struct attack *a, struct request *r)
{
    (void)a;
    r->key = TPM2_RH_NULL;
}

static void
key_own(struct attack *a, struct request *r)
{
    (void)loot_storage(a);
    r->key = a->loot.storage;
}

static void
key_own_salt_own(struct attack *a, struct request *r)
{
    key_own(a, r);
    (void)loot_signing(a);
    set_own_salt(a, r);
}

static void
key_attestation(struct attack *a, struct request *r)
{
    (void)a;
    r->key = 0x81010002;
}

static void
salt_own(struct attack *a, struct request *r)
{
    (void)loot_signing(a);
    set_own_salt(a, r);
}

static void
salt_none(struct attack *a, struct request *r)
{
    (void)a;
    r->salt.len = 0;
}

static void
bind_owner(struct attack *a, struct request *r)
{
    (void)a;
    r->bind = TPM2_RH_OWNER;
}

static void
bind_lockout(struct attack *a, struct request *r)
{
    (void)a;
    r->bind = TPM2_RH_LOCKOUT;
}

static void
bind_endorsement(struct attack *a, struct request *r)
{
    (void)a;
    r->bind = TPM2_RH_ENDORSEMENT;
}

static void
bind_platform(struct attack *a, struct request *r)
{
    (void)a;
    r->bind = TPM2_RH_PLATFORM;
}

static void
bind_key(struct attack *a, struct request *r)
{
    (void)a;
    r->bind = 0x81000001;
}

static void
bind_own(struct attack *a, struct request *r)
{
    (void)loot_signing(a);
    r->bind = a->loot.signing;
}

static void
type_other(struct attack *a, struct request *r)
{
    (void)a;
    r->type ^= 1;
}

static void
type_trial(struct attack *a, struct request *r)
{
    (void)a;
    r->type = TPM2_SE_TRIAL;
}

static void
hash_sha1(struct attack *a, struct request *r)
{
    (void)a;
    r->hash = TPM2_ALG_SHA1;
}

static void
hash_sha384(struct attack *a, struct request *r)
{
    (void)a;
    r->hash = TPM2_ALG_SHA384;
}

static void
hash_null(struct attack *a, struct request *r)
{
    (void)a;
    r->hash = TPM2_ALG_NULL;
}

static void
symmetric_null(struct attack *a, struct request *r)
{
    (void)a;
    set_symmetric(r, TPM2_ALG_NULL, 0, 0);
}

static void
symmetric_xor(struct attack *a, struct request *r)
{
    (void)a;
    set_symmetric(r, TPM2_ALG_XOR, TPM2_ALG_SHA256, 0);
}

static void
symmetric_256(struct attack *a, struct request *r)
{
    (void)a;
    set_symmetric(r, TPM2_ALG_AES, 256, TPM2_ALG_CFB);
}

static void
symmetric_ecb(struct attack *a, struct request *r)
{
    (void)a;
    set_symmetric(r, TPM2_ALG_AES, 128, TPM2_ALG_ECB);
}

static void
nonce_other(struct attack *a, struct request *r)
{
    (void)a;
    memset(r->nonce.data, 0xa5, r->nonce.len);
}

static void
nonce_longer(struct attack *a, struct request *r)
{
    (void)a;
    memset(r->nonce.data, 0xa5, 32);
    r->nonce.len = 32;
}

/* The weakest that there is: all at once. */
static void
all_weak(struct attack *a, struct request *r)
{
    key_null(a, r);
    symmetric_null(a, r);
    hash_sha1(a, r);
    nonce_other(a, r);
}

typedef void request_function(struct attack *a, struct request *r);

static request_function *const requests[] = {
    key_null, key_null_salt_kept, key_own, key_own_salt_own, key_attestation,
    salt_own, salt_none,
    bind_owner, bind_lockout, bind_endorsement, bind_platform, bind_key,
    bind_own,
    type_other, type_trial,
    hash_sha1, hash_sha384, hash_null,
    symmetric_null, symmetric_xor, symmetric_256, symmetric_ecb,
    nonce_other, nonce_longer, all_weak,
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

/* --- the answer ------------------------------------------------------------ */

static void
answer_own_session(struct attack *a, struct frame *response)
{
    struct frame own;
    uint32_t handle = loot_session(a, &own);

    (void)handle;
    *response = own;
}

/* The nonce stays, the handle is that of another session. */
static void
answer_handle_of_own(struct attack *a, struct frame *response)
{
    struct frame own;

    put32(response->data + FRAME_HEADER, loot_session(a, &own));
}

static void
answer_handle_of_object(struct attack *a, struct frame *response)
{
    (void)a;
    put32(response->data + FRAME_HEADER, 0x80000000);
}

static void
answer_handle_password(struct attack *a, struct frame *response)
{
    (void)a;
    put32(response->data + FRAME_HEADER, TPM2_RH_PW);
}

static void
answer_handle_type(struct attack *a, struct frame *response)
{
    (void)a;
    response->data[FRAME_HEADER] ^= 1; /* 02, HMAC, or 03, policy */
}

static void
answer_nonce_other(struct attack *a, struct frame *response)
{
    (void)a;
    memset(response->data + 16, 0xa5, response->len - 16);
}

static void
answer_nonce_none(struct attack *a, struct frame *response)
{
    (void)a;
    put16(response->data + 14, 0);
    response->len = 16;
    frame_end(response);
}

static void
answer_nonce_short(struct attack *a, struct frame *response)
{
    (void)a;
    put16(response->data + 14, 8);
    response->len = 24;
    frame_end(response);
}

typedef void answer_function(struct attack *a, struct frame *response);

static answer_function *const answers[] = {
    answer_own_session, answer_handle_of_own, answer_handle_of_object,
    answer_handle_password, answer_handle_type,
    answer_nonce_other, answer_nonce_none, answer_nonce_short,
};
#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

static size_t
rewrites(const struct transcript *t, size_t nth)
{
    return t->x[nth].code == TPM2_CC_StartAuthSession ? REQUESTS + ANSWERS :
        0;
}

static enum fate
rewrite(struct attack *a, struct frame *command, struct frame *response)
{
    struct request r;
    enum fate fate;

    if (a->variant < REQUESTS) {
        request_read(command, &r);
        requests[a->variant](a, &r);
        request_write(&r, command);
    }
    fate = attack_pass(a, command, response);
    if (a->variant >= REQUESTS && response->len > 24)
        answers[a->variant - REQUESTS](a, response);
    return fate;
}

const struct attack_kind kind_session = {
    .name = "start-session", .flags = ATTACK_LITTER, .variants = rewrites, .run = rewrite,
};
