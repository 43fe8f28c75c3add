/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/rows.h"

#include "store/sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_COLUMNS                                                         \
    "SELECT id, ready, chip, serial, label, tries, so_index, user_index, "    \
    "so_salt, user_salt, kdf_n, kdf_r, kdf_p, so_helper, user_helper, list, " \
    "mac, EXISTS (SELECT 1 FROM pins WHERE token = tokens.id AND who = 0), "  \
    "EXISTS (SELECT 1 FROM pins WHERE token = tokens.id AND who = 1) "        \
    "FROM tokens "

#define LIST_MAX (16 * 1024 * 1024)

int
octets_set(struct octets *out, struct bytes in)
{
    uint8_t *copy = malloc(in.len == 0 ? 1 : in.len);

    if (copy == NULL)
        return err_memory();
    if (in.len > 0)
        memcpy(copy, in.data, in.len);
    octets_clear(out);
    out->data = copy;
    out->len = in.len;
    return SCU_OK;
}

void
octets_clear(struct octets *out)
{
    if (out->data != NULL)
        explicit_bzero(out->data, out->len);
    free(out->data);
    out->data = NULL;
    out->len = 0;
}

struct bytes
octets_bytes(const struct octets *in)
{
    return (struct bytes){ in->data, in->len };
}

/* --- tokens ----------------------------------------------------------------- */

void
token_row_clear(struct token_row *row)
{
    for (size_t i = 0; i < TOKEN_USERS; i++)
        octets_clear(&row->helper[i]);
    octets_clear(&row->list);
    memset(row, 0, sizeof(*row));
}

static int
damaged(const char *what, int64_t id)
{
    return err_set(SCU_E_STORE, "the row of %s %lld in the store is damaged: "
        "restore the store from a backup", what, (long long)id);
}

/* A column of fixed size. */
static bool
fixed(const struct query *q, int i, void *out, size_t size)
{
    struct bytes value = query_blob(q, i);

    if (value.len != size)
        return false;
    memcpy(out, value.data, size);
    return true;
}

static bool
number(const struct query *q, int i, uint32_t *out)
{
    int64_t value = query_int(q, i);

    *out = (uint32_t)value;
    return value >= 0 && value <= UINT32_MAX;
}

static bool
text(const struct query *q, int i, char *out, size_t size)
{
    size_t len = strlen(query_text(q, i));

    if (len >= size || len != query_blob(q, i).len)
        return false;
    memcpy(out, query_text(q, i), len + 1);
    return true;
}

static bool
numbers(const struct query *q, struct token_row *row)
{
    return number(q, 5, &row->tries) &&
        number(q, 6, &row->index[SCU_USER_SO]) &&
        number(q, 7, &row->index[SCU_USER_NORMAL]) &&
        number(q, 10, &row->cost.n) && number(q, 11, &row->cost.r) &&
        number(q, 12, &row->cost.p);
}

static int
read_token(const struct query *q, struct token_row *row)
{
    struct bytes chip = query_blob(q, 2);
    int rc;

    memset(row, 0, sizeof(*row));
    row->id = query_int(q, 0);
    row->ready = query_int(q, 1) != 0;
    row->pin_set[SCU_USER_SO] = query_int(q, 17) != 0;
    row->pin_set[SCU_USER_NORMAL] = query_int(q, 18) != 0;
    if (chip.len > sizeof(row->chip.name) ||
        !text(q, 3, row->serial, sizeof(row->serial)) ||
        !text(q, 4, row->label, sizeof(row->label)) || !numbers(q, row) ||
        !fixed(q, 8, row->salt[0], TOKEN_SALT_SIZE) ||
        !fixed(q, 9, row->salt[1], TOKEN_SALT_SIZE) ||
        !fixed(q, 16, row->mac, sizeof(row->mac)) ||
        query_blob(q, 13).len > SEALED_MAX ||
        query_blob(q, 14).len > SEALED_MAX ||
        query_blob(q, 15).len > LIST_MAX)
        return damaged("token", row->id);
    if (chip.len > 0)
        memcpy(row->chip.name, chip.data, chip.len);
    row->chip.size = (uint16_t)chip.len;
    if ((rc = octets_set(&row->helper[0], query_blob(q, 13))) != SCU_OK ||
        (rc = octets_set(&row->helper[1], query_blob(q, 14))) != SCU_OK ||
        (rc = octets_set(&row->list, query_blob(q, 15))) != SCU_OK)
        token_row_clear(row);
    return rc;
}

int
token_rows_read(struct database *database, struct token_row **rows,
    size_t *count)
{
    struct token_row *all = NULL, *more;
    size_t n = 0;
    struct query q;
    int rc;

    query_begin(&q, database, TOKEN_COLUMNS "ORDER BY id");
    while ((rc = query_step(&q)) == SCU_OK) {
        more = reallocarray(all, n + 1, sizeof(*all));
        if (more == NULL) {
            rc = err_memory();
            break;
        }
        all = more;
        if ((rc = read_token(&q, &all[n])) != SCU_OK)
            break;
        n++;
    }
    (void)query_end(&q);
    if (rc == SCU_E_NOT_FOUND)
        rc = SCU_OK;
    if (rc != SCU_OK) {
        while (n > 0)
            token_row_clear(&all[--n]);
        free(all);
        all = NULL;
    }
    *rows = all;
    *count = n;
    return rc;
}

int
token_row_read(struct database *database, int64_t id, struct token_row *row)
{
    struct query q;
    int rc;

    memset(row, 0, sizeof(*row));
    query_begin(&q, database, TOKEN_COLUMNS "WHERE id = ?");
    query_bind_int(&q, id);
    rc = query_step(&q);
    if (rc == SCU_OK)
        rc = read_token(&q, row);
    else if (rc == SCU_E_NOT_FOUND)
        rc = err_set(SCU_E_NOT_FOUND, "the token is not in the store any "
            "more: it was removed, or the store was deleted or replaced");
    (void)query_end(&q);
    return rc;
}

int
token_row_insert(struct database *database, struct token_row *row)
{
    struct query q;
    int rc;

    query_begin(&q, database, "INSERT INTO tokens (ready, chip, serial, "
        "label, tries, so_index, user_index, so_salt, user_salt, kdf_n, "
        "kdf_r, kdf_p, so_helper, user_helper, list, mac) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_bind_int(&q, row->ready);
    query_bind_blob(&q, (struct bytes){ row->chip.name, row->chip.size });
    query_bind_text(&q, row->serial);
    query_bind_text(&q, row->label);
    query_bind_int(&q, row->tries);
    query_bind_int(&q, row->index[SCU_USER_SO]);
    query_bind_int(&q, row->index[SCU_USER_NORMAL]);
    query_bind_blob(&q, (struct bytes){ row->salt[0], TOKEN_SALT_SIZE });
    query_bind_blob(&q, (struct bytes){ row->salt[1], TOKEN_SALT_SIZE });
    query_bind_int(&q, row->cost.n);
    query_bind_int(&q, row->cost.r);
    query_bind_int(&q, row->cost.p);
    query_bind_blob(&q, octets_bytes(&row->helper[SCU_USER_SO]));
    query_bind_blob(&q, octets_bytes(&row->helper[SCU_USER_NORMAL]));
    query_bind_blob(&q, octets_bytes(&row->list));
    query_bind_blob(&q, (struct bytes){ row->mac, sizeof(row->mac) });
    rc = query_run(&q);
    if (rc == SCU_OK)
        row->id = database_inserted(database);
    return rc;
}

int
token_row_update(struct database *database, const struct token_row *row)
{
    struct query q;

    query_begin(&q, database, "UPDATE tokens SET ready = ?, label = ?, "
        "tries = ?, list = ?, mac = ? WHERE id = ?");
    query_bind_int(&q, row->ready);
    query_bind_text(&q, row->label);
    query_bind_int(&q, row->tries);
    query_bind_blob(&q, octets_bytes(&row->list));
    query_bind_blob(&q, (struct bytes){ row->mac, sizeof(row->mac) });
    query_bind_int(&q, row->id);
    return query_run(&q);
}

int
token_row_delete(struct database *database, int64_t id)
{
    struct query q;

    query_begin(&q, database, "DELETE FROM tokens WHERE id = ?");
    query_bind_int(&q, id);
    return query_run(&q);
}

/* --- PINs ------------------------------------------------------------------- */

int
pin_rows_read(struct database *database, int64_t token, enum scu_user who,
    struct pin_row rows[PIN_ROWS_MAX], size_t *count)
{
    struct query q;
    size_t n = 0;
    int rc;

    memset(rows, 0, PIN_ROWS_MAX * sizeof(*rows));
    query_begin(&q, database, "SELECT id, blob FROM pins WHERE token = ? AND "
        "who = ? ORDER BY id DESC LIMIT ?");
    query_bind_int(&q, token);
    query_bind_int(&q, who);
    query_bind_int(&q, PIN_ROWS_MAX);
    while ((rc = query_step(&q)) == SCU_OK && n < PIN_ROWS_MAX) {
        rows[n].id = query_int(&q, 0);
        rc = octets_set(&rows[n].blob, query_blob(&q, 1));
        if (rc != SCU_OK)
            break;
        n++;
    }
    (void)query_end(&q);
    *count = n;
    if (rc == SCU_E_NOT_FOUND)
        rc = SCU_OK;
    if (rc != SCU_OK)
        pin_rows_clear(rows);
    return rc;
}

void
pin_rows_clear(struct pin_row rows[PIN_ROWS_MAX])
{
    for (size_t i = 0; i < PIN_ROWS_MAX; i++)
        octets_clear(&rows[i].blob);
}

int
pin_row_insert(struct database *database, int64_t token, enum scu_user who,
    struct bytes blob, int64_t *id)
{
    struct query q;
    int rc;

    query_begin(&q, database, "INSERT INTO pins (token, who, blob) "
        "VALUES (?, ?, ?)");
    query_bind_int(&q, token);
    query_bind_int(&q, who);
    query_bind_blob(&q, blob);
    rc = query_run(&q);
    if (rc == SCU_OK)
        *id = database_inserted(database);
    return rc;
}

int
pin_row_gone(struct database *database, int64_t id, bool *gone)
{
    struct query q;
    int rc;

    query_begin(&q, database, "SELECT 1 FROM pins WHERE id = ?");
    query_bind_int(&q, id);
    rc = query_step(&q);
    *gone = rc == SCU_E_NOT_FOUND;
    (void)query_end(&q);
    return rc == SCU_E_NOT_FOUND ? SCU_OK : rc;
}

int
pin_rows_prune(struct database *database, int64_t token, enum scu_user who,
    int64_t keep)
{
    struct query q;

    query_begin(&q, database, "DELETE FROM pins WHERE token = ? AND who = ? "
        "AND id <> ?");
    query_bind_int(&q, token);
    query_bind_int(&q, who);
    query_bind_int(&q, keep);
    return query_run(&q);
}

/* --- objects ---------------------------------------------------------------- */

void
object_row_clear(struct object_row *row)
{
    octets_clear(&row->attributes);
    octets_clear(&row->key);
    octets_clear(&row->tag);
    memset(row, 0, sizeof(*row));
}

static int
read_object(const struct query *q, struct object_row *row)
{
    int64_t kind = query_int(q, 2), flags = query_int(q, 1);
    int rc;

    memset(row, 0, sizeof(*row));
    row->id = (uint64_t)query_int(q, 0);
    row->flags = (unsigned)flags;
    row->kind = (enum object_kind)kind;
    row->generation = (uint64_t)query_int(q, 3);
    if (flags < 0 || flags > SCU_OBJECT_PRIVATE || kind < 0 ||
        kind > OBJECT_ADOPTED || !fixed(q, 7, row->mac, sizeof(row->mac)))
        return damaged("object", query_int(q, 0));
    if ((rc = octets_set(&row->attributes, query_blob(q, 4))) != SCU_OK ||
        (rc = octets_set(&row->key, query_blob(q, 5))) != SCU_OK ||
        (rc = octets_set(&row->tag, query_blob(q, 6))) != SCU_OK)
        object_row_clear(row);
    return rc;
}

int
object_rows_read(struct database *database, int64_t token,
    struct object_row **rows, size_t *count)
{
    struct object_row *all = NULL, *more;
    size_t n = 0;
    struct query q;
    int rc;

    query_begin(&q, database, "SELECT id, flags, kind, generation, "
        "attributes, key, tag, mac FROM objects WHERE token = ? ORDER BY id");
    query_bind_int(&q, token);
    while ((rc = query_step(&q)) == SCU_OK) {
        more = reallocarray(all, n + 1, sizeof(*all));
        if (more == NULL) {
            rc = err_memory();
            break;
        }
        all = more;
        if ((rc = read_object(&q, &all[n])) != SCU_OK)
            break;
        n++;
    }
    (void)query_end(&q);
    if (rc == SCU_E_NOT_FOUND)
        rc = SCU_OK;
    if (rc != SCU_OK)
        object_rows_free(&all, n);
    *rows = all;
    *count = rc == SCU_OK ? n : 0;
    return rc;
}

void
object_rows_free(struct object_row **rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        object_row_clear(&(*rows)[i]);
    free(*rows);
    *rows = NULL;
}

int
object_row_reserve(struct database *database, int64_t token, uint64_t *id)
{
    struct query q;
    int rc;

    query_begin(&q, database, "INSERT INTO objects (token, flags, kind, "
        "generation, attributes, key, tag, mac) "
        "VALUES (?, 0, 0, 0, x'', x'', x'', x'')");
    query_bind_int(&q, token);
    rc = query_run(&q);
    if (rc == SCU_OK)
        *id = (uint64_t)database_inserted(database);
    return rc;
}

int
object_row_write(struct database *database, const struct object_row *row)
{
    struct query q;

    query_begin(&q, database, "UPDATE objects SET flags = ?, kind = ?, "
        "generation = ?, attributes = ?, key = ?, tag = ?, mac = ? "
        "WHERE id = ?");
    query_bind_int(&q, row->flags);
    query_bind_int(&q, row->kind);
    query_bind_int(&q, (int64_t)row->generation);
    query_bind_blob(&q, octets_bytes(&row->attributes));
    query_bind_blob(&q, octets_bytes(&row->key));
    query_bind_blob(&q, octets_bytes(&row->tag));
    query_bind_blob(&q, (struct bytes){ row->mac, sizeof(row->mac) });
    query_bind_int(&q, (int64_t)row->id);
    return query_run(&q);
}

int
object_row_delete(struct database *database, uint64_t id)
{
    struct query q;

    query_begin(&q, database, "DELETE FROM objects WHERE id = ?");
    query_bind_int(&q, (int64_t)id);
    return query_run(&q);
}

int
objects_delete_all(struct database *database, int64_t token)
{
    struct query q;

    query_begin(&q, database, "DELETE FROM objects WHERE token = ?");
    query_bind_int(&q, token);
    return query_run(&q);
}
