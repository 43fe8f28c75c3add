/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "swtpm.h"
#include "unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 10000

struct sim {
    pid_t pid; /* 0: not running */
    char dir[PATH_MAX];
    char socket[PATH_MAX + 32];
    char control[PATH_MAX + 48];
    char tcti[PATH_MAX + 64];
};

static void
complain(const char *what, int error)
{
    (void)fprintf(stderr, "simulator: %s: %s\n", what, strerror(error));
}

static int
make_folder(struct sim *sim)
{
    const char *tmp = getenv("TMPDIR");
    char cwd[PATH_MAX] = "";

    if (tmp == NULL || tmp[0] == '\0')
        tmp = "/tmp";
    if (tmp[0] != '/' && getcwd(cwd, sizeof(cwd) - 1) != NULL)
        (void)strncat(cwd, "/", sizeof(cwd) - strlen(cwd) - 1);
    if ((size_t)snprintf(sim->dir, sizeof(sim->dir), "%s%s/scu-test-XXXXXX",
        cwd, tmp) >= sizeof(sim->dir)) {
        complain(tmp, ENAMETOOLONG);
        return -1;
    }
    if (mkdtemp(sim->dir) == NULL) {
        complain(sim->dir, errno);
        sim->dir[0] = '\0';
        return -1;
    }
    (void)snprintf(sim->socket, sizeof(sim->socket), "%s/swtpm.sock",
        sim->dir);
    (void)snprintf(sim->control, sizeof(sim->control), "%s.ctrl",
        sim->socket);
    (void)snprintf(sim->tcti, sizeof(sim->tcti), "scu:swtpm:path=%s",
        sim->socket);
    return 0;
}

/* In the child: becomes swtpm, or exits with 127. */
static void
become_swtpm(const struct sim *sim, pid_t parent)
{
    char state[PATH_MAX + 8], log[PATH_MAX + 16];
    char server[sizeof(sim->socket) + 32], ctrl[sizeof(sim->control) + 32];
    sigset_t none;
    int fd;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)snprintf(state, sizeof(state), "dir=%s", sim->dir);
    (void)snprintf(server, sizeof(server), "type=unixio,path=%s", sim->socket);
    (void)snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s", sim->control);
    (void)snprintf(log, sizeof(log), "%s/swtpm.log", sim->dir);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
    }
    (void)unsetenv("LD_PRELOAD");
    (void)execlp(SWTPM_PROGRAM, "swtpm", "socket", "--tpm2", "--tpmstate",
        state, "--server", server, "--ctrl", ctrl, "--flags",
        "not-need-init,startup-clear", (char *)NULL);
    _exit(127);
}

int
sim_restart(struct sim *sim)
{
    pid_t parent = getpid();
    int rc;

    sim_kill(sim);
    if ((sim->pid = fork()) < 0) {
        complain("fork", errno);
        sim->pid = 0;
        return -1;
    }
    if (sim->pid == 0)
        become_swtpm(sim, parent);
    if ((rc = unixsock_wait(sim->control, READY_MS)) != 0 ||
        (rc = unixsock_wait(sim->socket, READY_MS)) != 0) {
        complain(SWTPM_PROGRAM " does not answer; is it installed? "
            "See swtpm.log", -rc);
        sim_kill(sim);
        return -1;
    }
    return 0;
}

struct sim *
sim_new(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));

    if (sim == NULL)
        return NULL;
    if (make_folder(sim) != 0 || sim_restart(sim) != 0)
        sim_free(&sim);
    return sim;
}

const char *
sim_dir(const struct sim *sim)
{
    return sim->dir;
}

const char *
sim_socket(const struct sim *sim)
{
    return sim->socket;
}

const char *
sim_tcti(const struct sim *sim)
{
    return sim->tcti;
}

void
sim_kill(struct sim *sim)
{
    if (sim->pid <= 0)
        return;
    (void)kill(sim->pid, SIGKILL);
    while (waitpid(sim->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    sim->pid = 0;
    (void)unlink(sim->socket);
    (void)unlink(sim->control);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void
sim_free(struct sim **sim)
{
    if (sim == NULL || *sim == NULL)
        return;
    sim_kill(*sim);
    if ((*sim)->dir[0] != '\0')
        (void)nftw((*sim)->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*sim);
    *sim = NULL;
}
