/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COMMON_LOCKFILE_H
#define COMMON_LOCKFILE_H

#include "deadline.h"

#include <sys/types.h>

/*
 * A lock between processes, and between its holders within one process, on a
 * file. It is a POSIX record lock: a holder that is killed frees it, also
 * when it had forked (the child does not inherit it), and who holds it can be
 * asked. Such locks belong to a process and fall when any of its descriptors
 * of that file is closed; so each file has one descriptor per process, in a
 * table shared by all holders, and a mutex beside it. A holder that comes back
 * at once does not overtake one that waits. A file that is removed and made
 * again is another lock, which is noticed.
 */
struct lockfile;

/*
 * Names the lock on a file, which is made (mode 0600 less the umask, never
 * through a symbolic link) where it is missing; one that root makes belongs to
 * the owner of its folder. 0 or a negative errno value.
 */
int lockfile_open(const char *path, struct lockfile **lock);

/*
 * Names the lock on a device node, which must be there; symbolic links are
 * followed, and a node that comes back (also under another name behind the
 * link) is another lock. -EINVAL: not a character device. Who opens the same
 * node for its own use closes it by lockfile_close_fd().
 */
int lockfile_open_node(const char *path, struct lockfile **lock);

/*
 * close(2) for a descriptor of a file that may be locked here: it waits for
 * the lock's release, if any holder of this process has it.
 */
void lockfile_close_fd(int fd);

/* Frees; releases first where held; takes NULL, nulls the caller's pointer. */
void lockfile_close(struct lockfile **lock);

/*
 * Takes the lock. 0; -ETIMEDOUT when the deadline passed, with the holder's
 * process id (or 0 where it is not known) at *holder, unless that is NULL.
 */
int lockfile_acquire(struct lockfile *lock, struct deadline deadline,
    pid_t *holder);

/*
 * Takes the lock where it is free at this moment, past those who wait: for a
 * holder that keeps to a quantum of its own. 0, -EAGAIN or another negative
 * errno value.
 */
int lockfile_try(struct lockfile *lock);

/* Gives it back. A lock taken before a fork is not the child's: no effect. */
void lockfile_release(struct lockfile *lock);

/*
 * The descriptor of the file that is locked, to read and write it by pread(2)
 * and pwrite(2). Closing it, or any other of this file, drops the lock. Good
 * while the lock is held, or until the next acquisition.
 */
int lockfile_descriptor(const struct lockfile *lock);

/*
 * Who holds the lock at this moment: a process id, possibly this one's; 0:
 * nobody, or it is not known. Waits for nobody.
 */
pid_t lockfile_holder(struct lockfile *lock);

#endif
