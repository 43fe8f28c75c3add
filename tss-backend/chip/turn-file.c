/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/turn-private.h"

#include "chip/chip.h"
#include "lockfile.h"
#include "log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEEKS 10

void
turn_complain(struct turn *turn, const char *format, ...)
{
    char why[256];
    va_list args;

    if (turn->complained)
        return;
    turn->complained = true;
    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    log_line(LOG_LEVEL_WARN, "processes that share the chip do not take "
        "turns: %s: %s", turn->place.file, why);
}

static bool
stat_folder(const struct turn *turn, struct stat *folder)
{
    const char *file = turn->place.file, *slash = strrchr(file, '/');
    char path[PATH_MAX];
    int n = slash == NULL ? -1 :
        snprintf(path, sizeof(path), "%.*s/", (int)(slash - file), file);

    return n > 0 && (size_t)n < sizeof(path) && stat(path, folder) == 0;
}

/*
 * In /run/scu it is for all of the folder's group; beside a socket, for who
 * made it.
 */
static void
open_to_group(const struct turn *turn, int fd)
{
    struct stat st, folder;

    if (fstat(fd, &st) != 0 || st.st_size != 0 || st.st_uid != geteuid() ||
        !stat_folder(turn, &folder) || (folder.st_mode & S_IWGRP) == 0)
        return;
    if (st.st_gid == folder.st_gid ||
        fchown(fd, (uid_t)-1, folder.st_gid) == 0)
        (void)fchmod(fd, 0660);
}

/* Of root, of ours, or of one who may write to the folder. */
static bool
is_of_ours(const struct turn *turn, const struct stat *st)
{
    struct stat folder;

    if (st->st_uid == 0 || st->st_uid == geteuid())
        return true;
    return stat_folder(turn, &folder) && (st->st_uid == folder.st_uid ||
        ((folder.st_mode & S_IWGRP) != 0 && st->st_gid == folder.st_gid));
}

/* Who can read it can lock it, and so keep its users waiting. */
bool
turn_check_file(struct turn *turn, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1 &&
        (st.st_mode & (S_IROTH | S_IWOTH)) == 0 && is_of_ours(turn, &st))
        return true;
    turn_complain(turn, "it is a stranger's, has a second name, or all users "
        "can open it: remove it");
    return false;
}

bool
turn_open(struct turn *turn)
{
    const char *why = place_objection(&turn->place);
    int rc;

    if (why != NULL) {
        turn_complain(turn, "%s", why);
        return false;
    }
    if ((rc = lockfile_open(turn->place.file, &turn->lock)) != 0) {
        turn_complain(turn, "%s", strerror(-rc));
        return false;
    }
    open_to_group(turn, lockfile_descriptor(turn->lock));
    if (turn_check_file(turn, lockfile_descriptor(turn->lock)))
        return true;
    lockfile_close(&turn->lock);
    return false;
}

bool
turn_locate(struct scu_chip *chip)
{
    struct turn *turn = &chip->turn;

    if (!turn->placed)
        turn->placed = place_find(chip->tcti, chip->link_text, PLACE_RUN,
            &turn->place) == 0;
    return turn->placed;
}

/* A page that is being written is read again. */
static const char *
peek_page(struct turn *turn, struct registry *registry)
{
    uint8_t page[REGISTRY_PAGE + 1];
    const char *why = NULL;
    ssize_t n;

    for (int i = 0; i < PEEKS; i++) {
        n = pread(lockfile_descriptor(turn->lock), page, sizeof(page), 0);
        if (n == 0)
            return NULL;
        why = registry_decode(page, n < 0 ? 0 : (size_t)n, registry);
        if (why == NULL)
            break;
    }
    return why;
}

const char *
turn_peek(struct scu_chip *chip, struct registry *registry, long *holder)
{
    struct turn *turn = &chip->turn;
    const char *why;
    struct stat st;

    memset(registry, 0, sizeof(*registry));
    *holder = 0;
    if (!turn_locate(chip))
        return "there is no chip there";
    if (turn->place.kind == PLACE_UNKNOWN)
        return "it is not known what kind of link this is";
    if (turn->place.kind == PLACE_MANAGED)
        return "a resource manager gives each process slots of its own";
    if ((why = place_objection(&turn->place)) != NULL)
        return why;
    if (turn->lock == NULL && lstat(turn->place.file, &st) != 0)
        return errno == ENOENT ? NULL : strerror(errno);
    if (turn->lock == NULL && !turn_open(turn))
        return "its file cannot be used: see SCU_LOG=warn";
    *holder = (long)lockfile_holder(turn->lock);
    return peek_page(turn, registry);
}
