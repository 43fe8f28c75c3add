/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chip/chip.h"

#include <scu/provision.h>

int
scu_provision_auto(struct scu_chip *chip, bool *done)
{
    const struct scu_provision_options defaults = {
        .owner_auth = SCU_OWNER_AUTH_RANDOM,
    };
    struct scu_provision_report report;
    struct pins pins;
    bool mine = false;
    int rc = SCU_OK;

    /* Pins that are damaged are a matter of whoever reads them next. */
    if (chip->auto_provision &&
        pins_read(chip->state, &pins) == SCU_E_UNPROVISIONED) {
        rc = scu_provision(chip, &defaults, &report);
        /* Somebody else may have been faster. */
        mine = rc == SCU_OK && report.wrote_pins;
    }
    if (done != NULL)
        *done = mine;
    return rc;
}
