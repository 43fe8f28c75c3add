/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

/* The turn's file: whatever becomes of it, work goes on. */
#include "lockfile.h"
#include "tests/tss-backend/turns.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* A connection with a key in the chip. */
struct user {
    struct scu_chip *chip;
    struct scu_key *key;
};

static struct user
start_user(const struct provisioned *p)
{
    struct user u = { .chip = provisioned_connect(p) };

    u.key = turns_key(u.chip);
    turns_must_sign(u.key);
    return u;
}

static void
end_user(struct user *u)
{
    scu_key_free(&u->key);
    scu_chip_free(&u->chip);
}

static void
put(const struct provisioned *p, const void *data, size_t len)
{
    char path[256];
    int fd;

    turns_path(p, path);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    (void)close(fd);
}

static void
file__is_private(void **state)
{
    struct provisioned *p = *state;
    struct user u = start_user(p);
    char path[256];
    struct stat st;

    turns_path(p, path);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(st.st_size, REGISTRY_PAGE);
    end_user(&u);
}

static void
read_but_times(const struct provisioned *p, uint8_t page[REGISTRY_PAGE])
{
    struct registry registry;

    turns_read(p, &registry);
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        registry.entry[i].used = 0;
    registry_encode(&registry, page);
}

/* But for the second of its use. */
static void
file__is_left_alone_by_a_warm_signature(void **state)
{
    struct provisioned *p = *state;
    struct user u = start_user(p);
    uint8_t before[REGISTRY_PAGE], after[REGISTRY_PAGE];

    read_but_times(p, before);
    turns_must_sign(u.key);
    read_but_times(p, after);
    assert_memory_equal(before, after, sizeof(before));
    end_user(&u);
}

/* Objects and sessions of those who were there are neither lost nor leaked. */
static void
file__junk_is_begun_anew(void **state)
{
    struct provisioned *p = *state;
    struct user a = start_user(p), b = start_user(p);
    char junk[3 * REGISTRY_PAGE];

    memset(junk, 'x', sizeof(junk));
    put(p, junk, sizeof(junk));
    turns_must_sign(a.key);
    turns_must_sign(b.key);
    assert_int_equal(turns_entries(p), 4);
    assert_int_equal(turns_objects(p), 2);
    put(p, junk, 7);
    turns_must_sign(b.key);
    put(p, "", 0);
    turns_must_sign(a.key);
    turns_must_sign(b.key);
    assert_int_equal(turns_entries(p), 4);
    assert_int_equal(turns_objects(p), 2);
    assert_int_equal(turns_sessions(p), 2);
    end_user(&a);
    end_user(&b);
}

static int
name_of(struct scu_chip *chip, void *arg)
{
    struct chip_object *object = arg;
    TPM2B_PUBLIC public;

    return chip_read_public(chip, object->handle, true, &public,
        &object->name);
}

/*
 * A page in good order that tells lies. Who can write it could as well flush
 * all there is; but nothing is used for what it is not, and what the page
 * says to be ours is not taken for it.
 */
static void
file__lies_flush_nothing_of_others(void **state)
{
    struct provisioned *p = *state;
    struct user u = start_user(p);
    struct chip_object stranger = { .handle = CHIP_TRANSIENT_FIRST };
    struct registry registry;
    TPM2B_NAME name;

    scu_key_free(&u.key);
    provisioned_crowd(p, 1, 0);
    assert_int_equal(chip_perform(u.chip, CHIP_BARE, name_of, &stranger),
        SCU_OK);
    name = stranger.name;
    u.key = turns_key(u.chip);
    turns_must_sign(u.key);
    turns_read(p, &registry);
    registry_find(&registry, u.chip->loaded->handle)->handle =
        stranger.handle;
    turns_write(p, &registry);
    /* Its own key is a stranger's by now, and there is room for no other. */
    assert_int_equal(turns_sign(u.key), SCU_E_SLOTS);
    assert_int_equal(chip_perform(u.chip, CHIP_BARE, name_of, &stranger),
        SCU_OK);
    assert_memory_equal(&name, &stranger.name, sizeof(name));
    provisioned_flush(p, CHIP_TRANSIENT_FIRST);
    turns_must_sign(u.key);
    end_user(&u);
}

static void
file__removed_under_those_who_work(void **state)
{
    struct provisioned *p = *state;
    struct user a = start_user(p), b = start_user(p);
    char path[256];

    turns_path(p, path);
    assert_int_equal(unlink(path), 0);
    turns_must_sign(a.key);
    turns_must_sign(b.key);
    assert_int_equal(turns_entries(p), 4);
    assert_int_equal(turns_objects(p), 2);
    end_user(&a);
    end_user(&b);
}

/* Of entries that stand for nothing; their owner seems to be alive. */
static void
file__full_is_no_end(void **state)
{
    struct provisioned *p = *state;
    struct registry registry;
    char path[256];

    turns_one(p);
    turns_read(p, &registry);
    for (size_t i = 0; i < REGISTRY_MAX; i++) {
        struct registry_entry *e = &registry.entry[i];

        e->kind = i % 2 == 0 ? REGISTRY_SESSION : REGISTRY_OBJECT;
        e->handle = (i % 2 == 0 ? TPM2_LOADED_SESSION_FIRST :
            CHIP_TRANSIENT_FIRST) + (TPM2_HANDLE)i;
        e->name_size = i % 2 == 0 ? 0 : 34;
        e->owner.pid = (uint32_t)getpid();
    }
    turns_write(p, &registry);
    turns_one(p);
    turns_path(p, path);
    assert_int_equal(unlink(path), 0);
    turns_one(p);
}

/* No room in the file for a moment: what is ours by then is entered later. */
static void
file__that_cannot_be_written_for_a_while(void **state)
{
    struct provisioned *p = *state;
    struct user a = start_user(p), b;
    struct rlimit old, none;
    struct scu_key *second = turns_key(a.chip);

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    turns_must_sign(second);
    assert_true(a.chip->turn.complained);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    b = start_user(p);
    for (int i = 0; i < 3; i++) {
        turns_must_sign(a.key);
        turns_must_sign(b.key);
        turns_must_sign(second);
    }
    assert_true(turn_has(a.chip, a.chip->session.handle, NULL));
    assert_int_equal(turns_entries(p), turns_objects(p) + turns_sessions(p));
    scu_key_free(&second);
    end_user(&b);
    end_user(&a);
}

/* --- files that are not taken --------------------------------------------- */

/* Both work as without turns, and what the name leads to is untouched. */
static void
both_sign_without(struct provisioned *p)
{
    struct user a = start_user(p), b = start_user(p);

    assert_false(a.chip->turn.held || b.chip->turn.held);
    turns_must_sign(a.key);
    turns_must_sign(b.key);
    assert_true(a.chip->turn.complained);
    end_user(&a);
    end_user(&b);
    assert_int_equal(turns_objects(p), 0);
    assert_int_equal(turns_sessions(p), 0);
}

static void
file__a_symbolic_link_is_not_followed(void **state)
{
    struct provisioned *p = *state;
    char path[256], target[300];
    struct stat st;
    int fd;

    turns_path(p, path);
    (void)snprintf(target, sizeof(target), "%s.target", path);
    assert_true((fd = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) >=
        0);
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(symlink(target, path), 0);
    both_sign_without(p);
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(unlink(path), 0);
    turns_one(p);
}

static void
file__of_others_is_not_taken(void **state)
{
    struct provisioned *p = *state;
    char path[256], second[300];

    turns_one(p);
    turns_path(p, path);
    assert_int_equal(chmod(path, 0666), 0);
    both_sign_without(p);
    assert_int_equal(chmod(path, 0600), 0);
    (void)snprintf(second, sizeof(second), "%s.second", path);
    assert_int_equal(link(path, second), 0);
    both_sign_without(p);
    assert_int_equal(unlink(second), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 12345), 0);
        both_sign_without(p);
        assert_int_equal(chown(path, 0, 0), 0);
    }
    turns_one(p);
}

/* Who can read it can lock it. Its lock is not waited for, then. */
static void
file__that_others_can_lock_is_not_taken(void **state)
{
    struct provisioned *p = *state;
    struct flock whole = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
    char path[256], c = 0;
    int pipes[2];
    pid_t child;
    int fd;

    turns_one(p);
    turns_path(p, path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_true((child = fork()) >= 0);
    if (child == 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0)
            (void)!write(pipes[1], &c, 1);
        (void)alarm(60);
        (void)pause();
        _exit(0);
    }
    assert_int_equal(read(pipes[0], &c, 1), 1);
    both_sign_without(p);
    turns_kill(child);
    assert_int_equal(chmod(path, 0600), 0);
    turns_one(p);
}

/* Nobody has to begin his program anew for that. */
static void
file__taken_again_when_it_is_in_order(void **state)
{
    struct provisioned *p = *state;
    struct user u;
    char path[256];

    turns_one(p);
    turns_path(p, path);
    assert_int_equal(chmod(path, 0606), 0);
    u = start_user(p);
    assert_true(u.chip->turn.complained);
    assert_int_equal(turns_entries(p), 0);
    assert_int_equal(chmod(path, 0600), 0);
    turns_must_sign(u.key);
    assert_int_equal(turns_entries(p), 2);
    end_user(&u);
}

/*
 * What is out of step is flushed by who has the turn only: meanwhile another
 * process needed the slot, and its own session has that handle.
 */
static void
status__flushes_nothing(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip = provisioned_connect(p);
    struct scu_chip_status *status = calloc(1, sizeof(*status));
    struct user u;

    assert_non_null(status);
    assert_int_equal(scu_chip_random(chip, &(uint8_t){ 0 }, 1), SCU_OK);
    chip->stale_session = chip->session.handle;
    session_clear(&chip->session);
    provisioned_crowd(p, 0, 2);
    u = start_user(p);
    assert_int_equal(u.chip->session.handle, chip->stale_session);
    assert_int_equal(scu_chip_status(chip, status), SCU_OK);
    assert_int_equal(turns_sessions(p), 3);
    free(status);
    scu_chip_free(&chip);
    assert_int_equal(turns_sessions(p), 3);
    end_user(&u);
    assert_int_equal(turns_sessions(p), 2);
    provisioned_flush_all(p);
}

static void
file__not_in_a_folder_of_all(void **state)
{
    struct provisioned *p = *state;
    char path[256];

    assert_int_equal(chmod(sim_dir(p->sim), 0777), 0);
    turns_path(p, path);
    (void)unlink(path);
    both_sign_without(p);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(chmod(sim_dir(p->sim), 0700), 0);
    turns_one(p);
}

/* --- processes ------------------------------------------------------------ */

/* A child has entries of its own and takes none of its parent's away. */
static void
fork__child_has_its_own(void **state)
{
    struct provisioned *p = *state;
    struct user u = start_user(p);
    struct registry registry;
    int status = -1;
    pid_t child;

    assert_true((child = fork()) >= 0);
    if (child == 0) {
        int ok = turns_sign(u.key) == SCU_OK && turns_entries(p) == 4;

        end_user(&u);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    turns_read(p, &registry);
    assert_int_equal(turns_entries(p), 2);
    assert_int_equal(registry_find(&registry, u.chip->session.handle)->
        owner.pid, getpid());
    turns_must_sign(u.key);
    end_user(&u);
}

/* Who holds the turn when it forks and is killed holds it no more. */
static void
hold_forked(const struct provisioned *p, int ready)
{
    struct scu_chip *chip = provisioned_connect(p);

    if (chip == NULL || turn_begin(chip, 1000) != SCU_OK)
        _exit(1);
    if (fork() == 0)
        (void)alarm(10);
    else
        (void)!write(ready, "", 1);
    (void)pause();
    _exit(1);
}

static void
turn__waits_and_names_who_has_it(void **state)
{
    struct provisioned *p = *state;
    struct scu_chip *chip = provisioned_connect(p);
    char expected[64], c;
    int ready[2];
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    assert_true((child = fork()) >= 0);
    if (child == 0)
        hold_forked(p, ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(turn_begin(chip, 20), SCU_E_BUSY);
    (void)snprintf(expected, sizeof(expected), "process %ld (test_turn_file",
        (long)child);
    assert_non_null(strstr(scu_error_detail(), expected));
    turns_kill(child);
    assert_int_equal(turn_begin(chip, 10000), SCU_OK);
    assert_true(turn_is_held(chip));
    turn_end(chip);
    scu_chip_free(&chip);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

#define TURN_TEST(t)                                                          \
    cmocka_unit_test_setup_teardown(t, turns_setup, turns_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TURN_TEST(file__is_private),
        TURN_TEST(file__is_left_alone_by_a_warm_signature),
        TURN_TEST(file__junk_is_begun_anew),
        TURN_TEST(file__lies_flush_nothing_of_others),
        TURN_TEST(file__removed_under_those_who_work),
        TURN_TEST(file__full_is_no_end),
        TURN_TEST(file__that_cannot_be_written_for_a_while),
        TURN_TEST(file__that_others_can_lock_is_not_taken),
        TURN_TEST(file__taken_again_when_it_is_in_order),
        TURN_TEST(status__flushes_nothing),
        TURN_TEST(file__a_symbolic_link_is_not_followed),
        TURN_TEST(file__of_others_is_not_taken),
        TURN_TEST(file__not_in_a_folder_of_all),
        TURN_TEST(fork__child_has_its_own),
        TURN_TEST(turn__waits_and_names_who_has_it),
    };

    return cmocka_run_group_tests_name("turn file", tests, NULL, NULL);
}
