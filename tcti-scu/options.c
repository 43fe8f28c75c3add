/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "options.h"
#include "fail.h"
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tcti.h>

#define KEYS_MAX 32 /* bits of a set of keys */

/* "a, b, c" for a log line; cut where the space is short. */
static void
list_add(char *list, size_t size, const char *name)
{
    size_t len = strlen(list);

    (void)snprintf(list + len, size - len, "%s%s", len == 0 ? "" : ", ",
        name);
}

static TSS2_RC
unknown_link(const char *name)
{
    char known[128] = "";

    for (size_t i = 0; i < n_link_types; i++)
        list_add(known, sizeof(known), link_types[i]->name);
    return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
        "unknown link '%s' in the TCTI configuration; known: %s", name, known);
}

static TSS2_RC
unknown_key(const struct link_type *type, const char *name)
{
    char known[256] = "";

    for (size_t i = 0; i < type->n_keys; i++)
        list_add(known, sizeof(known), type->keys[i].name);
    return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
        "link %s has no key '%s'; known: %s", type->name, name, known);
}

static const struct option_key *
find_key(const struct link_type *type, const char *name, size_t len)
{
    for (size_t i = 0; i < type->n_keys; i++)
        if (strlen(type->keys[i].name) == len
            && memcmp(type->keys[i].name, name, len) == 0)
            return &type->keys[i];
    return NULL;
}

/* Digits, or 0x and hexadecimal ones: no sign, no space. */
static TSS2_RC
set_number(const struct option_key *key, const char *value, uint32_t *out)
{
    unsigned long n;
    char *end;

    errno = 0;
    n = strtoul(value, &end, strncmp(value, "0x", 2) == 0 ? 16 : 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0
        || n < key->min || n > key->max)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "%s=%s in the TCTI configuration: give a number from %u to %u",
            key->name, value, key->min, key->max);
    *out = (uint32_t)n;
    return TSS2_RC_SUCCESS;
}

const char *const option_startup_words[] = { "never", "if-needed", NULL };

static TSS2_RC
set_choice(const struct option_key *key, const char *value, uint32_t *out)
{
    char known[128] = "";

    for (uint32_t i = 0; key->words[i] != NULL; i++) {
        list_add(known, sizeof(known), key->words[i]);
        if (strcmp(key->words[i], value) == 0) {
            *out = i;
            return TSS2_RC_SUCCESS;
        }
    }
    return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
        "%s=%s in the TCTI configuration: give one of %s", key->name, value,
        known);
}

/* Words joined by plus signs, since commas are between items. */
static TSS2_RC
set_set(const struct option_key *key, const char *value, uint32_t *out)
{
    char known[128] = "";
    const char *word = value;
    uint32_t set = 0;
    size_t len;

    for (uint32_t i = 0; key->words[i] != NULL; i++)
        list_add(known, sizeof(known), key->words[i]);
    for (;;) {
        uint32_t i = 0;

        len = strcspn(word, "+");
        while (key->words[i] != NULL && (strlen(key->words[i]) != len
            || memcmp(key->words[i], word, len) != 0))
            i++;
        if (key->words[i] == NULL)
            return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
                "%s=%s in the TCTI configuration: '%.*s' is unknown; known, "
                "and to be joined by '+': %s", key->name, value, (int)len,
                word, known);
        set |= UINT32_C(1) << i;
        if (word[len] == '\0')
            break;
        word += len + 1;
    }
    *out = set;
    return TSS2_RC_SUCCESS;
}

/* value is NULL where the item has no equals sign. */
static TSS2_RC
set_option(struct options *options, const struct option_key *key,
    const char *value)
{
    char *field = (char *)options + key->offset;

    if (key->kind == OPTION_FLAG && value != NULL)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "key '%s' of the TCTI configuration takes no value", key->name);
    if (key->kind != OPTION_FLAG && (value == NULL || *value == '\0'))
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "key '%s' of the TCTI configuration needs a value: %s=...",
            key->name, key->name);
    switch (key->kind) {
    case OPTION_FLAG:
        *(bool *)(void *)field = true;
        return TSS2_RC_SUCCESS;
    case OPTION_STRING:
        *(const char **)(void *)field = value;
        return TSS2_RC_SUCCESS;
    case OPTION_NUMBER:
        return set_number(key, value, (uint32_t *)(void *)field);
    case OPTION_CHOICE:
        return set_choice(key, value, (uint32_t *)(void *)field);
    case OPTION_SET:
        return set_set(key, value, (uint32_t *)(void *)field);
    }
    return TSS2_TCTI_RC_GENERAL_FAILURE;
}

static TSS2_RC
read_item(struct options *options, char *item, bool first, uint32_t *seen)
{
    const struct link_type *type = options->type;
    const struct option_key *key;
    char *value = strchr(item, '=');
    uint32_t bit;

    if (value != NULL)
        *value++ = '\0';
    key = find_key(type, item, strlen(item));
    if (key == NULL && first && value == NULL && *item != '\0'
        && type->main_key != NULL) {
        key = find_key(type, type->main_key, strlen(type->main_key));
        value = item;
    }
    if (key == NULL)
        return unknown_key(type, item);
    bit = UINT32_C(1) << (key - type->keys);
    if ((*seen & bit) != 0)
        return tcti_fail(TSS2_TCTI_RC_BAD_VALUE,
            "key '%s' stands twice in the TCTI configuration", key->name);
    *seen |= bit;
    return set_option(options, key, value);
}

static TSS2_RC
read_items(struct options *options, char *items)
{
    char *item = items;
    uint32_t seen = 0;
    TSS2_RC rc = TSS2_RC_SUCCESS;
    char *next;

    while (item != NULL && rc == TSS2_RC_SUCCESS) {
        next = strchr(item, ',');
        if (next != NULL)
            *next++ = '\0';
        rc = read_item(options, item, item == items, &seen);
        item = next;
    }
    return rc;
}

static const struct link_type *
find_link(const char *name)
{
    for (size_t i = 0; i < n_link_types; i++)
        if (strcmp(link_types[i]->name, name) == 0)
            return link_types[i];
    return NULL;
}

TSS2_RC
options_parse(const char *conf, struct options *options)
{
    TSS2_RC rc = TSS2_RC_SUCCESS;
    char *items;

    *options = (struct options) {
        .timeout_ms = OPTION_TIMEOUT_DEFAULT_MS,
        .retries = 3,
        .address = 0x2e,
        .chunk = 1024,
        .baud = 115200,
    };
    options->text = strdup(conf);
    if (options->text == NULL)
        return TSS2_TCTI_RC_MEMORY;
    items = strchr(options->text, ':');
    if (items != NULL)
        *items++ = '\0';
    options->type = find_link(options->text);
    if (options->type == NULL)
        rc = unknown_link(options->text);
    else if (items != NULL && *items != '\0')
        rc = read_items(options, items);
    if (rc != TSS2_RC_SUCCESS)
        options_clear(options);
    return rc;
}

void
options_clear(struct options *options)
{
    free(options->text);
    *options = (struct options) { 0 };
}
