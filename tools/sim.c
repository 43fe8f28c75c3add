/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd.h"
#include "lockfile.h"
#include "simpaths.h"
#include "simproc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOCK_MS 30000
#define READY_MS 15000

/* Exit code of `scu sim status`. */
#define NOT_RUNNING 1

struct sim_options {
    const char *dir;
};

static const struct opt options[] = {
    {
        .name = "dir",
        .arg = "DIR",
        .help = "folder of the simulator",
        .offset = offsetof(struct sim_options, dir),
    },
    { 0 },
};

/* One command at a time per folder, from here to lockfile_close(). */
static int
take_lock(const struct sim_paths *paths, struct lockfile **lock,
    struct out *out)
{
    pid_t holder = 0;
    int rc;

    if ((rc = lockfile_open(paths->lock, lock)) != 0)
        return out_error(out, SCU_E_FILE, "cannot open %s: %s", paths->lock,
            strerror(-rc));
    rc = lockfile_acquire(*lock, deadline_in(LOCK_MS), &holder);
    if (rc == -ETIMEDOUT)
        return out_error(out, SCU_E_BUSY, "process %ld works on the simulator "
            "in %s since more than %d s: end it and repeat", (long)holder,
            paths->dir, LOCK_MS / 1000);
    if (rc != 0)
        return out_error(out, SCU_E_FILE, "cannot lock %s: %s", paths->lock,
            strerror(-rc));
    return SCU_OK;
}

/*
 * The process id, 0 where none runs. A starter that was killed may have left
 * a process that is about to write its number.
 */
static int
find_process(const struct sim_paths *paths, pid_t *pid, struct out *out)
{
    const struct timespec step = { .tv_nsec = 2000000 };
    struct deadline deadline = deadline_in(READY_MS);

    while ((*pid = sim_pid(paths)) == -EAGAIN && !deadline_past(deadline))
        (void)nanosleep(&step, NULL);
    if (*pid >= 0)
        return SCU_OK;
    return out_error(out, SCU_E_FILE, "cannot read %s: %s", paths->pid,
        strerror(-*pid));
}

static void
put_common(struct out *out, const struct sim_paths *paths)
{
    out_string(out, "tcti", NULL, paths->tcti);
    out_string(out, "dir", NULL, paths->dir);
}

static int
start_new(const struct sim_paths *paths, pid_t *pid, struct out *out)
{
    int rc;

    if ((rc = sim_spawn(paths, out)) != SCU_OK)
        return rc;
    rc = sim_wait_ready(paths, deadline_in(READY_MS), out);
    *pid = sim_pid(paths);
    if (rc != SCU_OK && *pid > 0)
        (void)sim_end(paths, *pid, out);
    return rc;
}

static int
start(struct out *out, const struct scu_chip_options *unused,
    const void *values)
{
    const struct sim_options *given = values;
    struct lockfile *lock = NULL;
    struct sim_paths paths;
    bool found = false;
    pid_t pid = 0;
    int rc;

    (void)unused;
    if ((rc = sim_paths_set(&paths, given->dir, out)) != SCU_OK ||
        (rc = sim_paths_make(&paths, out)) != SCU_OK ||
        (rc = take_lock(&paths, &lock, out)) != SCU_OK ||
        (rc = find_process(&paths, &pid, out)) != SCU_OK)
        goto out;
    found = pid != 0;
    if (found)
        rc = sim_wait_open(&paths, deadline_in(READY_MS), out);
    else
        rc = start_new(&paths, &pid, out);
    if (rc != SCU_OK)
        goto out;
    out_line(out, "%s", paths.tcti);
    put_common(out, &paths);
    out_number(out, "pid", NULL, (uint64_t)pid);
    out_bool(out, "started", NULL, !found);
    if (found)
        out_note(out, "the simulator in %s runs already", paths.dir);
out:
    lockfile_close(&lock);
    return rc;
}

/*
 * The folder as far as stop and status look at it: *there is false where no
 * simulator was ever started.
 */
static int
look(struct sim_paths *paths, const char *dir, bool *there, struct out *out)
{
    struct stat st;
    int rc;

    *there = false;
    if ((rc = sim_paths_set(paths, dir, out)) != SCU_OK)
        return rc;
    if (lstat(paths->state, &st) != 0 &&
        (errno == ENOENT || errno == ENOTDIR))
        return SCU_OK;
    *there = true;
    return sim_paths_make(paths, out);
}

/* An orderly end keeps the clock and the lockout counter right. */
static bool
shut_chip_down(const struct sim_paths *paths, struct out *out)
{
    const struct scu_chip_options where = { .tcti = paths->tcti };
    struct scu_chip *chip = NULL;
    int rc;

    if ((rc = scu_chip_open(&where, &chip)) == SCU_OK)
        rc = scu_chip_shutdown(chip);
    if (rc != SCU_OK)
        out_note(out, "the chip could not be told, this is a power cut for "
            "it: %s", scu_error_detail());
    scu_chip_free(&chip);
    return rc == SCU_OK;
}

static int
stop(struct out *out, const struct scu_chip_options *unused,
    const void *values)
{
    const struct sim_options *given = values;
    struct lockfile *lock = NULL;
    struct sim_paths paths;
    bool there = false, orderly = false;
    pid_t pid = 0;
    int rc;

    (void)unused;
    if ((rc = look(&paths, given->dir, &there, out)) != SCU_OK)
        goto out;
    if (there && ((rc = take_lock(&paths, &lock, out)) != SCU_OK ||
        (rc = find_process(&paths, &pid, out)) != SCU_OK))
        goto out;
    if (pid != 0) {
        orderly = shut_chip_down(&paths, out);
        if ((rc = sim_end(&paths, pid, out)) != SCU_OK)
            goto out;
    } else {
        if (there)
            sim_clean(&paths);
        out_note(out, "no simulator runs in %s", paths.dir);
    }
    put_common(out, &paths);
    out_bool(out, "stopped", NULL, pid != 0);
    out_bool(out, "orderly", NULL, orderly);
out:
    lockfile_close(&lock);
    return rc;
}

/* Whether libscu takes the simulated chip for the one that is pinned. */
static void
put_provisioned(struct out *out, const struct sim_paths *paths)
{
    const struct scu_chip_options where = { .tcti = paths->tcti };
    struct scu_chip *chip = NULL;
    struct scu_chip_info info;
    int rc;

    if ((rc = scu_chip_open(&where, &chip)) == SCU_OK)
        rc = scu_chip_info(chip, &info);
    if (rc == SCU_OK) {
        out_bool(out, "provisioned", "provisioned", info.provisioned);
    } else if (rc == SCU_E_OTHER_CHIP) {
        out_bool(out, "provisioned", NULL, false);
        out_text(out, "provisioned", "no: %s", scu_error_detail());
    } else {
        out_null(out, "provisioned");
        out_text(out, "provisioned", "not known: %s", scu_error_detail());
    }
    scu_chip_free(&chip);
}

static int
status(struct out *out, const struct scu_chip_options *unused,
    const void *values)
{
    const struct sim_options *given = values;
    struct lockfile *lock = NULL;
    struct sim_paths paths;
    bool there = false;
    pid_t pid = 0;
    int rc;

    (void)unused;
    if ((rc = look(&paths, given->dir, &there, out)) != SCU_OK)
        goto out;
    if (there && ((rc = take_lock(&paths, &lock, out)) != SCU_OK ||
        (rc = find_process(&paths, &pid, out)) != SCU_OK))
        goto out;
    out_bool(out, "running", "running", pid != 0);
    put_common(out, &paths);
    out_string(out, NULL, "link", paths.tcti);
    out_string(out, NULL, "folder", paths.dir);
    if (pid != 0) {
        out_number(out, "pid", "process", (uint64_t)pid);
        put_provisioned(out, &paths);
    } else {
        rc = NOT_RUNNING;
    }
out:
    lockfile_close(&lock);
    return rc;
}

static const struct cmd cmd_sim_start = {
    .name = "sim start",
    .summary = "start the simulator and print its TCTI string",
    .page = "scu-sim(1)",
    .options = options,
    .options_size = sizeof(struct sim_options),
    .run = start,
};

static const struct cmd cmd_sim_stop = {
    .name = "sim stop",
    .summary = "shut the simulated chip down and end the simulator",
    .page = "scu-sim(1)",
    .options = options,
    .options_size = sizeof(struct sim_options),
    .run = stop,
};

static const struct cmd cmd_sim_status = {
    .name = "sim status",
    .summary = "tell whether the simulator runs; exit code 1 if not",
    .page = "scu-sim(1)",
    .options = options,
    .options_size = sizeof(struct sim_options),
    .run = status,
};

static const struct cmd *const commands[] = {
    &cmd_sim_start,
    &cmd_sim_stop,
    &cmd_sim_status,
    NULL,
};

const struct cmd cmd_sim = {
    .name = "sim",
    .summary = "a simulated chip, to try everything without hardware",
    .page = "scu-sim(1)",
    .commands = commands,
};
