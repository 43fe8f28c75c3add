/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "io.h"
#include "simproc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Where the lock on the pid file stands in the process; above are none. */
#define LOCK_FD 3

#define END_MS 5000

static pid_t
read_pid(int fd)
{
    char text[16] = "", *end = NULL;
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    long pid;

    if (n < 0)
        return -errno;
    errno = 0;
    pid = strtol(text, &end, 10);
    /* Written in one piece, with a line feed at its end. */
    if (errno != 0 || end == text || *end != '\n' || pid <= 1 ||
        pid > INT32_MAX)
        return -EAGAIN;
    return (pid_t)pid;
}

pid_t
sim_pid(const struct sim_paths *paths)
{
    int fd = open(paths->pid, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    pid_t pid = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        pid = errno == EWOULDBLOCK ? read_pid(fd) : -errno;
    (void)close(fd);
    return pid;
}

void
sim_clean(const struct sim_paths *paths)
{
    (void)unlink(paths->socket);
    (void)unlink(paths->control);
    (void)unlink(paths->pid);
}

static int
write_pid(int fd)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return -1;
    return 0;
}

static void
close_from(int fd)
{
#ifdef HAVE_CLOSEFROM
    closefrom(fd);
#else
    long max = sysconf(_SC_OPEN_MAX);

    for (; fd < (max > 0 && max < 65536 ? max : 65536); fd++)
        (void)close(fd);
#endif
}

/* Standard descriptors, the lock and the pipe stay; nothing else. */
static int
arrange_descriptors(const struct sim_paths *paths, int lock, int report)
{
    int null = open("/dev/null", O_RDWR | O_NOCTTY);
    int log = open(paths->log,
        O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_NOCTTY,
        0600);

    if (null < 0 || log < 0)
        return -1;
    /* Above all that follows, so that no copy overwrites a source. */
    if ((null = fcntl(null, F_DUPFD, 16)) < 0 ||
        (log = fcntl(log, F_DUPFD, 16)) < 0 ||
        (lock = fcntl(lock, F_DUPFD, 16)) < 0 ||
        (report = fcntl(report, F_DUPFD, 16)) < 0)
        return -1;
    if (dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0 || dup2(lock, LOCK_FD) < 0 ||
        dup3(report, LOCK_FD + 1, O_CLOEXEC) < 0)
        return -1;
    close_from(LOCK_FD + 2);
    return 0;
}

static void
arrange_signals(void)
{
    sigset_t none;

    (void)signal(SIGTERM, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: swtpm, or the errno value of the failure through report. */
static void
become_swtpm(const struct sim_paths *paths, int lock, int report)
{
    char state[SIM_PATH_MAX + 32], server[SIM_PATH_MAX + 32];
    char control[SIM_PATH_MAX + 32];
    int error;

    (void)snprintf(state, sizeof(state), "dir=%s,mode=0600", paths->state);
    (void)snprintf(server, sizeof(server), "type=unixio,path=%s,mode=0600",
        paths->socket);
    (void)snprintf(control, sizeof(control), "type=unixio,path=%s,mode=0600",
        paths->control);
    (void)umask(077);
    arrange_signals();
    if (setsid() >= 0 && chdir("/") == 0 && write_pid(lock) == 0 &&
        arrange_descriptors(paths, lock, report) == 0) {
        report = LOCK_FD + 1;
        /* Our provider is for those who use the chip, not for its inside. */
        (void)setenv("OPENSSL_CONF", "/dev/null", 1);
        (void)execlp(SWTPM_PROGRAM, "swtpm", "socket", "--tpm2",
            "--tpmstate", state, "--server", server, "--ctrl", control,
            "--flags", "not-need-init,startup-clear", (char *)NULL);
    }
    error = errno;
    (void)!write(report, &error, sizeof(error));
    _exit(127);
}

static int
open_locked_pid_file(const struct sim_paths *paths, struct out *out)
{
    int fd = open(paths->pid,
        O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)out_error(out, SCU_E_FILE, "cannot lock %s: %s", paths->pid,
            strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    return fd;
}

/* 0 when the program runs, else the errno value of the child's failure. */
static int
read_report(int fd)
{
    int error = 0;
    ssize_t n;

    do {
        n = read(fd, &error, sizeof(error));
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(error) ? error : 0;
}

int
sim_spawn(const struct sim_paths *paths, struct out *out)
{
    int report[2] = { -1, -1 };
    int rc = SCU_E_FILE;
    int lock, error;
    pid_t pid;

    sim_clean(paths);
    if ((lock = open_locked_pid_file(paths, out)) < 0)
        return rc;
    if (pipe2(report, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        rc = out_error(out, rc, "cannot start a process: %s",
            strerror(errno));
        goto out;
    }
    if (pid == 0)
        become_swtpm(paths, lock, report[1]);
    (void)close(report[1]);
    report[1] = -1;
    if ((error = read_report(report[0])) != 0)
        rc = out_error(out, rc, "cannot run the simulator %s: %s; install "
            "swtpm", SWTPM_PROGRAM, strerror(error));
    else
        rc = SCU_OK;
out:
    for (int i = 0; i < 2; i++)
        if (report[i] >= 0)
            (void)close(report[i]);
    (void)close(lock);
    return rc;
}

/*
 * A descriptor of the process, by which it can be signalled and waited for
 * whoever gets its number next. -1 where the kernel has none.
 */
static int
open_process(pid_t pid)
{
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

/* Only if, with the descriptor in hand, it still holds the pid file. */
static int
send_signal(const struct sim_paths *paths, pid_t pid, int process, int sig)
{
    if (sim_pid(paths) != pid)
        return 0;
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
    if (process >= 0)
        return (int)syscall(SYS_pidfd_send_signal, process, sig, NULL, 0);
#else
    (void)process;
#endif
    return kill(pid, sig);
}

/* Whether it is gone when the deadline passes, or before. */
static bool
wait_gone(const struct sim_paths *paths, int process,
    struct deadline deadline)
{
    const struct timespec step = { .tv_nsec = 2000000 };

    while (sim_pid(paths) != 0) {
        if (deadline_past(deadline))
            return false;
        (void)nanosleep(&step, NULL);
    }
    /* Its files are closed before it ends: that is a moment more. */
    return process < 0 || io_wait(process, POLLIN, deadline) == 0;
}

int
sim_end(const struct sim_paths *paths, pid_t pid, struct out *out)
{
    static const int signals[] = { SIGTERM, SIGKILL };
    int process = open_process(pid);
    int rc = SCU_E_IO;

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (send_signal(paths, pid, process, signals[i]) != 0 &&
            errno != ESRCH) {
            rc = out_error(out, rc, "cannot end the simulator's process %ld: "
                "%s", (long)pid, strerror(errno));
            goto out;
        }
        if (wait_gone(paths, process, deadline_in(END_MS))) {
            sim_clean(paths);
            rc = SCU_OK;
            goto out;
        }
    }
    rc = out_error(out, rc, "the simulator's process %ld does not end; see "
        "%s", (long)pid, paths->log);
out:
    if (process >= 0)
        (void)close(process);
    return rc;
}
