/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model-private.h"

#include <time.h>

int64_t
model_now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
model_note_time(struct model *m)
{
    if (m->knobs.access_us != 0
        && model_now_us() - m->last_us < m->knobs.access_us)
        m->counts.too_soon++;
}

/* The first edge of the chip select wakes it, which takes a millisecond. */
bool
model_asleep(struct model *m)
{
    int64_t now = model_now_us();

    if (m->knobs.sleep_us != 0 && now - m->last_us >= m->knobs.sleep_us)
        m->awake_us = now + 1000;
    if (now < m->awake_us)
        m->counts.overslept++;
    return now < m->awake_us;
}
