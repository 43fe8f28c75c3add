#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The command lists of what people do with keys, counted outside the stack.
. "$top_srcdir/tests/apps/apps.sh"
chip_with_keys
chip_is_clean

# --- processes -----------------------------------------------------------------

mark
expect_ok "the provider loads" with_scu openssl list -providers
expect_output 'name: .*SCU' "it is there"
expect_commands "$golden/none.txt" "loading it costs nothing"

mark
expect_ok "the public half of a key file" \
    with_scu openssl pkey -in server.key -pubout -out server.pub
expect_commands "$golden/none.txt" "a key file that is only read costs nothing"
expect_ok "of the RSA key" \
    with_scu openssl pkey -in ca.key -pubout -out ca.pub
expect_commands "$golden/none.txt" "costs nothing either"

echo "to be signed" >text
# process KEY GOLDEN: a whole process that signs once.
process() {
    mark
    expect_ok "openssl dgst -sign with $1" \
        with_scu openssl dgst -sha256 -sign "$1.key" -out "$1.sig" text
    expect_commands "$golden/$2"
    at_most 5
    expect_ok "its signature is good" \
        openssl dgst -sha256 -verify "$1.pub" -signature "$1.sig" text
    chip_is_clean
}
process server dgst-p256.txt
process ca dgst-rsa2048.txt

# --- one process, step by step ---------------------------------------------------

# start PROVIDER...: the signer, on descriptors 3 (its input) and 4.
start() {
    rm -f in.fifo out.fifo
    mkfifo in.fifo out.fifo
    exec 8<>in.fifo 9<>out.fifo
    spawn "${FOREIGN[@]}" "$top_builddir/tests/apps/signer" "$@" \
        <in.fifo >out.fifo 2>signer.err 8<&- 9<&-
    SIGNER=$SPAWNED
    exec 3>in.fifo 4<out.fifo 8<&- 9<&-
}
trap '' PIPE # a signer that died is told by its answer
# tell STEP: what the signer is to do next; it must succeed.
tell() {
    local answer=nothing
    mark
    echo "$1" >&3
    IFS= read -r -t 30 -u 4 answer
    if [ "$answer" = "done" ]; then
        pass "$1"
    else
        fail "$1: $answer: $(cat signer.err)"
    fi
}
# stop: end of input; the process ends by itself.
stop() {
    mark
    exec 3>&-
    wait "$SIGNER"
    expect_ok "the signer ends well" test $? -eq 0
    exec 4<&-
}

# life KEY DIGEST
life() {
    start scu default
    tell "load $1"
    expect_commands "$golden/none.txt" "loading a key file costs nothing"
    tell "oneshot $2"
    expect_commands "$golden/first.txt" "the first signature"
    tell "oneshot $2"
    expect_commands "$golden/sign.txt" "a warm signature, one-shot"
    tell "streamed $2"
    expect_commands "$golden/sign.txt" "a warm signature, streamed"
    tell "raw $2"
    expect_commands "$golden/sign.txt" "a warm signature of a digest"
    stop
    at_most 2
    chip_is_clean
}
life server.key SHA256
life ca.key SHA256
finish
