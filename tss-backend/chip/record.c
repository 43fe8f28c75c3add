/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/record.h"

#include "io.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX 8192
#define RECORD_VERSION 1
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

#define CLOCK_FORMAT "%" PRIu64 " %" PRIu32 " %" PRIu32 " %d"
#define CLOCK_SCAN "%" SCNu64 " %" SCNu32 " %" SCNu32 " %d"

static bool
is_plain(const char *text)
{
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && *text != '-')
            return false;
    return true;
}

static int
parse_text(const char *value, char *text)
{
    if (strlen(value) >= RECORD_TEXT_MAX || !is_plain(value))
        return SCU_E_FILE;
    strcpy(text, value); /* it fits */
    return SCU_OK;
}

static int
parse_boot(const char *value, struct record *record)
{
    return parse_text(value, record->boot);
}

static int
parse_key(const char *value, struct record *record)
{
    return parse_text(value, record->key);
}

static int
parse_clock(const char *value, struct record *record)
{
    struct scu_clock *c = &record->clock;
    int safe = 0, end = -1;

    if (sscanf(value, CLOCK_SCAN "%n", &c->ms, &c->resets, &c->restarts,
            &safe, &end) != 4 || end < 0 || value[end] != '\0')
        return SCU_E_FILE;
    c->safe = safe != 0;
    return SCU_OK;
}

static int
parse_event(const char *value, struct record *record)
{
    struct scu_chip_event e = { 0 };
    int kind = 0, safe[2] = { 0 }, end = -1;

    if (sscanf(value, "%" SCNd64 " %d " CLOCK_SCAN " " CLOCK_SCAN "%n",
            &e.time, &kind, &e.before.ms, &e.before.resets,
            &e.before.restarts, &safe[0], &e.after.ms, &e.after.resets,
            &e.after.restarts, &safe[1], &end) != 10 ||
        end < 0 || value[end] != '\0' || kind <= SCU_EVENT_NONE ||
        kind > SCU_EVENT_REPLAY)
        return SCU_E_FILE;
    e.kind = (enum scu_event_kind)kind;
    e.before.safe = safe[0] != 0;
    e.after.safe = safe[1] != 0;
    record_add(record, &e);
    return SCU_OK;
}

static int
parse_version(const char *value, struct record *record)
{
    (void)record;
    return strtoul(value, NULL, 10) == RECORD_VERSION ? SCU_OK : SCU_E_FILE;
}

static const struct row {
    const char *key;
    int (*parse)(const char *value, struct record *record);
    bool repeats; /* otherwise it stands there once */
} rows[] = {
    { "version = ", parse_version, false },
    { "boot = ", parse_boot, false },
    { "storage-key = ", parse_key, false },
    { "clock = ", parse_clock, false },
    { "event = ", parse_event, true },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int
parse_line(const char *line, struct record *record, unsigned *seen)
{
    if (line[0] == '#')
        return SCU_OK;
    for (size_t i = 0; i < ROWS; i++) {
        size_t n = strlen(rows[i].key);

        if (strncmp(line, rows[i].key, n) != 0)
            continue;
        if (!rows[i].repeats && (*seen & 1u << i) != 0)
            return SCU_E_FILE;
        *seen |= 1u << i;
        return rows[i].parse(line + n, record);
    }
    return SCU_E_FILE;
}

static int
parse(const char *path, char *text, struct record *record)
{
    unsigned seen = 0;
    char *save = NULL;
    int rc = SCU_OK;

    for (char *line = strtok_r(text, "\n", &save);
         line != NULL && rc == SCU_OK; line = strtok_r(NULL, "\n", &save))
        rc = parse_line(line, record, &seen);
    for (size_t i = 0; i < ROWS; i++)
        if (!rows[i].repeats && (seen & 1u << i) == 0)
            rc = SCU_E_FILE;
    if (rc == SCU_OK)
        return rc;
    memset(record, 0, sizeof(*record));
    return err_set(SCU_E_FILE, "%s is damaged: remove it, and what it has of "
        "the chip's resets is forgotten", path);
}

int
record_read(const char *path, struct record *record)
{
    char *text = NULL;
    size_t len = 0;
    int rc;

    memset(record, 0, sizeof(*record));
    rc = io_read_trusted(path, S_IWGRP | S_IWOTH, FILE_MAX, &text, &len);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return err_set(SCU_E_NOT_FOUND, "there is no %s", path);
    if (rc != 0)
        return err_set(SCU_E_FILE, "%s: %s", path, rc == -EPERM ?
            "others can write it: make it yours, mode 0600" : strerror(-rc));
    rc = parse(path, text, record);
    free(text);
    return rc;
}

static void
put_clock(FILE *stream, const struct scu_clock *c, const char *end)
{
    (void)fprintf(stream, CLOCK_FORMAT "%s", c->ms, c->resets, c->restarts,
        c->safe ? 1 : 0, end);
}

static int
format(const struct record *record, char **text, size_t *len)
{
    FILE *stream = open_memstream(text, len);

    if (stream == NULL)
        return err_memory();
    (void)fprintf(stream, "# What was seen of the chip's clock: milliseconds, "
        "resets, restarts, safe.\nversion = %d\nboot = %s\n"
        "storage-key = %s\nclock = ", RECORD_VERSION, record->boot, record->key);
    put_clock(stream, &record->clock, "\n");
    for (size_t i = 0; i < record->n; i++) {
        const struct scu_chip_event *e = &record->event[i];

        (void)fprintf(stream, "event = %" PRId64 " %d ", e->time,
            (int)e->kind);
        put_clock(stream, &e->before, " ");
        put_clock(stream, &e->after, "\n");
    }
    return fclose(stream) == 0 ? SCU_OK : err_memory();
}

int
record_write(const char *path, const struct record *record)
{
    char *text = NULL;
    size_t len = 0;
    int rc = format(record, &text, &len);

    if (rc == SCU_OK && (rc = io_replace_file(path, text, len, 0600)) != 0)
        rc = err_set(SCU_E_FILE, "%s: %s", path, strerror(-rc));
    free(text);
    return rc;
}

void
record_add(struct record *record, const struct scu_chip_event *event)
{
    if (record->n == SCU_EVENTS_MAX)
        memmove(record->event, record->event + 1,
            --record->n * sizeof(*event));
    record->event[record->n++] = *event;
}

void
record_boot(char boot[RECORD_TEXT_MAX])
{
    char *text = NULL;
    size_t len = 0;

    boot[0] = '\0';
    if (io_read_file(BOOT_ID, RECORD_TEXT_MAX - 1, &text, &len) != 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    if (is_plain(text))
        strcpy(boot, text); /* it fits */
    free(text);
}
