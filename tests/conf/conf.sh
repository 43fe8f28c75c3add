# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Beyond tests/lib/lib.sh: what sysusers and tmpfiles make of our files, and a
# machine of one's own for udev, in a namespace of mounts.
. "$top_srcdir/tests/lib/lib.sh"
ROOT=$SCRATCH/root

# make_group: by systemd-sysusers, in $ROOT; its number is in GID.
make_group() {
    mkdir -p "$ROOT/etc"
    echo 'root:x:0:0::/root:/bin/sh' >"$ROOT/etc/passwd"
    echo 'root:x:0:' >"$ROOT/etc/group"
    expect_ok "systemd-sysusers makes the group" systemd-sysusers \
        "--root=$ROOT" "$top_srcdir/conf/sysusers.d/scu.conf"
    GID=$(awk -F: '$1 == "scu" { print $3 }' "$ROOT/etc/group")
    [ -n "$GID" ] || give_up "there is no group scu"
}

# in_own_mounts: the whole script again, with mounts of its own.
in_own_mounts() {
    [ "${SCU_TEST_MOUNTS:-}" != own ] || return 0
    [ "$(id -u)" -eq 0 ] || skip "needs to be root, for several users"
    need unshare mount
    unshare --mount true 2>/dev/null || skip "no namespace of mounts to be had"
    rm -rf "$SCRATCH"
    SCU_TEST_MOUNTS=own exec unshare --mount -- bash "$0"
}

# own_machine: /run, /dev and /sys are empty, /etc is a copy without rules of
# udev but ours. $BUILD is top_builddir where all users can go.
own_machine() {
    local f
    BUILD=/mnt/build
    chmod 711 "$SCRATCH"
    cp -a /etc "$SCRATCH/etc" || give_up "/etc cannot be copied"
    for f in /run /sys /mnt /dev; do
        mount -t tmpfs -o mode=0755 none "$f" || skip "$f cannot be mounted"
    done
    mknod -m 666 /dev/null c 1 3 || skip "no device nodes to be had"
    mknod -m 666 /dev/urandom c 1 9
    mkdir "$BUILD"
    if ! mount --bind "$SCRATCH/etc" /etc ||
        ! mount --bind "$top_builddir" "$BUILD"; then
        give_up "mount --bind"
    fi
    rm -rf /etc/udev
    mkdir -p /etc/udev/rules.d
    cp "$top_srcdir/conf/70-scu.rules" /etc/udev/rules.d/
    # udev is to believe that folder.
    export SYSTEMD_DEVICE_VERIFY_SYSFS=0
    top_builddir=$BUILD
    . "$top_srcdir/tests/lib/env.sh"
    preload=$(sanitizer_runtimes)
}

# model_on: ON_MODEL has programs find a model behind the nodes, for all users.
model_on() {
    sim_power_on
    chmod 666 "$SIM_DIR"/swtpm.sock*
    # shellcheck disable=SC2034 # for those who source this
    ON_MODEL=(env "SCU_MODEL_CHIP=$SIM_DIR/swtpm.sock"
        "LD_PRELOAD=${preload:+$preload }$BUILD/tests/tcti-scu/.libs/libpreload.so"
        "ASAN_OPTIONS=detect_leaks=0:${ASAN_OPTIONS:-}")
}

# add_device SUBSYSTEM NAME MINOR [PARENT]: a node of major 1 (minor 3 can be
# opened, it is /dev/null), below that device of the board.
add_device() {
    local dir=/sys/devices/${4:-board}/$1/$2
    mkdir -p "$dir" "/sys/class/$1"
    ln -s "/sys/class/$1" "$dir/subsystem"
    ln -s "$dir" "/sys/class/$1/$2"
    echo "1:$3" >"$dir/dev"
    printf 'MAJOR=1\nMINOR=%s\nDEVNAME=%s\n' "$3" "$2" >"$dir/uevent"
    mknod -m 600 "/dev/$2" c 1 "$3" || give_up "$2 cannot be made"
}

# udev_sees SUBSYSTEM NAME: what its rules do with it is in $SCRATCH/out.
udev_sees() {
    expect_ok "udev sees $2" udevadm test "$(realpath "/sys/class/$1/$2")"
}
