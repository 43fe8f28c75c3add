#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A chip whose NV memory is full, and what is said of its room.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need pkcs11-tool tpm2_getcap tpm2_nvdefine tpm2_nvundefine

(umask 077 && printf 'so-12345\n' >"$SCRATCH/so")
so=--so-pin-file=$SCRATCH/so
pkcs11() {
    run_foreign pkcs11-tool \
        --module "$top_builddir/pkcs11/.libs/scu-pkcs11.so" "$@"
}

# define SIZE: an index more, of the owner; fails where there is no room.
next=$((0x01000000))
define() {
    tpm2_nvdefine -Q -T "$SIM_TCTI" -C o -P "hex:$owner" -s "$1" \
        -a "ownerread|ownerwrite" "$next" 2>"$SCRATCH/define" || return 1
    next=$((next + 1))
}

sim_start
try 0 "room of an unprovisioned chip" scu token list --json
same "is not known" "$(get room)" null
scu provision >/dev/null || give_up "scu provision"
owner=$(sed -n 's/^owner = //p' "$SCU_STATE/authorisations")
try 0 "room of an empty chip" scu token list --json
same "it holds none" "$(get room tokens_in_chip)" 0
same "nor other indices" "$(get room other_nv_indices)" 0
room=$(get room more_tokens_at_least)
expect_ok "there is room for some" test "$room" -gt 0
try 0 "scu info" scu info --json
same "tells the same" "$(get room more_tokens_at_least)" "$room"
try 0 "a token" scu token init --label one "$so"

while define 2048; do :; done
while define 256; do :; done
grep -q 'insufficient space' "$SCRATCH/define" ||
    give_up "tpm2_nvdefine: $(cat "$SCRATCH/define")"
try 0 "room of a chip that is nearly full" scu info
prints 'in the chip +1 token, 0 of them prepared; the chip does not tell' \
    "is not known"
try 0 "in JSON" scu token list --json
same "it is null" "$(get room more_tokens_at_least)" null
same "the others are counted" "$(get room other_nv_indices)" \
    $((next - 0x01000000))
made=1
while scu token init --label "more $made" "$so" >"$SCRATCH/out" 2>&1; do
    made=$((made + 1))
done
try 4 "a token more than there is room for" scu token init --label no "$so"
says "the chip holds $made tokens? .*no room for another.*remove one by .scu token remove" \
    "the line says how many there are and what to do"
try 4 "in JSON" scu token init --label no "$so" --json
same "error" "$(get error name)" SCU_E_TOKENS_FULL
try 0 "the list" scu token list --json
same "has as many" "$(get tokens length)" "$made"
same "and so has the chip" "$(get room tokens_in_chip)" "$made"
try 4 "a prepared one" scu provision --tokens 1
printf '[chip]\nspare-token = yes\n' >"$SCRATCH/scu.conf"
chmod 600 "$SCRATCH/scu.conf"
export SCU_CONF=$SCRATCH/scu.conf
slot=$(pkcs11 -L | sed -n 's/^Slot [0-9]* (0x\([0-9a-f]*\)): Empty.*/0x\1/p')
expect_failure "one more by PKCS#11" pkcs11 --init-token --slot $((slot)) \
    --label no --so-pin so-12345
expect_output 'CKR_DEVICE_MEMORY' "is refused with CKR_DEVICE_MEMORY"
expect_output "scu: .*holds $made tokens?" "and a line"
try 0 "one goes" scu token remove --token one --yes
try 0 "then there is room for one" scu token init --label two "$so"
try 4 "and not more" scu token init --label no "$so"
chip_is_clean
finish
