# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Beyond tests/lib/lib.sh: the indented blocks of a page. Each has a line before
# it that says what is to be done with it:
#
#   <!-- test -->           commands; "test when WORD": where scu has that one;
#                          "test fresh": on a chip that nobody provisioned;
#                          "test as root"
#   <!-- file PATH -->       content of that file
#   <!-- rules -->           of udev
#   <!-- output -->          of the commands before it; numbers may differ
#   <!-- message NAME -->    what a program says; provoke_NAME makes it do so

# blocks PAGE: $SCRATCH/blocks has a file for each block, NUMBER and what its
# line says, with _ for spaces and / ; "unmarked" has what has no such line.
blocks() {
    mkdir -p "$SCRATCH/blocks"
    awk -v dir="$SCRATCH/blocks" '
        /^<!-- .* -->$/ {
            gsub(/^<!-- | -->$/, ""); gsub(/[ \/]+/, "_")
            file = sprintf("%s/%03d_%s", dir, ++n, $0)
            next
        }
        /^    / { print substr($0, 5) >(file ? file : dir "/unmarked") }
        /^[^ ]/ { file = "" }' "$1"
    expect_failure "each block of $(basename "$1") says what it is" \
        test -e "$SCRATCH/blocks/unmarked"
}

# examples FOLDER: as they are installed.
examples() {
    mkdir -p "$1"
    cp -r "$top_srcdir"/conf/65-scu-chip.rules "$top_srcdir/conf/scu.conf" \
        "$top_srcdir"/conf/device-tree/*.dts \
        "$top_srcdir/conf/tpm2-abrmd.service.d" "$1"
}

# A folder's name is a test's own.
without_scratch() {
    sed -E -e "s,$SCRATCH(/quiet)?,,g" -e 's/,lock=[^ ,]*//g' \
        -e 's,irq=/dev/,irq=,' -e 's/dev-null\.turn/dev-spidev0.0.turn/' \
        -e 's/^scu: process [0-9]+ /scu: process 4711 /'
}
