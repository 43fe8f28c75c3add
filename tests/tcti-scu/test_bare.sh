#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Programs that people have on a bare chip: a model of its registers in each
# process, behind the real ioctl() calls, and swtpm behind the model.
. "$top_srcdir/tests/lib/lib.sh"
need tpm2_getrandom tpm2_createprimary openssl
cd "$SCRATCH" || give_up "$SCRATCH"
sim_power_on

MODEL=$top_builddir/tests/tcti-scu/.libs/libpreload.so
: >lock
# shellcheck disable=SC2154 # preload is of lib.sh
ON_MODEL=(env "SCU_MODEL_CHIP=$SIM_DIR/swtpm.sock"
    "LD_PRELOAD=${preload:+$preload }$MODEL"
    "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")
on_model() { "${ON_MODEL[@]}" "$@"; }

# row LINK WAITS BURST
row() {
    local tcti=scu:$1:/dev/null,lock=$SCRATCH/lock
    export SCU_MODEL_WAITS=$2 SCU_MODEL_BURST=$3
    expect_ok "tpm2_getrandom on $1, $2 waits, burst $3" \
        on_model tpm2_getrandom -T "$tcti" --hex 16
    expect_output '^[0-9a-f]{32}$' "gives random octets"
    expect_ok "a key is made" on_model tpm2_createprimary -T "$tcti" \
        -C n -G rsa -c primary.ctx
    expect_ok "and flushed" on_model tpm2_flushcontext -T "$tcti" -t
    expect_ok "what the link has carried" \
        on_model env SCU_STATS=1 tpm2_getcap -T "$tcti" properties-fixed
    expect_output 'commands, .* register accesses [0-9]+' "is shown"
}
row spi 0 64
row spi 2 32
row i2c 0 8
row i2c 0 256

# --- this stack --------------------------------------------------------------

export SCU_MODEL_WAITS=2 SCU_MODEL_BURST=64 SCU_STATE=$SCRATCH/state
for link in spi i2c; do
    export SCU_TCTI=scu:$link:/dev/null,lock=$SCRATCH/lock
    expect_ok "scu provision on $link" on_model scu provision
    expect_ok "a key by openssl" on_model openssl genpkey -provider default \
        -provider scu -propquery '?provider=scu' -algorithm EC \
        -pkeyopt ec_paramgen_curve:P-256 -out key.pem
    expect_ok "is a chip's" grep -q 'TSS2 PRIVATE KEY' key.pem
    expect_ok "signs" on_model openssl dgst -provider default -provider scu \
        -sha256 -sign key.pem -out sig lock
    rm -f key.pem sig
done

# --- a chip that nobody started ----------------------------------------------

sim_power_cut
rm -f "$SIM_DIR/swtpm.sock" "$SIM_DIR/swtpm.sock.ctrl"
spawn "${SWTPM:-swtpm}" socket --tpm2 --tpmstate "dir=$SIM_DIR" \
    --server "type=unixio,path=$SIM_DIR/swtpm.sock" \
    --ctrl "type=unixio,path=$SIM_DIR/swtpm.sock.ctrl" \
    --flags not-need-init >swtpm.log 2>&1
tpm-counter --wait "$SIM_DIR/swtpm.sock.ctrl" || give_up "swtpm does not answer"
tcti=scu:swtpm:path=$SIM_DIR/swtpm.sock
expect_failure "it takes no command" run_foreign tpm2_getrandom -T "$tcti" 8
expect_output 'TPM not initialized' "and says so"
expect_ok "startup=if-needed starts it" \
    run_foreign tpm2_getrandom -T "$tcti,startup=if-needed" 8
expect_ok "then it runs" run_foreign tpm2_getrandom -T "$tcti" 8

# --- nobody there ------------------------------------------------------------

expect_failure "a bus that is none" run_foreign tpm2_getrandom \
    -T "scu:spi:/dev/zero,lock=$SCRATCH/lock" 8
expect_output '^scu: the chip at /dev/zero cannot be used:' "is told as such"
expect_failure "a node that is not there" run_foreign tpm2_getrandom \
    -T "scu:i2c:$SCRATCH/i2c-9" 8
expect_output 'no such device; is the bus enabled' "is told as such"
expect_failure "and no file is made for the lock" test -e i2c-9
finish
