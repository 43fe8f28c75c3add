/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store/token-private.h"

#include "lockfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WAIT_MS 20000

static int
lock_file(const char *path, const char *remedy, struct lockfile **lock)
{
    pid_t holder = 0;
    int rc = lockfile_open(path, lock);

    if (rc == -EACCES || rc == -EROFS || rc == -EPERM)
        return err_set(SCU_E_READ_ONLY, "%s: %s: %s", path, strerror(-rc),
            remedy);
    if (rc == -ENOSPC || rc == -EDQUOT)
        return err_set(SCU_E_DISK_FULL, "%s: no space left", path);
    if (rc != 0)
        return err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
    rc = lockfile_acquire(*lock, deadline_in(WAIT_MS), &holder);
    if (rc == 0)
        return SCU_OK;
    lockfile_close(lock);
    return rc == -ETIMEDOUT ?
        err_set(SCU_E_BUSY, "process %d has been holding %s for more than %d "
            "seconds", (int)holder, path, WAIT_MS / 1000) :
        err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
}

int
store_lock(const struct scu_chip *chip, struct lockfile **lock)
{
    char path[4096];
    int rc;

    *lock = NULL;
    rc = database_folder_path(chip, "store.lock", path, sizeof(path));
    return rc != SCU_OK ? rc : lock_file(path, "check the rights of the "
        "folder, or name another one by SCU_STORE", lock);
}

int
pool_lock(const struct scu_chip *chip, struct lockfile **lock)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/pool.lock", chip->state);

    *lock = NULL;
    return n < 0 || (size_t)n >= sizeof(path) ?
        err_set(SCU_E_FILE, "%s: the path is too long", chip->state) :
        lock_file(path, "run it as who provisioned the chip", lock);
}

void
store_unlock(struct lockfile **lock)
{
    if (*lock != NULL)
        lockfile_release(*lock);
    lockfile_close(lock);
}
