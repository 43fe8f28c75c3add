/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/chip.h"
#include "chip/clock.h"

#include <string.h>

#define MAX_PAGES 8

/* The properties of a chip, as it lists them. */
struct properties {
    size_t n;
    TPMS_TAGGED_PROPERTY row[256];
};

static int
read_properties(struct scu_chip *chip, bool clear, uint32_t first,
    uint32_t last, struct properties *all)
{
    TPMS_CAPABILITY_DATA data;
    uint32_t next = first;
    int rc;

    for (int page = 0; page < MAX_PAGES && next <= last; page++) {
        rc = chip_capability(chip, clear, TPM2_CAP_TPM_PROPERTIES, next,
            TPM2_MAX_TPM_PROPERTIES, &data);
        if (rc != SCU_OK)
            return rc;
        const TPML_TAGGED_TPM_PROPERTY *list = &data.data.tpmProperties;

        if (list->count == 0)
            break;
        for (uint32_t i = 0; i < list->count; i++)
            if (all->n < sizeof(all->row) / sizeof(all->row[0]))
                all->row[all->n++] = list->tpmProperty[i];
        if (list->tpmProperty[list->count - 1].property < next)
            break;
        next = list->tpmProperty[list->count - 1].property + 1;
    }
    return SCU_OK;
}

static uint32_t
property(const struct properties *all, uint32_t tag)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->row[i].property == tag)
            return all->row[i].value;
    return 0;
}

/* Four characters to a property; what is not printable ends the text. */
static void
append_text(uint32_t value, char *text)
{
    size_t len = strlen(text);

    for (int shift = 24; shift >= 0; shift -= 8) {
        char c = (char)(value >> shift & 0xff);

        if (c < ' ' || c > '~')
            break;
        text[len++] = c;
    }
    text[len] = '\0';
}

static void
fill_identity(const struct properties *all, struct scu_chip_info *info)
{
    append_text(property(all, TPM2_PT_MANUFACTURER), info->manufacturer);
    for (uint32_t i = 0; i < 4; i++)
        append_text(property(all, TPM2_PT_VENDOR_STRING_1 + i), info->vendor);
    append_text(property(all, TPM2_PT_FAMILY_INDICATOR), info->family);
    info->level = property(all, TPM2_PT_LEVEL);
    info->revision = property(all, TPM2_PT_REVISION);
    info->firmware = (uint64_t)property(all, TPM2_PT_FIRMWARE_VERSION_1) << 32
        | property(all, TPM2_PT_FIRMWARE_VERSION_2);
    info->object_slots = property(all, TPM2_PT_HR_TRANSIENT_MIN);
    info->session_slots = property(all, TPM2_PT_HR_LOADED_MIN);
}

static void
fill_state(const struct properties *all, struct scu_chip_info *info)
{
    uint32_t permanent = property(all, TPM2_PT_PERMANENT);

    info->sessions_loaded = property(all, TPM2_PT_HR_LOADED);
    info->persistent_used = property(all, TPM2_PT_HR_PERSISTENT);
    info->persistent_free = property(all, TPM2_PT_HR_PERSISTENT_AVAIL);
    info->owner_auth_set = permanent & TPMA_PERMANENT_OWNERAUTHSET;
    info->endorsement_auth_set = permanent & TPMA_PERMANENT_ENDORSEMENTAUTHSET;
    info->lockout_auth_set = permanent & TPMA_PERMANENT_LOCKOUTAUTHSET;
    info->in_lockout = permanent & TPMA_PERMANENT_INLOCKOUT;
    info->lockout_counter = property(all, TPM2_PT_LOCKOUT_COUNTER);
    info->lockout_max = property(all, TPM2_PT_MAX_AUTH_FAIL);
}

static int
read_handles(struct scu_chip *chip, bool clear, uint32_t first, uint32_t *n)
{
    TPMS_CAPABILITY_DATA data;
    int rc = chip_capability(chip, clear, TPM2_CAP_HANDLES, first,
        TPM2_MAX_CAP_HANDLES, &data);

    *n = rc == SCU_OK ? data.data.handles.count : 0;
    return rc;
}

static int
read_algorithms(struct scu_chip *chip, bool clear, struct scu_chip_info *info)
{
    TPMS_CAPABILITY_DATA data;
    int rc = chip_capability(chip, clear, TPM2_CAP_ALGS, TPM2_ALG_FIRST,
        TPM2_MAX_CAP_ALGS, &data);

    for (uint32_t i = 0; rc == SCU_OK && i < data.data.algorithms.count; i++) {
        TPM2_ALG_ID alg = data.data.algorithms.algProperties[i].alg;

        info->sha1 |= alg == TPM2_ALG_SHA1;
        info->sha256 |= alg == TPM2_ALG_SHA256;
        info->sha384 |= alg == TPM2_ALG_SHA384;
        info->sha512 |= alg == TPM2_ALG_SHA512;
    }
    return rc;
}

static int
read_curves(struct scu_chip *chip, bool clear, struct scu_chip_info *info)
{
    TPMS_CAPABILITY_DATA data;
    int rc = chip_capability(chip, clear, TPM2_CAP_ECC_CURVES, 1,
        TPM2_MAX_ECC_CURVES, &data);

    for (uint32_t i = 0; rc == SCU_OK && i < data.data.eccCurves.count; i++) {
        TPM2_ECC_CURVE curve = data.data.eccCurves.eccCurves[i];

        info->p256 |= curve == TPM2_ECC_NIST_P256;
        info->p384 |= curve == TPM2_ECC_NIST_P384;
        info->p521 |= curve == TPM2_ECC_NIST_P521;
    }
    return rc;
}

/* The chip lists no RSA sizes: it is asked for each. */
static int
test_rsa(struct scu_chip *chip, bool clear, uint16_t bits, bool *has)
{
    const struct chip_command command = {
        .code = TPM2_CC_TestParms, .clear = clear,
    };
    const TPMT_PUBLIC_PARMS parms = {
        .type = TPM2_ALG_RSA,
        .parameters.rsaDetail = {
            .symmetric.algorithm = TPM2_ALG_NULL,
            .scheme.scheme = TPM2_ALG_NULL,
            .keyBits = bits,
        },
    };
    int rc = chip_prepared(Tss2_Sys_TestParms_Prepare(chip->sys, &parms),
        command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    *has = rc == SCU_OK;
    /* TPM_RC_VALUE says no; a fault of the link or session is one. */
    return rc == SCU_E_CHIP || rc == SCU_E_UNSUPPORTED ? SCU_OK : rc;
}

static int
read_clock(struct scu_chip *chip, bool clear, struct scu_chip_info *info)
{
    struct scu_clock clock;
    int rc = chip_read_clock(chip, clear, &clock);

    info->clock_ms = clock.ms;
    info->reset_count = clock.resets;
    info->restart_count = clock.restarts;
    info->clock_safe = clock.safe;
    if (rc == SCU_OK && !clear)
        clock_seen(chip, &clock);
    return rc;
}

/* What a chip keeps for its life, or at least until its firmware changes. */
static int
read_fixed(struct scu_chip *chip, bool clear, struct scu_chip_info *info)
{
    struct properties all = { 0 };
    int rc;

    if ((rc = read_properties(chip, clear, TPM2_PT_FIXED,
            TPM2_PT_FIXED + TPM2_PT_GROUP - 1, &all)) != SCU_OK)
        return rc;
    fill_identity(&all, info);
    if ((rc = read_algorithms(chip, clear, info)) != SCU_OK ||
        (rc = read_curves(chip, clear, info)) != SCU_OK ||
        (rc = test_rsa(chip, clear, 2048, &info->rsa2048)) != SCU_OK ||
        (rc = test_rsa(chip, clear, 3072, &info->rsa3072)) != SCU_OK)
        return rc;
    return test_rsa(chip, clear, 4096, &info->rsa4096);
}

static int
read_state(struct scu_chip *chip, bool clear, struct scu_chip_info *info)
{
    struct properties all = { 0 };
    int rc;

    if ((rc = read_properties(chip, clear, TPM2_PT_VAR,
            TPM2_PT_VAR + TPM2_PT_GROUP - 1, &all)) != SCU_OK)
        return rc;
    fill_state(&all, info);
    if ((rc = read_handles(chip, clear, CHIP_TRANSIENT_FIRST,
            &info->objects_loaded)) != SCU_OK ||
        (rc = read_handles(chip, clear, TPM2_NV_INDEX_FIRST,
            &info->nv_indices)) != SCU_OK)
        return rc;
    return read_clock(chip, clear, info);
}

/* The fixed part is believed, and kept, only when a session vouched for it. */
static int
info_protected(struct scu_chip *chip, void *arg)
{
    struct scu_chip_info *info = arg;
    int rc = SCU_OK;

    if (!chip->capabilities.authentic) {
        memset(info, 0, sizeof(*info));
        rc = read_fixed(chip, false, info);
        info->provisioned = info->authentic = rc == SCU_OK;
        chip->capabilities = *info;
    }
    *info = chip->capabilities;
    return rc == SCU_OK ? read_state(chip, false, info) : rc;
}

static int
info_clear(struct scu_chip *chip, void *arg)
{
    struct scu_chip_info *info = arg;
    int rc;

    memset(info, 0, sizeof(*info));
    rc = read_fixed(chip, true, info);
    return rc == SCU_OK ? read_state(chip, true, info) : rc;
}

int
scu_chip_info(struct scu_chip *chip, struct scu_chip_info *info)
{
    int rc = chip_perform(chip, CHIP_REPEATABLE, info_protected, info);

    if (rc == SCU_E_UNPROVISIONED)
        rc = chip_perform(chip, CHIP_REPEATABLE | CHIP_BARE, info_clear, info);
    if (rc != SCU_OK)
        memset(info, 0, sizeof(*info));
    return rc;
}

struct random_request {
    uint8_t *data;
    size_t len;
};

static int
random_once(struct scu_chip *chip, struct random_request *request)
{
    const struct chip_command command = { .code = TPM2_CC_GetRandom };
    TPM2B_DIGEST octets = { 0 };
    size_t want = request->len < CRYPTO_SHA256_SIZE ?
        request->len : CRYPTO_SHA256_SIZE;
    int rc = chip_prepared(Tss2_Sys_GetRandom_Prepare(chip->sys,
        (uint16_t)want), command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_GetRandom_Complete(chip->sys, &octets),
            command.code);
    if (rc == SCU_OK && (octets.size == 0 || octets.size > want))
        rc = err_set(SCU_E_CHIP, "TPM2_GetRandom: %u octets instead of %zu",
            octets.size, want);
    if (rc == SCU_OK) {
        memcpy(request->data, octets.buffer, octets.size);
        request->data += octets.size;
        request->len -= octets.size;
    }
    explicit_bzero(&octets, sizeof(octets));
    return rc;
}

static int
random_operation(struct scu_chip *chip, void *arg)
{
    struct random_request *request = arg;
    int rc = SCU_OK;

    while (rc == SCU_OK && request->len > 0)
        rc = random_once(chip, request);
    return rc;
}

int
scu_chip_random(struct scu_chip *chip, uint8_t *data, size_t len)
{
    struct random_request request = { data, len };
    int rc = chip_perform(chip, CHIP_REPEATABLE, random_operation, &request);

    if (rc != SCU_OK)
        explicit_bzero(data, len);
    return rc;
}

static int
shutdown_operation(struct scu_chip *chip, void *arg)
{
    const struct chip_command command = {
        .code = TPM2_CC_Shutdown, .clear = true,
    };
    int rc;

    (void)arg;
    while (chip->loaded != NULL)
        chip_object_drop(chip, chip->loaded);
    chip_session_end(chip, &chip->session);
    rc = chip_prepared(Tss2_Sys_Shutdown_Prepare(chip->sys, TPM2_SU_CLEAR),
        command.code);
    return rc == SCU_OK ? chip_run(chip, &command) : rc;
}

int
scu_chip_shutdown(struct scu_chip *chip)
{
    return chip_perform(chip, CHIP_BARE | CHIP_REPEATABLE, shutdown_operation,
        NULL);
}
