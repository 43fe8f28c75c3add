#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu status: whose turn it is, what is in the chip, and what is left there.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need swtpm tpm2_createprimary tpm2_flushcontext tpm2_getcap tpm2_changeauth

SIM=$SCRATCH/one
SCU_TCTI=$(scu sim start --dir "$SIM" 2>/dev/null) || give_up "scu sim start"
export SCU_TCTI
SIM_TCTI=swtpm:path=$SIM/swtpm.sock
TURN=$SIM/swtpm.sock.turn

# --- a chip that nobody used --------------------------------------------------

try 0 "status of a fresh chip" scu status
silent "status"
prints "^turns +it is nobody's, by $TURN\$" "the turn is nobody's"
prints '^slots +3 for objects, 0 in use; 3 for sessions, 0 in use$' \
    "all slots are free"
prints '^authorisations +owner empty' "the owner authorisation is empty"
prints '^PIN counting +advisory only' "and what that means"
prints '^lockout +off, 0 of [0-9]+ tries failed' "no lockout"
expect_ok "status makes no file" test ! -e "$TURN"
chip_is_clean

scu provision >/dev/null 2>&1 || give_up "scu provision"
try 0 "status in JSON" scu status --json
silent "status in JSON"
same "schema" "$(get schema)" scu.status/1
same "turns are taken" "$(get turns taken)" true
same "by that file" "$(get turns file)" "$TURN"
same "nobody has it" "$(get turns holder)" null
same "object slots" "$(get slots objects)" 3
same "owner set" "$(get authorisations_set owner)" true
same "lockout set" "$(get authorisations_set lockout)" true
same "PIN counting is real" "$(get pin_counting_advisory)" false
same "no lockout" "$(get lockout active)" false
same "mode of the turn's file" "$(stat -c %a "$TURN")" 600

# --- a process that works, and one that is killed -----------------------------

# holder OPTION...: a program with a key and a session in the chip, or with
# the turn, which waits for a line from descriptor 9.
mkfifo "$SCRATCH/lines"
exec 9<>"$SCRATCH/lines"
holder() {
    rm -f "$SCRATCH/ready"
    spawn turn-holder "$@" <&9 >"$SCRATCH/ready"
    until [ -s "$SCRATCH/ready" ]; do
        kill -0 "$SPAWNED" 2>/dev/null || give_up "turn-holder ended"
    done
}
holder
try 0 "status while a program has a key there" scu status
silent "status"
prints "^session +0x02000000: process $SPAWNED \(turn-holder\)\$" \
    "its session is there"
prints "^object +0x8000000[0-2]: process $SPAWNED \(turn-holder\)\$" "and its key"
prints '1 in use; 3 for sessions, 1 in use' "both in use"
state=$(cksum "$TURN")
try 0 "the same in JSON" scu status --json
same "pid" "$(get holdings 0 pid)" "$SPAWNED"
same "alive" "$(get holdings 0 alive)" true
same "state" "$(get holdings 0 state)" held
same "status writes nothing" "$(cksum "$TURN")" "$state"
reap "$SPAWNED" KILL
try 0 "status after it was killed" scu status
prints "^object +0x8000000[0-2]: process $SPAWNED .*, which has ended" \
    "its key is left behind"
try 0 "the same in JSON" scu status --json
same "state" "$(get holdings 0 state)" left-behind
same "not alive" "$(get holdings 0 alive)" false

# --- what others have there ---------------------------------------------------

tpm2_createprimary -Q -T "$SIM_TCTI" -C n -c "$SCRATCH/x.ctx" ||
    give_up "tpm2_createprimary"
try 0 "status with an object of another program" scu status
prints '^object +0x8000000[0-2]: another program' "it is called that"
says 'tpm2_flushcontext --transient-object' "and the remedy is named"
holder
echo >&9
wait "$SPAWNED"
try 0 "status when the next program has ended" scu status --json
same "what was left behind is gone, not the other program's" \
    "$(get holdings 0 state)" unregistered
same "and nothing else" "$(get slots objects_loaded)" 1
same "no session" "$(get slots sessions_loaded)" 0
tpm2_flushcontext -T "$SIM_TCTI" -t
chip_is_clean

# --- whose turn it is ---------------------------------------------------------

holder --turn
try 0 "status while a program has the turn" scu status
prints "^turns +it is that of process $SPAWNED \(turn-holder\)" \
    "it is named, and not waited for"
try 0 "the same in JSON" scu status --json
same "holder" "$(get turns holder pid)" "$SPAWNED"
reap "$SPAWNED" KILL

# --- no turns

rm "$TURN"
ln -s "$SCRATCH/elsewhere" "$TURN"
try 0 "status with a link in the file's place" scu status
prints "^turns +none: .*: $TURN\$" "there are no turns"
expect_ok "what it leads to is not made" test ! -e "$SCRATCH/elsewhere"
rm "$TURN"
head -c 5000 /dev/urandom >"$TURN"
chmod 600 "$TURN"
try 0 "status with junk in the file" scu status --json
same "no turns to tell of" "$(get turns taken)" false
expect_ok "libscu begins it anew" scu info
try 0 "status then" scu status --json
same "turns are taken" "$(get turns taken)" true

try 4 "no chip there" scu status --tcti "swtpm:path=$SCRATCH/none"
no_data "no chip"
try 2 "an operand" scu status now
scu sim stop --dir "$SIM" >/dev/null 2>&1
finish
