#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Several users of the group scu at one bare chip, with what sysusers, tmpfiles
# and udev make of our files; and one who is not of that group.
. "$top_srcdir/tests/conf/conf.sh"
need systemd-sysusers systemd-tmpfiles udevadm setpriv tpm2_getrandom
in_own_mounts

# --- the folders ---------------------------------------------------------------

make_group
expect_ok "systemd-tmpfiles makes the folders" systemd-tmpfiles --create \
    "--root=$ROOT" "$top_builddir/conf/tmpfiles.d/scu.conf"
# has FILE MODE USER GROUP
has() {
    expect_ok "$1 is $2 $3 $4" test "$(stat -c '%a %u %g' "$1")" = "$2 $3 $4"
}
has "$ROOT/run/scu" 2770 0 "$GID"
has "$ROOT$(awk '$2 ~ /lib\/scu$/ { print $2 }' \
    "$top_builddir/conf/tmpfiles.d/scu.conf")" 755 0 0

# --- the nodes -----------------------------------------------------------------

own_machine
mkdir /run/scu
mount --bind "$ROOT/run/scu" /run/scu || give_up "mount --bind"
echo "scu:x:$GID:" >>/etc/group
add_device spidev spidev0.0 3
add_device spidev spidev0.1 20
udev_sees spidev spidev0.0
has /dev/spidev0.0 600 0 0

cp "$top_srcdir/conf/65-scu-chip.rules" /etc/udev/rules.d/
udev_sees spidev spidev0.0
has /dev/spidev0.0 660 0 "$GID"
expect_ok "it has its name" test /dev/scu/default -ef /dev/spidev0.0
udev_sees spidev spidev0.1
has /dev/spidev0.1 600 0 0

# row SUBSYSTEM NAME MINOR [PARENT]
row() {
    add_device "$@"
    udev_sees "$1" "$2"
    # Whose it is other rules say.
    expect_ok "$2 is the group's" \
        test "$(stat -c '%a %g' "/dev/$2")" = "660 $GID"
}
row i2c-dev i2c-1 21
row tty ttyS1 22
udev_sees tty ttyS1
expect_output 'ID_MM_PORT_IGNORE=1' "ModemManager leaves it alone"
row tpmrm tpmrm0 23
row gpio gpiochip0 24
usb=/sys/devices/usb1/1-1
mkdir -p "$usb" /sys/bus/usb
ln -s /sys/bus/usb "$usb/subsystem"
for file in uevent idVendor=0403 idProduct=6001 serial=A1B2C3D4; do
    echo "${file#*=}" >"$usb/${file%=*}"
done
: >"$usb/uevent"
row tty ttyUSB0 25 usb1/1-1
expect_ok "it has its name" test /dev/scu/adapter -ef /dev/ttyUSB0
malformed() {
    udevadm test /sys/class/spidev/spidev0.0 2>&1 |
        grep -E '^/etc/udev/rules.d/[^ ]*scu[^ ]*:[0-9]+ '
}
expect_exit 1 "no rule is malformed" malformed
echo 'GROOP="scu"' >/etc/udev/rules.d/99-scu-wrong.rules
expect_exit 0 "else it would be seen" malformed
rm /etc/udev/rules.d/99-scu-wrong.rules
mkdir -p /sys/devices/board/spi0.0 /sys/bus/spi
ln -s /sys/bus/spi /sys/devices/board/spi0.0/subsystem
echo 'MODALIAS=spi:tpm_tis-spi' >/sys/devices/board/spi0.0/uevent
echo '(null)' >/sys/devices/board/spi0.0/driver_override
expect_ok "udev sees the device on SPI" udevadm test -a add \
    /sys/devices/board/spi0.0
expect_ok "it is for spidev" grep -qx spidev \
    /sys/devices/board/spi0.0/driver_override

# --- the users -----------------------------------------------------------------

model_on
export SCU_TCTI=scu:spi:/dev/scu/default SCU_STATE=$SCRATCH/state
expect_ok "root provisions the chip" "${ON_MODEL[@]}" scu provision
chmod 711 "$SCRATCH"

# as USER GROUP COMMAND...
as() {
    local uid=$1 groups=$2
    shift 2
    mkdir -p "$SCRATCH/home-$uid"
    chown "$uid" "$SCRATCH/home-$uid"
    "${SPAWN[@]}" setpriv --reuid "$uid" --regid "$uid" --groups "$groups" \
        "${ON_MODEL[@]}" "HOME=$SCRATCH/home-$uid" "$@"
}
SPAWN=()
turn=/run/scu/dev-spidev0.0.turn
has "$turn" 660 0 "$GID"
for uid in 61001 61002; do
    expect_ok "user $uid of the group, by tpm2-tools" as "$uid" "$GID" \
        tpm2_getrandom -T "$SCU_TCTI" --hex 8
    expect_ok "and by this stack" as "$uid" "$GID" scu status
    expect_output "^turns +it is nobody's, by $turn\$" "who takes turns"
done

# Keys and sessions of both, and a third one's, in a chip with three slots.
mkfifo "$SCRATCH/ready"
exec 8<>"$SCRATCH/ready"
holders=() lines=()
SPAWN=(spawn)
for uid in 61001 61002 61001 61002; do
    mkfifo "$SCRATCH/line.${#lines[@]}"
    exec {line}<>"$SCRATCH/line.${#lines[@]}"
    as "$uid" "$GID" "$BUILD/tests/tools/turn-holder" <&"$line" >&8
    holders+=("$SPAWNED") lines+=("$line")
    read -rt 60 -u 8 _ || give_up "turn-holder is not ready"
done
pass "four programs of two users have keys there"
SPAWN=()
expect_ok "one of them looks at it" as 61001 "$GID" scu status
expect_output "process ${holders[3]} \(turn-holder\)" "and sees the other's"
ended=0
for i in "${!holders[@]}"; do
    echo >&"${lines[i]}"
    wait "${holders[i]}" || ended=1
done
expect_ok "all end well" test "$ended" -eq 0
has "$turn" 660 0 "$GID"

# Made by a user, it is the group's all the same.
rm "$turn"
expect_ok "a user makes the file of turns" as 61001 "$GID" scu info
has "$turn" 660 61001 "$GID"
expect_ok "which another one takes" as 61002 "$GID" scu info
expect_ok "and root" "${ON_MODEL[@]}" scu info
expect_failure "without a complaint" grep turns "$SCRATCH/out"

# --- who is not of the group -----------------------------------------------------

expect_failure "a stranger" as 61003 61003 tpm2_getrandom -T "$SCU_TCTI" 8
expect_output 'permission denied; add the user to the group' "is told so"
expect_failure "he cannot see who is there" as 61003 61003 ls /run/scu
expect_failure "nor change what is pinned" as 61001 "$GID" \
    sh -c "echo >>$SCU_STATE/pins"
expect_failure "nor has a member the authorisations" as 61001 "$GID" \
    cat "$SCU_STATE/authorisations"
finish
