#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The trace of each link, in Wireshark's eyes: nothing but TPM 2.0.
. "$top_srcdir/tests/lib/lib.sh"
need tshark

expect_ok "a trace from each link" \
    "$top_builddir/tests/tcti-scu/traces" "$SCRATCH"
for link in device spi i2c uart swtpm sim; do
    file=$SCRATCH/$link
    # No -d: Wireshark takes the port for a TPM's by itself.
    expect_ok "tshark reads that of $link" tshark -n -r "$file"
    expect_output 'TPM Request.*TPM2_CC_GetCapability' "it sees the command"
    expect_output 'TPM Response.*Success' "it sees the response"
    read -ra codes < <(tshark -n -r "$file" -T fields -e tpm.req.cc \
        -e tpm.resp.rc -Y 'tpm && !_ws.malformed' 2>/dev/null |
        tr -s '\t\n' ' ')
    expect_exit 0 "commands and responses in their order, none malformed" \
        test "${codes[*]}" = \
        "0x0000017a 0x00000000 0x0000017a 0x00000000 0x0000017a"
    expect_ok "tshark checks the sums" tshark -n -r "$file" \
        -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
        -Y 'ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"' \
        -T fields -e frame.number
    expect_exit 1 "none is wrong" grep -q '^[0-9]' "$SCRATCH/out"
done
finish
