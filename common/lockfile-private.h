/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_LOCKFILE_PRIVATE_H
#define COMMON_LOCKFILE_PRIVATE_H

#include "lockfile.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

/* The files that this process locks, one descriptor each: lockfile-table.c. */

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

/*
 * The entry of a file, which is opened, and made, where it has none. node: of
 * a device, which must be there. A reference; 0 or a negative errno value.
 */
int lockfile_get_entry(const char *path, bool node, struct entry **entry);
void lockfile_put_entry(struct entry *entry);

/* What the name means now. 0 or -1, as stat(2). */
int lockfile_named_by(const char *path, bool node, struct stat *st);

/* A node that is gone may have left its number to another one. */
bool lockfile_is_gone(int fd);

/* Closes what lockfile_close_fd() kept. With the entry's mutex. */
void lockfile_close_late(struct entry *entry);

#endif
