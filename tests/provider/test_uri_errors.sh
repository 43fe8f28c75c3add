#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What goes wrong with URIs: one line with cause and remedy, and no more tries
# of a PIN than were asked for.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
. "$top_srcdir/tests/provider/ways.sh"
need sqlite3
chip_with_token one
new_key k 01
echo message >message
printf '%s' "$PIN" >pin && chmod 600 pin
key="pkcs11:token=one;object=k"
pin="pin-source=file:$SCRATCH/pin"
sign() { o dgst -sha256 -sign "$1" -out sig message; }
# refused WAY TEXT URI REGEXP: with one line of ours, which matches.
refused() {
    choose_way "$1"
    expect_exit 1 "$1: $2" sign "$3"
    expect_output ":scu::.*($4)" "the cause is told"
    expect_ok "once" test "$(grep -c :scu:: out)" -eq 1
}
two_ways=(scu-default default-scu.cnf)

# --- where the PIN comes from -----------------------------------------------------

cp pin open-pin && chmod 644 open-pin
cp pin group-pin && chmod 640 group-pin
mkdir folder && mkfifo fifo
for way in "${two_ways[@]}"; do
    while IFS='|' read -r text query regexp; do
        refused "$way" "$text" "$key?$query" "$regexp"
    done <<END
a PIN file that others can read|pin-source=file:$SCRATCH/open-pin|open-pin holds a PIN but is open to others .mode 0644.: .chmod 600. it
one that a group can read|pin-source=file:$SCRATCH/group-pin|is open to others
one that is not there|pin-source=file:$SCRATCH/nothing|cannot open .*nothing: No such file
a folder|pin-source=file:$SCRATCH/folder|folder is not a regular file
a FIFO|pin-source=file:$SCRATCH/fifo|fifo is not a regular file
an empty one|pin-source=file:/dev/null|is not a regular file
a program|pin-source=%7C/bin/cat%20pin|a PIN is read from files only
a server|pin-source=https://host/pin|a PIN is read from files only
two PINs|pin-value=x&$pin|both a pin-value and a pin-source
a PIN that is none|pin-value=123|a PIN has 4 to 127 octets
END
    # Nobody to ask.
    choose_way "$way"
    expect_exit 1 "$way: no PIN at all" sign "$key" </dev/null
    expect_output "the PIN of token 'one': give it when asked" "is told"
done

# --- what is sought --------------------------------------------------------------

for way in "${two_ways[@]}"; do
    refused "$way" "no such token" "pkcs11:token=two?$pin" \
        'no token of the store matches pkcs11:token=two'
    refused "$way" "no such object" "pkcs11:token=one;object=x?$pin" \
        'no private key matches pkcs11:token=one;object=x'
    refused "$way" "a malformed URI" "pkcs11:token=%q" 'a value has a bad %XX'
    refused "$way" "an URI with an unknown part" "pkcs11:fruit=banana" \
        'an attribute or a type that is not known'
done

# --- PINs that are wrong -----------------------------------------------------------

low() { tool -L | grep -c 'user PIN count low'; }
expect_ok "no PIN was tried yet" test "$(low)" -eq 0
choose_way default-scu
refused default-scu "a wrong PIN" "$key?pin-value=wrong-pin" \
    "the user PIN of token 'one' is wrong"
expect_ok "it counts" test "$(low)" -eq 1
expect_ok "the right one" sign "$key?$pin"
expect_ok "takes it back" test "$(low)" -eq 0
# Ten lock, and each command counts once, whoever gives the PIN.
sign_asked() { o dgst -sha256 -sign "$key" -passin "$1" -out sig message; }
for try in 1 2 3 4 5 6 7 8 9; do
    choose_way "${WAYS[$((try % 4))]}"
    if [ $((try % 2)) -eq 0 ]; then
        sign_asked pass:wrong-pin >out 2>&1
    else
        sign "$key?pin-value=wrong-pin" >out 2>&1
    fi
done
expect_output 'PIN of token .one. is wrong' "nine wrong ones are nine"
expect_ok "the right one still helps" sign "$key?$pin"
for try in 1 2 3 4 5 6 7 8 9 10; do
    sign_asked pass:wrong-pin >out 2>&1
done
for way in "${two_ways[@]}"; do
    refused "$way" "after ten the right one does not help" "$key?$pin" \
        "the user PIN of token 'one' is locked after 10 wrong tries: the SO"
done
choose_way default-scu
expect_ok "public objects still come" o pkey -pubin -in "$key;type=public" \
    -noout
expect_ok "the SO sets a new one" tool --login --login-type so \
    --so-pin "$SO_PIN" --init-pin --pin "$PIN"
expect_ok "which helps" sign "$key?$pin"

# --- the store -------------------------------------------------------------------

store=$SCU_STATE/store.db
cp "$store" kept.db
damaged() {
    for way in "${two_ways[@]}"; do
        refused "$way" "$1" "$key?$pin" "$2"
    done
    cp kept.db "$store"
}
head -c 5000 kept.db >"$store"
damaged "a truncated store" "restore it from a backup"
head -c 20000 /dev/urandom >"$store"
damaged "a store of noise" "restore it from a backup"
sqlite3 "$store" "PRAGMA user_version = 99"
damaged "a store of a newer version" "newer version"
table=$(sqlite3 "$store" ".tables" | tr -s ' ' '\n' | grep -m1 object)
sqlite3 "$store" "DELETE FROM $table WHERE rowid = 1"
damaged "a row that somebody deleted" "restore it from a backup"
rm "$store"
damaged "no store" "there are no tokens yet"
expect_ok "the store put back" sign "$key?$pin"

# --- the chip --------------------------------------------------------------------

for way in "${two_ways[@]}"; do
    SCU_TCTI=scu:swtpm:path=$SCRATCH/nothing.sock refused "$way" "no chip" \
        "$key?$pin" 'no chip answers on this link'
    SCU_TCTI=scu:swtpm:path=$SCRATCH/nothing.sock expect_ok \
        "but public objects" o pkey -pubin -in "$key;type=public" -noout
done
sim_power_cut
mkdir first && mv sim/* first/
sim_power_on
for way in "${two_ways[@]}"; do
    refused "$way" "another chip than the pinned one" "$key?$pin" \
        'this is not the chip that was provisioned'
done
scu provision --force >out 2>&1 || give_up "scu provision: $(cat out)"
for way in "${two_ways[@]}"; do
    refused "$way" "a token of another chip" "$key?$pin" \
        "token 'one' was made by another chip"
done
chip_is_clean
finish
