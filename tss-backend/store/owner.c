/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/owner.h"

#include "chip/authorisations.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
read_permanent(struct scu_chip *chip, void *arg)
{
    uint32_t *permanent = arg;
    TPMS_CAPABILITY_DATA data;
    const TPML_TAGGED_TPM_PROPERTY *list = &data.data.tpmProperties;
    int rc = chip_capability(chip, false, TPM2_CAP_TPM_PROPERTIES,
        TPM2_PT_PERMANENT, 1, &data);

    if (rc == SCU_OK && (list->count < 1 ||
            list->tpmProperty[0].property != TPM2_PT_PERMANENT))
        rc = err_set(SCU_E_CHIP, "the chip does not tell TPM_PT_PERMANENT");
    if (rc == SCU_OK)
        *permanent = list->tpmProperty[0].value;
    return rc;
}

/* Whether the file is there, but not for this process to read. */
static bool
hidden(const struct scu_chip *chip)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/authorisations", chip->state);

    return n > 0 && (size_t)n < sizeof(path) && access(path, R_OK) != 0 &&
        errno == EACCES;
}

int
owner_find(struct scu_chip *chip, struct secret **owner)
{
    struct authorisations files = { 0 };
    uint32_t permanent = 0;
    int rc = chip_perform(chip, CHIP_REPEATABLE, read_permanent, &permanent);

    *owner = NULL;
    if (rc != SCU_OK || (permanent & TPMA_PERMANENT_OWNERAUTHSET) == 0)
        return rc;
    if (!hidden(chip))
        rc = authorisations_read(chip->state, &files);
    *owner = files.owner;
    files.owner = NULL;
    authorisations_clear(&files);
    if (rc == SCU_OK && *owner == NULL)
        rc = err_set(SCU_E_AUTH_NEEDED, "this needs the chip's owner "
            "authorisation, which %s/authorisations does not give to you: "
            "run it as who provisioned the chip", chip->state);
    return rc;
}
