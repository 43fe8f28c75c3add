/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/tss-backend/turns.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t digest[32] = { 1, 2, 3 };

int
turns_sign(struct scu_key *key)
{
    uint8_t sig[128];
    size_t len = sizeof(sig);

    return scu_key_sign(key, scu_scheme_by_name("ECDSA-SHA256"), 0, digest,
        sizeof(digest), sig, &len);
}

void
turns_must_sign(struct scu_key *key)
{
    if (turns_sign(key) != SCU_OK)
        fail_msg("%s", scu_error_detail());
}

struct scu_key *
turns_key(struct scu_chip *chip)
{
    struct scu_key *key = NULL;

    assert_int_equal(scu_key_generate(chip, scu_alg_by_name("P-256"), NULL, 0,
        &key), SCU_OK);
    return key;
}

unsigned
turns_objects(const struct provisioned *p)
{
    return provisioned_count(p, CHIP_TRANSIENT_FIRST);
}

unsigned
turns_sessions(const struct provisioned *p)
{
    return provisioned_count(p, TPM2_LOADED_SESSION_FIRST);
}

void
turns_path(const struct provisioned *p, char path[256])
{
    (void)snprintf(path, 256, "%s.turn", sim_socket(p->sim));
}

void
turns_read(const struct provisioned *p, struct registry *registry)
{
    uint8_t page[REGISTRY_PAGE];
    char path[256];
    int fd;

    turns_path(p, path);
    assert_true((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
    assert_int_equal(read(fd, page, sizeof(page)), sizeof(page));
    (void)close(fd);
    assert_null(registry_decode(page, sizeof(page), registry));
}

void
turns_write(const struct provisioned *p, const struct registry *registry)
{
    uint8_t page[REGISTRY_PAGE];
    char path[256];
    int fd;

    registry_encode(registry, page);
    turns_path(p, path);
    assert_true((fd = open(path, O_WRONLY | O_CLOEXEC)) >= 0);
    assert_int_equal(pwrite(fd, page, sizeof(page), 0), sizeof(page));
    (void)close(fd);
}

size_t
turns_entries(const struct provisioned *p)
{
    struct registry registry;
    size_t n = 0;

    turns_read(p, &registry);
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        n += registry.entry[i].kind != REGISTRY_FREE;
    return n;
}

int
turns_setup(void **state)
{
    struct provisioned *p;

    if (provisioned_setup(state) != 0)
        return -1;
    p = *state;
    scu_chip_free(&p->chip);
    return 0;
}

int
turns_teardown(void **state)
{
    struct provisioned *p = *state;

    assert_int_equal(turns_objects(p), 0);
    assert_int_equal(turns_sessions(p), 0);
    assert_int_equal(turns_entries(p), 0);
    return provisioned_teardown(state);
}

void
turns_child(const struct provisioned *p, int times, int ready)
{
    struct scu_chip *chip = provisioned_connect(p);
    struct scu_key *key = NULL;
    int rc;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    rc = chip == NULL ? SCU_E_INTERNAL : scu_key_generate(chip,
        scu_alg_by_name("P-256"), NULL, 0, &key);

    for (int i = 0; rc == SCU_OK && i < times; i++)
        rc = turns_sign(key);
    if (rc != SCU_OK)
        (void)fprintf(stderr, "%s\n", scu_error_detail());
    if (ready >= 0) {
        (void)!write(ready, "", 1);
        (void)pause();
    }
    scu_key_free(&key);
    scu_chip_free(&chip);
    _exit(rc == SCU_OK ? 0 : 1);
}

pid_t
turns_idle(const struct provisioned *p)
{
    int ready[2];
    pid_t pid;
    char c;

    assert_int_equal(pipe(ready), 0);
    assert_true((pid = fork()) >= 0);
    if (pid == 0) {
        (void)close(ready[0]);
        turns_child(p, 1, ready[1]);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    (void)close(ready[0]);
    return pid;
}

void
turns_kill(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

void
turns_leave_behind(const struct provisioned *p)
{
    turns_kill(turns_idle(p));
    assert_true(turns_objects(p) > 0);
    assert_true(turns_sessions(p) > 0);
}

void
turns_one(const struct provisioned *p)
{
    struct scu_chip *chip = provisioned_connect(p);
    struct scu_key *key = turns_key(chip);

    turns_must_sign(key);
    scu_key_free(&key);
    scu_chip_free(&chip);
}
