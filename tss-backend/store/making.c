/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/making.h"

#include <string.h>

int
making_derive(struct scu_chip *chip, struct making *m)
{
    int rc = SCU_OK;

    if (m->vault == NULL)
        rc = vault_make(chip, &m->row, &m->vault);
    if (rc == SCU_OK && m->auths.index == NULL)
        rc = pin_derive(chip->crypto, &m->row, SCU_USER_SO, m->pin,
            &m->auths);
    return rc;
}

int
making_blob(struct scu_chip *chip, void *arg)
{
    struct making *m = arg;
    const struct change_blob what = {
        .index = &m->vault->index[SCU_USER_SO], .who = SCU_USER_SO,
        .auths = &m->auths, .secret = m->secret,
    };

    return change_seal(chip, &what, &m->blob);
}

struct authenticate {
    const struct secret *secret;
    struct token_row *row;
};

static int
authenticate(struct scu_chip *chip, void *arg)
{
    struct authenticate *a = arg;
    struct secret *keys = NULL;
    int rc = authentic_keys(chip->crypto,
        (struct bytes){ a->secret->data, PART_SIZE }, &keys);

    if (rc == SCU_OK)
        rc = authentic_token(chip->crypto, keys, a->row);
    secret_free(&keys);
    return rc;
}

/* The row with its MAC under T, and the SO's blob as the only one. */
int
making_finish(struct scu_chip *chip, struct token_row *row,
    const struct secret *secret, const struct chip_object *blob)
{
    struct authenticate a = { .secret = secret, .row = row };
    uint8_t encoded[SEALED_MAX];
    struct bytes octets = { encoded, 0 };
    struct database *database = NULL;
    int64_t id = 0;
    int rc = chip_perform(chip, CHIP_OFFLINE, authenticate, &a);

    if (rc == SCU_OK)
        rc = sealed_encode(blob, encoded, &octets.len);
    if (rc == SCU_OK)
        rc = database_open(chip, DATABASE_WRITE, &database);
    if (rc == SCU_OK)
        rc = row->id == 0 ? token_row_insert(database, row) :
            token_row_update(database, row);
    if (rc == SCU_OK)
        rc = pin_row_insert(database, row->id, SCU_USER_SO, octets, &id);
    if (rc == SCU_OK)
        rc = pin_rows_prune(database, row->id, SCU_USER_SO, id);
    if (rc == SCU_OK)
        rc = pin_rows_prune(database, row->id, SCU_USER_NORMAL, 0);
    if (rc == SCU_OK)
        rc = objects_delete_all(database, row->id);
    if (rc == SCU_OK)
        rc = database_commit(database);
    database_close(&database);
    return rc;
}

int
making_undefine(struct scu_chip *chip, void *arg)
{
    struct making *m = arg;
    int rc = SCU_OK;

    if (m->vault == NULL)
        rc = vault_make(chip, &m->row, &m->vault);
    for (size_t i = 0; rc == SCU_OK && i < TOKEN_USERS; i++)
        rc = pin_index_undefine(chip, &m->vault->index[i], m->owner);
    return rc;
}

int
making_label(char out[SCU_TOKEN_LABEL_MAX + 1], const char *label)
{
    size_t len = label == NULL ? 0 : strlen(label);

    if (len == 0 || len > SCU_TOKEN_LABEL_MAX)
        return err_set(SCU_E_ARG, "a label has 1 to %d octets",
            SCU_TOKEN_LABEL_MAX);
    memset(out, 0, SCU_TOKEN_LABEL_MAX + 1);
    memcpy(out, label, len);
    return SCU_OK;
}
