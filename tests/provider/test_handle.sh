#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Keys that tpm2-tools put under a persistent handle, by "handle:" URIs.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/provider/ways.sh"
provisioned
need tpm2_createprimary tpm2_evictcontrol
echo message >message

tpm2() { "tpm2_$1" -T "$SIM_TCTI" "${@:2}"; }
# persist HANDLE OPTION...: of the owner's hierarchy.
persist() {
    local handle=$1
    shift
    tpm2 createprimary -C o -P "$OWNER" -c key.ctx "$@" &&
        tpm2 evictcontrol -C o -P "$OWNER" -c key.ctx "$handle" &&
        tpm2 flushcontext -t
}
# The owner authorisation that provisioning set, for tpm2-tools.
OWNER=hex:$(sed -n 's/^owner *= *//p' "$SCU_STATE/authorisations")
sign='sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth'
{
    persist 0x81000020 -G ecc256:ecdsa-sha256:null -a "$sign" &&
        persist 0x81000021 -G rsa2048:null:null -a "$sign" -p secret &&
        persist 0x81000022 -G rsa2048:null:null \
            -a "${sign/sign/sign|noda}" -p secret
} >tools.log 2>&1 || give_up "$(cat tools.log)"

# After a reset the first use of such a key is answered by "again".
choose_way default-scu
o dgst -sha256 -sign handle:0x81000020 -out sig message ||
    give_up "no signature"

for way in "${WAYS[@]}"; do
    choose_way "$way"
    expect_ok "$way: its public half" o pkey -in handle:0x81000020 -pubout \
        -out key.pub
    expect_ok "$way: the same as a public key" o pkey -pubin \
        -in handle:0x81000020 -pubout -out same.pub
    expect_ok "is the same" cmp key.pub same.pub
    mark
    expect_ok "$way: it signs" o dgst -sha256 -sign handle:0x81000020 \
        -out sig message
    expect_ok "in $(commands | wc -l) commands, at most 5" \
        test "$(commands | wc -l)" -le 5
    expect_ok "verifies" alone dgst -sha256 -verify key.pub -signature sig \
        message
    expect_ok "$way: one with a password" o dgst -sha256 \
        -sign 'handle:0x81000021?pass' -passin pass:secret -out sig message
    o pkey -in handle:0x81000021 -pubout -out rsa.pub
    expect_ok "verifies" alone dgst -sha256 -verify rsa.pub -signature sig \
        message
    expect_exit 1 "$way: with a wrong one" o dgst -sha256 \
        -sign 'handle:0x81000022?pass' -passin pass:wrong -out sig message
    expect_output 'scu:.*the password of the key is wrong' "it is told"
    expect_exit 1 "$way: without" o dgst -sha256 \
        -sign handle:0x81000022 -out sig message
    expect_output 'scu:.*the password of the key is wrong' "it is told"
    expect_exit 1 "$way: no handle" o pkey -in handle:81000020 -noout
    expect_output 'scu:.*is no handle of a key' "it is told"
    expect_exit 1 "$way: nothing there" o pkey -in handle:0x81000030 -noout
    expect_output 'scu:.*no key at 0x81000030' "it is told"
    expect_exit 1 "$way: not persistent" o pkey -in handle:0x80000000 -noout
    expect_output 'scu:.*0x80000000 is no persistent handle' "it is told"
    expect_exit 1 "$way: a key in the chip has no file" o pkey \
        -in handle:0x81000020 -out stolen.pem
    expect_output 'scu:.*there is no file of it' "it is told"
done
expect_ok "the keys are where they were" tpm2_readpublic -T "$SIM_TCTI" \
    -c 0x81000020
chip_is_clean
finish
