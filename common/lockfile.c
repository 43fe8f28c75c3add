/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "lockfile.h"
#include "recordlock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A thread that waits for another one of this process. */
struct waiter {
    struct waiter *next;
    struct lockfile *lock;
};

/* One per file and process; all its holders of that file share it. */
struct entry {
    struct entry *next;
    dev_t dev;
    ino_t ino;
    int fd;
    pid_t pid;                 /* whose: a child leaves it alone */
    unsigned refs;             /* under table_mutex */
    pthread_mutex_t mutex;     /* guards what follows */
    pthread_cond_t handed;
    struct lockfile *holder;
    struct waiter *first;      /* of those who wait, in their order */
    int *late;                 /* to be closed when there is no holder */
    size_t n_late;
};

struct lockfile {
    char *path;
    bool node;                 /* a device's: not ours to make */
    struct entry *entry;
};

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

/* A node that is gone may have left its number to another one. */
static bool
is_gone(int fd)
{
    struct stat st;

    return fstat(fd, &st) != 0 || st.st_nlink == 0;
}

static struct entry *
find_entry(const struct stat *st)
{
    struct entry *e = table;

    while (e != NULL && (e->dev != st->st_dev || e->ino != st->st_ino
        || is_gone(e->fd)))
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

static void
close_late(struct entry *e)
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
        close_late(e);
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

static int
named_by(const char *path, bool node, struct stat *st)
{
    return node ? stat(path, st) : lstat(path, st);
}

/* Before anything is opened: closing it again would drop the locks. */
static int
get_entry(const char *path, bool node, struct entry **entry)
{
    struct stat st;
    int rc = 0;

    claim_table();
    (void)pthread_mutex_lock(&table_mutex);
    *entry = named_by(path, node, &st) == 0 ? find_entry(&st) : NULL;
    if (*entry != NULL)
        (*entry)->refs++;
    else
        rc = open_entry(path, node, entry);
    (void)pthread_mutex_unlock(&table_mutex);
    return rc;
}

static void
put_entry(struct entry *e)
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

static void
queue_up(struct entry *e, struct waiter *waiter)
{
    struct waiter **link = &e->first;

    while (*link != NULL)
        link = &(*link)->next;
    *link = waiter;
}

static void
leave_queue(struct entry *e, const struct waiter *waiter)
{
    struct waiter **link = &e->first;

    while (*link != NULL && *link != waiter)
        link = &(*link)->next;
    if (*link == waiter)
        *link = waiter->next;
}

/* Until the holder hands it over. With the mutex; 0 or an errno value. */
static int
wait_here(struct entry *e, struct lockfile *lock, struct deadline deadline)
{
    const struct timespec ts = {
        .tv_sec = (time_t)(deadline.at_ms / 1000),
        .tv_nsec = (long)(deadline.at_ms % 1000) * 1000000,
    };
    struct waiter waiter = { .lock = lock };
    int rc = 0;

    queue_up(e, &waiter);
    while (e->holder != lock && rc == 0)
        rc = deadline.forever ? pthread_cond_wait(&e->handed, &e->mutex) :
            pthread_cond_timedwait(&e->handed, &e->mutex, &ts);
    if (e->holder == lock)
        return 0;
    leave_queue(e, &waiter);
    return rc;
}

/* The part between the threads of this process. */
static int
acquire_here(struct entry *e, struct lockfile *lock, struct deadline deadline)
{
    int rc = 0;

    (void)pthread_mutex_lock(&e->mutex);
    if (e->holder == NULL)
        e->holder = lock;
    else if (e->holder == lock)
        rc = EDEADLK;
    else
        rc = wait_here(e, lock, deadline);
    (void)pthread_mutex_unlock(&e->mutex);
    return -rc;
}

/*
 * To the thread that waits for longest, before it wakes up: who comes back at
 * once would always be quicker. With the mutex.
 */
static void
hand_over(struct entry *e)
{
    struct waiter *next = e->first;

    e->holder = NULL;
    if (next == NULL)
        return;
    e->first = next->next;
    e->holder = next->lock;
    (void)pthread_cond_broadcast(&e->handed);
}

static void
release_here(struct entry *e)
{
    (void)pthread_mutex_lock(&e->mutex);
    hand_over(e);
    close_late(e);
    (void)pthread_mutex_unlock(&e->mutex);
}

/* Whether the name still means the file that is locked. */
static bool
still_named(const struct lockfile *lock)
{
    struct stat st;

    return named_by(lock->path, lock->node, &st) == 0
        && st.st_dev == lock->entry->dev && st.st_ino == lock->entry->ino
        && !is_gone(lock->entry->fd);
}

/*
 * A child gets an entry of its own, since what it inherited may be locked by
 * threads that it does not have; and a file that was removed and made again
 * is another lock.
 */
static int
renew_entry(struct lockfile *lock)
{
    struct entry *fresh = NULL, *stale;
    int rc;

    if ((rc = get_entry(lock->path, lock->node, &fresh)) != 0)
        return rc;
    /* In this order: another thread may fork here. */
    stale = lock->entry;
    lock->entry = fresh;
    put_entry(stale);
    return 0;
}

static int
open_lock(const char *path, bool node, struct lockfile **lock)
{
    struct lockfile *l = calloc(1, sizeof(*l));
    int rc = -ENOMEM;

    *lock = NULL;
    if (l == NULL || (l->path = strdup(path)) == NULL)
        goto out;
    l->node = node;
    if ((rc = get_entry(path, node, &l->entry)) != 0)
        goto out;
    *lock = l;
    l = NULL;
out:
    if (l != NULL)
        free(l->path);
    free(l);
    return rc;
}

int
lockfile_open(const char *path, struct lockfile **lock)
{
    return open_lock(path, false, lock);
}

int
lockfile_open_node(const char *path, struct lockfile **lock)
{
    return open_lock(path, true, lock);
}

void
lockfile_close(struct lockfile **lock)
{
    if (lock == NULL || *lock == NULL)
        return;
    lockfile_release(*lock);
    put_entry((*lock)->entry);
    free((*lock)->path);
    free(*lock);
    *lock = NULL;
}

static int
acquire(struct lockfile *lock, struct deadline deadline, pid_t *holder)
{
    struct entry *e = lock->entry;
    int rc;

    rc = acquire_here(e, lock, deadline);
    if (rc == -ETIMEDOUT)
        *holder = getpid();
    if (rc != 0)
        return rc;
    rc = recordlock_acquire(e->fd, deadline);
    if (rc == -ETIMEDOUT)
        *holder = recordlock_holder(e->fd);
    if (rc != 0)
        release_here(e);
    return rc;
}

int
lockfile_acquire(struct lockfile *lock, struct deadline deadline,
    pid_t *holder)
{
    pid_t unwanted;
    int rc = 0;

    if (holder == NULL)
        holder = &unwanted;
    *holder = 0;
    if (lock->entry->pid != getpid())
        rc = renew_entry(lock);
    while (rc == 0 && (rc = acquire(lock, deadline, holder)) == 0) {
        if (still_named(lock))
            return 0;
        lockfile_release(lock);
        rc = renew_entry(lock);
    }
    return rc;
}

void
lockfile_release(struct lockfile *lock)
{
    struct entry *e = lock->entry;

    if (e->pid != getpid())
        return;
    (void)pthread_mutex_lock(&e->mutex);
    if (e->holder == lock) {
        recordlock_release(e->fd);
        hand_over(e);
        close_late(e);
    }
    (void)pthread_mutex_unlock(&e->mutex);
}

/* Threads of this process are not overtaken: only free is free. */
static int
try_here(struct entry *e, struct lockfile *lock)
{
    int rc = -EAGAIN;

    (void)pthread_mutex_lock(&e->mutex);
    if (e->holder == NULL && (rc = recordlock_try(e->fd)) == 0)
        e->holder = lock;
    (void)pthread_mutex_unlock(&e->mutex);
    return rc;
}

int
lockfile_try(struct lockfile *lock)
{
    int rc;

    if (lock->entry->pid != getpid())
        return -EAGAIN;
    if ((rc = try_here(lock->entry, lock)) == 0 && !still_named(lock)) {
        lockfile_release(lock);
        rc = -EAGAIN;
    }
    return rc;
}

int
lockfile_descriptor(const struct lockfile *lock)
{
    return lock->entry->fd;
}

pid_t
lockfile_holder(struct lockfile *lock)
{
    struct entry *e = lock->entry;
    bool here;

    if (e->pid == getpid()) {
        (void)pthread_mutex_lock(&e->mutex);
        here = e->holder != NULL;
        (void)pthread_mutex_unlock(&e->mutex);
        if (here)
            return getpid();
    }
    return recordlock_holder(e->fd);
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
