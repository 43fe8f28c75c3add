/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/clock.h"

#include "base/bytes.h"
#include "chip/chip.h"
#include "chip/record.h"
#include "chip/resets.h"
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 4096

/* While nothing happens the record is written anew so often, in ms of the
 * chip: what it says is the least that the clock may say next. */
#define REWRITE_MS 60000

/* By enum scu_event_kind. */
static const struct kind_row {
    const char *name, *text;
    enum log_level level;
} kinds[] = {
    [SCU_EVENT_NONE] = { "none", "nothing happened", LOG_LEVEL_DEBUG },
    [SCU_EVENT_ORDERLY] = { "orderly", "reset after an orderly shutdown",
        LOG_LEVEL_INFO },
    [SCU_EVENT_POWER_CUT] = { "power-cut", "its power was cut",
        LOG_LEVEL_WARN },
    [SCU_EVENT_RESUME] = { "resume", "went on with the state that it saved",
        LOG_LEVEL_INFO },
    [SCU_EVENT_CLEAR] = { "clear", "cleared or exchanged, then provisioned",
        LOG_LEVEL_WARN },
    [SCU_EVENT_REPLAY] = { "replay", "its memory was set back, or somebody "
        "repeats its former answers", LOG_LEVEL_ERROR },
};

static const struct kind_row *
find_kind(enum scu_event_kind kind)
{
    bool known = (size_t)kind < sizeof(kinds) / sizeof(kinds[0]);

    return &kinds[known ? kind : SCU_EVENT_NONE];
}

const char *
scu_event_name(enum scu_event_kind kind)
{
    return find_kind(kind)->name;
}

const char *
scu_event_text(enum scu_event_kind kind)
{
    return find_kind(kind)->text;
}

/* False where there is no place for it. */
static bool
find_record(const struct scu_chip *chip, char path[PATH_SIZE])
{
    struct stat st;
    bool own = stat(chip->state, &st) == 0 && st.st_uid == geteuid();
    int n = own ? snprintf(path, PATH_SIZE, "%s/resets", chip->state) :
        snprintf(path, PATH_SIZE, "%s/resets-%s", chip->store, chip->name);

    return n > 0 && n < PATH_SIZE &&
        access(own ? chip->state : chip->store, W_OK) == 0;
}

/* No record is as good as one of an earlier boot. */
static bool
is_of_this_boot(const char *path)
{
    char boot[RECORD_TEXT_MAX];
    struct record record;

    record_boot(boot);
    return record_read(path, &record) == SCU_OK &&
        strcmp(record.boot, boot) == 0;
}

int
chip_read_clock(struct scu_chip *chip, bool clear, struct scu_clock *clock)
{
    const struct chip_command command = {
        .code = TPM2_CC_ReadClock, .clear = clear,
    };
    TPMS_TIME_INFO time = { 0 };
    int rc = chip_prepared(Tss2_Sys_ReadClock_Prepare(chip->sys),
        command.code);

    if (rc == SCU_OK)
        rc = chip_run(chip, &command);
    if (rc == SCU_OK)
        rc = chip_completed(Tss2_Sys_ReadClock_Complete(chip->sys, &time),
            command.code);
    *clock = (struct scu_clock){
        .ms = time.clockInfo.clock,
        .resets = time.clockInfo.resetCount,
        .restarts = time.clockInfo.restartCount,
        .safe = time.clockInfo.safe == TPM2_YES,
    };
    return rc;
}

int
clock_look_if_due(struct scu_chip *chip)
{
    struct scu_clock now;
    char path[PATH_SIZE];
    int rc;

    if (chip->knows_boot && !chip->look)
        return SCU_OK;
    if (!find_record(chip, path)) {
        chip->knows_boot = true;
        chip->look = false;
        return SCU_OK;
    }
    chip->look = chip->look || !is_of_this_boot(path);
    chip->knows_boot = true;
    if (!chip->look)
        return SCU_OK;
    rc = chip_read_clock(chip, false, &now);
    if (rc == SCU_OK)
        clock_seen(chip, &now);
    else if (rc == SCU_E_CHIP || rc == SCU_E_UNSUPPORTED)
        chip->look = false; /* a chip without a clock works as well */
    return chip->look ? rc : SCU_OK;
}

static void
note_event(struct scu_chip *chip, const struct scu_chip_event *event)
{
    const struct kind_row *row = find_kind(event->kind);

    log_line(row->level, "the chip: %s (%u resets, %u restarts before; %u, "
        "%u now)", row->text, event->before.resets, event->before.restarts,
        event->after.resets, event->after.restarts);
    if (chip->news < CHIP_NEWS_MAX)
        chip->event[chip->news++] = *event;
}

static bool
is_worth_writing(const struct record *old, const struct record *new)
{
    return strcmp(old->boot, new->boot) != 0 ||
        strcmp(old->key, new->key) != 0 || old->n != new->n ||
        old->clock.safe != new->clock.safe ||
        new->clock.ms - old->clock.ms >= REWRITE_MS;
}

/* The record that follows on old; is it the first one, nothing happened. */
static void
update(struct scu_chip *chip, const struct record *old, struct record *new,
    const struct scu_clock *now)
{
    struct scu_chip_event event = {
        .time = time(NULL), .before = old->clock, .after = *now,
    };

    *new = *old;
    record_boot(new->boot);
    hex_encode(chip->storage.name.name, chip->storage.name.size, new->key);
    new->clock = *now;
    if (old->key[0] == '\0')
        return;
    event.kind = resets_judge(&old->clock, now,
        strcmp(old->key, new->key) == 0);
    if (event.kind == SCU_EVENT_NONE)
        return;
    record_add(new, &event);
    note_event(chip, &event);
}

void
clock_seen(struct scu_chip *chip, const struct scu_clock *now)
{
    struct record old, new;
    char path[PATH_SIZE];
    size_t news = chip->news;
    int rc;

    chip->look = false;
    if (!chip->have_pins || !find_record(chip, path))
        return;
    rc = record_read(path, &old);
    if (rc != SCU_OK && rc != SCU_E_NOT_FOUND)
        log_line(LOG_LEVEL_WARN, "%s", scu_error_detail());
    if (rc != SCU_OK && rc != SCU_E_NOT_FOUND)
        return;
    update(chip, &old, &new, now);
    if (chip->news == news && !is_worth_writing(&old, &new))
        return;
    if (record_write(path, &new) != SCU_OK)
        log_line(LOG_LEVEL_WARN, "%s", scu_error_detail());
}

void
scu_chip_on_event(struct scu_chip *chip, scu_event_handler *handler,
    void *user)
{
    chip_set_handler(chip, handler, user);
}

int
scu_chip_events(struct scu_chip *chip, struct scu_chip_event *events,
    size_t max, size_t *n)
{
    struct record record = { 0 };
    char path[PATH_SIZE];
    int rc = SCU_OK;

    *n = 0;
    if (find_record(chip, path))
        rc = record_read(path, &record);
    if (rc == SCU_E_NOT_FOUND)
        return SCU_OK;
    if (rc != SCU_OK)
        return rc;
    *n = record.n < max ? record.n : max;
    memcpy(events, record.event + record.n - *n, *n * sizeof(*events));
    return SCU_OK;
}
