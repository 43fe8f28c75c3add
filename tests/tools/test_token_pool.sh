#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu provision --tokens: tokens for those who do not have the owner
# authorisation.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need setpriv tpm2_getcap

pin() { (umask 077 && printf '%s\n' "$2" >"$SCRATCH/$1"); }
pin so so-12345
pin user user-12345
new=(--so-pin-file "$SCRATCH/so" --pin-file "$SCRATCH/user")
indices() { tpm2_getcap -T "$SIM_TCTI" handles-nv-index | wc -l; }

# --- preparing, and once more --------------------------------------------------

sim_start
try 2 "no number" scu provision --tokens x
says 'tokens "x": a number up to 1000' "is refused"
expect_ok "before anything is done" test ! -e "$SCU_STATE/pins"
try 0 "provision with two tokens" scu provision --tokens 2 --json
same "something changed" "$(get changed)" true
same "there are two now" "$(get prepared_tokens)" 2
same "of two indices each" "$(indices)" 4
try 0 "once more" scu provision --tokens 2
prints '^Nothing to do' "nothing is to be done"
prints '^prepared +2 tokens that users can take, 0 of them by this run' \
    "it says that there are two"
same "there are not more" "$(indices)" 4
try 0 "three" scu provision --tokens 3 --json
same "that is a change" "$(get changed)" true
same "there are three now" "$(get prepared_tokens)" 3
same "with their indices" "$(indices)" 6
try 0 "two again" scu provision --tokens 2 --json
same "is no change" "$(get changed)" false
same "there are three still" "$(get prepared_tokens)" 3
try 0 "the list" scu token list
prints 'in the chip +3 tokens, 3 of them prepared; room for [0-9]+ more' \
    "counts them"
same "mode of the pool" "$(stat -c %a "$SCU_STATE/pool")" 700
same "and of its files" "$(stat -c %a "$SCU_STATE"/pool/???????? |
    sort -u)" 600
pool=("$SCU_STATE"/pool/????????)
chmod 660 "${pool[0]}"
try 0 "a file that a group can write" scu token list --json
same "is not taken" "$(get room prepared_tokens)" 2
chmod 600 "${pool[0]}"
chip_is_clean

# --- whoever has the authorisation does not use them up ---------------------------

try 0 "a token of who provisioned" scu token init --label mine "${new[@]}"
try 0 "provision" scu provision --tokens 2 --json
same "leaves them" "$(get prepared_tokens)" 3
try 0 "it goes" scu token remove --token mine --yes

# --- without the authorisation -------------------------------------------------------

# As a user sees the state folder: with the pins and the pool, but without the
# owner authorisation.
mv "$SCU_STATE/authorisations" "$SCRATCH/authorisations"
try 0 "a user makes a token of a prepared one" \
    scu token init --label taken --tries 4 "${new[@]}" --json
same "with his number of tries" "$(get tries)" 4
same "of no new index" "$(indices)" 6
try 0 "the list" scu token list --json
same "has it" "$(get tokens 0 label)" taken
same "there are two left" "$(get room prepared_tokens)" 2
same "three in all" "$(get room tokens_in_chip)" 3
try 6 "its PIN counts" scu token pin --pin-file "$SCRATCH/so" \
    --new-pin-file "$SCRATCH/user"
says '3 of 4 tries are left' "in the chip"
try 0 "and opens it" scu token pin --pin-file "$SCRATCH/user" \
    --new-pin-file "$SCRATCH/user"
try 6 "he cannot remove it" scu token remove --token taken --yes
says "owner authorisation" "as the owner must"
try 6 "nor prepare others" scu provision --tokens 5
try 0 "another" scu token init --label taken2 "${new[@]}"
try 0 "and the last" scu token init --label taken3 "${new[@]}"
try 6 "then none is left" scu token init --label taken4 "${new[@]}"
says 'scu provision --tokens N., of which none is left' \
    "and it is said who helps"
mv "$SCRATCH/authorisations" "$SCU_STATE/authorisations"
try 0 "who provisioned can remove it" scu token remove --token taken --yes
chip_is_clean

# --- an authorisation that is not kept -------------------------------------------------

sim_power_cut
rm -f "$SIM_DIR"/*
sim_power_on
export SCU_STATE=$SCRATCH/state2
pin owner "my secret"
try 0 "an owner authorisation that is given makes tokens" \
    scu provision --owner-auth "file=$SCRATCH/owner" --tokens 1 --json
same "one" "$(get prepared_tokens)" 1
try 6 "the file does not give it" scu provision --tokens 2
try 0 "it is for taking" scu token init --label x "${new[@]}"
try 6 "it was the only one" scu token init --label y "${new[@]}"
says 'authorisations does not give you' "and the file is said to lack it"

# --- another user --------------------------------------------------------------------------

# Only root can become one.
if [ "$(id -u)" -ne 0 ]; then
    echo "not run as root: another user is a folder without authorisations"
    finish
fi
sim_power_cut
rm -f "$SIM_DIR"/*
sim_power_on
export SCU_STATE=$SCRATCH/state3
group=4321 user=4321
install -d -m 755 "$SCU_STATE"
install -d -m 2770 -g "$group" "$SCU_STATE/pool"
try 0 "a pool for a group" scu provision --tokens 1 --json
same "one token" "$(get prepared_tokens)" 1
chmod 755 "$SCRATCH"
install -d -m 700 -o "$user" "$SCRATCH/theirs"
spawn tpm-counter --listen "$SCRATCH/theirs/bus.sock" \
    --upstream "$SIM_DIR/swtpm.sock" --log "$COUNTER_LOG"
tpm-counter --wait "$SCRATCH/theirs/bus.sock" || give_up "the second counter"
chown "$user" "$SCRATCH/theirs/bus.sock"
install -m 600 -o "$user" "$SCRATCH/so" "$SCRATCH/user" "$SCRATCH/theirs"

# as GROUP COMMAND...
as() {
    local with=$1
    shift
    setpriv --reuid "$user" --regid "$with" --clear-groups env \
        HOME="$SCRATCH/theirs" SCU_STORE="$SCRATCH/theirs/store" \
        SCU_TCTI="scu:swtpm:path=$SCRATCH/theirs/bus.sock" "$@"
}
if ! as "$group" scu --version >"$SCRATCH/out" 2>&1; then
    echo "another user cannot run what was built: $(cat "$SCRATCH/out")"
    finish
fi
theirs=(--so-pin-file "$SCRATCH/theirs/so" --pin-file "$SCRATCH/theirs/user")
expect_failure "the user may not read the owner authorisation" \
    as "$group" cat "$SCU_STATE/authorisations"
try 6 "one who is not of the group makes no token" \
    as 4322 scu token init --label t "${theirs[@]}"
says 'none is left' "as there is none for him"
try 0 "one of the group does" \
    as "$group" scu token init --label t "${theirs[@]}" --json
same "with its user PIN" "$(get user_pin_set)" true
try 0 "it is his" as "$group" scu token pin \
    --pin-file "$SCRATCH/theirs/user" --new-pin-file "$SCRATCH/theirs/so"
same "the pool is empty" "$(ls "$SCU_STATE/pool")" ""
chip_is_clean
finish
