/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "lockfile-private.h"
#include "recordlock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lockfile {
    char *path;
    bool node;                 /* a device's: not ours to make */
    struct entry *entry;
};

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
    lockfile_close_late(e);
    (void)pthread_mutex_unlock(&e->mutex);
}

/* Whether the name still means the file that is locked. */
static bool
still_named(const struct lockfile *lock)
{
    struct stat st;

    return lockfile_named_by(lock->path, lock->node, &st) == 0
        && st.st_dev == lock->entry->dev && st.st_ino == lock->entry->ino
        && !(lock->node && lockfile_is_gone(lock->entry->fd));
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

    if ((rc = lockfile_get_entry(lock->path, lock->node, &fresh)) != 0)
        return rc;
    /* In this order: another thread may fork here. */
    stale = lock->entry;
    lock->entry = fresh;
    lockfile_put_entry(stale);
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
    if ((rc = lockfile_get_entry(path, node, &l->entry)) != 0)
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
    lockfile_put_entry((*lock)->entry);
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
        lockfile_close_late(e);
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
