#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tpm2-abrmd, unmodified, with "scu:" below it: on a simulated chip's socket,
# and on a model of a bare chip's registers. Above it four programs at once.
. "$top_srcdir/tests/apps/apps.sh"
. "$top_srcdir/tests/apps/abrmd.sh"
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
need openssl pkcs11-tool tpm2_createprimary tpm2-abrmd dbus-daemon dbus-send
cd "$SCRATCH" || give_up "$SCRATCH"
sim_power_on
bus_start

# client N: in a folder of its own, what a program does with a key. It has only
# the daemon's TCTI, none of our libraries.
client() {
    local verb
    mkdir -p "client$1" && cd "client$1" || return 1
    echo "of client $1" >text
    tpm2_createprimary -Q -C o -G ecc -c primary.ctx &&
        tpm2_create -Q -C primary.ctx -G ecc -u pub -r priv &&
        tpm2_load -Q -C primary.ctx -u pub -r priv -c key.ctx || return 1
    for verb in 1 2 3; do
        tpm2_sign -Q -c key.ctx -g sha256 -o "sig$verb" text &&
            tpm2_verifysignature -Q -c key.ctx -g sha256 -m text \
                -s "sig$verb" &&
            tpm2_getrandom -Q -o "random$verb" 16 || return 1
    done
    # Each got answers of its own.
    ! cmp -s random1 random2 && ! cmp -s sig1 sig2
}
export -f client

# four_clients TEXT
four_clients() {
    local n different pids=()
    for n in 1 2 3 4; do
        spawn env TPM2TOOLS_TCTI="$ABRMD_TCTI" bash -c "client $n" \
            >"client$n.log" 2>&1
        pids+=("$SPAWNED")
    done
    for n in 1 2 3 4; do
        expect_ok "$1: client $n of four at once" wait "${pids[n - 1]}"
        [ ! -s "client$n.log" ] || sed 's/^/    /' "client$n.log"
        reap "${pids[n - 1]}"
    done
    different=$(md5sum client?/random1 | cut -c -32 | sort -u | wc -l)
    expect_ok "$1: random octets of each are others" test "$different" -eq 4
    rm -rf client*
}

# layer TEXT TCTI [COMMAND...]: the daemon by that TCTI, by that command
layer() {
    local text=$1 tcti=$2
    shift 2
    abrmd_start "$tcti" "$@"
    four_clients "$text"
    abrmd_stop
    chip_is_clean
}

MODEL=$top_builddir/tests/tcti-scu/.libs/libpreload.so
: >lock
# shellcheck disable=SC2154 # preload is of lib.sh
on_model=(env "SCU_MODEL_CHIP=$SIM_DIR/swtpm.sock" SCU_MODEL_WAITS=2
    "LD_PRELOAD=${preload:+$preload }$MODEL"
    "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")

layer swtpm "scu:swtpm:path=$SIM_DIR/swtpm.sock"
layer spi "scu:spi:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
layer i2c "scu:i2c:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"

# --- this stack above the daemon -----------------------------------------------

abrmd_start "scu:spi:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
export SCU_TCTI=$ABRMD_TCTI SCU_STATE=$SCRATCH/state
echo "to be signed" >text
expect_ok "scu provision by tabrmd" run_foreign scu provision
expect_ok "a key by openssl" with_scu openssl genpkey -algorithm EC \
    -pkeyopt group:P-256 -out key.pem
expect_ok "signs" with_scu openssl dgst -sha256 -sign key.pem -out sig text
expect_ok "its public half" with_scu openssl pkey -in key.pem -pubout \
    -out key.pub
expect_ok "the signature is good" openssl dgst -sha256 -verify key.pub \
    -signature sig text
new_token one
new_key ec 01
expect_ok "a key of a token signs" tool_user --sign --mechanism ECDSA-SHA256 \
    --id 01 --signature-format openssl -i text -o sig
expect_ok "its public half" with_scu openssl pkey -pubin \
    -in "pkcs11:token=one;object=ec;type=public" -out key.pub
expect_ok "the signature is good" openssl dgst -sha256 -verify key.pub \
    -signature sig text
abrmd_stop
chip_is_clean
finish
