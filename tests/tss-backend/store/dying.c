/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/tss-backend/store/dying.h"

#include "tests/lib/proxy.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define STEPS_MAX 150

struct dying {
    const struct provisioned *p;
    struct proxy *proxy;
    struct proxy_hooks hooks;
    pthread_t thread;
    pthread_mutex_t mutex;
    unsigned left;  /* commands until it dies; 0: it does not */
    bool reached;
    pid_t victim;   /* 0: only the link dies */
    char tcti[300];
};

/* --- at a command ------------------------------------------------------------ */

static enum proxy_verdict
on_response(void *user, const uint8_t *command, size_t command_len,
    uint8_t *data, size_t *len)
{
    struct dying *d = user;
    enum proxy_verdict verdict = PROXY_PASS;

    (void)command;
    (void)command_len;
    (void)data;
    (void)len;
    (void)pthread_mutex_lock(&d->mutex);
    if (d->left > 0 && --d->left == 0) {
        if (d->victim > 0)
            (void)kill(d->victim, SIGKILL);
        d->reached = true;
        verdict = PROXY_DROP;
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return verdict;
}

static void *
serve(void *arg)
{
    (void)proxy_run(arg);
    return NULL;
}

/* --- at the disk -------------------------------------------------------------- */

/* In the child: changes of the disk until it dies. */
static unsigned disk_left;

static void
disk_step(void)
{
    if (disk_left > 0 && --disk_left == 0)
        (void)raise(SIGKILL);
}

static ssize_t
dying_pwrite(int fd, const void *data, size_t len, off_t at)
{
    disk_step();
    return pwrite(fd, data, len, at);
}

static ssize_t
dying_write(int fd, const void *data, size_t len)
{
    disk_step();
    return write(fd, data, len);
}

static int
dying_truncate(int fd, off_t len)
{
    disk_step();
    return ftruncate(fd, len);
}

static int
dying_unlink(const char *path)
{
    disk_step();
    return unlink(path);
}

static bool
die_at_disk(unsigned k)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } calls[] = {
        { "pwrite", (sqlite3_syscall_ptr)dying_pwrite },
        { "pwrite64", (sqlite3_syscall_ptr)dying_pwrite },
        { "write", (sqlite3_syscall_ptr)dying_write },
        { "ftruncate", (sqlite3_syscall_ptr)dying_truncate },
        { "unlink", (sqlite3_syscall_ptr)dying_unlink },
    };

    if (vfs == NULL || vfs->iVersion < 3 || vfs->xSetSystemCall == NULL)
        return false;
    disk_left = k;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (vfs->xSetSystemCall(vfs, calls[i].name, calls[i].call) !=
                SQLITE_OK && strcmp(calls[i].name, "pwrite64") != 0)
            return false;
    return true;
}

/* --- the child ------------------------------------------------------------------ */

static int
be_child(const struct dying *d, int (*run)(struct scu_chip *chip))
{
    const struct scu_chip_options options = {
        .tcti = d->tcti, .state = d->p->state,
    };
    struct scu_chip *chip = NULL;
    int rc = scu_chip_open(&options, &chip);

    if (rc == SCU_OK)
        rc = run(chip);
    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s: %s\n", scu_error_name(rc),
            scu_error_detail());
    scu_chip_free(&chip);
    return rc == SCU_OK ? 0 : 1;
}

static pid_t
begin(struct dying *d, enum dying_where where, unsigned k)
{
    pid_t pid;

    (void)pthread_mutex_lock(&d->mutex);
    d->left = where == DYING_AT_DISK ? 0 : k;
    d->reached = false;
    pid = fork();
    d->victim = where == DYING_AT_COMMAND ? pid : 0;
    if (pid != 0)
        (void)pthread_mutex_unlock(&d->mutex);
    assert_true(pid >= 0);
    return pid;
}

bool
dying_run(struct dying *d, enum dying_where where, unsigned k,
    int (*run)(struct scu_chip *chip))
{
    int status = -1;
    bool reached;
    pid_t pid = begin(d, where, k);

    if (pid == 0) {
        if (where == DYING_AT_DISK && !die_at_disk(k))
            _exit(2);
        _exit(be_child(d, run));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)pthread_mutex_lock(&d->mutex);
    d->left = 0;
    reached = d->reached;
    (void)pthread_mutex_unlock(&d->mutex);
    if (!reached && WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    provisioned_flush_all(d->p);
    return WIFEXITED(status) && !reached;
}

struct dying *
dying_new(const struct provisioned *p)
{
    struct dying *d = calloc(1, sizeof(*d));
    char path[200];

    assert_non_null(d);
    d->p = p;
    d->hooks = (struct proxy_hooks){
        .user = d, .response = on_response,
    };
    (void)pthread_mutex_init(&d->mutex, NULL);
    (void)snprintf(path, sizeof(path), "%s/dying", sim_dir(p->sim));
    (void)snprintf(d->tcti, sizeof(d->tcti), "scu:swtpm:path=%s", path);
    d->proxy = proxy_new(path, sim_socket(p->sim), &d->hooks);
    assert_non_null(d->proxy);
    assert_int_equal(pthread_create(&d->thread, NULL, serve, d->proxy), 0);
    return d;
}

void
dying_free(struct dying **dying)
{
    struct dying *d = *dying;

    *dying = NULL;
    if (d == NULL)
        return;
    proxy_stop(d->proxy);
    (void)pthread_join(d->thread, NULL);
    proxy_free(&d->proxy);
    (void)pthread_mutex_destroy(&d->mutex);
    free(d);
}

/* --- all steps ------------------------------------------------------------------ */

void
dying_at_each_step(struct provisioned *p,
    const struct dying_change *change, enum dying_where where)
{
    struct dying *dying = dying_new(p);
    bool done = false;
    unsigned k;

    for (k = 1; !done && k < STEPS_MAX; k++) {
        scu_chip_free(&p->chip); /* its session takes a slot */
        done = dying_run(dying, where, k, change->run);
        p->chip = provisioned_connect(p);
        assert_non_null(p->chip);
        change->check(p);
    }
    /* It was killed at more than a step or two. */
    assert_true(done);
    assert_in_range(k, 5, STEPS_MAX);
    dying_free(&dying);
}

void
dying_everywhere(struct provisioned *p, const struct dying_change *change)
{
    dying_at_each_step(p, change, DYING_AT_COMMAND);
    dying_at_each_step(p, change, DYING_AT_DISK);
}
