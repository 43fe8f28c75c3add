/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/bytes.h"
#include "base/error.h"

#include <scu/chip.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

/*
 * The file store.db: SQLite with a rollback journal that is on the disk
 * before a change, and gone from it when a commit returns (synchronous EXTRA:
 * FULL and that); defensive, without extensions. It is
 * opened for each operation and closed after it: nothing is carried over a
 * fork, and a store that somebody deletes or restores from a backup is seen
 * at once.
 */
struct database;

enum database_use {
    DATABASE_READ,  /* as of one moment; SCU_E_NOT_FOUND: none there yet */
    DATABASE_WRITE, /* made where it is missing; one transaction is begun */
};

/*
 * SCU_E_FILE where others than its owner could read or write it,
 * SCU_E_STORE where it is damaged, SCU_E_STORE_NEWER, SCU_E_READ_ONLY,
 * SCU_E_DISK_FULL, SCU_E_BUSY; the line names file, cause and remedy.
 */
int database_open(const struct scu_chip *chip, enum database_use use,
    struct database **database);

/*
 * Which state of the file was read. Whoever writes the file changes the time
 * that stands in its inode, but only so finely: where that time was a moment
 * ago, another write may leave it as it is, and the stamp is no proof.
 */
struct database_stamp {
    bool proof;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

/* Of what an open database reads. */
void database_stamp(const struct database *database,
    struct database_stamp *stamp);

/* Whether the file is certainly as it was; false also where it is gone. */
bool database_unchanged(const struct scu_chip *chip,
    const struct database_stamp *stamp);

/* Commits what DATABASE_WRITE began. Without it, closing undoes all. */
int database_commit(struct database *database);

/* Takes NULL; nulls the caller's pointer. */
void database_close(struct database **database);

/*
 * A statement at work. bind_*: parameters in their order. step: SCU_OK with a
 * row, SCU_E_NOT_FOUND behind the last; any other end is an error, noted.
 */
struct query {
    struct database *database;
    sqlite3_stmt *stmt;
    int bound;
    int rc; /* the first failure */
};
void query_begin(struct query *query, struct database *database,
    const char *sql);
void query_bind_int(struct query *query, int64_t value);
void query_bind_text(struct query *query, const char *value);
void query_bind_blob(struct query *query, struct bytes value);
int query_step(struct query *query);
/* Of a row: column i. Octets and text are borrowed until the next step. */
int64_t query_int(const struct query *query, int i);
struct bytes query_blob(const struct query *query, int i);
const char *query_text(const struct query *query, int i);
/* Frees; SCU_OK where the statement came to its end without a failure. */
int query_end(struct query *query);
/* All steps of one that gives no rows, and query_end(). */
int query_run(struct query *query);

/* The id of the row that was inserted last. */
int64_t database_inserted(const struct database *database);
/* Rows that the last statement changed. */
int database_changed(const struct database *database);

/* The path of a file in the store's folder, which is made where missing. */
int database_folder_path(const struct scu_chip *chip, const char *file,
    char *path, size_t size);

#endif
