#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Unmodified tpm2-tools through "scu:", and the trace in Wireshark's eyes.
. "$top_srcdir/tests/lib/lib.sh"
need "${SWTPM:-swtpm}" tpm2_getrandom setpriv
# Some builds of the sanitizer's runtime hang in the programs that it is
# loaded into, whatever these do.
run_foreign timeout 20 tpm2_getrandom -v >/dev/null 2>&1 ||
    skip "tpm2-tools do not run with the sanitizer's runtime"

sim_power_on
link=swtpm:path=$SIM_DIR/swtpm.sock
trace=$SCRATCH/%p.pcapng

expect_ok "tpm2_getrandom by the socket's path" \
    run_foreign tpm2_getrandom -T "scu:$link" --hex 8
expect_output '^[0-9a-f]{16}$' "it gives eight octets"
expect_ok "tpm2_getrandom by the simulator's folder" \
    run_foreign tpm2_getrandom -T "scu:sim:dir=$SIM_DIR" --hex 8

cat >"$SCRATCH/scu.conf" <<CONF
[chip]
link = sim:dir=$SIM_DIR
CONF
export SCU_CONF=$SCRATCH/scu.conf
expect_ok "tpm2_getrandom by scu.conf" \
    run_foreign tpm2_getrandom -T scu --hex 8
unset SCU_CONF

expect_failure "a simulator that does not run" \
    run_foreign tpm2_getrandom -T "scu:sim:dir=$SCRATCH/none" 8
expect_output "^scu: .*start it: scu sim start --dir $SCRATCH/none" \
    "the remedy is named"
expect_failure "an unknown key" \
    run_foreign tpm2_getrandom -T "scu:$link,colour=red" 8
expect_output "^scu: link swtpm has no key 'colour'" "the key is named"

# --- the trace -----------------------------------------------------------------

expect_ok "tpm2_getrandom with a trace" \
    run_foreign tpm2_getrandom -T "scu:$link,trace=$trace" --hex 8
file=$(echo "$SCRATCH"/[0-9]*.pcapng)
expect_exit 0 "the trace is private" test "$(stat -c %a "$file")" = 600
if ! command -v tshark >/dev/null; then
    echo "without tshark: the trace was not dissected"
    finish
fi
# No -d: Wireshark takes the port for a TPM's by itself.
expect_ok "tshark reads the trace" tshark -n -r "$file"
expect_output 'TPM Request.*TPM2_CC_GetRandom' "it sees the command"
expect_output 'TPM Response.*Success' "it sees the response"
expect_ok "tshark counts" sh -c \
    "tshark -n -r '$file' -Y 'tpm && !_ws.malformed' 2>/dev/null | wc -l"
expect_output "^$(tshark -n -r "$file" 2>/dev/null | wc -l)\$" \
    "each packet is TPM 2.0, none malformed"
expect_ok "tshark checks the sums" tshark -n -r "$file" \
    -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
    -Y 'ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"' -T fields \
    -e frame.number
expect_exit 1 "none is wrong" grep -q '^[0-9]' "$SCRATCH/out"
finish
