/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-private.h"

/* The register ACCESS: who has the chip, who wants it. */
#define VALID 0x80u
#define ACTIVE 0x20u
#define SEIZED 0x10u
#define SEIZE 0x08u
#define PENDING 0x04u
#define REQUEST 0x02u

static bool
is_active(const struct model *m, unsigned locality)
{
    return m->active == (int)locality;
}

uint8_t
model_access(struct model *m, unsigned locality)
{
    uint8_t mine = (uint8_t)(1u << locality), access = VALID;

    if (m->access_seen++ < m->knobs.access_reads)
        return m->knobs.floating;
    if (is_active(m, locality) && m->grant_seen++ >= m->knobs.grant_reads)
        access |= ACTIVE;
    if ((m->seized & mine) != 0)
        access |= SEIZED;
    if ((m->requests & mine) != 0)
        access |= REQUEST;
    if ((m->requests & ~mine) != 0)
        access |= PENDING;
    return access | m->knobs.access_bits;
}

static void
give_to(struct model *m, int locality)
{
    m->active = locality;
    m->grant_seen = 0;
    if (locality >= 0)
        m->requests &= (uint8_t)~(1u << locality);
}

/* The highest of those who asked is the next. */
static void
release(struct model *m)
{
    int next = MODEL_LOCALITIES - 1;

    while (next >= 0 && (m->requests & 1u << next) == 0)
        next--;
    give_to(m, next);
}

static bool
seize(struct model *m, unsigned locality)
{
    if (m->active >= (int)locality)
        return false;
    if (m->active >= 0)
        m->seized |= (uint8_t)(1u << m->active);
    give_to(m, (int)locality);
    return true;
}

/* One bit counts; more than one at once are none. */
bool
model_ask_access(struct model *m, unsigned locality, uint8_t value)
{
    uint8_t mine = (uint8_t)(1u << locality);

    if (model_now_us() - m->released_us < m->knobs.release_us)
        return false;
    if (value == REQUEST && m->knobs.taken_by == 0) {
        if (m->active < 0)
            give_to(m, (int)locality);
        else if (!is_active(m, locality))
            m->requests |= mine;
    } else if (value == SEIZE && m->knobs.taken_by == 0) {
        return seize(m, locality);
    } else if (value == SEIZED) {
        m->seized &= (uint8_t)~mine;
    } else if (value == ACTIVE && is_active(m, locality)) {
        release(m);
        m->released_us = model_now_us();
        return true;
    } else if (value == ACTIVE) {
        m->requests &= (uint8_t)~mine;
    }
    return false;
}
