#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The link "device" on Linux' own drivers: QEMU boots Debian's cloud kernel,
# which has them built in, before swtpm, once with a chip of the FIFO interface
# (tpm_tis) and once with one of the CRB interface (tpm_crb). What is tried
# there is in guest.sh. Run by `make check-kernel`; nothing is installed here.
. "$top_srcdir/tests/lib/lib.sh"
cd "$SCRATCH" || give_up "$SCRATCH"

# --- what it takes -------------------------------------------------------------

# The kernel's image: SCU_KERNEL, what `./bootstrap --check-kernel` unpacked, or
# an installed one.
kernel_image() {
    local image
    for image in ${SCU_KERNEL:+"$SCU_KERNEL"} \
        "$top_builddir"/kernel/vmlinuz-*-cloud-amd64 \
        /boot/vmlinuz-*-cloud-amd64; do
        [ -r "$image" ] && echo "$image" && return
    done
}

[ -x "$top_builddir/tests/kernel/test_device" ] ||
    skip "configured without cmocka, which the guest's programs need"
missing=()
# wanted PROGRAM PACKAGE
wanted() { command -v "$1" >/dev/null || missing+=("$2"); }
[ "$(uname -m)" = x86_64 ] || skip "the guest is of amd64, this machine is not"
[ -z "$(sanitizer_runtimes)" ] ||
    skip "programs of others do not boot with a sanitizer's runtime"
wanted qemu-system-x86_64 qemu-system-x86
wanted "${SWTPM:-swtpm}" swtpm
wanted busybox busybox-static
wanted tpm2 tpm2-tools
wanted pkcs11-tool opensc
wanted openssl openssl
kernel=$(kernel_image)
[ -n "$kernel" ] || missing+=(linux-image-cloud-amd64)
[ "${#missing[@]}" -eq 0 ] || skip "missing Debian packages: ${missing[*]};" \
    "./bootstrap --check-kernel installs them, and unpacks the kernel only"
ldd "$(command -v busybox)" >/dev/null 2>&1 &&
    skip "busybox needs libraries; install the package busybox-static"

# --- the guest's files -----------------------------------------------------------

root=$SCRATCH/root
mkdir -p "$root"/{bin,lib,lib64,proc,sys,dev,tmp,etc/ssl} \
    "$root/var/lib/scu" "$root/run"
install -m 755 "$top_srcdir/tests/kernel/guest.sh" "$root/init"
programs=("$(command -v busybox)" "$(command -v tpm2)"
    "$(command -v openssl)" "$(command -v pkcs11-tool)"
    "$top_builddir/tools/.libs/scu"
    "$top_builddir/tests/kernel/test_device"
    "$top_builddir/tests/kernel/test_unplug")
modules=("$top_builddir/tcti-scu/.libs/libtss2-tcti-scu.so.0"
    "$top_builddir/pkcs11/.libs/scu-pkcs11.so")
cp "${programs[@]}" "$root/bin/" || give_up "the guest's programs"
cp -L "${modules[@]}" "$root/lib/" || give_up "the guest's modules"
# All that they are linked to; the loader at the place that they name.
ldd "${programs[@]:1}" "${modules[@]}" 2>ldd.log |
    awk '$2 == "=>" { print $3 } $1 ~ /\/ld-linux/ { print $1 }' |
    sort -u >libraries
grep -q ld-linux libraries || give_up "ldd: $(cat ldd.log)"
while read -r library; do
    case $library in
    /lib64/*) cp -L "$library" "$root/lib64/" ;;
    *) cp -L "$library" "$root/lib/" ;;
    esac
done <libraries
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
: >"$root/etc/ssl/openssl.cnf"
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null |
    gzip -1) >initramfs || give_up "the guest's file system"

# --- boots -----------------------------------------------------------------------

# boot NAME DEVICE PARTS: in the background; its lines are in NAME.result.
boot() {
    local dir=$SCRATCH/$1
    mkdir "$dir"
    spawn "${SWTPM:-swtpm}" socket --tpm2 --tpmstate "dir=$dir" \
        --ctrl "type=unixio,path=$dir/ctrl" >"$dir/swtpm.log" 2>&1
    tpm-counter --wait "$dir/ctrl" ||
        give_up "swtpm does not answer: $(cat "$dir/swtpm.log")"
    # Never by KVM: inside another virtual machine it may hang.
    spawn qemu-system-x86_64 -machine pc,accel=tcg -m 256 \
        -nodefaults -no-user-config -display none -no-reboot \
        -kernel "$kernel" -initrd initramfs -append \
        "console=ttyS0 panic=-1 quiet no_timer_check guest.parts=$3" \
        -serial "file:$dir.console" -serial "file:$dir.result" \
        -chardev "socket,id=control,path=$dir/ctrl" \
        -tpmdev emulator,id=chip,chardev=control \
        -device "$2,tpmdev=chip" </dev/null >"$dir.qemu" 2>&1
}

# verdict NAME DRIVER PID
verdict() {
    local rc=0
    timeout 150 tail --pid="$3" -s 0.1 -f /dev/null ||
        kill -KILL "$3" # it hangs
    wait "$3" || rc=$?
    tr -d '\r' <"$1.result" >"$1.lines" 2>/dev/null
    sed "s/^/$2: /" "$1.lines"
    grep -q "^driver: $2\$" "$1.lines" || fail "$2 is not the guest's driver"
    grep -q '^done: 0,' "$1.lines" && ! grep -q '^not ok' "$1.lines" && return
    fail "the guest with $2 (qemu: exit code $rc)"
    sed 's/^/    /' "$1.qemu"
    tail -n 30 "$1.console" | sed 's/^/    /'
}

boot fifo tpm-tis device,tools,stack,unplug
fifo_pid=$SPAWNED
boot crb tpm-crb device,unplug
verdict fifo tpm_tis "$fifo_pid"
verdict crb tpm_crb "$SPAWNED"
finish
