/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/owner.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_MAX 1024
#define START_FIELD 22 /* proc(5); the state is field 3 */

/* A small file of /proc; its length, or a negative value. */
static ssize_t
read_proc(long pid, const char *name, char *text, size_t size)
{
    char path[64];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%ld/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    do {
        n = read(fd, text, size - 1);
    } while (n < 0 && errno == EINTR);
    (void)close(fd);
    text[n < 0 ? 0 : n] = '\0';
    return n;
}

bool
owner_parse_stat(const char *text, char *state, uint64_t *start)
{
    /* PID (NAME) STATE ...: the name may have brackets and spaces. */
    const char *p = strrchr(text, ')');
    char *end = NULL;

    if (p == NULL || p[1] != ' ' || !isupper((unsigned char)p[2]))
        return false;
    *state = p[2];
    p += 2;
    for (int field = 3; field < START_FIELD; field++)
        if ((p = strchr(p, ' ')) == NULL)
            return false;
        else
            p++;
    if (!isdigit((unsigned char)*p))
        return false;
    *start = strtoull(p, &end, 10);
    return *end == ' ' || *end == '\n' || *end == '\0';
}

static bool
look_at(long pid, char *state, uint64_t *start)
{
    char text[STAT_MAX];

    return read_proc(pid, "stat", text, sizeof(text)) > 0 &&
        owner_parse_stat(text, state, start);
}

/* What a program calls itself goes to a terminal: printable, terminated. */
static void
set_program(char program[REGISTRY_PROGRAM_MAX], const char *text)
{
    memset(program, 0, REGISTRY_PROGRAM_MAX);
    for (size_t i = 0; i + 1 < REGISTRY_PROGRAM_MAX; i++) {
        if (text[i] == '\0' || text[i] == '\n')
            break;
        program[i] = text[i] > ' ' && text[i] <= '~' ? text[i] : '?';
    }
    if (program[0] == '\0')
        program[0] = '?';
}

void
owner_program(long pid, char program[REGISTRY_PROGRAM_MAX])
{
    char text[64] = "";

    (void)read_proc(pid, "comm", text, sizeof(text));
    set_program(program, text);
}

void
owner_of_self(struct registry_owner *owner,
    char program[REGISTRY_PROGRAM_MAX])
{
    static atomic_uint instances;
    char state;

    owner->pid = (uint32_t)getpid();
    owner->instance = atomic_fetch_add(&instances, 1) + 1;
    owner->start = 0;
    (void)look_at((long)owner->pid, &state, &owner->start);
    /* Not the first argument, which servers overwrite. */
    owner_program((long)owner->pid, program);
}

bool
owner_is_alive(const struct registry_owner *owner)
{
    uint64_t start = 0;
    char state = '?';

    if (kill((pid_t)owner->pid, 0) != 0 && errno == ESRCH)
        return false;
    if (owner->start == 0 || !look_at((long)owner->pid, &state, &start))
        return true;
    return start == owner->start && state != 'Z' && state != 'X';
}
