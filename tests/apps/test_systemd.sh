#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# systemd-creds, unmodified, with "scu:" as its TPM2 device: on a simulated
# chip's socket, and on a model of a bare chip's registers. With an explicit
# --with-key=tpm2 it needs nothing of the kernel or the firmware; "auto" and
# has-tpm2 look for the kernel's driver, whatever the device is.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/apps/abrmd.sh"
need systemd-creds tpm2_pcrextend tpm2-abrmd dbus-daemon dbus-send
cd "$SCRATCH" || give_up "$SCRATCH"
sim_power_on

# systemd gives the kernel octets of the first TPM that it meets, and notes
# that. What it met here is no reason not to do so again.
NOTE=/run/systemd/tpm-rng-credited
[ -e "$NOTE" ] || trap 'rm -f "$NOTE"; clean_up' EXIT

MODEL=$top_builddir/tests/tcti-scu/.libs/libpreload.so
: >lock
# shellcheck disable=SC2154 # preload is of lib.sh
on_model=(env "SCU_MODEL_CHIP=$SIM_DIR/swtpm.sock" SCU_MODEL_WAITS=1
    "LD_PRELOAD=${preload:+$preload }$MODEL"
    "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")

# swept: systemd 252 leaves a session at each decryption, on any TCTI, and all
# that it has loaded at one that fails. A bare chip has room for three.
swept() {
    tpm2_getcap -T "$SIM_TCTI" handles-loaded-session >sessions 2>&1 ||
        give_up "tpm2_getcap: $(cat sessions)"
    expect_ok "two decryptions left two sessions at most" \
        test "$(wc -l <sessions)" -le 2
    expect_ok "which can be flushed" sh -c "tpm2_flushcontext -T '$SIM_TCTI' -l &&
        tpm2_flushcontext -T '$SIM_TCTI' -t"
    chip_is_clean
}

echo "of the service" >secret
# row TEXT DEVICE COMMAND...: the device by systemd's variable, and by option
row() {
    local text=$1 device=$2
    shift 2
    local creds=("$@" systemd-creds --name=service)
    rm -f sealed plain
    expect_ok "systemd-creds encrypts on $text" \
        env "SYSTEMD_TPM2_DEVICE=$device" \
        "${creds[@]}" --with-key=tpm2 encrypt secret sealed
    expect_failure "the secret is not to be seen in it" \
        sh -c 'base64 -d sealed | grep -q "of the service"'
    expect_ok "systemd-creds decrypts" env "SYSTEMD_TPM2_DEVICE=$device" \
        "${creds[@]}" decrypt sealed plain
    expect_ok "to the same" cmp secret plain
    expect_ok "also with the device as an option" \
        "${creds[@]}" --tpm2-device="$device" decrypt sealed -
    expect_output '^of the service$' "to the same"
}
row swtpm "scu:swtpm:path=$SIM_DIR/swtpm.sock" "${FOREIGN[@]}"
swept
row spi "scu:spi:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
swept
row i2c "scu:i2c:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
swept

# With a resource manager nothing is left.
bus_start
abrmd_start "scu:spi:/dev/null,lock=$SCRATCH/lock" "${on_model[@]}"
row "tpm2-abrmd on spi" "$ABRMD_TCTI" "${FOREIGN[@]}"
abrmd_stop
chip_is_clean

# --- it is the chip that guards it ---------------------------------------------

tcti=scu:swtpm:path=$SIM_DIR/swtpm.sock
expect_ok "another start of the system" run_foreign tpm2_pcrextend -T "$tcti" \
    "7:sha256=$(printf '%064d' 1)"
expect_failure "the credential is not decrypted" run_foreign systemd-creds \
    --name=service --tpm2-device="$tcti" decrypt sealed -
swept
expect_failure "no chip, no credential" run_foreign systemd-creds \
    --name=service --tpm2-device="scu:sim:dir=$SCRATCH/none" decrypt sealed -
expect_output "^scu: .*start it: scu sim start --dir $SCRATCH/none" \
    "the remedy is named"
finish
