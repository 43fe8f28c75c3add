#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-2-Clause
# The first program of the guest that check.sh boots: what it tries on the
# kernel's driver, and the verdict, go out on the second serial port, a line
# each. "guest.part=NAME" of the kernel's command line names what is to be run.
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
exec >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw

FAILED=0

# try TEXT COMMAND...
try() {
    text=$1
    shift
    if "$@" >/tmp/out 2>&1; then
        echo "ok - $text"
    else
        echo "not ok - $text (exit code $?)"
        sed 's/^/    /' /tmp/out
        FAILED=1
    fi
}

# says REGEXP TEXT: in what the last one printed.
says() {
    if grep -Eq -- "$1" /tmp/out; then
        echo "ok - $2"
    else
        echo "not ok - $2 (no line matches $1)"
        sed 's/^/    /' /tmp/out
        FAILED=1
    fi
}

# fails TEXT COMMAND...
fails() {
    text=$1
    shift
    if "$@" >/tmp/out 2>&1; then
        echo "not ok - $text (it succeeded)"
        FAILED=1
    else
        echo "ok - $text"
    fi
}

# C tests name each of their cases.
cases() {
    "$@" >/tmp/out 2>&1
    rc=$?
    sed -n -e 's/^\[       OK \] /ok - /p' -e 's/^\[  FAILED  \] /not ok - /p' \
        /tmp/out | grep -v ' test(s)' | sort -u
    [ "$rc" -eq 0 ] && return
    sed 's/^/    /' /tmp/out
    FAILED=1
}

# --- what each part tries ------------------------------------------------------

device() {
    cases test_device
}

unplug() {
    cases test_unplug
}

tools() {
    for node in tpmrm0 tpm0; do
        try "tpm2_getrandom on $node" \
            tpm2 getrandom -T "scu:device:/dev/$node" --hex 16
        says '^[0-9a-f]{32}$' "gives random octets"
        try "tpm2_selftest on $node" \
            tpm2 selftest -T "scu:device:/dev/$node" --fulltest
    done
    try "tpm2_createprimary by scu.conf alone" \
        tpm2 createprimary -T scu -C o -G ecc -c /tmp/primary.ctx
    try "its context is loaded by another program" \
        tpm2 readpublic -T scu -c /tmp/primary.ctx
    fails "a driver that is not there" \
        tpm2 getrandom -T scu:device:/dev/tpmrm7 8
    says '^scu: cannot open /dev/tpmrm7: .*kernel driver' "is told as such"
}

stack() {
    printf '1234' >/tmp/pin
    chmod 600 /tmp/pin
    try "scu info" scu info
    try "scu provision" scu provision
    try "scu token init" scu token init --label kernel --pin-file /tmp/pin \
        --so-pin-file /tmp/pin
    try "a key on the token" pkcs11-tool --module /lib/scu-pkcs11.so \
        --login --pin 1234 --keypairgen --key-type EC:prime256v1 --label k
    echo "what is signed" >/tmp/data
    try "its signature" pkcs11-tool --module /lib/scu-pkcs11.so --login \
        --pin 1234 --sign --mechanism ECDSA-SHA256 --label k \
        --signature-format openssl -i /tmp/data -o /tmp/signature
    try "its public key" pkcs11-tool --module /lib/scu-pkcs11.so \
        --read-object --type pubkey --label k -o /tmp/public.der
    try "openssl finds it good" openssl dgst -sha256 -keyform DER \
        -verify /tmp/public.der -signature /tmp/signature /tmp/data
}

if [ ! -c /dev/tpmrm0 ]; then
    echo "not ok - the kernel has no driver for the chip"
    FAILED=1
else
    parts=$(sed -n 's/.*guest\.parts=\([a-z,]*\).*/\1/p' /proc/cmdline)
    echo "driver: $(basename "$(readlink /sys/class/tpm/tpm0/device/driver)")"
    for part in $(echo "$parts" | tr , ' '); do
        "$part"
    done
fi
read -r up _ </proc/uptime
echo "done: $FAILED, up for $up s"
sync
poweroff -f
