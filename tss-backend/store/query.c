/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/database-private.h"

#include <string.h>

/* Statements at work; see database.h. */

static void
note(struct query *q, int code)
{
    if (q->rc == SCU_OK && code != SQLITE_OK)
        q->rc = database_failed(q->database, code);
}

void
query_begin(struct query *q, struct database *database, const char *sql)
{
    memset(q, 0, sizeof(*q));
    q->database = database;
    note(q, sqlite3_prepare_v2(database->db, sql, -1, &q->stmt, NULL));
}

void
query_bind_int(struct query *q, int64_t value)
{
    note(q, sqlite3_bind_int64(q->stmt, ++q->bound, value));
}

void
query_bind_text(struct query *q, const char *value)
{
    note(q, sqlite3_bind_text(q->stmt, ++q->bound, value, -1,
        SQLITE_TRANSIENT));
}

void
query_bind_blob(struct query *q, struct bytes value)
{
    /* A NULL pointer would bind NULL. */
    note(q, value.len == 0 ? sqlite3_bind_zeroblob(q->stmt, ++q->bound, 0) :
        sqlite3_bind_blob64(q->stmt, ++q->bound, value.data, value.len,
            SQLITE_TRANSIENT));
}

int
query_step(struct query *q)
{
    int code;

    if (q->rc != SCU_OK)
        return q->rc;
    code = sqlite3_step(q->stmt);
    if (code == SQLITE_ROW)
        return SCU_OK;
    if (code == SQLITE_DONE)
        return SCU_E_NOT_FOUND;
    note(q, code);
    return q->rc;
}

int64_t
query_int(const struct query *q, int i)
{
    return sqlite3_column_int64(q->stmt, i);
}

struct bytes
query_blob(const struct query *q, int i)
{
    const void *data = sqlite3_column_blob(q->stmt, i);
    int len = sqlite3_column_bytes(q->stmt, i);

    return (struct bytes){ data, data == NULL || len < 0 ? 0 : (size_t)len };
}

const char *
query_text(const struct query *q, int i)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, i);

    return text == NULL ? "" : (const char *)text;
}

int
query_end(struct query *q)
{
    (void)sqlite3_finalize(q->stmt);
    q->stmt = NULL;
    return q->rc;
}

int
query_run(struct query *q)
{
    while (query_step(q) == SCU_OK)
        continue;
    return query_end(q);
}

int64_t
database_inserted(const struct database *database)
{
    return sqlite3_last_insert_rowid(database->db);
}

int
database_changed(const struct database *database)
{
    return sqlite3_changes(database->db);
}
