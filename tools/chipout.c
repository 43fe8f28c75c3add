/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chipout.h"

#include <stdio.h>

struct trust_row {
    const char *key;
    const char *text;
};

static const struct trust_row trusts[] = {
    [SCU_TRUST_FIRST_USE] = {
        "first-use",
        "on first use: the chip has no EK certificate, so its keys were "
        "pinned on its word",
    },
    [SCU_TRUST_EK_CERTIFICATE] = {
        "ek-certificate",
        "by the chip's EK certificate (its chain was not verified)",
    },
};

void
chipout_place(struct out *out, const struct scu_chip *chip)
{
    out_string(out, "tcti", "link", scu_chip_tcti(chip));
    out_string(out, "state", "state", scu_chip_state(chip));
}

static void
put_key(struct out *out, const char *key, const char *label, uint32_t handle,
    const char *name)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "0x%08x", handle);
    out_begin(out, key);
    out_string(out, "handle", NULL, text);
    out_string(out, "name", NULL, name);
    out_end(out);
    out_text(out, label, "%s, Name %s", text, name);
}

static void
put_trust(struct out *out, enum scu_trust trust)
{
    static const struct trust_row unknown = { "unknown", "not known" };
    const struct trust_row *row = &unknown;

    if ((size_t)trust < sizeof(trusts) / sizeof(trusts[0]) &&
        trusts[trust].key != NULL)
        row = &trusts[trust];
    out_string(out, "trust", NULL, row->key);
    out_string(out, NULL, "trust", row->text);
}

void
chipout_pins(struct out *out, const struct scu_provision_report *pins)
{
    put_key(out, "storage_key", "storage key", pins->storage_handle,
        pins->storage_name);
    put_key(out, "attestation_key", "attestation key",
        pins->attestation_handle, pins->attestation_name);
    put_trust(out, pins->trust);
    if (pins->ek_name[0] != '\0')
        out_string(out, "ek_name", "EK Name", pins->ek_name);
    if (pins->ek_certificate[0] != '\0')
        out_string(out, "ek_certificate_sha256", "EK certificate",
            pins->ek_certificate);
}

int
chipout_room(struct out *out, struct scu_chip *chip)
{
    struct scu_token_room room;
    char more[64] = "the chip does not tell for how many more it has room";
    int rc = scu_token_room(chip, &room);

    if (rc != SCU_OK)
        return out_error_scu(out, rc);
    out_begin(out, "room");
    out_number(out, "tokens_in_chip", NULL, room.in_chip);
    out_number(out, "prepared_tokens", NULL, room.prepared);
    out_number(out, "other_nv_indices", NULL, room.other_indices);
    if (room.at_least > 0)
        out_number(out, "more_tokens_at_least", NULL, room.at_least);
    else
        out_null(out, "more_tokens_at_least");
    out_end(out);
    if (room.at_least > 0)
        (void)snprintf(more, sizeof(more), "room for %u more at least",
            room.at_least);
    out_text(out, "in the chip", "%u token%s, %u of them prepared; %s",
        room.in_chip, room.in_chip == 1 ? "" : "s", room.prepared, more);
    return SCU_OK;
}
