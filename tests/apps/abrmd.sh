# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Beyond tests/lib/lib.sh: a message bus of the test's own, and tpm2-abrmd on
# it. The machine's buses and its services are not touched.

# bus_start: dbus-daemon, in DBUS_SESSION_BUS_ADDRESS.
bus_start() {
    cat >"$SCRATCH/bus.conf" <<CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=$SCRATCH/dbus.sock</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
CONF
    mkfifo "$SCRATCH/dbus.address"
    spawn dbus-daemon --nofork --nopidfile --nosyslog \
        --config-file "$SCRATCH/bus.conf" --print-address 3 \
        3<>"$SCRATCH/dbus.address" >"$SCRATCH/dbus.log" 2>&1
    # It writes its address once it listens.
    read -r -t 10 DBUS_SESSION_BUS_ADDRESS <>"$SCRATCH/dbus.address" ||
        give_up "dbus-daemon does not run: $(cat "$SCRATCH/dbus.log")"
    export DBUS_SESSION_BUS_ADDRESS
}

# bus_has NAME
bus_has() {
    dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus \
        / org.freedesktop.DBus.NameHasOwner "string:$1" 2>/dev/null |
        grep -q 'boolean true'
}

# abrmd_start TCTI [COMMAND...]: the daemon, on that TCTI, by that command;
# programs reach it by ABRMD_TCTI.
abrmd_start() {
    local tcti=$1 root=() until=$((SECONDS + 20))
    shift
    # shellcheck disable=SC2034 # for those who source this
    ABRMD_TCTI=tabrmd:bus_type=session
    [ "$(id -u)" -ne 0 ] || root=(--allow-root)
    [ $# -gt 0 ] || set -- "${FOREIGN[@]}"
    spawn "$@" tpm2-abrmd --session "${root[@]}" --tcti="$tcti" \
        >"$SCRATCH/abrmd.log" 2>&1
    ABRMD_PID=$SPAWNED
    until bus_has com.intel.tss2.Tabrmd; do
        if ! kill -0 "$ABRMD_PID" 2>/dev/null || [ "$SECONDS" -gt "$until" ]
        then
            give_up "tpm2-abrmd does not run: $(cat "$SCRATCH/abrmd.log")"
        fi
        read -r -t 0.02 <>"$SCRATCH/dbus.address"
    done
}

# abrmd_stop: as its unit does.
abrmd_stop() {
    local rc=0
    kill -TERM "$ABRMD_PID"
    wait "$ABRMD_PID" || rc=$?
    reap "$ABRMD_PID"
    expect_ok "tpm2-abrmd ends well" test "$rc" -eq 0
    # A sanitizer's or its own complaints would be here.
    expect_ok "and complained of nothing" test ! -s "$SCRATCH/abrmd.log"
}
