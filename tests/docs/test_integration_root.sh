#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What docs/integration.md has root do, on a machine of the test's own; no
# service manager and no udevd runs there, others stand for them.
. "$top_srcdir/tests/conf/conf.sh"
. "$top_srcdir/tests/docs/docs.sh"
need systemd-sysusers systemd-tmpfiles systemd-analyze udevadm usermod setpriv \
    tpm2_getrandom
[ -e /lib/systemd/system/tpm2-abrmd.service ] ||
    skip "tpm2-abrmd is not installed"
in_own_mounts
own_machine
blocks "$top_srcdir/docs/integration.md"
examples "$SCRATCH/examples"

# --- the machine -----------------------------------------------------------------

for user in alice:61001 bob:61002; do
    echo "${user%:*}:x:${user#*:}:65534::$SCRATCH:/bin/sh" >>/etc/passwd
done
sed -i '/^scu:/d' /etc/group /etc/gshadow
mkdir -p /run/sysusers.d /run/tmpfiles.d "$SCRATCH/bin"
cp "$top_srcdir/conf/sysusers.d/scu.conf" /run/sysusers.d/
# The states of the real machine are not touched.
sed 's|^d /[^ ]*/lib/scu |d /run/lib/scu |' \
    "$top_builddir/conf/tmpfiles.d/scu.conf" >/run/tmpfiles.d/scu.conf
add_device spidev spidev0.0 3
# Udevd does at a trigger what "udevadm test" does now.
cat >"$SCRATCH/bin/udevadm" <<SH
#!/bin/sh
echo "udevadm \$*" >>$SCRATCH/called
[ "\$1" != trigger ] ||
    exec $(command -v udevadm) test /sys/devices/board/spidev/spidev0.0
SH
cat >"$SCRATCH/bin/systemctl" <<SH
#!/bin/sh
echo "systemctl \$*" >>$SCRATCH/called
SH
chmod +x "$SCRATCH/bin/udevadm" "$SCRATCH/bin/systemctl"
for option in 'control --reload' 'trigger --settle'; do
    expect_ok "udevadm has $option" sh -c \
        "udevadm ${option% *} --help | grep -qe '${option#* }'"
done

# --- the commands ------------------------------------------------------------------

ran=0
for block in "$SCRATCH"/blocks/*; do
    case $block in
    *_rules)
        cp "$block" /etc/udev/rules.d/65-scu-chip.rules
        ;;
    *_test_as_root)
        expect_ok "commands of ${block##*/}" env PATH="$SCRATCH/bin:$PATH" \
            EXAMPLES="$SCRATCH/examples" bash -eu "$block"
        ran=$((ran + 1))
        ;;
    esac
done
expect_ok "there were commands" test "$ran" -ge 3

expect_ok "alice is of the group" sh -c 'id -nG alice | grep -qw scu'
expect_ok "the node is the group's" sh -c \
    "stat -Lc '%a %G' /dev/scu/default | grep -qx '660 scu'"
expect_ok "the folder of turns is there" test -g /run/scu
unit=/etc/systemd/system/tpm2-abrmd.service
expect_failure "the unit requires no /dev/tpm0" grep dev-tpm0 "$unit"
expect_ok "systemd takes it" systemd-analyze verify --man=no \
    --recursive-errors=one "$unit"
expect_failure "without a word" grep -F tpm2-abrmd "$SCRATCH/out"
expect_ok "the daemon starts again" grep -qx 'systemctl restart tpm2-abrmd' \
    "$SCRATCH/called"

# --- what became of it ---------------------------------------------------------------

model_on
as() {
    local user=$1
    shift
    setpriv --reuid "$user" --regid 65534 --init-groups "${ON_MODEL[@]}" "$@"
}
expect_ok "alice uses the chip" as alice tpm2_getrandom \
    -T scu:spi:/dev/spidev0.0 --hex 8
expect_failure "bob does not" as bob tpm2_getrandom \
    -T scu:spi:/dev/spidev0.0 --hex 8
cp "$SCRATCH/out" "$SCRATCH/said"
expect_ok "and is told why" grep -Ff \
    "$(echo "$SCRATCH"/blocks/*_message_permission)" "$SCRATCH/said"
finish
