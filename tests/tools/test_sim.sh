#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# scu sim: its life, its accidents, and what it refuses.
. "$top_srcdir/tests/lib/lib.sh"
. "$top_srcdir/tests/tools/tools.sh"
need swtpm openssl
dir=$SCRATCH/chip
tcti=scu:sim:dir=$dir
unset SCU_TCTI

process() { cat "$dir/swtpm.pid"; }
# A dead process whose parent has not asked for it yet is not alive.
alive() { grep -Eq '^State:\s+[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null; }
gone() { ! alive "$1"; }
crash() {
    local pid
    pid=$(process)
    kill -KILL "$pid"
    while alive "$pid"; do :; done
}

# Whoever starts it may have the provider configured; the chip has not.
sed "s|^\\[scu_sect\\]|&\nmodule = $top_builddir/provider/.libs/scu.so|" \
    "$top_srcdir/conf/openssl-scu.cnf" >"$SCRATCH/openssl.cnf"

# --- start, status, stop -----------------------------------------------------

try 1 "status before the first start" scu sim status --dir "$dir" --json
same "it does not run" "$(get running)" false
expect_ok "status makes no folder" test ! -e "$dir"
try 0 "stop before the first start" scu sim stop --dir "$dir"
no_data "stop"
says "no simulator runs in $dir" "stop says so"

try 0 "start" env OPENSSL_CONF="$SCRATCH/openssl.cnf" \
    scu sim start --dir "$dir"
same "start prints the TCTI string, nothing else" \
    "$(cat "$SCRATCH/stdout")" "$tcti"
silent "start"
first=$(process)
expect_ok "it takes commands" tpm-counter --wait "$dir/swtpm.sock"
expect_ok "the provider was configured" run_foreign env \
    OPENSSL_CONF="$SCRATCH/openssl.cnf" openssl list -providers
expect_output '^ +scu$' "as others see"
expect_failure "the simulator has not loaded it" \
    grep -q '/scu\.so' "/proc/$first/maps"
same "the folder is closed to others" "$(stat -c %a "$dir")" 700
same "so is the state" "$(stat -c %a "$dir/state")" 700
same "so are all files" \
    "$(find "$dir" ! -type d -perm /077 ! -name .lock | wc -l)" 0
same "it has no descriptor of ours" \
    "$(find "/proc/$first/fd" -lname "$SCRATCH/std*" | wc -l)" 0

try 0 "start again" scu sim start --dir "$dir"
same "the same string" "$(cat "$SCRATCH/stdout")" "$tcti"
says "runs already" "it says that it runs already"
same "the same process" "$(process)" "$first"

try 0 "status" scu sim status --dir "$dir"
prints '^running +yes' "it runs"
prints "^process +$first\$" "as that process"
try 0 "status in JSON" scu sim status --dir "$dir" --json
same "schema" "$(get schema)" scu.sim-status/1
same "running" "$(get running)" true
same "pid" "$(get pid)" "$first"
same "tcti" "$(get tcti)" "$tcti"
same "dir" "$(get dir)" "$dir"
same "provisioned" "$(get provisioned)" false

try 0 "stop" scu sim stop --dir "$dir" --json
silent "stop"
same "it stopped" "$(get stopped)" true
same "with TPM2_Shutdown" "$(get orderly)" true
expect_ok "the process is gone" gone "$first"
same "no socket is left" "$(find "$dir" -type s | wc -l)" 0
try 1 "status then" scu sim status --dir "$dir"
prints '^running +no' "it does not run"
try 0 "stop again" scu sim stop --dir "$dir" --json
same "none ran" "$(get stopped)" false

# --- several at a time --------------------------------------------------------

for i in 1 2 3; do
    scu sim start --dir "$dir" --json >"$SCRATCH/start$i" 2>&1 &
    starters[i]=$!
done
for i in 1 2 3; do
    wait "${starters[i]}"
    same "concurrent start $i succeeds" $? 0
done
same "one of them started it" "$(for i in 1 2 3; do
    grep '^{' "$SCRATCH/start$i" | json-get started
done | sort | tr '\n' ' ')" "false false true "
same "all name one process" "$(for i in 1 2 3; do
    grep '^{' "$SCRATCH/start$i" | json-get pid
done | sort -u)" "$(process)"
same "one process has the state" "$(grep -lz "dir=$dir/[s]tate" \
    /proc/[0-9]*/cmdline 2>/dev/null | wc -l)" 1

try 0 "another folder is another chip" scu sim start --dir "$SCRATCH/two"
try 0 "and stops alone" scu sim stop --dir "$SCRATCH/two"
expect_ok "the first one runs on" alive "$(process)"

# --- accidents ------------------------------------------------------------------

first=$(process)
crash
try 0 "start after a crash" scu sim start --dir "$dir"
silent "start after a crash"
expect_ok "it takes commands again" tpm-counter --wait "$dir/swtpm.sock"
[ "$(process)" != "$first" ] && pass "it is a new process"

# A number that belongs to somebody else by now, in a file that is not locked.
crash
spawn tail -f /dev/null
bystander=$SPAWNED
echo "$bystander" >"$dir/swtpm.pid"
try 1 "another process is not the simulator" scu sim status --dir "$dir"
try 0 "stop finds none" scu sim stop --dir "$dir"
expect_ok "stop leaves the other process alone" alive "$bystander"
echo "$bystander" >"$dir/swtpm.pid"
try 0 "start in spite of it" scu sim start --dir "$dir"
try 0 "stop then" scu sim stop --dir "$dir"
expect_ok "the other process lives" alive "$bystander"
reap "$bystander"

try 0 "start for what follows" scu sim start --dir "$dir"
kill -STOP "$(process)"
try 0 "start while it does not answer" scu sim start --dir "$dir"
kill -CONT "$(process)"
try 0 "stop" scu sim stop --dir "$dir"

cp "$dir/state/tpm2-00.permall" "$SCRATCH/saved"
echo junk >"$dir/state/tpm2-00.permall"
try 4 "a damaged state" scu sim start --dir "$dir"
no_data "a damaged state"
says "ended at once: .*$dir/swtpm.log" "its last words and its log are named"
try 1 "then none runs" scu sim status --dir "$dir"
cp "$SCRATCH/saved" "$dir/state/tpm2-00.permall"
try 0 "a restored one" scu sim start --dir "$dir"
try 0 "stop" scu sim stop --dir "$dir"

# --- what is refused ---------------------------------------------------------------

refused() {
    local code=$1 regexp=$2
    shift 2
    try "$code" "refused: $*" scu sim start --dir "$@"
    no_data "refused"
    says "$regexp" "the line says why"
}
mkdir -m 0750 "$SCRATCH/open"
refused 1 "open to others .mode 0750.: .chmod 700." "$SCRATCH/open"
same "it made nothing there" "$(find "$SCRATCH/open" -type f | wc -l)" 0
mkdir -m 0700 "$SCRATCH/real"
ln -s real "$SCRATCH/link"
refused 1 "is not a folder" "$SCRATCH/link"
: >"$SCRATCH/file"
refused 1 "is not a folder" "$SCRATCH/file"
refused 1 "cannot make the folder" "$SCRATCH/file/below"
refused 2 "comma" "$SCRATCH/a,b"
refused 2 "is empty" ""
long=$SCRATCH/$(printf '%091d' 0)
long=${long:0:92}
refused 2 "has 108 octets and may have 107: choose a shorter" "$long"
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 0700 "$SCRATCH/foreign"
    chown 1 "$SCRATCH/foreign"
    refused 1 "belongs to another user .uid 1." "$SCRATCH/foreign"
fi
try 0 "the longest path" scu sim start --dir "${long:0:91}"
try 0 "it stops" scu sim stop --dir "${long:0:91}"

# --- where it is -----------------------------------------------------------------

try 0 "without --dir" scu sim start
same "below HOME" "$(cat "$SCRATCH/stdout")" \
    "scu:sim:dir=$HOME/.local/state/scu/sim"
try 0 "stop without --dir" scu sim stop
mkdir -m 0700 "$SCRATCH/run"
XDG_RUNTIME_DIR=$SCRATCH/run try 0 "with XDG_RUNTIME_DIR" scu sim start
same "below it" "$(cat "$SCRATCH/stdout")" "scu:sim:dir=$SCRATCH/run/scu-sim"
XDG_RUNTIME_DIR=$SCRATCH/run try 0 "stop" scu sim stop
HOME='' try 2 "with neither" scu sim start
says "no folder for the simulator" "it says so"
cd "$SCRATCH" || give_up "cd"
try 0 "a relative folder" scu sim start --dir relative/
same "becomes absolute" "$(cat "$SCRATCH/stdout")" \
    "scu:sim:dir=$SCRATCH/relative"
try 0 "stop" scu sim stop --dir relative

scu sim start --dir "$dir" >/dev/full 2>"$SCRATCH/stderr"
same "standard output is full" $? 1
says "cannot write to standard output" "it says so"
finish
