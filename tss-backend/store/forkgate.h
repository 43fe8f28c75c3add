/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STORE_FORKGATE_H
#define STORE_FORKGATE_H

/*
 * A child inherits what SQLite knows of the locks of the parent's threads, and
 * its mutexes as they stood. So a fork waits until no file is open here; not
 * for ever, since who has one open may wait for the chip. Any thread.
 */
void forkgate_enter(void);
void forkgate_leave(void);

#endif
