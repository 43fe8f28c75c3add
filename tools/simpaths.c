/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "simdir.h"
#include "simpaths.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Checks the longest name, so that the others fit as well. */
static int
check_length(const char *dir, struct out *out)
{
    size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    size_t len = strlen(dir) + strlen("/" SIM_CONTROL);

    if (len <= max)
        return SCU_OK;
    return out_error(out, SCU_E_ARG, "the socket's path %s/%s has %zu octets "
        "and may have %zu: choose a shorter --dir", dir, SIM_CONTROL, len,
        max);
}

/* A comma ends a value in TCTI strings and in swtpm's options. */
static int
check_characters(const char *dir, struct out *out)
{
    for (const char *p = dir; *p != '\0'; p++)
        if (*p == ',' || iscntrl((unsigned char)*p))
            return out_error(out, SCU_E_ARG, "the simulator's folder \"%s\" "
                "has a comma or a control character in its name: choose "
                "another --dir", dir);
    return SCU_OK;
}

/* An absolute path without slashes at its end; the caller frees it. */
static int
make_absolute(const char *dir, char **absolute, struct out *out)
{
    char cwd[PATH_MAX] = "";
    size_t len = strlen(dir);

    if (len == 0)
        return out_error(out, SCU_E_ARG, "--dir is empty: name a folder");
    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (dir[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
        return out_error(out, SCU_E_FILE, "the current folder has no path "
            "(%s): use an absolute --dir", strerror(errno));
    if (len > PATH_MAX || asprintf(absolute, "%s%s%.*s", cwd,
        dir[0] != '/' ? "/" : "", (int)len, dir) < 0)
        return out_error(out, SCU_E_MEMORY, "out of memory on the host");
    return SCU_OK;
}

static void
join(char *path, const char *dir, const char *name)
{
    (void)snprintf(path, SIM_PATH_MAX, "%s/%s", dir, name);
}

int
sim_paths_set(struct sim_paths *paths, const char *dir, struct out *out)
{
    char *standard = NULL, *absolute = NULL;
    int rc;

    if (dir == NULL && (standard = sim_dir_default()) == NULL)
        return out_error(out, SCU_E_CONF, "no folder for the simulator: set "
            "XDG_RUNTIME_DIR or HOME, or use --dir");
    if ((rc = make_absolute(dir != NULL ? dir : standard, &absolute, out)) !=
        SCU_OK)
        goto out;
    if ((rc = check_length(absolute, out)) != SCU_OK ||
        (rc = check_characters(absolute, out)) != SCU_OK)
        goto out;
    (void)snprintf(paths->dir, sizeof(paths->dir), "%s", absolute);
    join(paths->state, absolute, "state");
    join(paths->socket, absolute, SIM_SOCKET);
    join(paths->control, absolute, SIM_CONTROL);
    join(paths->log, absolute, "swtpm.log");
    join(paths->pid, absolute, "swtpm.pid");
    join(paths->lock, absolute, "sim.lock");
    (void)snprintf(paths->tcti, sizeof(paths->tcti), "scu:sim:dir=%s",
        absolute);
out:
    free(absolute);
    free(standard);
    return rc;
}

static int
make_parents(const char *dir, struct out *out)
{
    char path[SIM_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s", dir);
    for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return out_error(out, SCU_E_FILE, "cannot make the folder %s: %s",
                path, strerror(errno));
        *p = '/';
    }
    return SCU_OK;
}

/* A folder, no symbolic link, owned by the user and closed to all others. */
static int
make_private(const char *dir, struct out *out)
{
    struct stat st;
    int fd;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return out_error(out, SCU_E_FILE, "cannot make the folder %s: %s",
            dir, strerror(errno));
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
        return out_error(out, SCU_E_FILE, "%s is not a folder: choose another "
            "--dir", dir);
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)out_error(out, SCU_E_FILE, "cannot open the folder %s: %s", dir,
            strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return SCU_E_FILE;
    }
    (void)close(fd);
    if (st.st_uid != geteuid())
        return out_error(out, SCU_E_FILE, "the folder %s belongs to another "
            "user (uid %u): choose another --dir", dir, (unsigned)st.st_uid);
    if ((st.st_mode & 077) != 0)
        return out_error(out, SCU_E_FILE, "the folder %s is open to others "
            "(mode %04o): `chmod 700` it or choose another --dir", dir,
            (unsigned)(st.st_mode & 07777));
    return SCU_OK;
}

int
sim_paths_make(const struct sim_paths *paths, struct out *out)
{
    int rc;

    if ((rc = make_parents(paths->dir, out)) != SCU_OK)
        return rc;
    if ((rc = make_private(paths->dir, out)) != SCU_OK)
        return rc;
    return make_private(paths->state, out);
}
