/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "bridgesocket.h"
#include "deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_SUFFIX ".ctrl"
#define BACKLOG 64

/* Another bridge that is about to start is done within milliseconds. */
#define LOCK_MS 5000

int
bridge_listen(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family,
        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    int rc = 0;

    if (fd < 0)
        return -errno;
    /* Or else the port is not to be had for a minute after an end. */
    if (address->sa_family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0)
        rc = -errno;
    if (rc == 0)
        return fd;
    (void)close(fd);
    return rc;
}

/* --- the folder ------------------------------------------------------------- */

static int
check_folder(int fd, const char *folder, struct out *out)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return out_error(out, SCU_E_FILE, "cannot look at the folder %s: %s",
            folder, strerror(errno));
    if (st.st_uid != geteuid())
        return out_error(out, SCU_E_FILE, "the folder %s belongs to another "
            "user (uid %u), who could take the socket's place: make one of "
            "your own, `install -d -m 700 FOLDER`", folder,
            (unsigned)st.st_uid);
    if ((st.st_mode & 077) != 0)
        return out_error(out, SCU_E_FILE, "the folder %s is open to others "
            "(mode %04o), and whoever reaches the bridge has the chip: "
            "`chmod 700` it, or choose another", folder,
            (unsigned)(st.st_mode & 07777));
    return SCU_OK;
}

static int
lock_folder(int fd, const char *folder, struct out *out)
{
    const struct timespec step = { .tv_nsec = 2000000 };
    struct deadline deadline = deadline_in(LOCK_MS);

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return out_error(out, SCU_E_FILE, "cannot lock the folder %s: %s",
                folder, strerror(errno));
        if (deadline_past(deadline))
            return out_error(out, SCU_E_BUSY, "another program holds a lock "
                "on the folder %s: end it, or choose another folder", folder);
        (void)nanosleep(&step, NULL);
    }
    return SCU_OK;
}

/* The folder that path is in, absolute and without links; to be freed. */
static char *
folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = slash == NULL ? strdup(".") :
        strndup(path, slash == path ? 1 : (size_t)(slash - path));
    char *folder = name == NULL ? NULL : realpath(name, NULL);

    free(name);
    return folder;
}

static int
open_folder(const char *folder, int *fd, struct out *out)
{
    int rc;

    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return out_error(out, SCU_E_FILE, "cannot open the folder %s: %s",
            folder, strerror(errno));
    rc = check_folder(*fd, folder, out);
    return rc == SCU_OK ? lock_folder(*fd, folder, out) : rc;
}

/* --- the sockets ------------------------------------------------------------- */

/* Its name must pass through a TCTI string, and both into their addresses. */
static int
set_path(struct listener *l, const char *folder, const char *path,
    struct out *out)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) -
        sizeof(CONTROL_SUFFIX);
    int len;

    if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return out_error(out, SCU_E_ARG, "--listen unix:%s names no socket: "
            "write unix:FOLDER/NAME", path);
    len = snprintf(l->path, sizeof(l->path), "%s%s%s", folder,
        strcmp(folder, "/") == 0 ? "" : "/", base);
    if (len < 0 || (size_t)len > max)
        return out_error(out, SCU_E_ARG, "the socket's path %s/%s is too long: "
            "at most %zu octets", folder, base, max);
    for (const char *p = l->path; *p != '\0'; p++)
        if (*p == ',' || (unsigned char)*p < ' ' || *p == 0x7f)
            return out_error(out, SCU_E_ARG, "the socket's path %s has a comma "
                "or a control character, which no TCTI string can hold: "
                "choose another", l->path);
    (void)snprintf(l->tcti, sizeof(l->tcti), "swtpm:path=%s", l->path);
    return SCU_OK;
}

/* 0 where nobody listens, the socket, if any, being stale; 1; -errno. */
static int
somebody_listens(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = 1;

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
        errno != EAGAIN)
        rc = errno == ECONNREFUSED ? 0 : -errno;
    (void)close(fd);
    return rc;
}

static int
clear_place(const struct sockaddr_un *address, struct out *out)
{
    const char *path = address->sun_path;
    struct stat st;
    int rc;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? SCU_OK : out_error(out, SCU_E_FILE,
            "cannot look at %s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return out_error(out, SCU_E_EXISTS, "%s is there and is no socket: "
            "choose another path, or remove it", path);
    if ((rc = somebody_listens(address)) > 0)
        return out_error(out, SCU_E_EXISTS, "somebody listens at %s already: "
            "end that, or choose another path", path);
    if (rc == 0 && unlink(path) != 0)
        rc = -errno;
    return rc == 0 ? SCU_OK : out_error(out, SCU_E_FILE,
        "cannot take the place of %s: %s", path, strerror(-rc));
}

static int
listen_at(struct listener *l, size_t which, struct out *out)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat st;
    mode_t before;
    int rc, fd;

    /* Its length was checked with the longer suffix. */
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.*s%s",
        (int)(sizeof(address.sun_path) - sizeof(CONTROL_SUFFIX)), l->path,
        which == 0 ? "" : CONTROL_SUFFIX);
    if ((rc = clear_place(&address, out)) != SCU_OK)
        return rc;
    before = umask(0177);
    fd = bridge_listen((const struct sockaddr *)&address, sizeof(address));
    (void)umask(before);
    if (fd < 0)
        return out_error(out, SCU_E_FILE, "cannot listen at %s: %s",
            address.sun_path, strerror(-fd));
    *(which == 0 ? &l->data : &l->control) = fd;
    if (lstat(address.sun_path, &st) == 0) {
        l->made[which].dev = st.st_dev;
        l->made[which].ino = st.st_ino;
    }
    return SCU_OK;
}

int
bridge_listen_unix(struct listener *l, const char *path, struct out *out)
{
    char *folder = folder_of(path);
    int fd = -1;
    int rc;

    if (folder == NULL)
        return out_error(out, SCU_E_FILE, "there is no folder for the socket "
            "%s (%s): make it, `install -d -m 700 FOLDER`", path,
            strerror(errno));
    rc = set_path(l, folder, path, out);
    if (rc == SCU_OK)
        rc = open_folder(folder, &fd, out);
    /* The data socket last: where it is, all is ready. */
    if (rc == SCU_OK)
        rc = listen_at(l, 1, out);
    if (rc == SCU_OK)
        rc = listen_at(l, 0, out);
    if (fd >= 0)
        (void)close(fd);
    free(folder);
    return rc;
}

void
bridge_remove_unix(struct listener *l)
{
    char path[PATH_MAX + sizeof(CONTROL_SUFFIX)];
    struct stat st;

    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s%s", l->path,
            i == 0 ? "" : CONTROL_SUFFIX);
        if (l->made[i].ino != 0 && lstat(path, &st) == 0 &&
            st.st_dev == l->made[i].dev && st.st_ino == l->made[i].ino)
            (void)unlink(path);
        l->made[i].ino = 0;
    }
}
