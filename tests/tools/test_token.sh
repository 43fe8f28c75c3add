#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu token: tokens, their PINs, what is refused and how it is said.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need pkcs11-tool setsid tpm2_getcap

# pin NAME TEXT: a file with a PIN, $SCRATCH/NAME.
pin() { (umask 077 && printf '%s\n' "$2" >"$SCRATCH/$1"); }
pin so so-12345
pin user user-12345
pin other other-6789
pin wrong wrong-0000
so=--so-pin-file=$SCRATCH/so
user=--pin-file=$SCRATCH/user

# state_of LABEL KEY...: of the token in the list that try left.
state_of() {
    local i label=$1
    shift
    for ((i = 0; i < $(get tokens length); i++)); do
        [ "$(get tokens $i label)" = "$label" ] && get tokens $i "$@"
    done
}

# --- nothing there yet -------------------------------------------------------

sim_start
try 0 "a list without a store" scu token list
prints '^There is no token: .scu token init' "it says what to do"
try 0 "the same in JSON" scu token list --json
same "schema" "$(get schema)" scu.token-list/1
same "no tokens" "$(get tokens length)" 0
try 4 "a token on an unprovisioned chip" scu token init --label x "$so"
says 'run .scu provision.' "the remedy is named"
try 1 "a PIN without a token" scu token pin
says 'there is no token: .scu token init' "it says so"
scu provision >/dev/null || give_up "scu provision"

# --- init --------------------------------------------------------------------

try 0 "a token without a user PIN" scu token init --label one "$so" --json
silent "init"
same "schema" "$(get schema)" scu.token-init/1
same "label" "$(get label)" one
same "tries" "$(get tries)" 10
same "no user PIN" "$(get user_pin_set)" false
one=$(get serial)
try 0 "a token with one" \
    scu token init --label two --tries 3 "$so" --pin-fd 3 3<"$SCRATCH/user"
prints '^tries +3 wrong PINs' "it has its number of tries"
prints '^user PIN +set$' "and a user PIN"
try 0 "the list" scu token list --json
same "has both" "$(get tokens length)" 2
same "the first has no user PIN" "$(state_of one user_pin_set)" false
same "the second has one" "$(state_of two user_pin_set)" true
same "its serial" "$(state_of one serial)" "$one"
same "its tries" "$(state_of two tries)" 3
same "is of this chip" "$(state_of one other_chip)" false
try 0 "the list in text" scu token list
prints "^one  $one  user PIN not set yet; SO PIN set\$" "has a line for each"
try 1 "a label that is taken" scu token init --label two "$so"
says "token 'two' already" "is refused"
chip_is_clean

# --- PINs that are refused before the chip sees them ----------------------------

chmod 640 "$SCRATCH/so"
try 1 "a PIN file that others can read" scu token init --label x "$so"
says 'open to others .mode 0640.: .chmod 600.' "is refused"
chmod 600 "$SCRATCH/so"
pin short abc
try 2 "a PIN of three octets" \
    scu token init --label x "$so" --pin-file "$SCRATCH/short"
says 'user PIN is too short or too long: a PIN has 4 to 127' "is refused"
pin long "$(printf '%0128d' 0)"
try 2 "a PIN of 128 octets" \
    scu token init --label x --so-pin-file "$SCRATCH/long"
same "nothing was made" "$(scu token list | grep -c '^x ')" 0
pin long "$(printf '%0127d' 0)"
try 0 "a PIN of 127 octets" \
    scu token init --label long --so-pin-file "$SCRATCH/long"
try 0 "is taken" scu token remove --token long --yes
try 2 "file and descriptor" scu token init --label x "$so" --so-pin-fd 0
says 'exclude each other' "exclude each other"
try 2 "no descriptor" scu token init --label x --so-pin-fd so-12345
says 'so-pin-fd so-12345: not a number' "is named"
try 2 "no terminal to ask on" setsid -w scu token init --label x
says 'use --so-pin-file or --so-pin-fd' "the options are named"

# --- the user's PIN --------------------------------------------------------------

# change CODE TEXT OLD NEW [OPTION...]: of token two.
change() {
    local code=$1 text=$2 old=$3 new=$4
    shift 4
    try "$code" "$text" scu token pin --token two \
        --pin-file "$SCRATCH/$old" --new-pin-file "$SCRATCH/$new" "$@"
}
change 0 "the user changes his PIN" user other
prints '^done +the user PIN is changed$' "it is said"
change 6 "the old one is wrong" user other
says "user PIN of token 'two' is wrong: 2 of 3 tries are left" \
    "it is said how many are left"
try 0 "list" scu token list --json
same "it counts" "$(state_of two user_pin failed)" 1
same "the SO's does not" "$(state_of two so_pin failed)" 0
change 0 "the right one" other user
try 0 "list" scu token list --json
same "begins the count anew" "$(state_of two user_pin failed)" 0
change 6 "a wrong one" wrong other --json
same "error" "$(get error name)" SCU_E_AUTH
change 6 "the second" wrong other
says '1 of 3 tries is left' "one is left"
try 0 "list" scu token list
prints '^two .*user PIN set, 2 of 3 tries failed; SO PIN set$' \
    "the list says so"
change 6 "the last" wrong other
says 'last try, it is locked now; the SO unlocks it by .scu token unlock.' \
    "it is locked"
change 6 "the right one does not help" user other --json
same "error" "$(get error name)" SCU_E_PIN_LOCKED
try 0 "list" scu token list
prints '^two .*user PIN LOCKED; SO PIN set$' "the list says so"
try 0 "list in JSON" scu token list --json
same "too" "$(state_of two user_pin locked)" true
chip_is_clean

# --- the SO ------------------------------------------------------------------

try 6 "a wrong SO PIN unlocks nothing" scu token unlock --token two \
    "$user" --so-pin-file "$SCRATCH/wrong"
says "SO PIN of token 'two' is wrong: 2 of 3 tries are left" "it counts"
try 0 "the SO unlocks" scu token unlock --token two "$user" "$so"
prints '^done +the user PIN is set' "it is said"
change 0 "then the user is in" user other
try 0 "the first user PIN of the other token" \
    scu token unlock --serial "$one" "$user" "$so" --json
same "the right one" "$(get label)" one
try 0 "list" scu token list --json
same "it has one now" "$(state_of one user_pin_set)" true
try 0 "a token with one try" scu token init --label frail --tries 1 "$so"
try 6 "a wrong SO PIN" scu token unlock --token frail "$user" \
    --so-pin-file "$SCRATCH/wrong"
says 'last try, it is locked now; nobody can unlock' "locks it"
try 6 "the right one" scu token unlock --token frail "$user" "$so"
says 'is locked after 1 wrong tries: nobody can unlock .*scu token remove' \
    "does not help, and it is said what does"
try 0 "list" scu token list
prints '^frail .*SO PIN LOCKED$' "the list says so"
try 0 "it can be removed" scu token remove --token frail --yes
change 0 "the SO changes his PIN" so wrong --so
prints '^done +the SO PIN is changed$' "it is said"
try 6 "the old one is wrong" scu token unlock --token two "$user" "$so"
change 0 "and back" wrong so --so
pkcs11() {
    run_foreign pkcs11-tool --module "$top_builddir/pkcs11/.libs/scu-pkcs11.so" "$@"
}
expect_ok "PKCS#11 has the same PIN" pkcs11 --token-label one \
    --login --pin user-12345 --keypairgen --key-type EC:prime256v1 --id 01
chip_is_clean

# --- which token ---------------------------------------------------------------

try 2 "neither label nor serial, two tokens" scu token pin
says "there are 2 tokens: .*$one .one." "lists them"
try 1 "a label that no token has" scu token unlock --token three
says "no token 'three'" "is named"
try 1 "a serial that no token has" scu token unlock --serial 0123
try 1 "a label and the other's serial" \
    scu token unlock --token two --serial "$one"
printf '[chip]\nspare-token = yes\n' >"$SCRATCH/scu.conf"
chmod 600 "$SCRATCH/scu.conf"
slot=$(SCU_CONF=$SCRATCH/scu.conf pkcs11 -L |
    sed -n 's/^Slot [0-9]* (0x\([0-9a-f]*\)): Empty.*/0x\1/p')
expect_ok "PKCS#11 makes another of that label" env \
    SCU_CONF="$SCRATCH/scu.conf" "${FOREIGN[@]}" pkcs11-tool \
    --module "$top_builddir/pkcs11/.libs/scu-pkcs11.so" --init-token \
    --slot "$((slot))" --label one --so-pin so-12345
try 2 "a label that two have" scu token unlock --token one "$user" "$so"
says "2 tokens are called 'one': say which by --serial: .*$one" "lists them"
other=$(scu token list | awk -v "one=$one" '$1 == "one" && $2 != one {
    print $2 }')
try 0 "by serial the other one goes" scu token remove --serial "$other" --yes

# --- remove --------------------------------------------------------------------

try 2 "without a terminal and --yes" setsid -w scu token remove --token two
says 'no terminal to ask on .*: say --yes' "nothing is removed"

expect_exit 1 "another label than its own" \
    typed one -- scu token remove --token two
expect_output "Token 'two' .* will be gone for good" "it is asked"
expect_output 'nothing is removed' "and said"
same "it is there" "$(scu token list | grep -c '^two ')" 1
before=$(tpm2_getcap -T "$SIM_TCTI" handles-nv-index | wc -l)
expect_ok "its own label" typed two -- scu token remove --token two
same "it is gone" "$(scu token list | grep -c '^two ')" 0
same "and so are its indices" \
    "$(tpm2_getcap -T "$SIM_TCTI" handles-nv-index | wc -l)" $((before - 2))
try 1 "once more" scu token remove --token two --yes

# --- on a terminal ---------------------------------------------------------------

long=123456789012345678901234567890123
for label in "$long" ''; do
    expect_exit 2 "a label that is none" typed so-12345 so-12345 -- \
        scu token init --label "$label"
    expect_output 'a label has 1 to 32 octets' "is told"
    same "before any PIN is asked for" \
        "$(grep -c 'PIN of token' "$SCRATCH/out")" 0
done
expect_ok "PINs that are typed" \
    typed so-12345 so-12345 user-12345 user-12345 -- \
    scu token init --label typed --with-pin
expect_output "New SO PIN of token 'typed': " "it asks for the SO PIN"
expect_output "Repeat user PIN of token 'typed': " "and for the user PIN"
same "they are not shown" "$(grep -c -e so-12345 -e user-12345 \
    "$SCRATCH/out")" 0
try 0 "they are the ones that were typed" scu token pin --token typed \
    "$user" --new-pin-file "$SCRATCH/other"

# --- what the owner removed, and another chip ------------------------------------

index=$(tpm2_getcap -T "$SIM_TCTI" handles-nv-index | awk '{ print $2 }' |
    tail -1)
owner=$(sed -n 's/^owner[ =:]*//p' "$SCU_STATE/authorisations")
expect_ok "the chip's owner removes an index" \
    tpm2_nvundefine -T "$SIM_TCTI" -C o -P "hex:$owner" "$index"
try 0 "the list goes on" scu token list --json
same "with a token that is lost" \
    "$(state_of one lost)$(state_of typed lost)" falsetrue
try 0 "in text" scu token list
prints '^typed .*lost: the chip.s owner removed' "it says so"
try 0 "it can be removed" scu token remove --token typed --yes

sim_power_cut
rm -f "$SIM_DIR"/*
sim_power_on
mv "$SCU_STATE" "$SCRATCH/kept"
export SCU_STORE=$SCRATCH/kept
scu provision >/dev/null || give_up "scu provision of another chip"
try 0 "with another chip" scu token list
prints "^one +$one +of another chip: not usable here" "a token is listed"
try 3 "but cannot be used" scu token unlock "$user" "$so"
says 'made by another chip' "which is said"
try 0 "its label is free here" scu token init --label one "$so"
try 2 "then there are two" scu token unlock --token one
says "$one .one, of another chip." "it is said which is foreign"
try 0 "the foreign one can be forgotten" \
    scu token remove --serial "$one" --yes
try 0 "that of this chip stays" scu token unlock "$user" "$so"
chip_is_clean
finish
