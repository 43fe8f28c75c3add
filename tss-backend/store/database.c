/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/database-private.h"

#include "chip/chip.h"
#include "io.h"
#include "store/forkgate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "store.db"
#define FORMAT 1
#define BUSY_MS 10000

static const char schema[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "INSERT INTO meta VALUES ('format', 'scu token store');"
    "INSERT INTO meta VALUES ('written-by', '" PACKAGE_STRING "');"
    "CREATE TABLE tokens ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " chip BLOB NOT NULL,"        /* Name of the storage key */
    " serial TEXT NOT NULL UNIQUE,"
    " label TEXT NOT NULL,"
    " ready INTEGER NOT NULL,"    /* 0: being made */
    " tries INTEGER NOT NULL,"
    " so_index INTEGER NOT NULL,"
    " user_index INTEGER NOT NULL,"
    " so_salt BLOB NOT NULL,"
    " user_salt BLOB NOT NULL,"
    " kdf_n INTEGER NOT NULL,"
    " kdf_r INTEGER NOT NULL,"
    " kdf_p INTEGER NOT NULL,"
    " so_helper BLOB NOT NULL,"
    " user_helper BLOB NOT NULL,"
    " list BLOB NOT NULL,"        /* generation; id and generation of each */
    " mac BLOB NOT NULL);"        /* of the row */
    /* One per PIN, two between the steps of its change. */
    "CREATE TABLE pins ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " token INTEGER NOT NULL REFERENCES tokens ON DELETE CASCADE,"
    " who INTEGER NOT NULL,"
    " blob BLOB NOT NULL);"
    "CREATE TABLE objects ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " token INTEGER NOT NULL REFERENCES tokens ON DELETE CASCADE,"
    " flags INTEGER NOT NULL,"
    " kind INTEGER NOT NULL,"
    " generation INTEGER NOT NULL,"
    " attributes BLOB NOT NULL,"
    " key BLOB NOT NULL,"         /* TSS2 PRIVATE KEY, DER */
    " tag BLOB NOT NULL,"
    " mac BLOB NOT NULL);"
    "CREATE INDEX pins_of ON pins (token, who);"
    "CREATE INDEX objects_of ON objects (token);"
    "PRAGMA user_version = 1;";

/* --- errors ---------------------------------------------------------------- */

static int
disk_full(const struct database *d)
{
    return err_set(SCU_E_DISK_FULL, "%s: no space left, or a quota is "
        "reached: nothing was changed; make room and repeat", d->path);
}

static int
read_only(const struct database *d)
{
    return err_set(SCU_E_READ_ONLY, "%s cannot be written: check the rights "
        "of file and folder, or name another folder by SCU_STORE", d->path);
}

int
database_failed(const struct database *d, int code)
{
    int system = d->db == NULL ? 0 : sqlite3_system_errno(d->db);
    const char *text = d->db == NULL ? sqlite3_errstr(code) :
        sqlite3_errmsg(d->db);

    switch (code & 0xff) {
    case SQLITE_FULL:
        return disk_full(d);
    case SQLITE_READONLY:
        return read_only(d);
    case SQLITE_NOMEM:
        return err_memory();
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:      /* no such table: all statements are ours */
    case SQLITE_CONSTRAINT:
        return err_set(SCU_E_STORE, "%s is damaged (%s): restore it from a "
            "backup", d->path, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(SCU_E_BUSY, "%s: another program writes it for more "
            "than %d seconds", d->path, BUSY_MS / 1000);
    default:
        break;
    }
    /* Beyond a quota or limit SQLite only says that a write failed. */
    if ((code == SQLITE_IOERR_WRITE && system != EIO) || system == ENOSPC ||
        system == EDQUOT)
        return disk_full(d);
    if (system == EACCES || system == EROFS || system == EPERM ||
        access(d->folder, W_OK) != 0)
        return read_only(d);
    return err_set(SCU_E_FILE, "%s: %s (%d, %s)", d->path, text,
        sqlite3_extended_errcode(d->db), strerror(system));
}

static int
execute(const struct database *d, const char *sql)
{
    int code = sqlite3_exec(d->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? SCU_OK : database_failed(d, code);
}

/* --- the file --------------------------------------------------------------- */

static int
make_folder(const char *path)
{
    char part[PATH_SIZE];
    size_t len = strlen(path);

    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) == 0) {
            (void)io_sync_entry(part);
            continue;
        }
        if (errno == EEXIST)
            continue;
        return err_set(errno == EROFS || errno == EACCES ? SCU_E_READ_ONLY :
            SCU_E_FILE, "%s: %s: name another folder for the store by "
            "SCU_STORE or scu.conf", part, strerror(errno));
    }
    return SCU_OK;
}

/* Who could write the folder could put another store there. */
static int
check_folder(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT ? SCU_E_NOT_FOUND :
            err_set(SCU_E_FILE, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return err_set(SCU_E_FILE, "%s is no folder", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(SCU_E_FILE, "%s belongs to user %u: the store is "
            "looked for in your own folders and root's", path,
            (unsigned)st.st_uid);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(SCU_E_FILE, "%s: others can write the folder: chmod "
            "go-w it", path);
    return SCU_OK;
}

static int
check_file(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? SCU_E_NOT_FOUND :
            err_set(SCU_E_FILE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(SCU_E_FILE, "%s is no regular file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return err_set(SCU_E_FILE, "%s belongs to user %u", path,
            (unsigned)st.st_uid);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return err_set(SCU_E_FILE, "%s: others can read or write it: chmod "
            "600 it", path);
    return SCU_OK;
}

/*
 * Only where there is none: to open and close what another thread has open
 * would drop its locks.
 */
static int
make_file(const struct database *d)
{
    int fd = open(d->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0) {
        (void)fchmod(fd, 0600); /* whatever the umask is */
        (void)close(fd);
        return SCU_OK;
    }
    if (errno == EEXIST)
        return SCU_OK;
    if (errno == ENOSPC || errno == EDQUOT)
        return disk_full(d);
    if (errno == EROFS || errno == EACCES || errno == EPERM)
        return read_only(d);
    return err_set(SCU_E_FILE, "%s: %s", d->path, strerror(errno));
}

int
database_folder_path(const struct scu_chip *chip, const char *file,
    char *path, size_t size)
{
    int n = snprintf(path, size, "%s/%s", chip->store, file);
    int rc;

    if (n < 0 || (size_t)n >= size || strlen(chip->store) >= PATH_SIZE)
        return err_set(SCU_E_FILE, "%s: the path is too long", chip->store);
    rc = check_folder(chip->store);
    if (rc == SCU_E_NOT_FOUND)
        rc = make_folder(chip->store);
    return rc;
}

static int
find_file(struct database *d, enum database_use use)
{
    int rc = check_folder(d->folder);

    if (rc == SCU_E_NOT_FOUND && use == DATABASE_WRITE) {
        rc = make_folder(d->folder);
        if (rc == SCU_OK)
            rc = check_folder(d->folder);
    }
    /* SQLite would tell only when the chip has been changed already. */
    if (rc == SCU_OK && use == DATABASE_WRITE &&
        euidaccess(d->folder, W_OK | X_OK) != 0)
        return read_only(d);
    if (rc == SCU_OK)
        rc = check_file(d->path);
    if (rc == SCU_E_NOT_FOUND && use == DATABASE_WRITE) {
        rc = make_file(d);
        if (rc == SCU_OK)
            rc = check_file(d->path);
    }
    return rc;
}

/* --- opening ---------------------------------------------------------------- */

static int
configure(struct database *d)
{
    int on = 0;

    (void)sqlite3_busy_timeout(d->db, BUSY_MS);
    (void)sqlite3_extended_result_codes(d->db, 1);
    if (sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on) !=
            SQLITE_OK || on != 1 ||
        sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &on) !=
            SQLITE_OK || on != 0 ||
        sqlite3_db_config(d->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0,
            &on) != SQLITE_OK || on != 0)
        return err_set(SCU_E_INTERNAL, "this SQLite cannot be hardened");
    /* EXTRA, since with FULL a power cut may bring the journal back after a
     * commit returned, and with it the old rows: a PIN's new blob must be on
     * the disk before the chip has the new PIN. */
    return execute(d, "PRAGMA cell_size_check = ON;"
        "PRAGMA foreign_keys = ON;"
        "PRAGMA secure_delete = ON;"
        "PRAGMA synchronous = EXTRA;"
        "PRAGMA temp_store = MEMORY;");
}

static int
read_number(struct database *d, const char *sql, int64_t *value)
{
    struct query q;
    int rc;

    query_begin(&q, d, sql);
    rc = query_step(&q);
    *value = rc == SCU_OK ? query_int(&q, 0) : 0;
    (void)query_end(&q);
    return rc;
}

/* A rollback journal, also where somebody chose another one. */
static int
set_journal(struct database *d)
{
    struct query q;
    bool set;
    int rc;

    query_begin(&q, d, "PRAGMA journal_mode = DELETE");
    rc = query_step(&q);
    set = rc == SCU_OK && strcmp(query_text(&q, 0), "delete") == 0;
    (void)query_end(&q);
    if (rc != SCU_OK || set)
        return rc;
    return err_set(SCU_E_BUSY, "%s: another program has it open in another "
        "journal mode: end that program", d->path);
}

/* In the transaction, so that one process makes it. */
static int
ready_schema(struct database *d, enum database_use use)
{
    int64_t version = 0, things = 0;
    int rc = read_number(d, "PRAGMA user_version", &version);

    if (rc == SCU_OK && version != FORMAT)
        rc = read_number(d, "SELECT count(*) FROM sqlite_schema", &things);
    if (rc != SCU_OK)
        return rc;
    if (version > FORMAT)
        return err_set(SCU_E_STORE_NEWER, "%s has format %lld, this program "
            "knows %d: use the newer version", d->path, (long long)version,
            FORMAT);
    if (version == FORMAT)
        return SCU_OK;
    if (version != 0 || things != 0)
        return err_set(SCU_E_STORE, "%s is no store of tokens: move it away, "
            "or name another folder by SCU_STORE", d->path);
    if (use == DATABASE_READ)
        return SCU_E_NOT_FOUND; /* its maker was interrupted */
    return execute(d, schema);
}

static int
open_file(struct database *d, enum database_use use)
{
    int code = sqlite3_open_v2(d->path, &d->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
        SQLITE_OPEN_PRIVATECACHE, NULL);
    int rc;

    if (code != SQLITE_OK)
        return database_failed(d, code);
    rc = configure(d);
    if (rc == SCU_OK && use == DATABASE_WRITE)
        rc = set_journal(d);
    /* Who reads, too: all that it reads is of one moment. */
    if (rc == SCU_OK)
        rc = execute(d, use == DATABASE_WRITE ? "BEGIN IMMEDIATE;" :
            "BEGIN;");
    d->begun = rc == SCU_OK;
    return rc == SCU_OK ? ready_schema(d, use) : rc;
}

/* Its folder and path. */
static int
name_file(struct database *d, const struct scu_chip *chip)
{
    int n = snprintf(d->folder, sizeof(d->folder), "%s", chip->store);

    if (n < 0 || (size_t)n >= sizeof(d->folder))
        return err_set(SCU_E_FILE, "%s: the path is too long", chip->store);
    (void)snprintf(d->path, sizeof(d->path), "%s/" FILE_NAME, d->folder);
    return SCU_OK;
}

int
database_open(const struct scu_chip *chip, enum database_use use,
    struct database **database)
{
    struct database *d = calloc(1, sizeof(*d));
    int rc;

    *database = NULL;
    if (d == NULL)
        return err_memory();
    rc = name_file(d, chip);
    if (rc != SCU_OK) {
        free(d);
        return rc;
    }
    forkgate_enter();
    rc = find_file(d, use);
    if (rc == SCU_OK)
        rc = open_file(d, use);
    if (rc == SCU_OK)
        *database = d;
    else
        database_close(&d);
    return rc;
}

int
database_commit(struct database *d)
{
    int rc = execute(d, "COMMIT;");

    d->begun = d->begun && rc != SCU_OK;
    return rc;
}

void
database_close(struct database **database)
{
    struct database *d = database == NULL ? NULL : *database;

    if (d == NULL)
        return;
    if (d->begun)
        (void)sqlite3_exec(d->db, "ROLLBACK;", NULL, NULL, NULL);
    (void)sqlite3_close(d->db);
    forkgate_leave();
    free(d);
    *database = NULL;
}

/* --- stamps ----------------------------------------------------------------- */

/* Coarser are the times of few file systems: FAT's two seconds. */
#define STAMP_AGE_S 3

static void
read_stamp(const char *path, struct database_stamp *stamp)
{
    struct timespec now;
    struct stat st;

    memset(stamp, 0, sizeof(*stamp));
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || lstat(path, &st) != 0)
        return;
    stamp->device = st.st_dev;
    stamp->inode = st.st_ino;
    stamp->size = st.st_size;
    stamp->changed = st.st_ctim;
    stamp->proof = now.tv_sec - st.st_ctim.tv_sec > STAMP_AGE_S;
}

/* Under the lock of its transaction, so that nobody writes meanwhile. */
void
database_stamp(const struct database *database, struct database_stamp *stamp)
{
    read_stamp(database->path, stamp);
}

bool
database_unchanged(const struct scu_chip *chip,
    const struct database_stamp *stamp)
{
    struct database_stamp now;
    struct database d;

    if (!stamp->proof || name_file(&d, chip) != SCU_OK)
        return false;
    read_stamp(d.path, &now);
    return now.proof && now.device == stamp->device &&
        now.inode == stamp->inode && now.size == stamp->size &&
        now.changed.tv_sec == stamp->changed.tv_sec &&
        now.changed.tv_nsec == stamp->changed.tv_nsec;
}
