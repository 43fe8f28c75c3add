/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chipout.h"
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- turns ---------------------------------------------------------------- */

static void
put_turns(struct out *out, const struct scu_chip_status *s)
{
    out_begin(out, "turns");
    out_bool(out, "taken", NULL, s->turns);
    out_bool(out, "managed", NULL, s->managed);
    if (s->file[0] != '\0')
        out_string(out, "file", NULL, s->file);
    if (s->why[0] != '\0')
        out_string(out, "why_not", NULL, s->why);
    if (s->holder != 0) {
        out_begin(out, "holder");
        out_number(out, "pid", NULL, (uint64_t)s->holder);
        out_string(out, "program", NULL, s->holder_program);
        out_end(out);
    } else {
        out_null(out, "holder");
    }
    out_end(out);
    if (!s->turns)
        out_text(out, "turns", "none: %s%s%s", s->why,
            s->managed || s->file[0] == '\0' ? "" : ": ",
            s->managed ? "" : s->file);
    else if (s->holder != 0)
        out_text(out, "turns", "it is that of process %ld (%s), by %s",
            s->holder, s->holder_program, s->file);
    else
        out_text(out, "turns", "it is nobody's, by %s", s->file);
}

/* --- slots ---------------------------------------------------------------- */

static void
put_slots(struct out *out, const struct scu_chip_status *s)
{
    out_begin(out, "slots");
    out_number(out, "objects", NULL, s->object_slots);
    out_number(out, "objects_loaded", NULL, s->objects_loaded);
    out_number(out, "sessions", NULL, s->session_slots);
    out_number(out, "sessions_loaded", NULL, s->sessions_loaded);
    out_end(out);
    out_text(out, "slots",
        "%u for objects, %u in use; %u for sessions, %u in use",
        s->object_slots, s->objects_loaded, s->session_slots,
        s->sessions_loaded);
}

/* What became of a holding: a word for JSON, words for people. */
struct fate {
    const char *state;
    const char *text;
};

static const struct fate strange = {
    "unregistered", "another program's, which does not register it",
};
static const struct fate held = { "held", "" };
static const struct fate made = { "being-made", ", which is making it" };
static const struct fate gone = {
    "gone", ", but the chip does not have it any more",
};
static const struct fate left = {
    "left-behind", ", which has ended: the next program that needs room, or "
    "ends, flushes it",
};
static const struct fate lost = {
    "perhaps-left-behind", ", which was killed when it made it: if it is "
    "there, it is one of the unregistered",
};

static const struct fate *
fate_of(const struct scu_holding *h)
{
    if (!h->registered)
        return &strange;
    if (h->handle == 0)
        return h->alive ? &made : &lost;
    if (!h->loaded)
        return &gone;
    return h->alive ? &held : &left;
}

static void
put_holding(struct out *out, const struct scu_holding *h)
{
    const char *kind = h->session ? "session" : "object";
    const struct fate *fate = fate_of(h);
    char handle[16] = "no handle yet";

    if (h->handle != 0)
        (void)snprintf(handle, sizeof(handle), "0x%08x", h->handle);
    out_begin(out, NULL);
    out_string(out, "kind", NULL, kind);
    if (h->handle != 0)
        out_string(out, "handle", NULL, handle);
    else
        out_null(out, "handle");
    out_string(out, "state", NULL, fate->state);
    if (h->registered) {
        out_number(out, "pid", NULL, (uint64_t)h->pid);
        out_string(out, "program", NULL, h->program);
        out_bool(out, "alive", NULL, h->alive);
        out_text(out, kind, "%s: process %ld (%s)%s", handle, h->pid,
            h->program, fate->text);
    } else {
        out_text(out, kind, "%s: %s", handle, fate->text);
    }
    out_end(out);
}

static void
put_holdings(struct out *out, const struct scu_chip_status *s)
{
    size_t strangers[2] = { 0 };

    out_begin_list(out, "holdings");
    for (size_t i = 0; i < s->n; i++) {
        put_holding(out, &s->holding[i]);
        if (!s->holding[i].registered)
            strangers[s->holding[i].session]++;
    }
    out_end(out);
    if (strangers[0] != 0)
        out_note(out, "if no program needs the unregistered objects any more: "
            "`tpm2_flushcontext --transient-object`");
    if (strangers[1] != 0)
        out_note(out, "if no program needs the unregistered sessions any "
            "more: `tpm2_flushcontext --loaded-session`");
}

/* --- locks ---------------------------------------------------------------- */

static const char *
set_or_empty(bool set)
{
    return set ? "set" : "empty";
}

static void
put_authorisations(struct out *out, const struct scu_chip_status *s)
{
    out_begin(out, "authorisations_set");
    out_bool(out, "owner", NULL, s->owner_auth_set);
    out_bool(out, "endorsement", NULL, s->endorsement_auth_set);
    out_bool(out, "lockout", NULL, s->lockout_auth_set);
    out_end(out);
    out_bool(out, "pin_counting_advisory", NULL, !s->owner_auth_set);
    out_text(out, "authorisations", "owner %s, endorsement %s, lockout %s",
        set_or_empty(s->owner_auth_set),
        set_or_empty(s->endorsement_auth_set),
        set_or_empty(s->lockout_auth_set));
    if (!s->owner_auth_set)
        out_text(out, "PIN counting", "%s", CHIPOUT_ADVISORY);
}

static void
put_lockout(struct out *out, const struct scu_chip_status *s)
{
    out_begin(out, "lockout");
    out_bool(out, "active", NULL, s->in_lockout);
    out_number(out, "failed_tries", NULL, s->lockout_counter);
    out_number(out, "max_tries", NULL, s->lockout_max);
    out_number(out, "interval_s", NULL, s->lockout_interval_s);
    out_number(out, "recovery_s", NULL, s->lockout_recovery_s);
    out_end(out);
    if (s->lockout_interval_s == 0)
        out_text(out, "lockout", "%s, %u of %u tries failed; none comes back "
            "by itself", s->in_lockout ? "ACTIVE" : "off",
            s->lockout_counter, s->lockout_max);
    else
        out_text(out, "lockout", "%s, %u of %u tries failed; one comes back "
            "in %u s of power", s->in_lockout ? "ACTIVE" : "off",
            s->lockout_counter, s->lockout_max, s->lockout_interval_s);
}

static int
run(struct out *out, const struct scu_chip_options *options,
    const void *unused)
{
    struct scu_chip_status status = { 0 };
    struct scu_chip *chip = NULL;
    int rc = scu_chip_open(options, &chip);

    (void)unused;
    if (rc == SCU_OK)
        rc = scu_chip_status(chip, &status);
    if (rc != SCU_OK) {
        rc = out_error_scu(out, rc);
        if (status.holder != 0)
            out_note(out, "it is the turn of process %ld (%s)", status.holder,
                status.holder_program);
        goto out;
    }
    chipout_place(out, chip);
    put_turns(out, &status);
    put_slots(out, &status);
    put_holdings(out, &status);
    put_authorisations(out, &status);
    put_lockout(out, &status);
out:
    scu_chip_free(&chip);
    return rc;
}

const struct cmd cmd_status = {
    .name = "status",
    .summary = "show who uses the chip, and what is left in it",
    .page = "scu-status(1)",
    .takes_chip = true,
    .run = run,
};
