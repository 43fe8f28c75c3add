#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A store that cannot be written, or is gone: the right CKR_ code, one line
# with cause and remedy, and nothing is lost or half done.
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
need sqlite3

device_memory=31 device_removed=32 write_protected=e2
export SCU_STORE=$SCRATCH/store
chip_with_token one
new_key k 01
store=$SCU_STORE/store.db

# --- a read-only folder --------------------------------------------------------

# Root writes everywhere unless it gives up the right to.
common_user() {
    if [ "$(id -u)" -eq 0 ]; then
        FOREIGN=(setpriv "--bounding-set=-dac_override,-dac_read_search" env
            "${FOREIGN[@]:1}")
    fi
}
kept=("${FOREIGN[@]}")
common_user

# refused STEP: for the folder, and no chip command changed anything.
refused() {
    tell "$write_protected" "$1" "refused: ${1%% *}"
    one_line "store.db cannot be written: check the rights" "and it says why"
}
start
tell 0 init "the module"
tell 0 open "a session"
tell 0 "login $PIN" "a login"
chmod 0500 "$SCU_STORE"
tell 0 "key k" "in a read-only folder keys are found"
tell 0 sign "and sign"
refused "note n"
refused "make another"
refused "pin $PIN other-pin"
tell 0 logout "logout"
tell 0 "login $PIN" "the PIN is what it was"
tell 0 logout "logout"
tell 0 "so $SO_PIN" "the SO's, too"
refused "initpin other-pin"
tell 0 close "the session ends"
refused "token $SO_PIN"
stop

start
tell 0 init "a program that begins on a read-only folder"
tell 0 open "a session"
tell 0 "login $PIN" "logs in"
tell 0 "key k" "finds its key"
tell 0 sign "and signs"
chmod 0700 "$SCU_STORE"
tell 0 "note n" "when it may write again, it does"
ask objects
expect_ok "there is a note and a key pair" test "$VALUE" = 3
stop

mkdir -m 0500 empty
SCU_STORE=$SCRATCH/empty/store expect_failure \
    "no token in a folder that cannot be made" \
    tool --init-token --label x --so-pin "$SO_PIN"
expect_output 'CKR_TOKEN_WRITE_PROTECTED' "is write-protected"
expect_output 'name another folder for the store' "and the remedy is named"
chmod 0700 empty
FOREIGN=("${kept[@]}")

# --- a full disk -----------------------------------------------------------------

# full STEP: nothing is changed, and it says so.
full() {
    tell "$device_memory" "$1" "no room: ${1%% *}"
    one_line "no space left.*nothing was changed; make room" "and it says so"
}
start
tell 0 init "the module"
tell 0 open "a session"
tell 0 "login $PIN" "a login"
for limit in 1024 $(stat -c %s "$store"); do
    tell 0 "limit $limit" "files of $limit octets"
    # What fits into pages that are there is written.
    for n in $(seq 40); do
        ask "make on-$limit-$n"
        [ "$CODE" = 0 ] || break
    done
    full "make more"
    ask privates
    privates=$VALUE
    ask objects
    expect_ok "and no half of a pair is left ($privates)" \
        test $((0x$VALUE)) -eq $((2 * 0x$privates + 1))
    tell 0 "key k" "the key is there"
    tell 0 sign "and signs"
    tell 0 "limit 0" "there is room again"
    tell 0 "make room-$limit" "and a key is made"
done
tell 0 "limit 1024" "no room again"
full "pin $PIN other-pin"
tell 0 logout "logout"
tell 0 "login $PIN" "the PIN is what it was"
tell 0 logout "logout"
tell 0 "so $SO_PIN" "the SO's, too"
full "initpin other-pin"
tell 0 logout "logout"
tell 0 "login $PIN" "still it is"
tell 0 close "the session ends"
full "token $SO_PIN"
tell 0 open "a session"
tell 0 "login $PIN" "the token is what it was"
ask privates
expect_ok "with its keys" test "$VALUE" = "$(printf %x $((0x$privates + 1)))"
stop
expect_ok "the store is whole" \
    test "$(sqlite3 "$store" 'PRAGMA integrity_check')" = ok

# --- the store goes while a program runs --------------------------------------------

start
tell 0 init "the module"
tell 0 open "a session"
tell 0 "login $PIN" "a login"
tell 0 "key k" "a key"
tell 0 sign "signs"
mv "$store" gone.db
tell 0 sign "without its store a loaded key signs on"
tell "$device_removed" objects "objects are not there any more"
one_line "the store in .* is gone" "and it is said why"
tell "$device_removed" "note n" "nothing is written elsewhere"
tell "$device_removed" "make m" "no key is made"
tell 0 logout "logout"
tell "$device_removed" "login $PIN" "no login"
mv gone.db "$store"
tell 0 "login $PIN" "when it is back, everything goes on"
tell 0 "key k" "with its keys"
tell 0 sign "that sign"
stop

# --- another process makes the token anew ---------------------------------------------

start
tell 0 init "the module"
tell 0 open "a session"
tell 0 "login $PIN" "a login"
tell 0 "key k" "a key"
expect_ok "meanwhile the SO makes the token anew" tool --init-token \
    --label other --so-pin "$SO_PIN"
ask objects
expect_ok "old objects are not shown ($CODE)" test "$VALUE" = 0
expect_ok "and it is said once" test "$(wc -l <user.err)" -le 1
stop
chip_is_clean
finish
