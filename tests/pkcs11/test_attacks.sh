#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Who pulls the plug while others log in: it locks nobody out, and forgets no
# wrong PIN.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
chip_with_token one
new_key k 01

pin_incorrect=a0 pin_locked=a4
# Flags of a token: count low, final try, locked; of the user and of the SO.
user_low=0x10000 user_last=0x20000 user_locked=0x40000
so_low=0x100000 so_last=0x200000 so_locked=0x400000
all=$((user_low | user_last | user_locked | so_low | so_last | so_locked))

cut() {
    sim_power_cut
    sim_power_on 3>&- 4<&- # which would keep the program waiting at its end
}

# flags_are VALUE TEXT
flags_are() {
    ask flags
    expect_ok "$2" test $((0x$VALUE & all)) -eq $(($1))
}

# lockout TEXT: the chip-wide counter of wrong authorisations is 0.
lockout() {
    expect_ok "$1" tpm2_getcap -T "$SIM_TCTI" properties-variable
    expect_output 'inLockout: +0' "is not locked out"
    expect_output 'TPM2_PT_LOCKOUT_COUNTER: +0x0$' "and counts nothing"
}

# --- ten power cuts in a row --------------------------------------------------------

start
tell 0 init "the module"
tell 0 open "a session"
for n in 1 2 3 4 5 6 7 8 9 10; do
    ask "login $PIN"
    in=$CODE
    ask "key k"
    ask sign
    [ "$in$CODE" = 00 ] || fail "before cut $n: login $in, signature $CODE"
    cut
    ask logout
    [ "$CODE" = 0 ] || fail "logout after cut $n: $CODE"
done
pass "ten power cuts after logins"
lockout "the chip"
flags_are 0 "no PIN of the token has a wrong try"
tell 0 "login $PIN" "a login"
tell 0 "key k" "its key"
tell 0 sign "signs"
tell 0 logout "logout"
tell 0 "so $SO_PIN" "and so does the SO"
tell 0 logout "logout"
stop

# --- wrong PINs and the plug ---------------------------------------------------------

# A program of its own for each, so that nothing is remembered but by the chip.
wrong() {
    start
    ask init
    ask open
    tell "$pin_incorrect" "login wrong-$1" "wrong PIN $1"
    cut
    flags_are "$2" "after a power cut: flags $2"
    stop
}
for n in 1 2 3 4 5 6 7 8; do
    wrong "$n" "$user_low"
done
wrong 9 "$((user_low | user_last))"
wrong 10 "$user_locked"
start
tell 0 init "the module"
tell 0 open "a session"
tell "$pin_locked" "login $PIN" "the right one comes too late"
tell "$pin_locked" "pin $PIN other-pin" "and changes nothing"
flags_are "$user_locked" "the SO's has nothing to do with it"
tell 0 "so $SO_PIN" "the SO"
tell 0 "initpin $PIN" "sets a new one"
tell 0 logout "logout"
cut
flags_are 0 "which is so behind a power cut, too"
tell 0 "login $PIN" "the user is in"
tell 0 "key k" "with the same key"
tell 0 sign "that signs"
tell 0 logout "logout"

# --- the SO's -------------------------------------------------------------------------

for n in 1 2 3 4 5 6 7 8 9; do
    ask "so wrong-$n"
    [ "$CODE" = "$pin_incorrect" ] || fail "wrong SO PIN $n: $CODE"
done
cut
flags_are "$((so_low | so_last))" "nine wrong SO PINs leave one try"
tell 0 "so $SO_PIN" "that is right"
flags_are 0 "and clears the count"
tell 0 logout "logout"
stop
lockout "after all that the chip"
chip_is_clean
finish
