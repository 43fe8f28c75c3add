#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What PKCS#11 costs in chip commands, counted outside the stack.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
chip_with_token one
new_key k 01
chip_is_clean

start
tell 0 init "C_Initialize and C_GetSlotList"
expect_commands "$golden/none.txt" "cost nothing"
tell 0 open "a session"
expect_commands "$golden/none.txt" "costs nothing"
tell 0 "login $PIN" "the first login"
expect_commands "$golden/first-login.txt"
tell 0 "key k" "the key is found"
expect_commands "$golden/none.txt" "at no cost"
tell 0 sign "the first signature"
expect_commands "$golden/first-sign.txt"
total=$(cat "$golden/first-login.txt" "$golden/first-sign.txt" | grep -vc '^#')
expect_ok "all that is $total commands, budget 9" test "$total" -le 9
tell 0 sign "the second signature"
expect_commands "$golden/sign.txt" "is one command"
tell 0 "key k" "the key is searched again"
tell 0 sign "and signs"
expect_commands "$golden/sign.txt" "without being loaded again"
tell 0 logout "logout"
tell 0 "login $PIN" "a login on a token that is known"
if [ "$(commands | wc -l)" -le 6 ]; then
    pass "at most 6 commands: $(commands | paste -sd ' ')"
else
    fail "more than 6 commands: $(commands | paste -sd ' ')"
fi
tell 0 "key k" "the key is found again"
tell 0 sign "and signs"
tell 0 "threads 4" "four threads"
signatures=$(commands | grep -c Sign)
expect_ok "sign 32 times" test "$signatures" -eq 32
expect_ok "at no more than a command each" \
    test "$(commands | wc -l)" -eq 32
tell 0 child "a child begins anew"
tell 0 sign "and leaves the parent its key"
expect_commands "$golden/sign.txt" "where it was"
tell 0 random "random octets"
expect_ok "are one command" test "$(commands)" = GetRandom
tell 0 close "the session ends"
tell 0 final "the module ends"
stop
chip_is_clean
finish
