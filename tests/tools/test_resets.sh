#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu shutdown, its unit, and what scu info says of a chip's resets.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need swtpm setpriv
sim_start

# kinds: of the events, oldest first.
kinds() {
    local n i
    n=$(get events length)
    for ((i = 0; i < n; i++)); do
        get events "$i" kind
    done | paste -sd ' '
}
restart() {
    sim_power_cut
    sim_power_on
}

try 0 "a chip that nobody provisioned is told, too" scu shutdown
prints '^chip +ready for its power to go' "it says what that means"
silent "shutdown"
try 0 "it is provisioned" scu provision
try 0 "info begins the record" scu info --json
same "no events" "$(kinds)" ""
same "the record is the user's" "$(stat -c %a "$SCU_STATE/resets")" 600

# --- the orderly way ------------------------------------------------------------

mark
try 0 "shutdown" scu shutdown --json
same "schema" "$(get schema)" scu.shutdown/1
same "orderly" "$(get orderly)" true
same "it is one command" "$(commands | paste -sd ' ')" Shutdown
restart
mark
try 0 "info after it" scu info --json
same "an orderly reset" "$(kinds)" orderly
same "resets" "$(get events 0 after resets)" \
    "$(($(get events 0 before resets) + 1))"
same "the clock is safe" "$(get events 0 after safe)" true
same "one look at the clock" "$(commands | grep -c ReadClock)" 1
try 0 "info once more" scu info --json
same "nothing new" "$(kinds)" orderly

# --- the other way ----------------------------------------------------------------

restart
try 0 "info after a power cut" scu info --json
same "a power cut" "$(kinds)" "orderly power-cut"
same "the clock is not safe" "$(get events 1 after safe)" false
try 0 "info in text" scu info
prints '^event +20.*Z orderly: reset after an orderly shutdown; ' "the first"
prints '^event +20.*Z power-cut: its power was cut; [0-9]+ resets' "the next"

# --- the first process after the host was started ------------------------------------

nonce=00112233445566778899
quote() { scu quote --nonce "$nonce" --out "$SCRATCH/quote"; }
sed -i 's/^boot = .*/boot = an-earlier-one/' "$SCU_STATE/resets"
mark
try 0 "a quote" quote
same "brings one look more" "$(commands | grep -c ReadClock)" 1
mark
try 0 "the next one" quote
same "none" "$(commands | grep -c ReadClock)" 0

# --- a record that is no good ----------------------------------------------------------

chmod 666 "$SCU_STATE/resets"
try 0 "a record that others can write" scu info --json
says "resets: others can write it" "is named"
same "there are no events then" "$(get events)" null
rm "$SCU_STATE/resets"
try 0 "without a record" scu info --json
same "a new one begins" "$(kinds)" ""

# --- the unit --------------------------------------------------------------------------

unit=$top_builddir/conf/scu-shutdown.service
expect_ok "the unit runs scu shutdown" \
    grep -Eqx 'ExecStop=/[^@]*/scu shutdown' "$unit"
expect_failure "nothing in it is left to be filled in" grep '@' "$unit"
if command -v systemd-analyze >/dev/null; then
    sed 's|^ExecStop=.*|ExecStop=/bin/true|; /^Documentation=/d' "$unit" \
        >"$SCRATCH/scu-shutdown.service"
    expect_ok "systemd takes it" \
        systemd-analyze verify "$SCRATCH/scu-shutdown.service"
fi

sim_power_cut
try 4 "no chip to shut down" scu shutdown
no_data "no chip"
finish
