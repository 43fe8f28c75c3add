/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "lockfixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

static void *
count_under_lock(void *arg)
{
    struct {
        const char *path;
        volatile unsigned *count;
    } *job = arg;
    struct lockfile *lock = NULL;
    unsigned seen;

    if (lockfile_open(job->path, &lock) != 0)
        return NULL;
    for (int i = 0; i < 200; i++) {
        if (lockfile_acquire(lock, deadline_in(BOUNDED), NULL) != 0)
            break;
        seen = *job->count;
        (void)sched_yield();
        *job->count = seen + 1;
        lockfile_release(lock);
    }
    lockfile_close(&lock);
    return NULL;
}

static void
lockfile_acquire__excludes_threads_and_processes(void **state)
{
    struct fixture *f = *state;
    struct {
        const char *path;
        volatile unsigned *count;
    } job = { .path = f->path };
    pthread_t threads[2];
    pid_t pids[2];

    job.count = mmap(NULL, sizeof(*job.count), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true((volatile void *)job.count != MAP_FAILED);
    for (int i = 0; i < 2; i++) {
        assert_true((pids[i] = fork()) >= 0);
        if (pids[i] == 0) {
            (void)count_under_lock(&job);
            _exit(0);
        }
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_under_lock,
            &job), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
    assert_int_equal(*job.count, 800);
    (void)munmap((void *)(uintptr_t)job.count, sizeof(*job.count));
}

/* A thread that takes the lock once. */
struct once {
    const char *path;
    atomic_long tid;
    atomic_int times;
};

static void *
take_once(void *arg)
{
    struct once *once = arg;
    struct lockfile *lock = NULL;

    if (lockfile_open(once->path, &lock) != 0)
        return NULL;
    atomic_store(&once->tid, (long)gettid());
    if (lockfile_acquire(lock, deadline_in(BOUNDED), NULL) == 0)
        atomic_fetch_add(&once->times, 1);
    lockfile_close(&lock);
    return NULL;
}

/* Until the thread sleeps, which it does for the lock only. */
static void
until_it_waits(struct once *once)
{
    char path[64], text[256], *state = NULL;
    FILE *file;

    do {
        (void)sched_yield();
        (void)snprintf(path, sizeof(path), "/proc/self/task/%ld/stat",
            atomic_load(&once->tid));
        if ((file = fopen(path, "re")) == NULL)
            continue;
        state = fgets(text, sizeof(text), file) == NULL ? NULL :
            strrchr(text, ')');
        (void)fclose(file);
    } while (state == NULL || state[2] != 'S');
}

/* Who comes back at once is behind it, however busy. */
static void
lockfile_acquire__does_not_overtake_a_thread(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 20; i++) {
        struct once once = { .path = f->path };
        pthread_t thread;

        assert_int_equal(lockfile_acquire(f->lock, deadline_in(0), NULL), 0);
        assert_int_equal(pthread_create(&thread, NULL, take_once, &once), 0);
        until_it_waits(&once);
        lockfile_release(f->lock);
        assert_int_equal(lockfile_acquire(f->lock, deadline_in(BOUNDED),
            NULL), 0);
        assert_int_equal(atomic_load(&once.times), 1);
        lockfile_release(f->lock);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LOCKFILE_TEST(lockfile_acquire__excludes_threads_and_processes),
        LOCKFILE_TEST(lockfile_acquire__does_not_overtake_a_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
