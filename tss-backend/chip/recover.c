/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/recover.h"

#include "chip/chip.h"
#include "log.h"

#include <time.h>

/* While the chip says RETRY, TESTING or YIELDED: 20 ms, doubling, in all at
 * most some 2.5 s. */
#define PAUSE_FIRST_MS 20
#define PAUSE_MAX 7

/* Between two looks at a link that is gone. */
#define LINK_PAUSE_MAX_MS 320

/* A key may be found lost first, its session next, and then the chip is reset
 * once more. */
#define LOSSES_MAX 3

/* So often a fault of the link is met at once, as a lost answer is. */
#define FAULTS_AT_ONCE 2

static void
pause_ms(long ms)
{
    const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&t, NULL);
}

static bool
wait_lost(struct scu_chip *chip, struct patience *p)
{
    (void)chip;
    return ++p->losses <= LOSSES_MAX;
}

static bool
wait_busy(struct scu_chip *chip, struct patience *p)
{
    (void)chip;
    if (p->pauses >= PAUSE_MAX)
        return false;
    pause_ms(PAUSE_FIRST_MS << p->pauses++);
    return true;
}

/* The time of all tries together begins with the first failure. */
static void
begin_link(struct patience *p)
{
    if (p->waits_link)
        return;
    p->waits_link = true;
    p->link = deadline_in(RECOVER_LINK_WAIT_MS);
    p->pause = PAUSE_FIRST_MS;
}

/* As a lost answer wants it; a link that stays away is waited for. */
static bool
at_once(struct patience *p)
{
    begin_link(p);
    return p->faults++ < FAULTS_AT_ONCE;
}

static bool
wait_link(struct scu_chip *chip, struct patience *p)
{
    begin_link(p);
    if (!chip->met || chip->absent)
        return false;
    if (deadline_past(p->link)) {
        chip->absent = true;
        return false;
    }
    pause_ms(p->pause);
    p->pause = p->pause < LINK_PAUSE_MAX_MS / 2 ? 2 * p->pause :
        LINK_PAUSE_MAX_MS;
    return true;
}

static bool
wait_room(struct scu_chip *chip, struct patience *p)
{
    if (!p->waits_room)
        p->room = deadline_in(CHIP_SLOT_WAIT_MS);
    p->waits_room = true;
    return slots_make_room(chip, NULL, p->room) == SCU_OK;
}

/* What is no row is a result. */
static const struct remedy {
    int rc;
    bool loses;   /* something that was in the chip may be gone */
    bool at_once; /* the first few times it is not waited for */
    bool (*wait)(struct scu_chip *chip, struct patience *patience);
} remedies[] = {
    { .rc = SCU_E_LOST, .loses = true, .wait = wait_lost },
    { .rc = SCU_E_IO, .loses = true, .at_once = true, .wait = wait_link },
    { .rc = SCU_E_NO_CHIP, .loses = true, .wait = wait_link },
    { .rc = SCU_E_NOT_STARTED, .loses = true, .wait = wait_link },
    { .rc = SCU_E_BUSY, .wait = wait_busy },
    { .rc = SCU_E_SLOTS, .wait = wait_room },
};

static const struct remedy *
find_remedy(int rc)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (remedies[i].rc == rc)
            return &remedies[i];
    return NULL;
}

bool
recover(struct scu_chip *chip, int rc)
{
    const struct remedy *remedy = find_remedy(rc);

    if (remedy == NULL || !remedy->loses)
        return remedy != NULL;
    log_line(LOG_LEVEL_INFO, "recovering: %s", scu_error_detail());
    chip_objects_suspect(chip);
    chip->look = true;
    return true;
}

bool
recover_is_harmless(const struct scu_chip *chip, unsigned flags)
{
    if ((flags & CHIP_REPEATABLE) == 0)
        return !chip->touched;
    return !chip->committed;
}

bool
recover_wait(struct scu_chip *chip, struct patience *patience, int rc)
{
    const struct remedy *remedy = find_remedy(rc);

    if (remedy == NULL)
        return false;
    return (remedy->at_once && at_once(patience)) ||
        remedy->wait(chip, patience);
}
