/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chipout.h"
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What a chip offers, by name. */
struct ability {
    const char *name;
    size_t offset; /* of a bool in struct scu_chip_info */
};

static const struct ability keys[] = {
    { "P-256", offsetof(struct scu_chip_info, p256) },
    { "P-384", offsetof(struct scu_chip_info, p384) },
    { "P-521", offsetof(struct scu_chip_info, p521) },
    { "RSA-2048", offsetof(struct scu_chip_info, rsa2048) },
    { "RSA-3072", offsetof(struct scu_chip_info, rsa3072) },
    { "RSA-4096", offsetof(struct scu_chip_info, rsa4096) },
};

static const struct ability hashes[] = {
    { "SHA-1", offsetof(struct scu_chip_info, sha1) },
    { "SHA-256", offsetof(struct scu_chip_info, sha256) },
    { "SHA-384", offsetof(struct scu_chip_info, sha384) },
    { "SHA-512", offsetof(struct scu_chip_info, sha512) },
};

static void
put_abilities(struct out *out, const struct scu_chip_info *info,
    const char *label, const struct ability *rows, size_t n)
{
    char list[128] = "";

    out_begin(out, label);
    for (size_t i = 0; i < n; i++) {
        bool has = *(const bool *)((const char *)info + rows[i].offset);

        out_bool(out, rows[i].name, NULL, has);
        if (!has)
            continue;
        if (list[0] != '\0')
            (void)strncat(list, " ", sizeof(list) - strlen(list) - 1);
        (void)strncat(list, rows[i].name, sizeof(list) - strlen(list) - 1);
    }
    out_end(out);
    out_text(out, label, "%s", list[0] != '\0' ? list : "none");
}

static void
put_identity(struct out *out, const struct scu_chip_info *info)
{
    char text[32];

    out_string(out, "manufacturer", "manufacturer", info->manufacturer);
    out_string(out, "vendor", "vendor", info->vendor);
    (void)snprintf(text, sizeof(text), "0x%016" PRIx64, info->firmware);
    out_string(out, "firmware", "firmware", text);
    out_begin(out, "specification");
    out_string(out, "family", NULL, info->family);
    out_number(out, "level", NULL, info->level);
    out_number(out, "revision", NULL, info->revision);
    out_end(out);
    /* TPM_PT_REVISION is the revision times 100. */
    out_text(out, "specification", "TPM %s, level %u, revision %u.%02u",
        info->family, info->level, info->revision / 100,
        info->revision % 100);
}

static void
put_room(struct out *out, const struct scu_chip_info *info)
{
    out_begin(out, "slots");
    out_number(out, "objects", NULL, info->object_slots);
    out_number(out, "objects_loaded", NULL, info->objects_loaded);
    out_number(out, "sessions", NULL, info->session_slots);
    out_number(out, "sessions_loaded", NULL, info->sessions_loaded);
    out_number(out, "persistent_used", NULL, info->persistent_used);
    out_number(out, "persistent_free", NULL, info->persistent_free);
    out_number(out, "nv_indices", NULL, info->nv_indices);
    out_end(out);
    out_text(out, "slots",
        "%u for objects, %u in use; %u for sessions, %u in use",
        info->object_slots, info->objects_loaded, info->session_slots,
        info->sessions_loaded);
    out_text(out, "persistent", "%u keys, room for %u more; %u NV indices",
        info->persistent_used, info->persistent_free, info->nv_indices);
}

static const char *
set_or_empty(bool set)
{
    return set ? "set" : "empty";
}

static void
put_authorisations(struct out *out, const struct scu_chip_info *info)
{
    out_begin(out, "authorisations_set");
    out_bool(out, "owner", NULL, info->owner_auth_set);
    out_bool(out, "endorsement", NULL, info->endorsement_auth_set);
    out_bool(out, "lockout", NULL, info->lockout_auth_set);
    out_end(out);
    out_bool(out, "pin_counting_advisory", NULL, !info->owner_auth_set);
    out_text(out, "authorisations", "owner %s, endorsement %s, lockout %s",
        set_or_empty(info->owner_auth_set),
        set_or_empty(info->endorsement_auth_set),
        set_or_empty(info->lockout_auth_set));
    if (info->provisioned && !info->owner_auth_set)
        out_text(out, "PIN counting", "%s", CHIPOUT_ADVISORY);
}

static void
put_clock(struct out *out, const char *key, const struct scu_clock *clock)
{
    out_begin(out, key);
    out_number(out, "ms", NULL, clock->ms);
    out_bool(out, "safe", NULL, clock->safe);
    out_number(out, "resets", NULL, clock->resets);
    out_number(out, "restarts", NULL, clock->restarts);
    out_end(out);
}

static void
put_state(struct out *out, const struct scu_chip_info *info)
{
    const struct scu_clock clock = {
        .ms = info->clock_ms,
        .resets = info->reset_count,
        .restarts = info->restart_count,
        .safe = info->clock_safe,
    };
    uint64_t minutes = info->clock_ms / 60000;

    out_begin(out, "lockout");
    out_bool(out, "active", NULL, info->in_lockout);
    out_number(out, "failed_tries", NULL, info->lockout_counter);
    out_number(out, "max_tries", NULL, info->lockout_max);
    out_end(out);
    out_text(out, "lockout", "%s, %u of %u tries failed",
        info->in_lockout ? "ACTIVE" : "off", info->lockout_counter,
        info->lockout_max);
    put_clock(out, "clock", &clock);
    out_text(out, "clock", "%" PRIu64 " h %02u min %02u.%03u s of power, %s; "
        "%u resets, %u restarts", minutes / 60, (unsigned)(minutes % 60),
        (unsigned)(info->clock_ms / 1000 % 60),
        (unsigned)(info->clock_ms % 1000),
        info->clock_safe ? "safe" : "not safe (power was cut)",
        info->reset_count, info->restart_count);
}

static void
put_event(struct out *out, const struct scu_chip_event *e)
{
    const time_t seconds = (time_t)e->time;
    struct tm tm;
    char time[32] = "?";

    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &tm);
    out_begin(out, NULL);
    out_string(out, "time", NULL, time);
    out_string(out, "kind", NULL, scu_event_name(e->kind));
    put_clock(out, "before", &e->before);
    put_clock(out, "after", &e->after);
    out_end(out);
    out_text(out, "event", "%s %s: %s; %u resets, %u restarts before, %u and "
        "%u then", time, scu_event_name(e->kind), scu_event_text(e->kind),
        e->before.resets, e->before.restarts, e->after.resets,
        e->after.restarts);
}

/* A record that cannot be read is no reason to show nothing of the chip. */
static void
put_events(struct out *out, struct scu_chip *chip)
{
    struct scu_chip_event events[SCU_EVENTS_MAX];
    size_t n = 0;

    if (scu_chip_events(chip, events, SCU_EVENTS_MAX, &n) != SCU_OK) {
        out_note(out, "%s", scu_error_detail());
        out_null(out, "events");
        return;
    }
    out_begin_list(out, "events");
    for (size_t i = 0; i < n; i++)
        put_event(out, &events[i]);
    out_end(out);
}

static int
put_trust(struct out *out, struct scu_chip *chip,
    const struct scu_chip_info *info)
{
    struct scu_provision_report pins;
    int rc;

    out_bool(out, "provisioned", "provisioned", info->provisioned);
    out_bool(out, "authentic", NULL, info->authentic);
    out_text(out, "authentic", "%s", info->authentic
        ? "yes: the chip proved that it owns the pinned key"
        : "no: hearsay, nothing proves which chip said this");
    if (!info->provisioned) {
        out_note(out, "this chip is not provisioned here: run "
            "`scu provision`");
        return SCU_OK;
    }
    if ((rc = scu_provision_read(chip, &pins)) != SCU_OK)
        return out_error_scu(out, rc);
    chipout_pins(out, &pins);
    return chipout_room(out, chip);
}

static int
run(struct out *out, const struct scu_chip_options *options,
    const void *unused)
{
    struct scu_chip *chip = NULL;
    struct scu_chip_info info;
    int rc;

    (void)unused;
    if ((rc = scu_chip_open(options, &chip)) != SCU_OK ||
        (rc = scu_chip_info(chip, &info)) != SCU_OK) {
        rc = out_error_scu(out, rc);
        goto out;
    }
    chipout_place(out, chip);
    put_identity(out, &info);
    put_abilities(out, &info, "keys", keys, sizeof(keys) / sizeof(keys[0]));
    put_abilities(out, &info, "hashes", hashes,
        sizeof(hashes) / sizeof(hashes[0]));
    put_room(out, &info);
    put_authorisations(out, &info);
    put_state(out, &info);
    put_events(out, chip);
    rc = put_trust(out, chip, &info);
out:
    scu_chip_free(&chip);
    return rc;
}

const struct cmd cmd_info = {
    .name = "info",
    .summary = "show what the chip is, can do and holds",
    .page = "scu-info(1)",
    .takes_chip = true,
    .run = run,
};
