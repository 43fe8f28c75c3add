#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# More programs than the chip has slots, each logged in with a key of its own
# loaded: beside one that keeps a login and a key and does nothing for long.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"

many=8

chip_with_token one
new_key k 01

start
tell 0 init "the module"
tell 0 open "a session"
tell 0 "login $PIN" "a login that is kept"
tell 0 "key k" "a key"
tell 0 sign "signs"

# one N: what it is answered goes to one.N, its complaints to one.N.err.
one() {
    printf '%s\n' init open "login $PIN" "key k" sign sign logout \
        "login $PIN" "key k" sign sign "make m$1" close final |
        run_foreign "$top_builddir/tests/pkcs11/user" "$MODULE" \
            >"one.$1" 2>"one.$1.err" 3>&- 4<&-
}
pids=
for n in $(seq $many); do
    one "$n" &
    pids="$pids $!"
done
for pid in $pids; do
    wait "$pid" || fail "program $pid"
done
for n in $(seq $many); do
    expect_ok "program $n: all steps" test "$(wc -l <"one.$n")" -eq 14
    expect_ok "program $n: all done ($(cat "one.$n.err"))" \
        test -z "$(grep -v '^0\( \|$\)' "one.$n")"
done

tell 0 sign "the idle one signs on"
tell 0 "key m$many" "and finds a key of another one"
tell 0 sign "which signs, too"
stop
chip_is_clean
finish
