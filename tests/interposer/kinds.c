/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attack.h"

#include <errno.h>
#include <string.h>

/* What needs no understanding of what passes. */

const struct attack_kind *const attack_kinds[] = {
    &kind_flip_command, &kind_flip_response,
    &kind_truncate_command, &kind_truncate_response,
    &kind_drop, &kind_silence, &kind_duplicate,
    &kind_replay_command, &kind_replay_response, &kind_reorder,
    &kind_error,
    &kind_forge, &kind_forge_random, &kind_forge_pcr_read,
    &kind_forge_pcr_extend, &kind_forge_capability, &kind_hijack,
    &kind_session, &kind_substitute, &kind_other_chip, &kind_inject,
};
const size_t attack_kinds_n = sizeof(attack_kinds) / sizeof(attack_kinds[0]);

enum fate
attack_pass(struct attack *a, struct frame *command, struct frame *response)
{
    int rc = wire_exchange(a->chip, command, response);

    if (rc == 0)
        return FATE_ANSWER;
    response->len = 0;
    return rc == -ETIMEDOUT ? FATE_SILENT : FATE_CLOSE;
}

static size_t
one(const struct transcript *t, size_t nth)
{
    (void)t;
    (void)nth;
    return 1;
}

/* --- flip ----------------------------------------------------------------- */

/* Each octet is changed: in one bit, which wanders, or in all of them. */
static void
flip(struct frame *f, size_t at)
{
    if (at >= f->len) /* a little shorter this time */
        at = f->len - 1;
    f->data[at] = (uint8_t)(f->data[at] ^
        (at % 3 == 2 ? 0xffu : 1u << at * 3 % 8));
}

static size_t
octets_of_command(const struct transcript *t, size_t nth)
{
    return t->x[nth].command.len;
}

static size_t
octets_of_response(const struct transcript *t, size_t nth)
{
    return t->x[nth].response.len;
}

static enum fate
flip_command(struct attack *a, struct frame *command, struct frame *response)
{
    flip(command, a->variant);
    return attack_pass(a, command, response);
}

static enum fate
flip_response(struct attack *a, struct frame *command, struct frame *response)
{
    enum fate fate = attack_pass(a, command, response);

    if (response->len > 0)
        flip(response, a->variant);
    return fate;
}

const struct attack_kind kind_flip_command = {
    .name = "flip-command", .variants = octets_of_command,
    .run = flip_command,
};
const struct attack_kind kind_flip_response = {
    .name = "flip-response", .flags = ATTACK_ANSWER,
    .variants = octets_of_response, .run = flip_response,
};

/* --- truncate ------------------------------------------------------------- */

static size_t
cuts_of_command(const struct transcript *t, size_t nth)
{
    return t->x[nth].command.len - FRAME_HEADER;
}

/* A header that tells the truth: else the chip waits for the rest. */
static enum fate
truncate_command(struct attack *a, struct frame *command,
    struct frame *response)
{
    command->len = FRAME_HEADER + a->variant;
    frame_end(command);
    return attack_pass(a, command, response);
}


/* With the header set right, or, each fourth, as it was. */
static enum fate
truncate_response(struct attack *a, struct frame *command,
    struct frame *response)
{
    size_t keep = a->variant;

    (void)attack_pass(a, command, response);
    if (keep < response->len)
        response->len = keep;
    if (keep % 4 != 3 && keep >= FRAME_HEADER)
        frame_end(response);
    return FATE_CLOSE;
}

const struct attack_kind kind_truncate_command = {
    .name = "truncate-command", .variants = cuts_of_command,
    .run = truncate_command,
};
const struct attack_kind kind_truncate_response = {
    .name = "truncate-response", .flags = ATTACK_ANSWER,
    .variants = octets_of_response, .run = truncate_response,
};

/* --- drop ----------------------------------------------------------------- */

static size_t
two(const struct transcript *t, size_t nth)
{
    (void)t;
    (void)nth;
    return 2;
}

static size_t
three(const struct transcript *t, size_t nth)
{
    (void)t;
    (void)nth;
    return 3;
}

/* A header that says that all is well. */
static void
bare_success(struct frame *response)
{
    frame_begin(response, TAG_NO_SESSIONS, 0);
    frame_end(response);
}

/* The command, its answer, or the command with a word that it was done. */
static enum fate
drop(struct attack *a, struct frame *command, struct frame *response)
{
    if (a->variant == 1)
        (void)attack_pass(a, command, response);
    response->len = 0;
    if (a->variant == 2)
        bare_success(response);
    return FATE_CLOSE;
}

/* The same, and whoever waits may wait. */
static enum fate
silence(struct attack *a, struct frame *command, struct frame *response)
{
    if (a->variant == 1)
        (void)attack_pass(a, command, response);
    response->len = 0;
    return FATE_SILENT;
}

const struct attack_kind kind_drop = {
    .name = "drop", .flags = ATTACK_ANSWER, .variants = three, .run = drop,
};
const struct attack_kind kind_silence = {
    .name = "silence", .flags = ATTACK_ANSWER, .variants = two,
    .run = silence,
};

/* --- duplicate, replay, reorder ------------------------------------------- */

/* The answer to the first or to the second; or the second comes later. */
static enum fate
duplicate(struct attack *a, struct frame *command, struct frame *response)
{
    struct frame second;
    enum fate fate;

    a->held = *command;
    fate = attack_pass(a, command, response);
    if (a->variant < 2)
        (void)wire_exchange(a->chip, &a->held,
            a->variant == 0 ? &second : response);
    return fate;
}

static enum fate
duplicate_later(struct attack *a, struct frame *command,
    struct frame *response)
{
    struct frame second;

    if (a->variant == 2 && a->held.len > 0)
        (void)wire_exchange(a->chip, &a->held, &second);
    a->held.len = 0;
    return attack_pass(a, command, response);
}

const struct attack_kind kind_duplicate = {
    .name = "duplicate", .variants = three, .run = duplicate,
    .later = duplicate_later,
};

/* Everything of this scene before it, and the same of an earlier run. */
static size_t
older(const struct transcript *t, size_t nth)
{
    (void)t;
    return nth + 1;
}

static enum fate
replay_command(struct attack *a, struct frame *command,
    struct frame *response)
{
    if (a->variant < a->now->n)
        *command = a->now->x[a->variant].command;
    else
        *command = a->before->x[a->nth].command;
    return attack_pass(a, command, response);
}

/* Twice: the chip runs the command, or not. */
static size_t
older_answers(const struct transcript *t, size_t nth)
{
    return 2 * older(t, nth);
}

static enum fate
replay_response(struct attack *a, struct frame *command,
    struct frame *response)
{
    size_t i = a->variant / 2;

    if (a->variant % 2 == 0)
        (void)attack_pass(a, command, response);
    if (i < a->now->n)
        *response = a->now->x[i].response;
    else
        *response = a->before->x[a->nth].response;
    return FATE_ANSWER;
}

const struct attack_kind kind_replay_command = {
    .name = "replay-command", .variants = older, .run = replay_command,
};
const struct attack_kind kind_replay_response = {
    .name = "replay-response", .flags = ATTACK_ANSWER,
    .variants = older_answers, .run = replay_response,
};

/*
 * Its command is kept back, answered with a success that is made up, and goes
 * to the chip behind the next one, or before it. Or, the third, it gets the
 * answer of the one before, and the next one its own.
 */
static enum fate
reorder(struct attack *a, struct frame *command, struct frame *response)
{
    if (a->variant == 2) {
        (void)attack_pass(a, command, &a->held);
        *response = a->now->n > 0 ? a->now->x[a->now->n - 1].response :
            a->before->x[a->before->n - 1].response;
        return FATE_ANSWER;
    }
    a->held = *command;
    bare_success(response);
    return FATE_ANSWER;
}

static enum fate
reorder_later(struct attack *a, struct frame *command, struct frame *response)
{
    struct frame held = a->held, unseen;
    enum fate fate;

    a->held.len = 0;
    if (held.len == 0)
        return attack_pass(a, command, response);
    if (a->variant == 1)
        (void)wire_exchange(a->chip, &held, &unseen);
    fate = attack_pass(a, command, response);
    if (a->variant == 0)
        (void)wire_exchange(a->chip, &held, &unseen);
    if (a->variant == 2)
        *response = held;
    return fate;
}

const struct attack_kind kind_reorder = {
    .name = "reorder", .flags = ATTACK_ANSWER, .variants = three,
    .run = reorder, .later = reorder_later,
};

/* --- errors --------------------------------------------------------------- */

/* No chip signs its errors: each may be made up. */
static const uint32_t errors[] = {
    0x00000100, /* INITIALIZE */
    0x00000101, /* FAILURE */
    0x00000120, /* DISABLED */
    0x00000125, /* AUTH_MISSING */
    0x00000126, /* POLICY */
    0x0000012f, /* AUTH_UNAVAILABLE */
    0x00000143, /* COMMAND_CODE */
    0x00000148, /* NV_AUTHORIZATION */
    0x00000149, /* NV_LOCKED */
    0x0000014a, /* NV_UNINITIALIZED */
    0x0000014b, /* NV_SPACE */
    0x0000014c, /* NV_DEFINED */
    0x00000183, /* HASH, of the command */
    0x0000018b, /* HANDLE 1 */
    0x0000028b, /* HANDLE 2 */
    0x00000182, /* ATTRIBUTES */
    0x000001c4, /* VALUE, parameter 1 */
    0x000002d5, /* SIZE, parameter 2 */
    0x000001d2, /* SCHEME */
    0x000001df, /* INTEGRITY */
    0x00000901, /* CONTEXT_GAP */
    0x00000902, /* OBJECT_MEMORY */
    0x00000903, /* SESSION_MEMORY */
    0x00000904, /* MEMORY */
    0x00000905, /* SESSION_HANDLES */
    0x00000906, /* OBJECT_HANDLES */
    0x00000908, /* YIELDED */
    0x00000909, /* CANCELED */
    0x0000090a, /* TESTING */
    0x00000910, /* REFERENCE_H0 */
    0x00000911, /* REFERENCE_H1 */
    0x00000918, /* REFERENCE_S0 */
    0x00000919, /* REFERENCE_S1 */
    0x00000920, /* NV_RATE */
    0x00000921, /* LOCKOUT */
    0x00000922, /* RETRY */
    0x00000923, /* NV_UNAVAILABLE */
    0x0000098b, /* HANDLE, of session 1 */
    0x0000098e, /* AUTH_FAIL, session 1 */
    0x00000a8e, /* ... 2 */
    0x0000099d, /* POLICY_FAIL, session 1 */
    0x000009a2, /* BAD_AUTH, session 1 */
    0x00000aa2, /* ... 2 */
    0x000005a2, /* a vendor's */
    0x000a000a, /* what a link's layer would say: IO_ERROR */
    0x00080005, /* what SYS would say */
    0x000b0902, /* what a resource manager would say */
    0xffffffff,
};

/* Twice: instead of the command, and instead of its answer. */
static size_t
all_errors(const struct transcript *t, size_t nth)
{
    (void)t;
    (void)nth;
    return 2 * sizeof(errors) / sizeof(errors[0]);
}

static enum fate
error(struct attack *a, struct frame *command, struct frame *response)
{
    if (a->variant % 2 != 0)
        (void)attack_pass(a, command, response);
    frame_begin(response, TAG_NO_SESSIONS, errors[a->variant / 2]);
    frame_end(response);
    return FATE_ANSWER;
}

const struct attack_kind kind_error = {
    .name = "error", .flags = ATTACK_ANSWER, .variants = all_errors,
    .run = error,
};

/* --- another chip ---------------------------------------------------------- */

static enum fate
other_chip(struct attack *a, struct frame *command, struct frame *response)
{
    return wire_exchange(a->other, command, response) == 0 ? FATE_ANSWER :
        FATE_CLOSE;
}

const struct attack_kind kind_other_chip = {
    .name = "other-chip", .flags = ATTACK_NOT_FIRST | ATTACK_LITTER, .variants = one,
    .run = other_chip, .later = other_chip,
};
