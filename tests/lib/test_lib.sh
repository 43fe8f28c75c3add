#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The shell fixture can succeed and can fail.
. "$top_srcdir/tests/lib/lib.sh"
need tpm2_getrandom tpm2_startauthsession
sim_start

# In a subshell, so that its failure is not ours.
fails() { ! ( "$@"; [ "$FAILED" -eq 0 ] ) >"$SCRATCH/inner" 2>&1; }

printf '# a comment\nGetCapability\nGetRandom\n' >"$SCRATCH/two"
printf 'GetRandom\nGetCapability\n' >"$SCRATCH/swapped"
mark
expect_ok "a tool reaches the chip through the counter" \
    tpm2_getrandom -T "swtpm:path=$BUS" 8
commands | grep -v GetCapability >"$SCRATCH/only"
if [ "$(cat "$SCRATCH/only")" = GetRandom ]; then
    pass "the command was counted"
else
    fail "the counter has: $(commands)"
fi
commands >"$SCRATCH/same"
expect_commands "$SCRATCH/same" "golden list matches"
if fails expect_commands "$SCRATCH/swapped"; then
    pass "another order is found"
else
    fail "another order is not found"
fi
mark
if fails expect_commands "$SCRATCH/two"; then
    pass "missing commands are found"
else
    fail "missing commands are not found"
fi

chip_is_clean
tpm2_startauthsession -T "$SIM_TCTI" -S "$SCRATCH/session" ||
    give_up "tpm2_startauthsession"
if fails chip_is_clean; then
    pass "a forgotten session is found"
else
    fail "a forgotten session is not found"
fi
tpm2_flushcontext -T "$SIM_TCTI" "$SCRATCH/session" || give_up "flush"
chip_is_clean

sim_power_cut
expect_failure "without power nothing answers" \
    tpm2_getrandom -T "swtpm:path=$BUS" 8
sim_power_on
expect_ok "with power again it does" tpm2_getrandom -T "swtpm:path=$BUS" 8
if fails expect_ok "false" false; then
    pass "expect_ok can fail"
else
    fail "expect_ok cannot fail"
fi
finish
