/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "model.h"

#include <stdlib.h>

/*
 * Loaded by LD_PRELOAD into programs of others: spidev and i2c-dev of that
 * process lead to a model, whose commands a simulated chip executes.
 */
static struct model chip;

__attribute__((constructor)) static void
attach(void)
{
    if (getenv("SCU_MODEL_CHIP") == NULL)
        return;
    model_on_swtpm(&chip);
    model_attached = &chip;
}
