#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Real programs, with links of others and with our own, over the bridge.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need tpm2_getrandom tpm2_createprimary mkfifo
cd "$SCRATCH" || give_up "$SCRATCH"
sim_power_on
mkdir -m 700 run
mkfifo ready
exec {ready}<>ready
WHERE=$SCRATCH/run/bridge.sock

# bridge ARGUMENT...: in the background, when it is ready; its id is in
# BRIDGE, what it prints in READY, its environment in AROUND. A shell has its
# background processes ignore SIGINT, and a bridge leaves it so.
PLAIN=(env --default-signal=INT)
AROUND=("${PLAIN[@]}")
bridge() {
    spawn "${AROUND[@]}" scu bridge "$@" >ready 2>bridge.log
    BRIDGE=$SPAWNED
    READY=
    read -r -t 30 READY <&"$ready"
    [ -n "$READY" ] || fail "scu bridge $*: $(cat bridge.log)"
}

# ends SIGNAL TEXT: it does, cleanly.
ends() {
    local rc=0
    kill "-$1" "$BRIDGE"
    wait "$BRIDGE" || rc=$?
    same "$2: exit code" "$rc" 0
    same "$2: nothing is left in its folder" "$(ls run)" "${3:-}"
}

# serves TCTI TEXT: programs get what they want from the chip, through files.
serves() {
    expect_ok "$2: tpm2_getrandom" run_foreign tpm2_getrandom -T "$1" --hex 16
    expect_output '^[0-9a-f]{32}$' "$2: random octets"
    expect_ok "$2: a key is made" run_foreign tpm2_createprimary -T "$1" \
        -C n -G ecc -c primary.ctx
    expect_ok "$2: all is flushed" run_foreign tpm2_flushcontext -T "$1" -t
    expect_failure "$2: an error of the chip" run_foreign tpm2_readpublic \
        -T "$1" -c 0x81ffff00
    expect_output '0x0*18b' "$2: comes as the chip gave it"
    expect_ok "$2: the longest answers" run_foreign tpm2_getcap -T "$1" commands
}

# --- a simulated chip -----------------------------------------------------------

bridge --listen "unix:$WHERE" --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
same "what it prints is the TCTI string" "$READY" "swtpm:path=$WHERE"
same "modes of its sockets" "$(stat -c %a "$WHERE" "$WHERE.ctrl" | paste -sd ' ')" \
    "600 600"
serves "swtpm:path=$WHERE" "on a UNIX socket, with their own link"
serves "scu:swtpm:path=$WHERE" "on a UNIX socket, with ours"

# Locality 3 may extend register 20, locality 0 not.
digest=$(printf '%064d' 0)
expect_failure "in locality 0 what it may not" run_foreign tpm2_pcrextend \
    -T "scu:swtpm:path=$WHERE" "20:sha256=$digest"
expect_output '0x0*907' "is refused by the chip"
expect_ok "in locality 3 it is done" run_foreign tpm2_pcrextend \
    -T "scu:swtpm:path=$WHERE,locality=3" "20:sha256=$digest"
expect_failure "which goes back" run_foreign tpm2_pcrextend \
    -T "swtpm:path=$WHERE" "20:sha256=$digest"

# Two at once, each its own.
clients=()
for client in 1 2 3; do
    # shellcheck disable=SC2016 # the inner shell's
    spawn "${FOREIGN[@]}" bash -c 'for i in 1 2 3 4 5; do
        tpm2_getrandom -T "$1" --hex 8 || exit; done' bash \
        "swtpm:path=$WHERE" >"client.$client" 2>&1
    clients+=("$SPAWNED")
done
for pid in "${clients[@]}"; do
    expect_ok "one of three clients at once is served" wait "$pid"
done
same "each answer went to who asked" \
    "$(cat client.? | tr -dc 0-9a-f | wc -c) $(cat client.? | wc -c)" "240 240"

# This stack, in turns with what goes to the chip directly.
export SCU_STATE=$SCRATCH/state
expect_ok "scu provision over the bridge" \
    scu provision --tcti "scu:swtpm:path=$WHERE"
expect_ok "scu info past it" scu info --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
expect_output 'provisioned +yes' "it is the same chip"

# It is not the chip's end, nor its start.
if command -v swtpm_ioctl >/dev/null; then
    expect_ok "an object that a reset would forget" run_foreign \
        tpm2_createprimary -T "swtpm:path=$WHERE" -C n -c primary.ctx
    for what in -i --stop -s -c -C; do
        expect_ok "swtpm_ioctl $what" swtpm_ioctl --unix "$WHERE.ctrl" $what
    done
    expect_ok "after all that" run_foreign tpm2_getcap \
        -T "swtpm:path=$WHERE" handles-transient
    expect_output '0x80000000' "it is there"
    serves "swtpm:path=$WHERE" "after all that"
fi

# A second one at the same place.
try 1 "a second bridge at the same path" scu bridge --listen "unix:$WHERE" \
    --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
says 'somebody listens at .* already' "it says who is in its way"
no_data "a second bridge"
serves "swtpm:path=$WHERE" "the first one goes on"
rm -f run/*.turn run/*.lock
ends TERM "SIGTERM ends it"

# What one that was killed leaves is replaced.
bridge --listen "unix:$WHERE" --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
reap "$BRIDGE" KILL
same "killed, it leaves its sockets" "$(cd run && echo bridge.sock*)" \
    "bridge.sock bridge.sock.ctrl"
bridge --json --listen "unix:$WHERE" \
    --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
printf '%s\n' "$READY" >stdout
same "--json: the TCTI string" "$(get tcti)" "swtpm:path=$WHERE"
same "--json: the process" "$(get pid)" "$BRIDGE"
serves "swtpm:path=$WHERE" "in the place of one that was killed"
ends INT "SIGINT ends it"

# --- TCP ---------------------------------------------------------------------------

bridge --listen tcp:127.0.0.1:0 --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
serves "$READY" "on TCP, with their own link"
serves "scu:$READY" "on TCP, with ours"
port=${READY##*=}
try 1 "a port that is taken" scu bridge --listen "tcp:127.0.0.1:$port" \
    --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
says 'in use: choose another, or 0' "is told as such"
try 1 "the next one, too" scu bridge --listen "tcp:127.0.0.1:$((port - 1))" \
    --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
ends TERM "SIGTERM ends it"

# --- a link of others, the default link, bare chips ----------------------------------

bridge --listen "unix:$WHERE" --tcti "swtpm:path=$SIM_DIR/swtpm.sock"
serves "swtpm:path=$WHERE" "over a link of others"
ends TERM "over a link of others"

export SCU_TCTI="scu:swtpm:path=$SIM_DIR/swtpm.sock"
bridge --listen unix:run/bridge.sock
same "a relative path is made absolute" "$READY" "swtpm:path=$WHERE"
serves "swtpm:path=$WHERE" "over the link that is configured"
ends HUP "SIGHUP ends it"

: >lock
# shellcheck disable=SC2154 # preload is of lib.sh
AROUND=("${PLAIN[@]}" "SCU_MODEL_CHIP=$SIM_DIR/swtpm.sock" SCU_MODEL_WAITS=1
    SCU_MODEL_BURST=32 "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}"
    "LD_PRELOAD=${preload:+$preload }$top_builddir/tests/tcti-scu/.libs/libpreload.so")
for link in spi i2c; do
    bridge --listen "unix:$WHERE" --tcti "scu:$link:/dev/null,lock=$SCRATCH/lock"
    serves "swtpm:path=$WHERE" "a chip on $link"
    rm -f run/*.lock
    expect_ok "a chip on $link, in locality 2" run_foreign tpm2_getrandom \
        -T "scu:swtpm:path=$WHERE,locality=2" 8
    rm -f run/*.lock
    ends TERM "a chip on $link"
done
AROUND=("${PLAIN[@]}")

# --- what it refuses -------------------------------------------------------------------

# refuses CODE REGEXP WHERE
refuses() {
    try "$1" "--listen $3 is refused" scu bridge --listen "$3" \
        --tcti "scu:swtpm:path=$SIM_DIR/swtpm.sock"
    no_data "--listen $3"
    says "$2" "it says why"
}
refuses 2 'no loopback address.*127\.0\.0\.1 or \[::1\]' tcp:0.0.0.0:2321
refuses 2 'no loopback address' tcp:10.0.0.1:2321
refuses 2 'no loopback address' 'tcp:[::]:2321'
refuses 2 'no loopback address' tcp:localhost:2321
refuses 2 'no loopback address' tcp::2321
refuses 2 'no port from 0 to 65534' tcp:127.0.0.1
refuses 2 'no port from 0 to 65534' tcp:127.0.0.1:65535
refuses 2 'no port from 0 to 65534' tcp:127.0.0.1:x
refuses 2 'write unix:PATH or' "$WHERE"
refuses 2 'names no socket' "unix:$SCRATCH/run/"
refuses 2 'comma' "unix:$SCRATCH/run/a,b"
refuses 2 'too long: at most' "unix:$SCRATCH/run/$(printf '%090d' 0)"
refuses 1 'no folder for the socket' "unix:$SCRATCH/nowhere/bridge.sock"
mkdir -m 755 open
refuses 1 'open to others \(mode 0755\).*chmod 700' "unix:$SCRATCH/open/s"
chmod 0710 open
refuses 1 'open to others' "unix:$SCRATCH/open/s"
: >run/file
refuses 1 'is no socket' "unix:$SCRATCH/run/file"
same "the file stands" "$(ls run)" file
chmod 700 "$SIM_DIR"
refuses 1 'somebody listens' "unix:$SIM_DIR/swtpm.sock"
expect_ok "and goes on" run_foreign tpm2_getrandom \
    -T "swtpm:path=$SIM_DIR/swtpm.sock" 8
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 700 others
    chown 65534 others
    refuses 1 'belongs to another user' "unix:$SCRATCH/others/s"
fi
try 4 "no chip" scu bridge --listen "unix:$SCRATCH/run/s" \
    --tcti "scu:swtpm:path=$SCRATCH/none"
same "and no socket" "$(ls run)" file
try 2 "no place" scu bridge
says '--listen is missing' "is told as such"
try 2 "no number" scu bridge --listen tcp:127.0.0.1:0 --client-timeout 0
says 'a number of milliseconds from 1' "is told as such"
finish
