/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/registry.h"

#include <limits.h>
#include <string.h>

/*
 * The page as it stands in the file: of one host, so in its octet order. The
 * sum finds what was damaged; who writes it on purpose can sum up, too.
 */
#define MAGIC "SCUTURN1"
#define MAGIC_SIZE 8

struct page_entry {
    uint32_t kind;
    uint32_t handle;
    uint32_t pid;
    uint32_t instance;
    uint64_t start;
    uint32_t used;
    uint16_t name_size;
    uint16_t zero;
    uint8_t name[REGISTRY_NAME_MAX];
    char program[REGISTRY_PROGRAM_MAX];
    uint64_t spare;
};

struct page {
    uint8_t magic[MAGIC_SIZE];
    uint64_t sum; /* of all that follows */
    uint64_t id;
    uint64_t power;
    uint64_t spare[16];
    struct page_entry entry[REGISTRY_MAX];
};

_Static_assert(sizeof(struct page_entry) == 96, "no padding");
_Static_assert(sizeof(struct page) == REGISTRY_PAGE, "a page");

/* FNV-1a, by eight octets at a time. */
static uint64_t
sum_of(const struct page *page)
{
    const size_t first = offsetof(struct page, id);
    uint64_t sum = UINT64_C(0xcbf29ce484222325), word;

    for (size_t i = first; i < sizeof(*page); i += sizeof(word)) {
        memcpy(&word, (const uint8_t *)page + i, sizeof(word));
        sum = (sum ^ word) * UINT64_C(0x100000001b3);
        sum ^= sum >> 32;
    }
    return sum;
}

static void
encode_entry(const struct registry_entry *from, struct page_entry *to)
{
    if (from->kind == REGISTRY_FREE)
        return;
    to->kind = (uint32_t)from->kind;
    to->handle = from->handle;
    to->pid = from->owner.pid;
    to->instance = from->owner.instance;
    to->start = from->owner.start;
    to->used = from->used;
    to->name_size = from->name_size;
    memcpy(to->name, from->name, sizeof(to->name));
    memcpy(to->program, from->program, sizeof(to->program));
}

void
registry_encode(const struct registry *registry, uint8_t out[REGISTRY_PAGE])
{
    struct page page;

    memset(&page, 0, sizeof(page));
    memcpy(page.magic, MAGIC, MAGIC_SIZE);
    page.id = registry->id;
    page.power = registry->power;
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        encode_entry(&registry->entry[i], &page.entry[i]);
    page.sum = sum_of(&page);
    memcpy(out, &page, sizeof(page));
}

static bool
is_session(uint32_t handle)
{
    uint32_t type = handle >> TPM2_HR_SHIFT;

    return type == TPM2_HT_HMAC_SESSION || type == TPM2_HT_POLICY_SESSION;
}

static const char *
check_object(const struct page_entry *e)
{
    if (e->handle != 0 && e->handle >> TPM2_HR_SHIFT != TPM2_HT_TRANSIENT)
        return "an object with the handle of something else";
    if (e->name_size > sizeof(TPMU_NAME))
        return "a Name that is too long";
    if (e->handle != 0 && e->name_size == 0)
        return "an object without a Name";
    return NULL;
}

/* It is shown to people: printable, with an end. */
static bool
is_program(const char program[REGISTRY_PROGRAM_MAX])
{
    for (size_t i = 0; i < REGISTRY_PROGRAM_MAX; i++)
        if (program[i] == '\0')
            return true;
        else if (program[i] <= ' ' || program[i] > '~')
            return false;
    return false;
}

static const char *
check_entry(const struct page_entry *e)
{
    if (e->pid == 0 || e->pid > INT_MAX)
        return "an owner that is no process";
    if (!is_program(e->program))
        return "a program's name that is none";
    if (e->kind == REGISTRY_OBJECT)
        return check_object(e);
    if (e->kind != REGISTRY_SESSION)
        return "an entry of no kind";
    if ((e->handle != 0 && !is_session(e->handle)) || e->name_size != 0)
        return "a session that is none";
    return NULL;
}

static void
decode_entry(const struct page_entry *from, struct registry_entry *to)
{
    to->kind = (enum registry_kind)from->kind;
    to->handle = from->handle;
    to->owner = (struct registry_owner){
        .pid = from->pid, .instance = from->instance, .start = from->start,
    };
    to->used = from->used;
    to->name_size = from->name_size;
    memcpy(to->name, from->name, sizeof(to->name));
    memcpy(to->program, from->program, sizeof(to->program));
}

static const char *
decode(const struct page *page, struct registry *registry)
{
    const char *why = NULL;

    if (memcmp(page->magic, MAGIC, MAGIC_SIZE) != 0)
        return "it begins with something else";
    if (page->sum != sum_of(page))
        return "its sum is wrong";
    if (page->id == 0)
        return "it has no identity";
    registry->id = page->id;
    registry->power = page->power;
    for (size_t i = 0; i < REGISTRY_MAX; i++) {
        const struct page_entry *e = &page->entry[i];

        if (e->kind == REGISTRY_FREE)
            continue;
        if ((why = check_entry(e)) != NULL)
            return why;
        if (e->handle != 0 && registry_find(registry, e->handle) != NULL)
            return "a handle stands there twice";
        decode_entry(e, &registry->entry[i]);
    }
    return NULL;
}

const char *
registry_decode(const uint8_t *in, size_t len, struct registry *registry)
{
    const char *why = "it has another size";
    struct page page;

    memset(registry, 0, sizeof(*registry));
    if (len == sizeof(page)) {
        memcpy(&page, in, sizeof(page));
        why = decode(&page, registry);
    }
    if (why != NULL)
        memset(registry, 0, sizeof(*registry));
    return why;
}

struct registry_entry *
registry_find(struct registry *registry, TPM2_HANDLE handle)
{
    for (size_t i = 0; handle != 0 && i < REGISTRY_MAX; i++)
        if (registry->entry[i].kind != REGISTRY_FREE &&
            registry->entry[i].handle == handle)
            return &registry->entry[i];
    return NULL;
}

struct registry_entry *
registry_free_entry(struct registry *registry)
{
    for (size_t i = 0; i < REGISTRY_MAX; i++)
        if (registry->entry[i].kind == REGISTRY_FREE)
            return &registry->entry[i];
    return NULL;
}

void
registry_set_name(struct registry_entry *entry, const TPM2B_NAME *name)
{
    size_t kept = name->size < REGISTRY_NAME_MAX ?
        name->size : REGISTRY_NAME_MAX;

    memset(entry->name, 0, sizeof(entry->name));
    memcpy(entry->name, name->name, kept);
    entry->name_size = name->size;
}

bool
registry_has_name(const struct registry_entry *entry, const TPM2B_NAME *name)
{
    size_t kept = name->size < REGISTRY_NAME_MAX ?
        name->size : REGISTRY_NAME_MAX;

    return entry->kind == REGISTRY_OBJECT && name->size != 0 &&
        entry->name_size == name->size &&
        memcmp(entry->name, name->name, kept) == 0;
}

bool
registry_same_owner(const struct registry_owner *a,
    const struct registry_owner *b)
{
    return a->pid == b->pid && a->instance == b->instance &&
        a->start == b->start;
}
