#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What goes wrong, and how the module says it: the right CKR_ code, one line
# with cause and remedy, nothing lost.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
need sqlite3

pin_incorrect=a0 pin_locked=a4 device_error=30 device_removed=32
general_error=5 not_initialized=190
count_low=10000 locked=40000 # of the user's PIN

# flag NAME MASK YES_OR_NO
flag() {
    ask flags
    if [ $((0x$VALUE & 0x$2)) -ne 0 ]; then
        expect_ok "flag $1 is set" test "$3" = yes
    else
        expect_ok "flag $1 is not set" test "$3" = no
    fi
}

# --- before there is anything ------------------------------------------------

cd "$SCRATCH" || give_up "$SCRATCH"
need pkcs11-tool
sim_start
expect_failure "a chip that nobody provisioned" tool --init-token --label x \
    --so-pin "$SO_PIN"
expect_output 'run .scu provision.' "names the remedy"
scu provision >out 2>&1 || give_up "scu provision: $(cat out)"
new_token one
new_key k 01

# --- PINs --------------------------------------------------------------------

start
tell 0 init "the module"
tell 0 open "a session"
tell "$pin_incorrect" "login wrong-pin" "a wrong PIN"
one_line "the user PIN of token 'one' is wrong" "says so"
flag "count low" "$count_low" yes
tell 0 "login $PIN" "the right one"
flag "count low" "$count_low" no
tell 0 logout "logout"
for _ in 1 2 3 4 5 6 7 8 9; do
    ask "login wrong-pin"
done
tell "$pin_incorrect" "login wrong-pin" "the tenth wrong PIN"
flag locked "$locked" yes
tell "$pin_locked" "login $PIN" "then the right one does not help"
one_line "locked.*SO" "and it is said who unlocks it"
stop
expect_ok "the SO sets a new one" tool --login --login-type so \
    --so-pin "$SO_PIN" --init-pin --pin "$PIN"

# --- the chip goes and comes -------------------------------------------------

start
tell 0 init "the module"
tell 0 open "a session"
tell 0 "login $PIN" "a login"
tell 0 "key k" "a key"
tell 0 sign "a signature"
sim_power_cut
ask sign
case $CODE in
"$device_removed" | "$device_error") pass "without power: $CODE" ;;
*) fail "without power the code is $CODE" ;;
esac
tail -1 user.err >last && mv last user.err # behind those of the link
one_line "C_Sign: .*check the connection" "the module's line says what to do"
sim_power_on 3>&- 4<&- # which would keep the program waiting at its end
tell 0 sign "with power again the same key signs"
tell 0 objects "objects are where they were"
stop

# --- damage ------------------------------------------------------------------

store=$SCU_STATE/store.db
cp "$store" kept.db

# damaged TEXT REGEXP: the module says so at once.
damaged() {
    start
    tell "$general_error" init "$1"
    one_line "$2" "is said with the remedy"
    stop
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
start
tell 0 init "a row that somebody deleted is not seen at once"
tell 0 open "a session"
tell "$general_error" "login $PIN" "but at the login"
one_line "altered|damaged" "it is told"
stop
cp kept.db "$store"

# --- another chip ------------------------------------------------------------

sim_power_cut
mkdir first && mv sim/* first/
sim_power_on
start
tell 0 init "with another chip the tokens are listed"
tell 0 open "a session"
tell "$device_removed" "login $PIN" "but cannot be used"
one_line "not the chip that was provisioned" "and it is told why"
stop
expect_failure "nor by pkcs11-tool, which asks for more" tool_user -O
expect_ok "that has one line as well" \
    test "$(grep -c '^scu: ' "$SCRATCH/out")" -eq 1
sim_power_cut
rm -rf sim && mkdir sim && mv first/* sim/
sim_power_on

# --- two at once -------------------------------------------------------------

tool --init-token --slot 7 --label x --so-pin "$SO_PIN" >/dev/null 2>&1 &&
    fail "a slot that is not there takes a token"
export SCU_STORE=$SCRATCH/second
(tool --init-token --label a --so-pin "$SO_PIN" >a.out 2>&1) &
a=$!
(tool --init-token --label b --so-pin "$SO_PIN" >b.out 2>&1) &
b=$!
wait "$a" || fail "one of two that begin at once: $(cat a.out)"
wait "$b" || fail "the other of two that begin at once: $(cat b.out)"
expect_ok "both find a store" tool -L
expect_output 'token label +: [ab]' "with a token at least"
expect_ok "which is whole" \
    test "$(sqlite3 "$SCU_STORE/store.db" 'PRAGMA integrity_check')" = ok
unset SCU_STORE

# --- configuration -----------------------------------------------------------

printf '[chip]\nspare-token = yes\n' >scu.conf
SCU_CONF=$SCRATCH/scu.conf expect_ok "a spare slot" tool -L
expect_output 'uninitialized' "is shown where it is wanted"
printf '[chip]\nspare-token = perhaps\n' >scu.conf
export SCU_CONF=$SCRATCH/scu.conf
start
tell "$general_error" init "a configuration that is wrong"
one_line "spare-token = perhaps: it takes yes or no" "is named"
tell "$not_initialized" random "and the module is not initialised"
stop
unset SCU_CONF
chip_is_clean
finish
