/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "world.h"

#include "tests/lib/unixsock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX (4 * 1024 * 1024)

/* --- files ------------------------------------------------------------------- */

static uint8_t *
read_all(const char *path, size_t *len)
{
    uint8_t *data = malloc(FILE_SIZE_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || data == NULL ? -1 : read(fd, data, FILE_SIZE_MAX);

    if (fd >= 0)
        (void)close(fd);
    if (n < 0) {
        free(data);
        return NULL;
    }
    *len = (size_t)n;
    return data;
}

static bool
write_all(const char *path, const uint8_t *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, data, len) == (ssize_t)len;

    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* Every plain file of a folder; to NULL: it is removed. */
static bool
copy_files(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    struct dirent *entry;
    bool ok = true;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char a[700], b[700];
        uint8_t *data;
        size_t len = 0;

        if (entry->d_type != DT_REG)
            continue;
        (void)snprintf(a, sizeof(a), "%s/%s", from, entry->d_name);
        if (to == NULL) {
            ok = unlink(a) == 0 && ok;
            continue;
        }
        (void)snprintf(b, sizeof(b), "%s/%s", to, entry->d_name);
        data = read_all(a, &len);
        ok = data != NULL && write_all(b, data, len) && ok;
        /* The pins may be read by all, the rest by the owner. */
        if (strcmp(entry->d_name, "pins") == 0)
            (void)chmod(b, 0644);
        free(data);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return ok;
}

/* Changes with every change of a file; the order of a folder is its own. */
static uint64_t
stamp_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return 0;
    return ((uint64_t)st.st_mtim.tv_sec * 1000000000u +
        (uint64_t)st.st_mtim.tv_nsec) * 31 + (uint64_t)st.st_size +
        (uint64_t)st.st_ino * 7;
}

static void
nv_path(const struct world *world, char path[400])
{
    (void)snprintf(path, 400, "%s/tpm2-00.permall", sim_dir(world->sim));
}

static uint64_t
stamp(const struct world *world)
{
    DIR *dir = opendir(world->state);
    struct dirent *entry;
    char path[700];
    uint64_t sum;

    nv_path(world, path);
    sum = stamp_of(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *end = strrchr(entry->d_name, '.');

        /* Lock files hold nothing. */
        if (entry->d_type != DT_REG ||
            (end != NULL && strcmp(end, ".lock") == 0))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", world->state,
            entry->d_name);
        sum += stamp_of(path);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return sum;
}

/* --- saving, setting back ---------------------------------------------------- */

bool
world_save(struct world *world, const char *name, struct saved *saved)
{
    char path[700];

    nv_path(world, path);
    free(saved->nv);
    saved->nv = read_all(path, &saved->nv_len);
    (void)snprintf(saved->folder, sizeof(saved->folder), "%.200s/%s",
        sim_dir(world->sim), name);
    (void)mkdir(saved->folder, 0700);
    world->now = NULL;
    return saved->nv != NULL && copy_files(world->state, saved->folder);
}

static void
forget_turns(const struct world *world)
{
    char path[400];

    (void)snprintf(path, sizeof(path), "%s.turn", world->bus);
    (void)unlink(path);
}

bool
world_set_back(struct world *world, const struct saved *saved)
{
    char path[700];

    forget_turns(world);
    if (world->now == saved && stamp(world) == world->stamp) {
        wire_flush_all(&world->chip);
        return wire_pcr_reset(&world->chip, 16);
    }
    nv_path(world, path);
    wire_close(&world->chip);
    sim_kill(world->sim);
    if (!write_all(path, saved->nv, saved->nv_len) ||
        !copy_files(world->state, NULL) ||
        !copy_files(saved->folder, world->state) ||
        sim_restart(world->sim) != 0) {
        (void)fprintf(stderr, "the world cannot be set back\n");
        return false;
    }
    world->now = saved;
    /* The first exchange may write NV. */
    if (!wire_pcr_reset(&world->chip, 16))
        return false;
    world->stamp = stamp(world);
    return true;
}

void
world_power_cut(void *user)
{
    struct world *world = user;

    wire_close(&world->chip);
    (void)sim_restart(world->sim);
    world->now = NULL;
}

/* --- the beginning ------------------------------------------------------------ */

void
world_victim(struct world *world, struct victim *victim)
{
    *victim = (struct victim){
        .shared = world->shared, .dir = world->keys,
        .options = { .tcti = world->tcti, .state = world->state },
    };
}

static bool
make_folders(struct world *world)
{
    const char *dir = sim_dir(world->sim);

    (void)snprintf(world->bus, sizeof(world->bus), "%.200s/bus", dir);
    (void)snprintf(world->tcti, sizeof(world->tcti), "scu:swtpm:path=%s",
        world->bus);
    (void)snprintf(world->state, sizeof(world->state), "%.200s/state", dir);
    (void)snprintf(world->keys, sizeof(world->keys), "%.200s/keys", dir);
    return mkdir(world->state, 0755) == 0 && mkdir(world->keys, 0700) == 0;
}

struct world *
world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));

    if (world == NULL)
        return NULL;
    world->listen = world->chip.fd = world->other.fd = -1;
    world->shared = mmap(NULL, sizeof(*world->shared),
        PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    world->sim = sim_new();
    world->other_sim = sim_new();
    if (world->shared == MAP_FAILED || world->sim == NULL ||
        world->other_sim == NULL || !make_folders(world) ||
        (world->listen = unixsock_listen(world->bus)) < 0) {
        (void)fprintf(stderr, "there is no world to attack in\n");
        world_free(&world);
        return NULL;
    }
    wire_init(&world->chip, sim_socket(world->sim));
    wire_init(&world->other, sim_socket(world->other_sim));
    return world;
}

void
world_free(struct world **world)
{
    struct world *w = *world;

    if (w == NULL)
        return;
    wire_close(&w->chip);
    wire_close(&w->other);
    if (w->listen >= 0)
        (void)close(w->listen);
    sim_free(&w->sim);
    sim_free(&w->other_sim);
    free(w->fresh.nv);
    free(w->ready.nv);
    if (w->shared != NULL && w->shared != MAP_FAILED)
        (void)munmap(w->shared, sizeof(*w->shared));
    free(w);
    *world = NULL;
}
