/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/resets.h"

/* How a value moved, as a set. */
enum {
    FELL = 1,
    SAME = 2,
    ROSE = 4,
    ANY = FELL | SAME | ROSE,
};

/* Yes and no, as a set. */
enum {
    NO = 1,
    YES = 2,
    EITHER = NO | YES,
};

/* The first row that fits decides; the last one fits all. */
static const struct rule {
    unsigned key; /* the storage key is the same */
    unsigned resets, restarts, clock;
    unsigned safe; /* by now */
    enum scu_event_kind kind;
} rules[] = {
    { NO, ANY, ANY, ANY, EITHER, SCU_EVENT_CLEAR },
    { YES, FELL, ANY, ANY, EITHER, SCU_EVENT_REPLAY },
    /* What is safe was never said before. */
    { YES, ROSE, ANY, FELL, YES, SCU_EVENT_REPLAY },
    { YES, ROSE, ANY, ANY, NO, SCU_EVENT_POWER_CUT },
    { YES, ROSE, ANY, ANY, YES, SCU_EVENT_ORDERLY },
    { YES, SAME, FELL, ANY, EITHER, SCU_EVENT_REPLAY },
    /* Without a reset Clock is never set back. */
    { YES, SAME, ANY, FELL, EITHER, SCU_EVENT_REPLAY },
    { YES, SAME, ROSE, ANY, EITHER, SCU_EVENT_RESUME },
    { EITHER, ANY, ANY, ANY, EITHER, SCU_EVENT_NONE },
};

static unsigned
moved(uint64_t before, uint64_t after)
{
    return after < before ? FELL : after > before ? ROSE : SAME;
}

static unsigned
said(bool yes)
{
    return yes ? YES : NO;
}

enum scu_event_kind
resets_judge(const struct scu_clock *before, const struct scu_clock *after,
    bool same_key)
{
    const struct rule *r = rules;

    while ((r->key & said(same_key)) == 0 ||
        (r->resets & moved(before->resets, after->resets)) == 0 ||
        (r->restarts & moved(before->restarts, after->restarts)) == 0 ||
        (r->clock & moved(before->ms, after->ms)) == 0 ||
        (r->safe & said(after->safe)) == 0)
        r++;
    return r->kind;
}
