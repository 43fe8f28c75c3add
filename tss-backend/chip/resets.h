/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHIP_RESETS_H
#define CHIP_RESETS_H

#include <scu/chip.h>

/*
 * What became of a chip between two looks at its clock (TPM 2.0 Part 1, 36
 * "Timing Components"):
 *
 *   Clock         goes on while there is power, is kept over resets; after a
 *                 power cut it goes back to what was saved last
 *   resetCount    one more at each TPM Reset: Startup(CLEAR), unless after
 *                 Shutdown(STATE); 0 after TPM2_Clear
 *   restartCount  one more at each TPM Restart or Resume, which follow
 *                 Shutdown(STATE); 0 after a TPM Reset or TPM2_Clear
 *   safe          no greater Clock was ever reported. NO from a power cut until
 *                 Clock has passed what it may have said before
 *
 * TPM2_Clear takes the storage key with it: a chip with another one was
 * cleared and provisioned anew, or is another one. All else goes forward only:
 * where it does not, the chip's memory was set back, or somebody repeats what
 * it once said.
 *
 * A power cut that is looked at only when Clock is safe again (seconds to an
 * hour, as the chip saves it) cannot be told from an orderly reset; an orderly reset before Clock was safe
 * again after a power cut passes for one more power cut.
 */

/* SCU_EVENT_NONE: nothing. Of several resets at once the last one decides. */
enum scu_event_kind resets_judge(const struct scu_clock *before,
    const struct scu_clock *after, bool same_key);

#endif
