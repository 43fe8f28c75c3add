/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/pinindex.h"

#include <endian.h>
#include <string.h>
#include <tss2/tss2_mu.h>

/* TCG registry of reserved handles: 0x01800000 to 0x01bfffff are the
 * owner's. */
#define FIRST_HANDLE 0x01800100U
#define LAST_HANDLE 0x01bfffffU

_Static_assert(PIN_INDEX_ATTRIBUTES == (TPMA_NV_POLICYWRITE |
    TPMA_NV_POLICYREAD | TPMA_NV_NO_DA |
    (TPM2_NT_PIN_FAIL << TPMA_NV_TPM2_NT_SHIFT)), "the index' attributes");
_Static_assert((PIN_INDEX_ATTRIBUTES & (TPMA_NV_ORDERLY |
    TPMA_NV_CLEAR_STCLEAR | TPMA_NV_OWNERWRITE | TPMA_NV_AUTHWRITE)) == 0,
    "attributes that would lose the count");

/* --- what it is ----------------------------------------------------------- */

static void
fill_branches(struct pin_index *index, const TPM2B_NAME *change,
    const TPM2B_NAME *reset)
{
    const struct policy branches[PIN_BRANCHES] = {
        [PIN_CHANGE] = { .n = 2, .step = {
            { .kind = POLICY_SECRET, .name = *change },
            { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_ChangeAuth },
        } },
        [PIN_RESET] = { .n = 2, .step = {
            { .kind = POLICY_SECRET, .name = *reset },
            { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_Write },
        } },
        [PIN_FIRST_WRITE] = { .n = 2, .step = {
            { .kind = POLICY_NV_WRITTEN, .written = false },
            { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_Write },
        } },
        [PIN_READ] = { .n = 1, .step = {
            { .kind = POLICY_COMMAND_CODE, .code = TPM2_CC_NV_Read },
        } },
    };

    memcpy(index->branches, branches, sizeof(branches));
    index->policy.n = 1;
    index->policy.step[0] = (struct policy_step){
        .kind = POLICY_OR,
        .branches = index->branches, .n_branches = PIN_BRANCHES,
    };
}

static int
nv_name(struct crypto *crypto, const TPMS_NV_PUBLIC *public, TPM2B_NAME *name)
{
    uint8_t area[sizeof(TPMS_NV_PUBLIC)];
    struct bytes part = { area, 0 };
    uint16_t alg = htobe16(public->nameAlg);
    int rc = err_tss(Tss2_MU_TPMS_NV_PUBLIC_Marshal(public, area,
        sizeof(area), &part.len), "NV public area");

    if (rc == SCU_OK)
        rc = crypto_hash(crypto, TPM2_ALG_SHA256, &part, 1,
            name->name + sizeof(alg));
    memcpy(name->name, &alg, sizeof(alg));
    name->size = sizeof(alg) + CRYPTO_SHA256_SIZE;
    return rc;
}

int
pin_index_init(struct crypto *crypto, struct pin_index *index,
    TPM2_HANDLE handle, const TPM2B_NAME *change, const TPM2B_NAME *reset)
{
    TPMS_NV_PUBLIC *public = &index->public.nvPublic;
    TPMS_NV_PUBLIC written;
    int rc;

    memset(index, 0, sizeof(*index));
    index->handle = handle;
    fill_branches(index, change, reset);
    public->nvIndex = handle;
    public->nameAlg = TPM2_ALG_SHA256;
    public->attributes = PIN_INDEX_ATTRIBUTES;
    public->dataSize = PIN_INDEX_SIZE;
    rc = policy_digest(crypto, &index->policy, &public->authPolicy);
    if (rc == SCU_OK)
        rc = nv_name(crypto, public, &index->fresh);
    written = *public;
    written.attributes |= TPMA_NV_WRITTEN;
    if (rc == SCU_OK)
        rc = nv_name(crypto, &written, &index->name);
    return rc;
}

/* --- by the owner --------------------------------------------------------- */

static int
set_auth(TPM2B_AUTH *out, const struct secret *auth)
{
    return b2_set(&out->size, out->buffer, sizeof(out->buffer), auth->data,
        session_auth_len(auth));
}

static int
define(struct scu_chip *chip, const struct pin_index *index,
    const struct secret *owner, const struct secret *auth)
{
    TPM2B_NAME name;
    const struct chip_command command = {
        .code = TPM2_CC_NV_DefineSpace, .handles = 1, .names = { &name },
        .auths = 1, .auth = { { .value = owner } },
    };
    TPM2B_AUTH value = { 0 };
    int rc;

    chip_handle_name(TPM2_RH_OWNER, &name);
    rc = set_auth(&value, auth);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_NV_DefineSpace_Prepare(chip->sys,
            TPM2_RH_OWNER, &value, &index->public), command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    explicit_bzero(&value, sizeof(value));
    if (rc == SCU_E_SLOTS)
        rc = err_set(SCU_E_TOKENS_FULL, "the chip's NV memory has no room for "
            "another PIN index: remove a token, or other NV indices");
    return rc;
}

/*
 * The Name of what stands at a handle. cpHash covers the Name that is asked
 * for: hearsay first, which the session then proves.
 */
static int
read_name(struct scu_chip *chip, TPM2_HANDLE handle, bool clear,
    TPM2B_NAME *name)
{
    TPM2B_NAME asked = { 0 };
    const struct chip_command command = {
        .code = TPM2_CC_NV_ReadPublic, .clear = clear,
        .handles = 1, .names = { &asked },
    };
    TPM2B_NV_PUBLIC public = { 0 };
    int rc = clear ? SCU_OK : read_name(chip, handle, true, &asked);

    name->size = 0;
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_NV_ReadPublic_Prepare(chip->sys, handle),
            command.code);
    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_NV_ReadPublic_Complete(chip->sys,
            &public, name), command.code);
    return rc;
}

static bool
same_name(const TPM2B_NAME *a, const TPM2B_NAME *b)
{
    return a->size == b->size && memcmp(a->name, b->name, a->size) == 0;
}

/* No chip signs its errors: that nothing has the handle, the session says. */
static int
is_gone(struct scu_chip *chip, const struct pin_index *index)
{
    TPMS_CAPABILITY_DATA data;
    int rc = chip_capability(chip, false, TPM2_CAP_HANDLES, index->handle, 1,
        &data);

    if (rc != SCU_OK || data.data.handles.count == 0 ||
        data.data.handles.handle[0] != index->handle)
        return rc;
    return err_set(SCU_E_TAMPERED, "the chip has an index 0x%08x, which an "
        "answer denied: somebody alters the bus", index->handle);
}

/* The owner's word was refused for both Names: ours or not, that is proven. */
static int
not_undefined(struct scu_chip *chip, const struct pin_index *index)
{
    TPM2B_NAME there;
    int rc = read_name(chip, index->handle, false, &there);

    if (rc == SCU_E_NOT_FOUND)
        return is_gone(chip, index);
    if (rc != SCU_OK)
        return rc;
    return same_name(&there, &index->name) ||
        same_name(&there, &index->fresh) ?
        err_set(SCU_E_AUTH, "the owner authorisation is wrong") : SCU_OK;
}

int
pin_index_undefine(struct scu_chip *chip, const struct pin_index *index,
    const struct secret *owner)
{
    TPM2B_NAME name;
    const TPM2B_NAME *forms[] = { &index->name, &index->fresh };
    struct chip_command command = {
        .code = TPM2_CC_NV_UndefineSpace, .handles = 2, .names = { &name },
        .auths = 1, .auth = { { .value = owner } },
    };
    int rc = SCU_E_INTERNAL;

    chip_handle_name(TPM2_RH_OWNER, &name);
    /* With another Name the HMAC is wrong, and nothing happens. */
    for (size_t i = 0; i < 2; i++) {
        command.names[1] = forms[i];
        rc = chip_prepared(Tss2_Sys_NV_UndefineSpace_Prepare(chip->sys,
            TPM2_RH_OWNER, index->handle), command.code);
        if (rc == SCU_OK)
            rc = chip_run(chip, &command);
        if (rc == SCU_OK)
            return SCU_OK;
        if (rc == SCU_E_NOT_FOUND)
            return is_gone(chip, index);
        chip->doubted = false;
        if (rc != SCU_E_AUTH && rc != SCU_E_LOST && rc != SCU_E_OTHER_CHIP)
            return rc;
    }
    return rc == SCU_E_AUTH || chip->session.handle != 0 ?
        not_undefined(chip, index) : rc;
}

/* --- by policy ------------------------------------------------------------ */

/*
 * Runs a prepared command on the index by a policy session that is satisfied
 * for it, and ends that session.
 */
static int
run(struct scu_chip *chip, struct session *session,
    const struct chip_command *form, const TPM2B_NAME *name)
{
    struct chip_command command = *form;

    command.names[0] = name;
    command.names[1] = name;
    command.auths = 1;
    command.auth[0] = (struct chip_auth){ .session = session, .last = true };
    command.companion = true;
    return chip_run(chip, &command);
}

static int
satisfied(struct scu_chip *chip, const struct pin_index *index,
    enum pin_branch branch, const struct pin_helper *helper,
    struct session *session)
{
    const struct policy_choice choice = {
        .handle = helper == NULL ? 0 : helper->handle,
        .secret = helper == NULL ? NULL : helper->auth,
        .branch = branch,
    };
    int rc = policy_start(chip, session);

    return rc == SCU_OK ?
        policy_satisfy(chip, session, &index->policy, &choice) : rc;
}

static int
write_counts(struct scu_chip *chip, const struct pin_index *index,
    enum pin_branch branch, const struct pin_helper *helper, uint32_t limit)
{
    const struct chip_command form = {
        .code = TPM2_CC_NV_Write, .handles = 2,
    };
    const uint32_t counts[2] = { 0, htobe32(limit) };
    TPM2B_MAX_NV_BUFFER data = { .size = PIN_INDEX_SIZE };
    struct session session = { 0 };
    int rc;

    memcpy(data.buffer, counts, sizeof(counts));
    rc = satisfied(chip, index, branch, helper, &session);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_NV_Write_Prepare(chip->sys,
            index->handle, index->handle, &data, 0), form.code);
    if (rc == SCU_OK)
        rc = run(chip, &session, &form, branch == PIN_FIRST_WRITE ?
            &index->fresh : &index->name);
    policy_end(chip, &session);
    return rc;
}

int
pin_index_define(struct scu_chip *chip, const struct pin_index *index,
    const struct secret *owner, const struct secret *auth, uint32_t limit,
    bool *defined)
{
    int rc = define(chip, index, owner, auth);

    /* No chip signs its errors: it may have done what it was told. */
    *defined = true;
    return rc == SCU_OK ?
        write_counts(chip, index, PIN_FIRST_WRITE, NULL, limit) : rc;
}

int
pin_index_reset(struct scu_chip *chip, const struct pin_index *index,
    const struct pin_helper *helper, uint32_t limit)
{
    return write_counts(chip, index, PIN_RESET, helper, limit);
}

int
pin_index_change(struct scu_chip *chip, const struct pin_index *index,
    const struct pin_helper *helper, const struct secret *auth)
{
    const struct chip_command form = {
        .code = TPM2_CC_NV_ChangeAuth, .handles = 1,
    };
    TPM2B_AUTH value = { 0 };
    struct session session = { 0 };
    int rc = satisfied(chip, index, PIN_CHANGE, helper, &session);

    if (rc == SCU_OK)
        rc = set_auth(&value, auth);
    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_NV_ChangeAuth_Prepare(chip->sys,
            index->handle, &value), form.code);
    if (rc == SCU_OK)
        rc = run(chip, &session, &form, &index->name);
    policy_end(chip, &session);
    explicit_bzero(&value, sizeof(value));
    return rc;
}

int
pin_index_read(struct scu_chip *chip, const struct pin_index *index,
    struct pin_counts *counts)
{
    const struct chip_command form = {
        .code = TPM2_CC_NV_Read, .handles = 2,
    };
    TPM2B_MAX_NV_BUFFER data = { 0 };
    struct session session = { 0 };
    uint32_t be[2];
    int rc = satisfied(chip, index, PIN_READ, NULL, &session);

    if (rc == SCU_OK)
        rc = chip_prepared(Tss2_Sys_NV_Read_Prepare(chip->sys, index->handle,
            index->handle, PIN_INDEX_SIZE, 0), form.code);
    if (rc == SCU_OK)
        rc = run(chip, &session, &form, &index->name);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_NV_Read_Complete(chip->sys, &data),
            form.code);
    policy_end(chip, &session);
    if (rc == SCU_OK && data.size != sizeof(be))
        rc = err_set(SCU_E_CHIP, "TPM2_NV_Read: %u octets of %u", data.size,
            PIN_INDEX_SIZE);
    if (rc != SCU_OK)
        return rc;
    memcpy(be, data.buffer, sizeof(be));
    counts->count = be32toh(be[0]);
    counts->limit = be32toh(be[1]);
    return SCU_OK;
}

/* --- free handles ---------------------------------------------------------- */

bool
pin_index_is_owners(TPM2_HANDLE handle)
{
    return handle >= FIRST_HANDLE && handle <= LAST_HANDLE;
}

static bool
holds(const TPML_HANDLE *list, TPM2_HANDLE handle)
{
    for (uint32_t i = 0; i < list->count && i < TPM2_MAX_CAP_HANDLES; i++)
        if (list->handle[i] == handle)
            return true;
    return false;
}

int
pin_index_free_handles(struct scu_chip *chip, TPM2_HANDLE not_below,
    TPM2_HANDLE handles[2])
{
    TPMS_CAPABILITY_DATA data;
    const TPML_HANDLE *list = &data.data.handles;
    TPM2_HANDLE next = not_below > FIRST_HANDLE ? not_below : FIRST_HANDLE;
    size_t n = 0;
    int rc;

    while (n < 2 && next <= LAST_HANDLE) {
        rc = chip_capability(chip, false, TPM2_CAP_HANDLES, next,
            TPM2_MAX_CAP_HANDLES, &data);
        if (rc != SCU_OK)
            return rc;
        /* As far as the answer tells: up to its last handle, if it is full. */
        do {
            if (!holds(list, next))
                handles[n++] = next;
            next++;
        } while (n < 2 && next <= LAST_HANDLE && (list->count == 0 ||
            list->count > TPM2_MAX_CAP_HANDLES ||
            next <= list->handle[list->count - 1]));
    }
    return n == 2 ? SCU_OK : err_set(SCU_E_TOKENS_FULL, "no NV index is free "
        "in the owner's range");
}
