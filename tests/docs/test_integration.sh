#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs/integration.md: its commands run, its messages appear; what needs root,
# in test_integration_root.sh. Nodes are a model's, a pty's and a simulator's.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/docs/docs.sh"
need tpm2_getrandom tpm2_createprimary tshark dtc systemd-creds
cd "$SCRATCH" || give_up "$SCRATCH"
blocks "$top_srcdir/docs/integration.md"
examples "$SCRATCH/examples"

# --- nodes ---------------------------------------------------------------------

mkdir -p dev/shm quiet/dev uart home
for node in dev/spidev0.0 dev/i2c-1 dev/gpiochip0; do
    ln -s /dev/null "$node"
done
ln -s /dev/ptmx quiet/dev/ttyUSB0
ln -s ../uart/tty dev/ttyUSB0
: >lock
: >dev/shm/spi
sim_power_on
chip=$SIM_DIR/swtpm.sock
SIM_DIR=$SCRATCH/sim2 sim_power_on
connector=$SCRATCH/sim2/swtpm.sock
SIM_DIR=$SCRATCH/sim3 sim_power_on
other=$SCRATCH/sim3/swtpm.sock
mkfifo wish said
exec 7<>wish 8<>said
spawn "$top_builddir/tests/tcti-scu/uart-chip" "$SCRATCH/uart" "$connector" \
    <&7 >&8
read -rt 20 -u 8 _ || give_up "no connector"

# shellcheck disable=SC2154 # preload is of lib.sh
ON_MODEL=(env "SCU_MODEL_CHIP=$chip"
    "LD_PRELOAD=${preload:+$preload }$top_builddir/tests/tcti-scu/.libs/libpreload.so"
    "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")
export HOME=$SCRATCH/home SCU_STATE=$SCRATCH/state
unset XDG_RUNTIME_DIR XDG_STATE_HOME

# These have no business with a chip, nor with a sanitizer's runtime.
mkdir bin
for program in dtc tshark; do
    printf '#!/bin/sh\nexec env -u LD_PRELOAD %s "$@"\n' \
        "$(command -v "$program")" >"bin/$program"
    chmod +x "bin/$program"
done
export PATH=$SCRATCH/bin:$PATH

# What stands for a machine's in the page.
here() {
    sed -E -e "s,/usr/share/doc/[^ ]*/examples,$SCRATCH/examples," \
        -e "s,(spi|i2c):(/dev/[a-z0-9.-]+),\\1:$SCRATCH\\2\\,lock=$SCRATCH/lock,g" \
        -e "s,irq=gpio,irq=$SCRATCH/dev/gpio,g" \
        -e "s,uart:/dev/,uart:$SCRATCH/dev/,g" "$@"
}

# --- commands --------------------------------------------------------------------

export SCU_CONF=$SCRATCH/scu.conf
: >scu.conf
ran=0
for block in blocks/*; do
    case $block in
    *_test | *_test_fresh | *_test_when_*)
        fresh=()
        [ "${block%_fresh}" = "$block" ] || fresh=("SCU_MODEL_CHIP=$other")
        word=${block##*_test_when_}
        if [ "$word" != "$block" ] && ! scu "$word" --help >out 2>&1; then
            echo "not built yet: scu $word"
            continue
        fi
        here "$block" >commands
        expect_ok "commands of ${block#blocks/}" \
            "${ON_MODEL[@]}" "${fresh[@]}" bash -eu -o pipefail commands
        cp out output
        ran=$((ran + 1))
        ;;
    *_file_*)
        # Of two, the first is in force; the second is for a daemon.
        here "$block" >file.conf
        [ -s scu.conf ] || cp file.conf scu.conf
        expect_ok "scu.conf of ${block#blocks/}" \
            env SCU_CONF="$SCRATCH/file.conf" "${ON_MODEL[@]}" \
            tpm2_getrandom -T scu: --hex 8
        ;;
    *_output)
        # Random octets may stand before it.
        without_scratch <output | sed -E 's/^[0-9a-f]{16}//; s/[0-9]+/0/g' >a
        sed -E 's/[0-9]+/0/g' "$block" >b
        expect_ok "output of ${block#blocks/}" grep -qxFf b a
        ;;
    esac
done
expect_ok "there were commands" test "$ran" -ge 5

# --- messages ----------------------------------------------------------------------

spi=scu:spi:$SCRATCH/dev/spidev0.0,lock=$SCRATCH/lock
i2c=scu:i2c:$SCRATCH/dev/i2c-1,lock=$SCRATCH/lock
# ask TCTI [VARIABLE=VALUE...]
ask() {
    local tcti=$1
    shift
    "${ON_MODEL[@]}" "$@" tpm2_getrandom -T "$tcti" --hex 8
}
provoke_unknown_key() { ask "$spi,colour=red"; }
provoke_unknown_link() { ask scu:usb:/dev/x; }
provoke_no_device_named() { ask scu:spi; }
provoke_no_node() { ask "scu:spi:$SCRATCH/dev/spidev1.0"; }
provoke_no_driver() { ask "scu:device:$SCRATCH/dev/tpmrm0"; }
provoke_pulled_out() {
    echo >&7
    read -rt 20 -u 8 _ && ask "scu:uart:$SCRATCH/dev/ttyUSB0"
}
provoke_no_simulator() { ask "scu:sim:dir=$SCRATCH/home/alice/sim"; }
provoke_not_a_device() { ask "scu:spi:$SCRATCH/dev/shm/spi"; }
provoke_not_a_tty() { ask scu:uart:/dev/null; }
provoke_dead_spi() { ask "$spi" SCU_MODEL_KNOBS=dead=1; }
provoke_dead_i2c() { ask "$i2c" SCU_MODEL_KNOBS=dead=1; }
provoke_dead_uart() { ask "scu:uart:$SCRATCH/quiet/dev/ttyUSB0"; }
provoke_bus_error() { ask "$spi" SCU_MODEL_KNOBS=error=5; }
provoke_set_up_refused() { ask "$spi" SCU_MODEL_KNOBS=error=22; }
provoke_irq_refused() { ask "$spi,irq=gpiochip9:5"; }
provoke_irq_silent() {
    "${ON_MODEL[@]}" SCU_LOG=warn SCU_MODEL_KNOBS=dead-line=1 \
        "SCU_TCTI=$spi,irq=$SCRATCH/dev/gpiochip0:5" scu info
}
provoke_damaged() { ask "$i2c" SCU_MODEL_KNOBS=damage=9999; }
provoke_no_answer_in_time() {
    ask "$spi,timeout=0" SCU_MODEL_KNOBS=execution=9000000
}
provoke_locality_taken() { ask "$spi" SCU_MODEL_KNOBS=taken=2; }
provoke_lock_held() {
    local rc=0
    mkfifo line ready
    exec 5<>line 6<>ready
    spawn "${ON_MODEL[@]}" "SCU_TCTI=$spi,exclusive" \
        "$top_builddir/tests/tools/turn-holder" <&5 >&6
    read -rt 20 -u 6 _ || give_up "turn-holder is not ready"
    ask "$spi,timeout=10" || rc=1
    echo >&5
    wait "$SPAWNED"
    return "$rc"
}
provoke_slots_full() {
    local rc=0
    for _ in 1 2 3; do
        "${ON_MODEL[@]}" tpm2_createprimary -Q -T "$spi" -C n -c "$SCRATCH/x" ||
            give_up "tpm2_createprimary"
    done
    (umask 077 && echo 12345678 >"$SCRATCH/pin")
    "${ON_MODEL[@]}" "SCU_TCTI=$spi" scu token init --label x \
        --pin-file "$SCRATCH/pin" --so-pin-file "$SCRATCH/pin" || rc=1
    "${ON_MODEL[@]}" tpm2_flushcontext -T "$spi" -t
    return "$rc"
}
provoke_no_turns() {
    "${ON_MODEL[@]}" SCU_LOG=warn "SCU_TCTI=$spi" scu info && return 1
}
provoke_creds_owner() {
    echo secret | "${ON_MODEL[@]}" SYSTEMD_TPM2_DEVICE="$spi" \
        systemd-creds encrypt --with-key=tpm2 --name=door - x.cred
}
provoke_not_started() {
    mkdir sim4
    spawn "${SWTPM:-swtpm}" socket --tpm2 --tpmstate "dir=$SCRATCH/sim4" \
        --server "type=unixio,path=$SCRATCH/sim4/sock" \
        --ctrl "type=unixio,path=$SCRATCH/sim4/ctrl" \
        --flags not-need-init >swtpm.log 2>&1
    tpm-counter --wait "$SCRATCH/sim4/ctrl" || give_up "swtpm does not answer"
    ask "$spi" "SCU_MODEL_CHIP=$SCRATCH/sim4/sock"
}
provoke_not_provisioned() {
    run_foreign env "SCU_TCTI=$spi" SCU_STATE="$SCRATCH/none" \
        "${ON_MODEL[@]}" scu info && return 1
}
provoke_other_chip() {
    run_foreign scu info --tcti "scu:swtpm:path=$other"
}

messages=0
for block in blocks/*_message_*; do
    name=${block##*_message_}
    messages=$((messages + 1))
    case $name in
    permission) # test_integration_root.sh
        continue
        ;;
    no-turns)
        [ ! -e /run/scu ] || continue
        ;;
    esac
    "provoke_${name//-/_}" >out 2>&1
    without_scratch <out >said.txt
    if grep -qFf "$block" said.txt; then
        pass "message $name"
    else
        fail "message $name is not said: $(cat "$block")"
        sed 's/^/    /' said.txt
    fi
done
expect_ok "there were messages" test "$messages" -ge 20
finish
