#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu provision and scu info on simulated chips.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need swtpm tpm2_changeauth tpm2_createprimary tpm2_flushcontext \
    tpm2_getcap

# use NAME: a chip of that name, unprovisioned when it is new.
use() {
    SCU_TCTI=$(scu sim start --dir "$SCRATCH/$1" 2>/dev/null) ||
        give_up "scu sim start"
    export SCU_TCTI
    SIM_TCTI=swtpm:path=$SCRATCH/$1/swtpm.sock
}

# owner_is AUTH: whether the chip takes that owner authorisation.
owner_is() {
    tpm2_createprimary -Q -T "$SIM_TCTI" -C o -P "$1" \
        -c "$SCRATCH/primary.ctx" && tpm2_flushcontext -T "$SIM_TCTI" -t
}

# state_of: all of the pins' folder, with times; but for the record of the
# chip's resets, which begins with the first use.
state_of() {
    (cd "$1" && find . ! -name resets ! -path . \
        -exec stat -c '%n %a %y %s' {} + -exec cksum {} + | sort)
}

# --- a chip that nobody provisioned ---------------------------------------------

use one
try 0 "info of an unprovisioned chip" scu info
prints '^provisioned +no$' "it says so"
prints '^authentic +no' "nothing proves what it says"
prints '^manufacturer +IBM$' "it has the manufacturer"
prints '^keys .*P-256.*RSA-2048' "it has the algorithms"
prints '^authorisations .*owner empty' "and the authorisations"
says 'run .scu provision.' "the remedy is on standard error"
try 0 "info in JSON" scu info --json
same "schema" "$(get schema)" scu.info/1
same "provisioned" "$(get provisioned)" false
same "authentic" "$(get authentic)" false
same "P-256" "$(get keys P-256)" true
same "slots" "$(get slots objects)" 3
same "family" "$(get specification family)" 2.0
expect_ok "info writes nothing" test ! -e "$SCU_STATE"

try 2 "a link that is none" scu info --tcti nothing:at-all
says "'nothing:at-all' is no valid link .*: correct it in SCU_TCTI" \
    "the line says where to correct it"

# --- provision, and once more -----------------------------------------------------

try 0 "provision" scu provision --json
silent "provision"
same "schema" "$(get schema)" scu.provision/1
same "changed" "$(get changed)" true
same "storage key made" "$(get "done" created_storage_key)" true
same "attestation key made" "$(get "done" created_attestation_key)" true
same "owner authorisation set" "$(get "done" set_owner_auth)" true
same "lockout authorisation set" "$(get "done" set_lockout_auth)" true
same "pins written" "$(get "done" wrote_pins)" true
same "trust" "$(get trust)" first-use
same "storage handle" "$(get storage_key handle)" 0x81000001
same "attestation handle" "$(get attestation_key handle)" 0x81010002
same "PIN counting is real" "$(get pin_counting_advisory)" false
name=$(get storage_key name)
same "mode of the pins" "$(stat -c %a "$SCU_STATE/pins")" 644
same "mode of the authorisations" \
    "$(stat -c %a "$SCU_STATE/authorisations")" 600
expect_failure "the owner authorisation is not empty" owner_is ""
chip_is_clean

state_of "$SCU_STATE" >"$SCRATCH/before"
try 0 "provision again" scu provision
prints '^Nothing to do' "it says that there is nothing to do"
prints "$name" "it shows the same Name"
prints 'trust +on first use' "and why it is trusted"
prints "$SCU_STATE/pins" "and where the pins are"
prints "$SCU_STATE/authorisations" "and the authorisations"
try 0 "again, in JSON" scu provision --json
same "changed" "$(get changed)" false
state_of "$SCU_STATE" >"$SCRATCH/after"
expect_ok "no octet and no time changed" \
    cmp "$SCRATCH/before" "$SCRATCH/after"

try 0 "info" scu info --json
silent "info"
same "provisioned" "$(get provisioned)" true
same "authentic" "$(get authentic)" true
same "owner set" "$(get authorisations_set owner)" true
same "the storage key's Name" "$(get storage_key name)" "$name"
try 0 "sim status" scu sim status --dir "$SCRATCH/one" --json
same "provisioned" "$(get provisioned)" true
chip_is_clean
try 0 "stop" scu sim stop --dir "$SCRATCH/one" --json
same "in good order" "$(get orderly)" true
use one
try 0 "info after a restart" scu info --json
same "authentic" "$(get authentic)" true

# --- another chip than the pinned one -----------------------------------------------

use two
try 3 "an unprovisioned chip in its place" scu info
no_data "another chip"
says "$name" "the line has the pinned Name"
SCU_STATE=$SCRATCH/state2 try 0 "the other one provisioned elsewhere" \
    scu provision --json
other=$(get storage_key name)
try 3 "another chip in its place" scu info
says "$name" "the line has the pinned Name"
says "$other" "and that of the chip"
says "scu provision --force" "and the remedy"
try 3 "the same in JSON" scu info --json
same "error" "$(get error name)" SCU_E_OTHER_CHIP
try 3 "provision on it" scu provision
no_data "provision"
cmp -s "$SCU_STATE/pins" <(:) && fail "the pins are gone"
try 0 "sim status with it" scu sim status --dir "$SCRATCH/two" --json
same "is not provisioned here" "$(get provisioned)" false
cp -a "$SCU_STATE" "$SCRATCH/state.saved"
cp -a "$SCRATCH/state2/authorisations" "$SCU_STATE/authorisations"
try 0 "provision --force" scu provision --force --json
same "pins the other one" "$(get storage_key name)" "$other"
try 0 "then it is accepted" scu info --json
same "it is authentic" "$(get authentic)" true
use one
try 3 "and the first one is not" scu info
rm -rf "$SCU_STATE"
mv "$SCRATCH/state.saved" "$SCU_STATE"
try 0 "with its own pins it is" scu info
scu sim stop --dir "$SCRATCH/two"

SCU_STATE=$SCRATCH/fresh try 0 "pins of a chip that is complete" \
    scu provision
prints 'owner auth +set earlier' "the owner authorisation is not needed"
prints '^secrets +none' "nor is it there"
scu sim stop --dir "$SCRATCH/one"

# --- an owner authorisation that nobody knows ---------------------------------------

use five
tpm2_changeauth -T "$SIM_TCTI" -c o "right one" || give_up "tpm2_changeauth"
export SCU_STATE=$SCRATCH/state5
try 6 "an owner authorisation that is set, but not known" scu provision
no_data "not known"
says "owner-auth" "the line names the option"
printf 'wrong one' >"$SCRATCH/owner"
chmod 600 "$SCRATCH/owner"
try 6 "a wrong one" \
    scu provision --owner-auth "file=$SCRATCH/owner" --json
same "error" "$(get error name)" SCU_E_AUTH
expect_ok "no pins were written" test ! -e "$SCU_STATE/pins"
chip_is_clean
printf 'right one' >"$SCRATCH/owner"
try 0 "the right one" \
    scu provision --owner-auth "file=$SCRATCH/owner" --json
same "it was set before" "$(get "done" set_owner_auth)" false
expect_ok "it still is" owner_is "right one"
scu sim stop --dir "$SCRATCH/five"
export SCU_STATE=$SCRATCH/state

# --- which owner authorisation ---------------------------------------------------------

use three
SCU_STATE=$SCRATCH/state3 try 0 "an empty one" \
    scu provision --owner-auth empty
prints '^PIN counting +advisory only' "it says what that means"
expect_ok "it is empty" owner_is ""
SCU_STATE=$SCRATCH/state3 try 0 "info of that chip" scu info
prints '^PIN counting +advisory only' "it says so, too"
SCU_STATE=$SCRATCH/state3 try 0 "in JSON" scu info --json
same "advisory" "$(get pin_counting_advisory)" true
chip_is_clean
scu sim stop --dir "$SCRATCH/three"

use four
export SCU_STATE=$SCRATCH/state4
printf 'my secret\n' >"$SCRATCH/owner"
chmod 640 "$SCRATCH/owner"
try 1 "a file that others can read" \
    scu provision --owner-auth "file=$SCRATCH/owner"
says "open to others .mode 0640.: .chmod 600." "the line says so"
try 1 "a file that is not there" \
    scu provision --owner-auth "file=$SCRATCH/nothing"
says "cannot open $SCRATCH/nothing" "the line names it"
: >"$SCRATCH/empty"
chmod 600 "$SCRATCH/empty"
try 2 "a file without content" \
    scu provision --owner-auth "file=$SCRATCH/empty"
try 2 "33 octets" scu provision --owner-auth fd=0 <<<"$(printf '%033d' 0)"
try 1 "a descriptor that is closed" scu provision --owner-auth fd=17
need setsid
try 2 "a prompt without a terminal" \
    setsid -w scu provision --owner-auth prompt
says "no terminal to ask on" "the line says so"
expect_ok "all that changed nothing in the chip" owner_is ""
expect_ok "nor on the disk" test ! -e "$SCU_STATE/pins"

chmod 600 "$SCRATCH/owner"
try 0 "a file" scu provision --owner-auth "file=$SCRATCH/owner"
prints '^owner auth +the given one, not kept' "it says that it is not kept"
expect_ok "the chip has it, without the line feed" owner_is "my secret"
same "no file has it" "$(grep -rl 'my secret' "$SCU_STATE" | wc -l)" 0
same "nor in hexadecimal" \
    "$(grep -rl '6d7920736563726574' "$SCU_STATE" | wc -l)" 0
try 0 "again, from a descriptor" scu provision --owner-auth fd=3 --json \
    3<"$SCRATCH/owner"
same "nothing to do" "$(get changed)" false
chip_is_clean
scu sim stop --dir "$SCRATCH/four"

# --- no chip, no configuration ------------------------------------------------------------

try 4 "no chip" scu info
no_data "no chip"
expect_ok "the remedy is named" grep -q 'scu sim start' "$SCRATCH/stderr"
try 4 "no chip to provision" scu provision --json
same "error" "$(get error name)" SCU_E_NO_CHIP
try 4 "no such device" scu info --tcti scu:device:/dev/no-such-chip

printf '[chip]\n\nbelongs-to = me\n' >"$SCRATCH/scu.conf"
chmod 600 "$SCRATCH/scu.conf"
SCU_CONF=$SCRATCH/scu.conf try 2 "an unknown key in scu.conf" scu info
says "$SCRATCH/scu.conf.*3.*belongs-to" "file, line and key are named"
SCU_CONF=$SCRATCH/scu.conf try 2 "the same in JSON" scu info --json
same "error" "$(get error name)" SCU_E_CONF
SCU_CONF=$SCRATCH/nothing.conf try 2 "no such configuration" scu info
says "$SCRATCH/nothing.conf" "it is named"
try 2 "a relative state folder" scu info --state here
try 2 "no name of a chip" scu info --chip ../x

printf '[chip lab]\ntcti = %s\nstate = %s\n' "$SCU_TCTI" "$SCRATCH/lab" \
    >"$SCRATCH/scu.conf"
use four
unset SCU_TCTI SCU_STATE
SCU_CONF=$SCRATCH/scu.conf try 0 "a chip of scu.conf" \
    scu info --chip lab --json
same "its link" "$(get tcti)" "scu:sim:dir=$SCRATCH/four"
same "its state" "$(get state)" "$SCRATCH/lab"
scu sim stop --dir "$SCRATCH/four"
finish
