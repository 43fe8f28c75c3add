/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/authorisations.h"
#include "attest/ek.h"
#include "attest/fixture.h"
#include "io.h"
#include "key/template.h"
#include "lockfile.h"

#include <errno.h>
#include <scu/provision.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AUTHORISATION_SIZE 32
#define LOCK_WAIT_MS 30000 /* far longer than provisioning takes */

struct job {
    const struct scu_provision_options *options;
    struct scu_provision_report *report;
    struct pins pins;
    struct authorisations files;
    struct secret *given; /* the owner authorisation that the caller gave */
    uint32_t permanent;   /* TPMA_PERMANENT */
};

/* --- authorisations ------------------------------------------------------- */

/*
 * The owner authorisation as far as it is known: the given one, the one in
 * the file, or empty (NULL) while the chip has none.
 */
static int
owner_auth(const struct job *job, const struct secret **value)
{
    *value = NULL;
    if ((job->permanent & TPMA_PERMANENT_OWNERAUTHSET) == 0)
        return SCU_OK;
    *value = job->given != NULL ? job->given : job->files.owner;
    if (*value == NULL)
        return err_set(SCU_E_AUTH_NEEDED, "the chip's owner authorisation is "
            "set, but not known here: give it by --owner-auth, or restore "
            "the file 'authorisations' in the state folder");
    return SCU_OK;
}

static int
change_auth(struct scu_chip *chip, TPMI_RH_HIERARCHY_AUTH hierarchy,
    const struct secret *value)
{
    TPM2B_NAME name;
    const struct chip_command command = {
        .code = TPM2_CC_HierarchyChangeAuth, .handles = 1,
        .names = { &name }, .auths = 1, .new_auth = value,
    };
    TPM2B_AUTH auth = { 0 };
    int rc;

    chip_handle_name(hierarchy, &name);
    rc = b2_set(&auth.size, auth.buffer, sizeof(auth.buffer), value->data,
        session_auth_len(value));
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_HierarchyChangeAuth_Prepare(chip->sys,
            hierarchy, &auth), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    explicit_bzero(&auth, sizeof(auth));
    return rc;
}

/*
 * Gives a hierarchy a random authorisation, which is on the disk before the
 * chip knows it. One that an interrupted run left in the file is used again.
 */
static int
set_random(struct scu_chip *chip, struct job *job,
    TPMI_RH_HIERARCHY_AUTH hierarchy, struct secret **value)
{
    int rc = SCU_OK;

    if (*value == NULL) {
        *value = secret_new(NULL, AUTHORISATION_SIZE);
        if (*value == NULL)
            return err_memory();
        rc = crypto_random(chip->crypto, (*value)->data, (*value)->len);
        if (rc == SCU_OK)
            rc = authorisations_write(chip->state, &job->files);
        if (rc != SCU_OK)
            secret_free(value);
    }
    return rc == SCU_OK ? change_auth(chip, hierarchy, *value) : rc;
}

static int
settle_owner(struct scu_chip *chip, struct job *job)
{
    int rc = SCU_OK;

    if ((job->permanent & TPMA_PERMANENT_OWNERAUTHSET) != 0 ||
        job->options->owner_auth == SCU_OWNER_AUTH_EMPTY)
        return SCU_OK;
    if (job->options->owner_auth == SCU_OWNER_AUTH_VALUE)
        rc = change_auth(chip, TPM2_RH_OWNER, job->given);
    else
        rc = set_random(chip, job, TPM2_RH_OWNER, &job->files.owner);
    job->report->set_owner_auth = rc == SCU_OK;
    return rc;
}

static int
settle_lockout(struct scu_chip *chip, struct job *job)
{
    int rc;

    if ((job->permanent & TPMA_PERMANENT_LOCKOUTAUTHSET) != 0)
        return SCU_OK;
    rc = set_random(chip, job, TPM2_RH_LOCKOUT, &job->files.lockout);
    job->report->set_lockout_auth = rc == SCU_OK;
    return rc;
}

static int
read_permanent(struct scu_chip *chip, struct job *job)
{
    TPMS_CAPABILITY_DATA data;
    const TPML_TAGGED_TPM_PROPERTY *list = &data.data.tpmProperties;
    int rc = chip_capability(chip, false, TPM2_CAP_TPM_PROPERTIES,
        TPM2_PT_PERMANENT, 1, &data);

    if (rc == SCU_OK && (list->count < 1 ||
            list->tpmProperty[0].property != TPM2_PT_PERMANENT))
        rc = err_set(SCU_E_CHIP, "the chip does not tell TPM_PT_PERMANENT");
    if (rc == SCU_OK)
        job->permanent = list->tpmProperty[0].value;
    return rc;
}

/* --- keys and pins --------------------------------------------------------- */

/* A key that has taken the place of a pinned one is not pinned silently. */
static int
still_pinned(const struct fixture *fixture, const TPM2B_PUBLIC *pinned,
    const TPM2B_PUBLIC *found)
{
    const TPMS_ECC_POINT *a = &pinned->publicArea.unique.ecc;
    const TPMS_ECC_POINT *b = &found->publicArea.unique.ecc;

    if (pinned->publicArea.type == 0 || (a->x.size == b->x.size &&
            memcmp(a->x.buffer, b->x.buffer, a->x.size) == 0 &&
            a->y.size == b->y.size &&
            memcmp(a->y.buffer, b->y.buffer, a->y.size) == 0))
        return SCU_OK;
    return err_set(SCU_E_EXISTS, "%s at 0x%08x is not the one that was pinned: "
        "evict it by `tpm2_evictcontrol -c 0x%08x`, then provision again",
        fixture->what, fixture->handle, fixture->handle);
}

static int
settle_fixture(struct scu_chip *chip, const struct job *job,
    const struct fixture *fixture, TPM2B_PUBLIC *public, bool *created)
{
    const TPM2B_PUBLIC pinned = *public;
    const struct secret *owner = NULL;
    int rc = fixture_find(chip, fixture, public);

    if (rc == SCU_OK)
        return still_pinned(fixture, &pinned, public);
    if (rc != SCU_E_NOT_FOUND)
        return rc;
    rc = owner_auth(job, &owner);
    if (rc == SCU_OK && fixture->hierarchy == TPM2_RH_ENDORSEMENT &&
        (job->permanent & TPMA_PERMANENT_ENDORSEMENTAUTHSET) != 0)
        rc = err_set(SCU_E_AUTH_NEEDED, "the chip's endorsement authorisation "
            "is set: empty it by `tpm2_changeauth -c e` while provisioning");
    if (rc == SCU_OK)
        rc = fixture_create(chip, fixture, owner, public);
    *created = rc == SCU_OK;
    return rc;
}

static int
settle_pins(struct scu_chip *chip, struct job *job)
{
    struct pins before;
    int rc = pins_read(chip->state, &before);

    if (rc == SCU_OK && pins_equal(&before, &job->pins))
        return SCU_OK;
    rc = pins_write(chip->state, &job->pins);
    job->report->wrote_pins = rc == SCU_OK;
    return rc;
}

/* Each step is looked at before it is done, so all of it can be repeated. */
static int
settle(struct scu_chip *chip, struct job *job)
{
    struct scu_provision_report *report = job->report;
    int rc;

    if ((rc = read_permanent(chip, job)) != SCU_OK ||
        (rc = settle_fixture(chip, job, &fixture_storage, &job->pins.storage,
            &report->created_storage)) != SCU_OK ||
        (rc = settle_fixture(chip, job, &fixture_attestation,
            &job->pins.attestation, &report->created_attestation)) != SCU_OK)
        return rc;
    job->pins.storage_handle = fixture_storage.handle;
    job->pins.attestation_handle = fixture_attestation.handle;
    if ((rc = settle_pins(chip, job)) != SCU_OK ||
        (rc = settle_owner(chip, job)) != SCU_OK ||
        (rc = settle_lockout(chip, job)) != SCU_OK)
        return rc;
    report->owner_auth_empty = !report->set_owner_auth &&
        (job->permanent & TPMA_PERMANENT_OWNERAUTHSET) == 0;
    return SCU_OK;
}

/* --- the first session ------------------------------------------------------ */

/*
 * Without an EK certificate: a key of the null hierarchy, which keeps the
 * authorisations out of sight. The chip is believed because it was the first.
 */
static int
first_use_anchor(struct scu_chip *chip, struct ek *anchor)
{
    TPM2B_PUBLIC template;
    struct chip_primary primary = {
        .hierarchy = TPM2_RH_NULL, .auth.password = true,
        .template = &template,
    };
    int rc;

    template_storage_ecc(&template);
    rc = chip_create_primary(chip, &primary);
    anchor->handle = primary.handle;
    anchor->public = primary.public;
    return rc;
}

/* The key that the first session is salted to. */
static int
find_anchor(struct scu_chip *chip, struct job *job, struct ek *anchor)
{
    TPM2B_NAME *hash = &job->pins.ek_certificate;
    int rc = ek_find(chip, anchor);

    if (rc == SCU_E_NOT_FOUND) {
        job->pins.trust = SCU_TRUST_FIRST_USE;
        return first_use_anchor(chip, anchor);
    }
    if (rc != SCU_OK)
        return rc;
    job->pins.trust = SCU_TRUST_EK_CERTIFICATE;
    job->pins.ek_name = anchor->name;
    return b2_set(&hash->size, hash->name, sizeof(hash->name),
        anchor->certificate_hash, sizeof(anchor->certificate_hash));
}

/* A chip that has no pins yet, or whose pins are given up. */
static int
provision_new(struct scu_chip *chip, void *arg)
{
    struct job *job = arg;
    struct ek anchor = { 0 };
    int rc;

    chip->have_pins = false;
    memset(&job->pins, 0, sizeof(job->pins));
    chip_session_end(chip, &chip->session);
    rc = find_anchor(chip, job, &anchor);
    if (rc != SCU_OK)
        return rc;
    chip->session_proven = false;
    rc = chip_session_start(chip, TPM2_SE_HMAC, anchor.handle,
        &anchor.public.publicArea, &chip->session);
    (void)chip_flush(chip, anchor.handle);
    if (rc == SCU_OK)
        rc = settle(chip, job);
    if (rc == SCU_E_OTHER_CHIP)
        rc = err_set(rc, "the chip does not own the endorsement key that its "
            "certificate names, or somebody alters the bus: not provisioned");
    /* From here on sessions are salted to the pinned key. */
    chip_session_end(chip, &chip->session);
    return rc;
}

/* The pinned chip, through the pinned session: what may still be missing. */
static int
provision_again(struct scu_chip *chip, void *arg)
{
    struct job *job = arg;

    job->pins = chip->pins;
    return settle(chip, job);
}

/* The folder and those above it that are missing, for all to enter. */
static int
make_folder(const char *path)
{
    char part[4096];
    size_t len = strlen(path);
    int rc;

    if (len >= sizeof(part))
        return err_set(SCU_E_FILE, "%s: the path is too long", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) == 0)
            rc = io_sync_entry(part);
        else
            rc = errno == EEXIST ? 0 : -errno;
        if (rc != 0)
            return err_set(SCU_E_FILE, "%s: %s: run as root, or name another "
                "folder by SCU_STATE or scu.conf", part, strerror(-rc));
    }
    return SCU_OK;
}

/*
 * One run at a time per folder: two would each make up authorisations, and the
 * file would keep one, the chip the other.
 */
static int
lock_folder(const char *path, struct lockfile **lock)
{
    char name[4096];
    pid_t holder = 0;
    int n = snprintf(name, sizeof(name), "%s/provision.lock", path);
    int rc;

    if (n < 0 || (size_t)n >= sizeof(name))
        return err_set(SCU_E_FILE, "%s: the path is too long", path);
    if ((rc = lockfile_open(name, lock)) == 0)
        rc = lockfile_acquire(*lock, deadline_in(LOCK_WAIT_MS), &holder);
    if (rc == -ETIMEDOUT)
        return err_set(SCU_E_BUSY, "process %ld is provisioning in %s: repeat "
            "when it is done", (long)holder, path);
    return rc == 0 ? SCU_OK : err_set(SCU_E_FILE, "%s: %s: run as root, or "
        "name another folder by SCU_STATE or scu.conf", name, strerror(-rc));
}

/* Another chip takes the place of the pinned one, at the caller's word. */
static int
replace_chip(struct scu_chip *chip, struct job *job)
{
    char name[2 * sizeof(TPMU_NAME) + 1];
    int rc;

    hex_encode(chip->storage.name.name, chip->storage.name.size, name);
    rc = authorisations_retire(chip->state, name);
    if (rc != SCU_OK)
        return rc;
    authorisations_clear(&job->files);
    return chip_perform(chip, CHIP_BARE | CHIP_REPEATABLE, provision_new,
        job);
}

static int
run_job(struct scu_chip *chip, struct job *job)
{
    struct pins pins;
    int rc = pins_read(chip->state, &pins);

    if (rc == SCU_E_UNPROVISIONED)
        return chip_perform(chip, CHIP_BARE | CHIP_REPEATABLE, provision_new,
            job);
    if (rc == SCU_OK)
        rc = chip_perform(chip, CHIP_REPEATABLE, provision_again, job);
    if (rc == SCU_E_OTHER_CHIP && job->options->force)
        rc = replace_chip(chip, job);
    return rc;
}

static int
fill_report(const struct pins *pins, struct crypto *crypto,
    struct scu_provision_report *report)
{
    TPM2B_NAME name = { 0 };
    int rc = crypto_name(crypto, &pins->storage.publicArea, &name);

    report->trust = (enum scu_trust)pins->trust;
    report->storage_handle = pins->storage_handle;
    report->attestation_handle = pins->attestation_handle;
    if (rc == SCU_OK)
        hex_encode(name.name, name.size, report->storage_name);
    if (rc == SCU_OK && pins->attestation_handle != 0) {
        rc = crypto_name(crypto, &pins->attestation.publicArea, &name);
        if (rc == SCU_OK)
            hex_encode(name.name, name.size, report->attestation_name);
    }
    hex_encode(pins->ek_name.name, pins->ek_name.size, report->ek_name);
    hex_encode(pins->ek_certificate.name, pins->ek_certificate.size,
        report->ek_certificate);
    return rc;
}

int
scu_provision(struct scu_chip *chip,
    const struct scu_provision_options *options,
    struct scu_provision_report *report)
{
    struct job job = { .options = options, .report = report };
    struct lockfile *lock = NULL;
    int rc;

    memset(report, 0, sizeof(*report));
    if (options->owner_auth == SCU_OWNER_AUTH_VALUE) {
        if (options->owner_value == NULL || options->owner_len == 0 ||
            options->owner_len > AUTHORISATION_SIZE)
            return err_set(SCU_E_ARG, "an owner authorisation has 1 to %d "
                "octets", AUTHORISATION_SIZE);
        job.given = secret_new(options->owner_value, options->owner_len);
        if (job.given == NULL)
            return err_memory();
        if (session_auth_len(job.given) == 0) {
            secret_free(&job.given);
            return err_set(SCU_E_ARG, "an owner authorisation of zero octets "
                "only is an empty one to the chip");
        }
    }
    if ((rc = make_folder(chip->state)) != SCU_OK ||
        (rc = lock_folder(chip->state, &lock)) != SCU_OK ||
        (rc = authorisations_read(chip->state, &job.files)) != SCU_OK ||
        (rc = run_job(chip, &job)) != SCU_OK)
        goto out;
    rc = fill_report(&job.pins, chip->crypto, report);
out:
    lockfile_close(&lock);
    authorisations_clear(&job.files);
    secret_free(&job.given);
    return rc;
}

int
scu_provision_read(const struct scu_chip *chip,
    struct scu_provision_report *report)
{
    struct crypto *crypto = NULL;
    struct pins pins;
    int rc;

    memset(report, 0, sizeof(*report));
    if ((rc = pins_read(chip->state, &pins)) != SCU_OK)
        return rc;
    crypto = crypto_new();
    if (crypto == NULL)
        return err_set(SCU_E_INTERNAL, "libcrypto has no default provider");
    rc = fill_report(&pins, crypto, report);
    crypto_free(&crypto);
    return rc;
}
