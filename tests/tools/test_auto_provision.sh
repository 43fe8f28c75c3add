#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# auto-provision = yes: the first token provisions the chip.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need pkcs11-tool tpm2_getcap

(umask 077 && printf 'so-12345\n' >"$SCRATCH/so")
so=--so-pin-file=$SCRATCH/so
pkcs11_init() {
    run_foreign pkcs11-tool \
        --module "$top_builddir/pkcs11/.libs/scu-pkcs11.so" \
        --init-token --label "$1" --so-pin so-12345
}
# configure VALUE
configure() {
    printf '[chip]\nauto-provision = %s\n' "$1" >"$SCRATCH/scu.conf"
    chmod 600 "$SCRATCH/scu.conf"
    export SCU_CONF=$SCRATCH/scu.conf
}
# another_chip: and nothing known of it.
another_chip() {
    sim_power_cut
    rm -rf "${SIM_DIR:?}"/* "$SCU_STATE"
    sim_power_on
}

# --- it is wanted ----------------------------------------------------------------

sim_start
configure no
try 4 "auto-provision = no" scu token init --label x "$so"
says 'run .scu provision.' "the line names the command"
expect_failure "the same by PKCS#11" pkcs11_init x
expect_output 'run .scu provision.' "it is named, too"
configure perhaps
try 2 "auto-provision = perhaps" scu token init --label x "$so"
says 'auto-provision = perhaps: it takes yes or no' "is named"
expect_ok "nothing is pinned" test ! -e "$SCU_STATE/pins"

# --- by scu token ------------------------------------------------------------------

configure yes
try 0 "a list provisions nothing" scu token list
try 0 "neither does info" scu info --json
same "the chip is as it was" "$(get provisioned)" false
try 0 "auto-provision = yes" scu token init --label one "$so" --json
says 'was not provisioned: that is done now' "it is said"
same "there is a token" "$(get label)" one
same "mode of the authorisations" \
    "$(stat -c %a "$SCU_STATE/authorisations")" 600
try 0 "provision" scu provision --json
same "finds nothing to do" "$(get changed)" false
try 0 "info" scu info --json
same "the owner authorisation is set" "$(get authorisations_set owner)" true
same "and that of the lockout" "$(get authorisations_set lockout)" true
try 0 "another token" scu token init --label two "$so"
silent "the second time"

# --- by PKCS#11 ----------------------------------------------------------------------

another_chip
expect_ok "the first token of a program" pkcs11_init three
try 0 "the list" scu token list --json
same "has it" "$(get tokens 0 label)" three
try 0 "info" scu info --json
same "the chip is provisioned" "$(get authentic)" true
chip_is_clean

# --- pins of another chip --------------------------------------------------------------

sim_power_cut
rm -rf "${SIM_DIR:?}"/*
sim_power_on
cp "$SCU_STATE/pins" "$SCRATCH/pins"
try 3 "another chip in its place" scu token init --label four "$so"
says 'not the chip that was provisioned|scu provision --force' "is refused"
expect_ok "the pins stay" cmp "$SCRATCH/pins" "$SCU_STATE/pins"

# --- no chip ------------------------------------------------------------------------------

rm -rf "$SCU_STATE"
sim_power_cut
try 4 "no chip" scu token init --label five "$so"
expect_ok "nothing is pinned" test ! -e "$SCU_STATE/pins"
finish
