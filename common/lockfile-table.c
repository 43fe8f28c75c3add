/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "lockfile-private.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The table belongs to the process whose id stands in table_owner (negative
 * while it is being set up). A child starts with an empty one: the mutex that
 * it inherits may be locked by a thread that it does not have.
 */
static _Atomic pid_t table_owner;
static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct entry *table;

static void
claim_table(void)
{
    pid_t me = getpid();
    pid_t seen = atomic_load(&table_owner);

    while (seen != me) {
        if (seen == -me) {
            (void)sched_yield();
            seen = atomic_load(&table_owner);
        } else if (atomic_compare_exchange_weak(&table_owner, &seen, -me)) {
            (void)pthread_mutex_init(&table_mutex, NULL);
            table = NULL;
            atomic_store(&table_owner, me);
            return;
        }
    }
}

bool
lockfile_is_gone(int fd)
{
    struct stat st;

    return fstat(fd, &st) != 0 || st.st_nlink == 0;
}

static struct entry *
find_entry(const struct stat *st)
{
    struct entry *e = table;

    while (e != NULL && (e->dev != st->st_dev || e->ino != st->st_ino
        || lockfile_is_gone(e->fd)))
        e = e->next;
    return e;
}

static int
add_entry(int fd, const struct stat *st, struct entry **entry)
{
    struct entry *e = calloc(1, sizeof(*e));
    pthread_condattr_t attr;

    if (e == NULL)
        return -ENOMEM;
    *e = (struct entry) {
        .next = table,
        .dev = st->st_dev,
        .ino = st->st_ino,
        .fd = fd,
        .pid = getpid(),
        .refs = 1,
    };
    (void)pthread_mutex_init(&e->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&e->handed, &attr);
    (void)pthread_condattr_destroy(&attr);
    table = e;
    *entry = e;
    return 0;
}

void
lockfile_close_late(struct entry *e)
{
    for (size_t i = 0; i < e->n_late; i++)
        (void)close(e->late[i]);
    e->n_late = 0;
}

static void
free_entry(struct entry *e)
{
    const struct stat st = { .st_dev = e->dev, .st_ino = e->ino };

    /*
     * What a child inherited stays open while it has that file open itself:
     * closing it would drop the lock of another holder in the child.
     */
    if (e->pid == getpid() || find_entry(&st) == NULL) {
        lockfile_close_late(e);
        (void)close(e->fd);
    }
    free(e->late);
    /* A child's copy may show threads that wait: destroying would hang. */
    if (e->pid == getpid()) {
        (void)pthread_mutex_destroy(&e->mutex);
        (void)pthread_cond_destroy(&e->handed);
    }
    free(e);
}

/*
 * Root's lock in the folder of somebody else is his: he could not open it
 * otherwise, and be locked out for good.
 */
static void
give_to_owner_of_folder(const char *path, int fd)
{
    const char *slash = strrchr(path, '/');
    char *folder;
    struct stat st;

    if (slash == NULL)
        folder = strdup(".");
    else
        folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder != NULL && stat(folder, &st) == 0 && st.st_uid != 0)
        (void)!fchown(fd, st.st_uid, st.st_gid);
    free(folder);
}

static int
open_or_make(const char *path, bool node)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        | (node ? 0 : O_NOFOLLOW);
    int fd;

    if (node)
        return open(path, flags);
    do {
        fd = open(path, flags);
        if (fd >= 0 || errno != ENOENT)
            return fd;
        fd = open(path, flags | O_CREAT | O_EXCL, 0600);
    } while (fd < 0 && errno == EEXIST); /* somebody was quicker */
    if (fd >= 0 && geteuid() == 0)
        give_to_owner_of_folder(path, fd);
    return fd;
}

static int
open_entry(const char *path, bool node, struct entry **entry)
{
    struct stat st;
    int rc;
    int fd;

    if ((fd = open_or_make(path, node)) < 0)
        return -errno;
    if (fstat(fd, &st) != 0)
        rc = -errno;
    else if (node ? !S_ISCHR(st.st_mode) : !S_ISREG(st.st_mode))
        rc = -EINVAL;
    else if (find_entry(&st) != NULL)
        rc = -ESTALE; /* somebody moved the file here a moment ago */
    else
        rc = add_entry(fd, &st, entry);
    if (rc != 0)
        (void)close(fd);
    return rc;
}

int
lockfile_named_by(const char *path, bool node, struct stat *st)
{
    return node ? stat(path, st) : lstat(path, st);
}

/* Before anything is opened: closing it again would drop the locks. */
int
lockfile_get_entry(const char *path, bool node, struct entry **entry)
{
    struct stat st;
    int rc = 0;

    claim_table();
    (void)pthread_mutex_lock(&table_mutex);
    *entry = lockfile_named_by(path, node, &st) == 0 ? find_entry(&st) : NULL;
    if (*entry != NULL)
        (*entry)->refs++;
    else
        rc = open_entry(path, node, entry);
    (void)pthread_mutex_unlock(&table_mutex);
    return rc;
}

void
lockfile_put_entry(struct entry *e)
{
    struct entry **link = &table;

    claim_table();
    (void)pthread_mutex_lock(&table_mutex);
    if (--e->refs == 0) {
        while (*link != NULL && *link != e)
            link = &(*link)->next;
        if (*link == e)
            *link = e->next;
        free_entry(e);
    }
    (void)pthread_mutex_unlock(&table_mutex);
}

/* false: there is no holder to wait for, or no memory to remember it. */
static bool
keep_late(struct entry *e, int fd)
{
    int *late;

    if (e->holder == NULL)
        return false;
    late = reallocarray(e->late, e->n_late + 1, sizeof(*late));
    if (late == NULL)
        return false;
    late[e->n_late++] = fd;
    e->late = late;
    return true;
}

void
lockfile_close_fd(int fd)
{
    struct entry *e = NULL;
    struct stat st;

    claim_table();
    (void)pthread_mutex_lock(&table_mutex);
    if (fstat(fd, &st) == 0)
        e = find_entry(&st);
    if (e != NULL)
        (void)pthread_mutex_lock(&e->mutex);
    if (e == NULL || !keep_late(e, fd))
        (void)close(fd);
    if (e != NULL)
        (void)pthread_mutex_unlock(&e->mutex);
    (void)pthread_mutex_unlock(&table_mutex);
}
