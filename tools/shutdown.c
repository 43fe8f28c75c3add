/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "chipout.h"
#include "cmd.h"

static int
run(struct out *out, const struct scu_chip_options *options,
    const void *unused)
{
    struct scu_chip *chip = NULL;
    int rc;

    (void)unused;
    if ((rc = scu_chip_open(options, &chip)) != SCU_OK ||
        (rc = scu_chip_shutdown(chip)) != SCU_OK) {
        rc = out_error_scu(out, rc);
        goto out;
    }
    out_string(out, "tcti", "link", scu_chip_tcti(chip));
    out_bool(out, "orderly", NULL, true);
    out_text(out, "chip", "ready for its power to go: whatever uses it now "
        "undoes that");
out:
    scu_chip_free(&chip);
    return rc;
}

const struct cmd cmd_shutdown = {
    .name = "shutdown",
    .summary = "tell the chip that its power will go",
    .page = "scu-shutdown(1)",
    .takes_chip = true,
    .run = run,
};
