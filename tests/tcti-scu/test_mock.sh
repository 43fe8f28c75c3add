#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Unmodified programs on one bare chip: each opens the same device nodes, and
# what it does there by ioctl(2) goes to one model of a chip's registers in
# another process (umockdev), which swtpm stands behind.
. "$top_srcdir/tests/lib/lib.sh"
CHIP=$top_builddir/tests/tcti-scu/mock-chip
[ -x "$CHIP" ] || skip "built without umockdev (libumockdev-dev)"
need umockdev-wrapper tpm2_getrandom tpm2_createprimary
cd "$SCRATCH" || give_up "$SCRATCH"
sim_power_on
trap '' PIPE # a chip that died is told by its silence

# --- the chip -------------------------------------------------------------------

# mocked [VARIABLE=VALUE...] COMMAND...
# shellcheck disable=SC2154 # preload is of lib.sh
mocked=(env "LD_PRELOAD=${preload:+$preload }libumockdev-preload.so.0"
    "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")

# chip_start WAITS BURST: on descriptors 3 (what it is told) and 4.
chip_start() {
    rm -f told says
    mkfifo told says
    exec 8<>told 9<>says
    spawn "${mocked[@]}" TMPDIR="$SCRATCH" \
        "SCU_MODEL_CHIP=$SIM_DIR/swtpm.sock" \
        "SCU_MODEL_WAITS=$1" "SCU_MODEL_BURST=$2" \
        "$CHIP" <told >says 2>chip.log 8<&- 9<&-
    CHIP_PID=$SPAWNED
    exec 3>told 4<says 8<&- 9<&-
    chip_says '^/'
    export UMOCKDEV_DIR=$SAID
}

# chip_says REGEXP: some line, which is in SAID.
chip_says() {
    while IFS= read -r -t 20 -u 4 SAID; do
        [[ ! $SAID =~ $1 ]] || return 0
    done
    give_up "the model of a chip does not say $1: $(cat chip.log)"
}

# tell ORDER
tell() { echo "$1" >&3; chip_says '^ok$'; }

# counted: commands ABORTED, and FAULTS, what no driver may do.
counted() {
    echo counts >&3
    chip_says '^[0-9]+ [0-9]+ [0-9]+$'
    read -r _ ABORTED FAULTS <<<"$SAID"
}

chip_stop() {
    local rc=0
    counted
    expect_ok "the chip saw nothing that a driver must not do" \
        test "$FAULTS" -eq 0
    exec 3>&-
    wait "$CHIP_PID" || rc=$?
    reap "$CHIP_PID"
    exec 4<&-
    expect_ok "the model of a chip ends well" test "$rc" -eq 0
}

# --- one after the other, and at once ---------------------------------------------

# one_by_one TCTI: processes that hand a key on. They leave it in the chip.
one_by_one() {
    export TPM2TOOLS_TCTI=$1
    local flush=("${mocked[@]}" tpm2_flushcontext -t)
    echo "to be signed" >text
    expect_ok "a primary key by $1" \
        "${mocked[@]}" tpm2_createprimary -Q -G ecc -c primary.ctx
    "${flush[@]}"
    expect_ok "a key below it" "${mocked[@]}" tpm2_create -Q -C primary.ctx \
        -G ecc -u pub -r priv
    "${flush[@]}"
    expect_ok "is loaded" "${mocked[@]}" tpm2_load -Q -C primary.ctx \
        -u pub -r priv -c key.ctx
    "${flush[@]}"
    expect_ok "signs" "${mocked[@]}" tpm2_sign -Q -c key.ctx -g sha256 \
        -o sig text
    "${flush[@]}"
    expect_ok "and the signature is good" "${mocked[@]}" \
        tpm2_verifysignature -Q -c key.ctx -g sha256 -m text -s sig
    "${flush[@]}"
    unset TPM2TOOLS_TCTI
    rm -f pub priv primary.ctx key.ctx sig
}

# at_once TCTI: exchanges of two take turns, and none is disturbed.
at_once() {
    local different others rc=0
    # shellcheck disable=SC2016 # of the other shell
    local randoms='for i in 1 2 3 4; do
        tpm2_getrandom -T "$0" --hex 16 && echo || exit 1
    done'
    spawn "${mocked[@]}" bash -c "$randoms" "$1" >first 2>&1
    others=$SPAWNED
    expect_ok "processes by $1" \
        "${mocked[@]}" bash -c "$randoms" "$1"
    cp out second
    wait "$others" || rc=$?
    reap "$others"
    expect_ok "and others at the same time: $(paste -sd ' ' first)" \
        test "$rc" -eq 0
    different=$(sort -u first second | grep -Ec '^[0-9a-f]{32}$')
    expect_ok "each got octets of its own" test "$different" -eq 8
    counted
    expect_ok "no command was disturbed" test "$ABORTED" -eq 0
}

# --- processes that are killed ------------------------------------------------------

# victim TCTI: one that the chip keeps busy.
victim() {
    spawn "${mocked[@]}" tpm2_getrandom -T "$1" --hex 16 >victim.log 2>&1
    VICTIM=$SPAWNED
}

# recovers TCTI: another process, right after.
recovers() {
    expect_ok "the next one works" "${mocked[@]}" env SCU_STATS=1 \
        tpm2_getrandom -T "$1" --hex 16
    expect_output '^[0-9a-f]{32}' "it gives random octets"
    expect_output ' retries 0' "and did not have to try again"
}

# deaths TCTI NODE
deaths() {
    tell hold
    victim "$1"
    chip_says '^executes'
    expect_failure "while a process has a command in the chip at $2" \
        "${mocked[@]}" tpm2_getrandom -T "$1,timeout=50" 8
    expect_output "^scu: process $VICTIM keeps the chip at $2 busy" \
        "another one is told which"
    reap "$VICTIM" KILL
    pass "killed while the chip works for it"
    # The chip still does, and for the next one, too, until it is let.
    spawn "${mocked[@]}" tpm2_getrandom -T "$1" --hex 16 >next 2>&1
    chip_says '^executes'
    tell go
    expect_ok "the next one stops that command and works" wait "$SPAWNED"
    expect_ok "it gives random octets" grep -Eq '^[0-9a-f]{32}$' next
    reap "$SPAWNED"

    tell hold
    victim "$1"
    chip_says '^executes'
    reap "$VICTIM" KILL
    tell go
    pass "killed before it got its response"
    recovers "$1"

    tell write
    victim "$1"
    chip_says '^stops$'
    reap "$VICTIM" KILL
    pass "killed while it wrote a command"
    recovers "$1"

    tell read
    victim "$1"
    chip_says '^stops$'
    reap "$VICTIM" KILL
    pass "killed while it read a response"
    recovers "$1"
}

# --- the rows ---------------------------------------------------------------------

SPI=scu:spi:/dev/spidev0.0 I2C=scu:i2c:/dev/i2c-1
chip_start 0 32
one_by_one "$SPI"
at_once "$SPI"
deaths "$SPI" /dev/spidev0.0
chip_stop

chip_start 0 256
one_by_one "$I2C"
at_once "$I2C"
deaths "$I2C" /dev/i2c-1
chip_stop

chip_is_clean
finish
