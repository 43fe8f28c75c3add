/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_REGISTRY_H
#define CHIP_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_tpm2_types.h>

/*
 * The registry of handles: which objects and sessions of which process are in
 * a bare chip. It is one page of a file that processes share (turn.h), so one
 * write(2) of it is never seen in half, and its content is as hostile as its
 * writers: decoding checks every field. No input and output here, no clock.
 */
#define REGISTRY_PAGE 4096
#define REGISTRY_MAX 41 /* entries of a page */
#define REGISTRY_NAME_MAX 40 /* octets of a Name that are kept */
#define REGISTRY_PROGRAM_MAX 16

/* One struct scu_chip of one process, beyond the reuse of process ids. */
struct registry_owner {
    uint32_t pid;
    uint32_t instance; /* of the connections within the process */
    uint64_t start;    /* of the process: /proc/PID/stat; 0: not known */
};

enum registry_kind {
    REGISTRY_FREE,
    REGISTRY_OBJECT,
    REGISTRY_SESSION,
};

struct registry_entry {
    enum registry_kind kind;
    TPM2_HANDLE handle; /* 0: about to be made, the chip has not said it yet */
    struct registry_owner owner;
    uint32_t used;      /* second of its last use, CLOCK_MONOTONIC */
    uint16_t name_size; /* objects; 0: not known before it is made */
    uint8_t name[REGISTRY_NAME_MAX]; /* its first octets */
    char program[REGISTRY_PROGRAM_MAX];
};

struct registry {
    uint64_t id;    /* random; another one: what was there is forgotten */
    uint64_t power; /* of the chip, as the host sees it (place.h) */
    struct registry_entry entry[REGISTRY_MAX];
};

/* The page that stands for it. */
void registry_encode(const struct registry *registry,
    uint8_t page[REGISTRY_PAGE]);

/*
 * NULL, or why these octets are none: then registry is empty, its id 0.
 */
const char *registry_decode(const uint8_t *page, size_t len,
    struct registry *registry);

/* The entry of a handle; NULL: nobody registered it. */
struct registry_entry *registry_find(struct registry *registry,
    TPM2_HANDLE handle);

/* A free entry; NULL where all are taken. */
struct registry_entry *registry_free_entry(struct registry *registry);

void registry_set_name(struct registry_entry *entry, const TPM2B_NAME *name);

/* Whether the entry is of an object of this Name. */
bool registry_has_name(const struct registry_entry *entry,
    const TPM2B_NAME *name);

bool registry_same_owner(const struct registry_owner *a,
    const struct registry_owner *b);

#endif
