#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A program that was written for ESYS, on each link of "scu:", called as it is
# and by poll(2): a socket, bare chips on SPI and I2C, a connector on a serial
# line, and tpm2-abrmd above a bare chip.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/apps/abrmd.sh"
USER_PROGRAM=$top_builddir/tests/apps/esys-user
[ -x "$USER_PROGRAM" ] || skip "built without tests in C (cmocka, tss2-esys)"
need tpm2-abrmd dbus-daemon dbus-send
cd "$SCRATCH" || give_up "$SCRATCH"
sim_power_on

MODEL=$top_builddir/tests/tcti-scu/.libs/libpreload.so
: >lock
# shellcheck disable=SC2154 # preload is of lib.sh
on_model=(env "SCU_MODEL_CHIP=$SIM_DIR/swtpm.sock"
    "LD_PRELOAD=${preload:+$preload }$MODEL"
    "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")

# row TCTI [COMMAND...]
row() {
    local tcti=$1
    shift
    expect_ok "ESYS by $tcti" "$@" "$USER_PROGRAM" "$tcti"
    expect_output '^[1-9][0-9]* waits by poll' "some of it by poll(2)"
}

row "scu:swtpm:path=$SIM_DIR/swtpm.sock" "${FOREIGN[@]}"
chip_is_clean
# Each command takes a while, so that there is something to wait for.
export SCU_MODEL_KNOBS=execution=2000
for waits in 0 2; do
    export SCU_MODEL_WAITS=$waits
    row "scu:spi:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
done
row "scu:i2c:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
chip_is_clean

bus_start
abrmd_start "scu:i2c:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
row "$ABRMD_TCTI"
abrmd_stop
chip_is_clean

# --- a connector --------------------------------------------------------------

mkfifo until line
exec 8<>until 9<>line
spawn "$top_builddir/tests/tcti-scu/uart-chip" "$SCRATCH" \
    "$SIM_DIR/swtpm.sock" <until >line 2>uart.log 8<&- 9<&-
CONNECTOR=$SPAWNED
exec 3>until 4<line 8<&- 9<&-
IFS= read -r -t 20 -u 4 LINE || give_up "no connector: $(cat uart.log)"
row "scu:uart:$LINE" "${FOREIGN[@]}"
exec 3>&-
wait "$CONNECTOR"
expect_ok "the connector ends well" test $? -eq 0
reap "$CONNECTOR"
chip_is_clean
finish
