#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The files for sysusers, tmpfiles, udev and the device tree, by the programs
# that read them; what needs root, in tests/conf/test_users.sh.
. "$top_srcdir/tests/conf/conf.sh"
need systemd-sysusers systemd-tmpfiles dtc

make_group
expect_ok "it is a system's group" test "$GID" -lt 1000
expect_ok "again: nothing to do" systemd-sysusers --dry-run "--root=$ROOT" \
    "$top_srcdir/conf/sysusers.d/scu.conf"
expect_failure "it makes no user" grep -q scu "$ROOT/etc/passwd"

tmpfiles=$top_builddir/conf/tmpfiles.d/scu.conf
expect_failure "no folder is left to be filled in" grep -q @ "$tmpfiles"
expect_ok "it has the folder of turns" grep -qx 'd /run/scu 2770 root scu -' \
    "$tmpfiles"
expect_ok "which is libscu's" grep -q '"/run/scu"' \
    "$top_srcdir/tss-backend/chip/place.h"
expect_ok "and the state's" grep -qE "^d /[^ ]*/lib/scu 0755 root root -$" \
    "$tmpfiles"

for file in "$top_srcdir"/conf/device-tree/*.dts; do
    expect_ok "${file##*/} compiles" dtc -@ -I dts -O dtb -o "$SCRATCH/x.dtbo" \
        "$file"
    expect_ok "without a warning" test ! -s "$SCRATCH/out"
    expect_ok "it is for the chip" sh -c "dtc -I dtb -O dts '$SCRATCH/x.dtbo' |
        grep -qE 'compatible = .*tcg,tpm[-_]tis-(spi|i2c)\"'"
done
finish
