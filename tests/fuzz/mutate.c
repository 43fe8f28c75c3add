/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fuzz.h"
#include "mutate.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 16384
#define INPUTS_MAX 256
#define CHANGES_MAX 8
#define HANGS_S 20

struct input {
    size_t len;
    uint8_t data[INPUT_MAX];
};

static struct input *inputs[INPUTS_MAX];
static size_t n_inputs;
static uint64_t seed;

/* Numbers that programs compare with. */
static const uint32_t numbers[] = {
    0, 1, 9, 10, 11, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x7fff,
    0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, UINT32_MAX,
};

int
mutate_add(const uint8_t *data, size_t len)
{
    struct input *input;

    if (n_inputs == INPUTS_MAX || len > INPUT_MAX)
        return 0;
    input = malloc(sizeof(*input));
    if (input == NULL)
        return -1;
    input->len = len;
    if (len > 0)
        memcpy(input->data, data, len);
    inputs[n_inputs++] = input;
    return 0;
}

static size_t
below(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return n == 0 ? 0 : (size_t)(seed >> 11) % n;
}

/* --- changes ---------------------------------------------------------------- */

static void
cut(struct input *in)
{
    size_t at = below(in->len);
    size_t n = 1 + below(in->len - at < 32 ? in->len - at : 32);

    if (n > in->len - at)
        n = in->len - at;
    memmove(in->data + at, in->data + at + n, in->len - at - n);
    in->len -= n;
}

static void
insert(struct input *in, const uint8_t *data, size_t len)
{
    size_t at = below(in->len + 1);

    if (len > INPUT_MAX - in->len)
        len = INPUT_MAX - in->len;
    memmove(in->data + at + len, in->data + at, in->len - at);
    memcpy(in->data + at, data, len);
    in->len += len;
}

static void
insert_piece(struct input *in, const struct input *from)
{
    uint8_t piece[64];
    size_t at = below(from->len);
    size_t len = 1 + below(sizeof(piece));

    if (len > from->len - at)
        len = from->len - at;
    memcpy(piece, from->data + at, len);
    insert(in, piece, len);
}

/* Of one, two or four octets, either end first. */
static void
put_number(struct input *in)
{
    uint32_t number = numbers[below(sizeof(numbers) / sizeof(numbers[0]))];
    size_t len = (size_t)1 << below(3);
    size_t at = below(in->len);
    bool little = below(2) != 0;

    for (size_t i = 0; i < len && at + i < in->len; i++)
        in->data[at + i] =
            (uint8_t)(number >> 8 * (little ? i : len - 1 - i));
}

static void
change(struct input *in)
{
    uint8_t octets[16];

    switch (below(in->len == 0 ? 2 : 7)) {
    case 0:
        insert_piece(in, inputs[below(n_inputs)]);
        break;
    case 1:
        for (size_t i = 0; i < sizeof(octets); i++)
            octets[i] = (uint8_t)below(256);
        insert(in, octets, 1 + below(sizeof(octets)));
        break;
    case 2:
        cut(in);
        break;
    case 3:
        put_number(in);
        break;
    case 4:
        insert_piece(in, in);
        break;
    case 5:
        in->data[below(in->len)] = (uint8_t)below(256);
        break;
    default:
        in->data[below(in->len)] ^= (uint8_t)(1U << below(8));
        break;
    }
}

/* --- running ------------------------------------------------------------------ */

static struct input *
map_file(const char *file)
{
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, sizeof(struct input)) == 0)
        map = mmap(NULL, sizeof(struct input), PROT_READ | PROT_WRITE,
            MAP_SHARED, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    if (map != MAP_FAILED)
        return map;
    perror(file);
    return NULL;
}

/* A copy of the exact size, so that what reads beyond it is found. */
static int
run_one(const struct input *in)
{
    uint8_t *copy = malloc(in->len > 0 ? in->len : 1);

    if (copy == NULL)
        return -1;
    memcpy(copy, in->data, in->len);
    (void)alarm(HANGS_S);
    (void)LLVMFuzzerTestOneInput(copy, in->len);
    free(copy);
    return 0;
}

static int64_t
now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
mutate_run(unsigned seconds, const char *file)
{
    struct input *in = map_file(file);
    int64_t end = now_ms() + (int64_t)seconds * 1000;
    unsigned long n = 0;
    struct timespec ts;
    int rc = 0;

    if (in == NULL || n_inputs == 0)
        return -1;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    seed = ((uint64_t)ts.tv_sec << 30 ^ (uint64_t)ts.tv_nsec) | 1;
    (void)printf("seed %" PRIu64 "\n", seed);
    for (; rc == 0 && now_ms() < end; n++) {
        *in = *inputs[below(n_inputs)];
        for (size_t i = 1 + below(CHANGES_MAX); i > 0; i--)
            change(in);
        rc = run_one(in);
    }
    (void)alarm(0);
    (void)printf("%lu inputs, changed at random, in %u s\n", n, seconds);
    (void)munmap(in, sizeof(*in));
    (void)unlink(file);
    for (size_t i = 0; i < n_inputs; i++)
        free(inputs[i]);
    return rc;
}
