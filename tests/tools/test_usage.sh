#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The command line: help, version, wrong usage, errors in JSON.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"

# wrong REGEXP ARGUMENT...: exit code 2, one line; the same with --json.
wrong() {
    local regexp=$1
    shift
    try 2 "scu $*: wrong usage" scu "$@"
    no_data "scu $*"
    says "$regexp" "scu $*: the line names it"
    try 2 "scu --json $*: wrong usage" scu --json "$@"
    same "scu --json $*: error" "$(get error name)" SCU_E_ARG
    same "scu --json $*: code" "$(get error code)" -1
}

wrong 'a command is missing.*scu --help'
wrong 'unknown command "nothing".*scu --help' nothing
wrong 'sim: a command is missing.*scu sim --help' sim
wrong 'sim: unknown command "nothing"' sim nothing
wrong 'unknown option --nothing' --nothing
wrong 'sim start: unknown option --nothing.*scu sim start --help' \
    sim start --nothing
wrong 'info: unknown option -x' info -x
wrong 'info: unexpected "more"' info more
wrong 'option --dir needs a value' sim start --dir
wrong 'option --force takes no value' provision --force=yes
wrong 'owner-auth "nothing"' provision --owner-auth nothing
wrong 'owner-auth "random="' provision --owner-auth random=
wrong 'fd=x: not a number' provision --owner-auth fd=x
wrong 'fd=-1: not a number' provision --owner-auth fd=-1
wrong 'fd=1x: not a number' provision --owner-auth fd=1x
wrong 'token: a command is missing.*scu token --help' token
wrong 'token init: --label is missing' token init
wrong 'tries "0": a number from 1 to 100' token init --label x --tries 0
wrong 'tries "1x": a number' token init --label x --tries 1x
wrong 'tries "101": a number' token init --label x --tries 101
wrong 'token pin: unexpected "1234"' token pin 1234
wrong 'token pin: unknown option --pin' token pin --pin=1234
wrong 'token remove: --token or --serial is missing' token remove
wrong 'bridge: --listen is missing' bridge
wrong 'bridge: unexpected "more"' bridge --listen tcp:127.0.0.1:0 more
wrong 'verify: FILE is missing.*scu verify --help' verify
wrong 'verify: FILE is missing' verify --nonce 00
wrong 'verify: unexpected "more"' verify file more
wrong 'verify: unknown option --nothing' verify file --nothing
wrong 'verify: --nonce is missing' verify file
wrong '8 to 32 octets in hexadecimal' verify file --nonce 0
wrong 'quote: --nonce is missing' quote
wrong 'quote: unexpected "more"' quote more
wrong 'quote: --nonce takes 8 to 32 octets' quote --nonce wxyz
wrong 'nonce has 8 to 32 octets' quote --nonce 00112233445566
wrong 'PCR selection "sha256"' quote --nonce 0011223344556677 --pcrs sha256
wrong 'key: a command is missing' key
wrong 'key gen: --type is missing' key gen
wrong 'key gen: --label is missing' key gen --type p256
wrong 'key import: FILE is missing' key import
wrong 'key adopt: FILE.HANDLE is missing' key adopt --label x
wrong 'key export: which object' key export
wrong 'key remove: which object' key remove --yes
wrong 'key export: unexpected "more"' key export pkcs11:object=x more
wrong 'key export: --id takes 1 to 64 octets' key export --id x

try 2 "an error behind --json" scu info --json more
same "it is an object" "$(get error name)" SCU_E_ARG
same "schema of a command" "$(get schema)" scu.info/1
try 2 "an error before --json" scu info --nothing --json
same "it is an object, too" "$(get schema)" scu.info/1
try 2 "schema of two words" scu sim start more --json
same "has a hyphen" "$(get schema)" scu.sim-start/1

try 0 "scu --help" scu --help
silent "scu --help"
prints '^Usage: scu COMMAND' "it shows the usage"
try 0 "help goes before other errors of the level" scu sim start --help more
prints '^Usage: scu sim start' "it is the command's"
try 0 "help of a command with an operand" scu verify --help
prints '^Usage: scu verify FILE \[OPTION' "it shows the operand"
try 0 "help behind the operand" scu verify file --help
prints '^Usage: scu verify FILE' "it is the same"
try 0 "help of one that can do without" scu key export --help
prints '^Usage: scu key export \[URI\] \[OPTION' "it shows that"
try 0 "scu --version" scu --version
prints '^scu [0-9]+\.' "it prints the version"

scu --help >/dev/full 2>"$SCRATCH/stderr"
same "a full device is noticed" $? 1
finish
