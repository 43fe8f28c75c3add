/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attack.h"

#include "key/template.h"

#include <string.h>
#include <tss2/tss2_mu.h>

/* Keys and other things that the attacker has in the chip. */

static bool
add_template(struct frame *f, bool storage)
{
    TPM2B_PUBLIC public;
    size_t at = f->len;

    if (storage)
        template_storage_ecc(&public);
    else
        template_key(scu_alg_by_name("P-256"), &public);
    if (Tss2_MU_TPM2B_PUBLIC_Marshal(&public, f->data, FRAME_MAX, &at) != 0)
        return false;
    f->len = at;
    return true;
}

/* TPM2_Create or TPM2_CreatePrimary of a key without authValue. */
static bool
make(struct wire *w, uint32_t code, uint32_t parent, bool storage,
    struct frame *response)
{
    struct frame c;

    frame_begin(&c, TAG_SESSIONS, code);
    frame_u32(&c, parent);
    frame_password(&c);
    frame_u16(&c, 4); /* inSensitive: two empty ones */
    frame_u32(&c, 0);
    if (!add_template(&c, storage))
        return false;
    frame_u16(&c, 0); /* outsideInfo */
    frame_u32(&c, 0); /* creationPCR */
    frame_end(&c);
    return wire_exchange(w, &c, response) == 0 && frame_rc(response) == 0;
}

/* The point of a public area: it ends in two coordinates. */
static bool
primary(struct wire *w, bool storage, uint32_t *handle, uint8_t point[64])
{
    struct layout l;
    struct frame r;
    size_t size;

    if (*handle != 0)
        return true;
    if (!make(w, TPM2_CC_CreatePrimary, TPM2_RH_NULL, storage, &r) ||
        !response_layout(&r, TPM2_CC_CreatePrimary, &l))
        return false;
    size = get16(r.data + l.params);
    if (size < 68 || l.params + 2 + size > r.len)
        return false;
    memcpy(point, r.data + l.params + 2 + size - 66, 32);
    memcpy(point + 32, r.data + l.params + 2 + size - 32, 32);
    *handle = get32(r.data + FRAME_HEADER);
    return true;
}

bool
loot_signing(struct attack *a)
{
    return primary(a->chip, false, &a->loot.signing, a->loot.signing_point);
}

bool
loot_storage(struct attack *a)
{
    return primary(a->chip, true, &a->loot.storage, a->loot.storage_point);
}

bool
loot_create(struct attack *a, struct frame *response)
{
    return make(a->chip, TPM2_CC_Create, 0x81000001, false, response);
}

bool
loot_blob(struct attack *a)
{
    struct layout l;
    struct frame r;
    size_t n;

    if (!loot_create(a, &r) || !response_layout(&r, TPM2_CC_Create, &l))
        return false;
    n = 2u + get16(r.data + l.params);
    n += 2u + get16(r.data + l.params + n);
    a->loot.blob.len = 0;
    frame_add(&a->loot.blob, r.data + l.params, n);
    return true;
}

uint32_t
loot_session(struct attack *a, struct frame *response)
{
    static const uint8_t nonce[16] = { 0xa5 };
    struct frame c;

    frame_begin(&c, TAG_NO_SESSIONS, TPM2_CC_StartAuthSession);
    frame_u32(&c, TPM2_RH_NULL);
    frame_u32(&c, TPM2_RH_NULL);
    frame_u16(&c, sizeof(nonce));
    frame_add(&c, nonce, sizeof(nonce));
    frame_u16(&c, 0);
    frame_u8(&c, TPM2_SE_HMAC);
    frame_u16(&c, TPM2_ALG_NULL);
    frame_u16(&c, TPM2_ALG_SHA256);
    frame_end(&c);
    if (wire_exchange(a->chip, &c, response) != 0 || frame_rc(response) != 0)
        return 0;
    return get32(response->data + FRAME_HEADER);
}

/* --- substitute ------------------------------------------------------------- */

static bool
is_object(uint32_t handle)
{
    return handle >> 24 == TPM2_HT_TRANSIENT ||
        handle >> 24 == TPM2_HT_PERSISTENT;
}

/* His signing key, or his storage key, in the place of the victim's. */
static enum fate
other_handle(struct attack *a, struct frame *command, struct frame *response)
{
    bool storage = a->variant == 1;

    if (storage ? loot_storage(a) : loot_signing(a))
        put32(command->data + FRAME_HEADER, storage ? a->loot.storage :
            a->loot.signing);
    return attack_pass(a, command, response);
}

/* The key that is loaded is his: handle, and Name as well. */
static enum fate
other_loaded(struct attack *a, struct frame *command, struct frame *response)
{
    enum fate fate = attack_pass(a, command, response);

    if (fate == FATE_ANSWER && frame_rc(response) == 0 && loot_signing(a))
        put32(response->data + FRAME_HEADER, a->loot.signing);
    return fate;
}

/* His blob is loaded below the right parent. */
static enum fate
other_blob(struct attack *a, struct frame *command, struct frame *response)
{
    struct layout l;

    if (loot_blob(a) && command_layout(command, &l)) {
        command->len = l.params;
        frame_add(command, a->loot.blob.data, a->loot.blob.len);
        frame_end(command);
    }
    return attack_pass(a, command, response);
}

/* What he made, with the chip's authorisation area, or with his own. */
static enum fate
other_creation(struct attack *a, struct frame *command,
    struct frame *response)
{
    struct layout own, l;
    struct frame made, truth;
    enum fate fate = attack_pass(a, command, &truth);

    *response = truth;
    if (fate != FATE_ANSWER || !response_layout(&truth, TPM2_CC_Create, &l) ||
        !loot_create(a, &made) ||
        !response_layout(&made, TPM2_CC_Create, &own))
        return fate;
    if (a->variant == 3) {
        *response = made;
        return fate;
    }
    frame_begin(response, TAG_SESSIONS, 0);
    frame_u32(response, (uint32_t)own.params_len);
    frame_add(response, made.data + own.params, own.params_len);
    frame_add(response, truth.data + l.area, l.area_len);
    frame_end(response);
    return fate;
}

/* TPM2_ReadPublic tells of his key. */
static enum fate
other_public(struct attack *a, struct frame *command, struct frame *response)
{
    struct frame c;

    if (!loot_signing(a))
        return attack_pass(a, command, response);
    frame_begin(&c, TAG_NO_SESSIONS, TPM2_CC_ReadPublic);
    frame_u32(&c, a->loot.signing);
    frame_end(&c);
    return attack_pass(a, &c, response);
}

/* Handles of commands are two; a third and fourth are of the kind of command. */
static size_t
substitutes(const struct transcript *t, size_t nth)
{
    const struct exchange *x = &t->x[nth];

    if (command_handles(x->code) == 0 ||
        !is_object(get32(x->command.data + FRAME_HEADER)))
        return 0;
    switch (x->code) {
    case TPM2_CC_Load:
    case TPM2_CC_Create:
        return 4;
    case TPM2_CC_ReadPublic:
        return 3;
    default:
        return 2;
    }
}

static enum fate
substitute(struct attack *a, struct frame *command, struct frame *response)
{
    if (a->variant < 2)
        return other_handle(a, command, response);
    switch (frame_rc(command)) {
    case TPM2_CC_Load:
        return a->variant == 2 ? other_loaded(a, command, response) :
            other_blob(a, command, response);
    case TPM2_CC_Create:
        return other_creation(a, command, response);
    default:
        return other_public(a, command, response);
    }
}

const struct attack_kind kind_substitute = {
    .name = "substitute", .flags = ATTACK_LITTER, .variants = substitutes, .run = substitute,
};

/* --- commands of his own in between ------------------------------------------ */

static void
flush_some(struct wire *w, uint32_t first)
{
    uint32_t list[16];
    struct frame c, r;
    int n = wire_handles(w, first, list, 16);

    for (int i = 0; i < n; i++) {
        frame_begin(&c, TAG_NO_SESSIONS, TPM2_CC_FlushContext);
        frame_u32(&c, list[i]);
        frame_end(&c);
        (void)wire_exchange(w, &c, &r);
    }
}

static void
flush_sessions(struct attack *a)
{
    flush_some(a->chip, 0x02000000);
}

static void
flush_objects(struct attack *a)
{
    flush_some(a->chip, 0x80000000);
}

static void
fill_sessions(struct attack *a)
{
    struct frame r;

    while (loot_session(a, &r) != 0)
        ;
}

static void
fill_objects(struct attack *a)
{
    struct frame r;

    while (make(a->chip, TPM2_CC_CreatePrimary, TPM2_RH_NULL, false, &r))
        ;
}

/* Handles that were the victim's are somebody else's. */
static void
replace_all(struct attack *a)
{
    flush_sessions(a);
    flush_objects(a);
    fill_sessions(a);
    fill_objects(a);
}

static void
restart_policies(struct attack *a)
{
    uint32_t list[16];
    struct frame c, r;
    int n = wire_handles(a->chip, 0x02000000, list, 16);

    for (int i = 0; i < n; i++) {
        frame_begin(&c, TAG_NO_SESSIONS, TPM2_CC_PolicyRestart);
        frame_u32(&c, list[i]);
        frame_end(&c);
        (void)wire_exchange(a->chip, &c, &r);
    }
}

static void
cut_power(struct attack *a)
{
    a->power_cut(a->user);
}

static void (*const injections[])(struct attack *a) = {
    flush_sessions, flush_objects, fill_sessions, fill_objects, replace_all,
    restart_policies, cut_power,
};

static size_t
all_injections(const struct transcript *t, size_t nth)
{
    (void)t;
    (void)nth;
    return sizeof(injections) / sizeof(injections[0]);
}

static enum fate
inject(struct attack *a, struct frame *command, struct frame *response)
{
    injections[a->variant](a);
    return attack_pass(a, command, response);
}

const struct attack_kind kind_inject = {
    .name = "inject", .flags = ATTACK_SLOW | ATTACK_LITTER, .variants = all_injections,
    .run = inject,
};
