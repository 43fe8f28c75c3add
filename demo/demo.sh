#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh [BUILD]: the stack at work on a simulated SCU, with unmodified
# openssl, curl and tpm2-tools. Each step prints the command that a user would
# type, what came of it, how long it took and what it cost in chip commands.
# These are counted outside the code under test, by a proxy that stands
# between everybody and the chip. Needs no network and no fixed port, leaves
# nothing behind. Exits non-zero when a step failed.
#
# BUILD is the folder that ../configure and make ran in (default: build).
top_srcdir=$(cd "$(dirname "$0")/.." && pwd) || exit 1
top_builddir=$(cd "${1:-$top_srcdir/build}" && pwd) || exit 1
export top_srcdir top_builddir
. "$top_srcdir/tests/lib/env.sh"
. "$top_srcdir/tests/lib/lib.sh"

bold='' dim='' red='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

# --- steps --------------------------------------------------------------------

rows=()
number=0
demo_start=$EPOCHREALTIME

# Milliseconds since a value of EPOCHREALTIME, one decimal.
ms_since() { awk -v a="$1" -v b="$EPOCHREALTIME" \
    'BEGIN { printf "%.1f", (b - a) * 1000 }'; }

# The commands since the mark in one line: "Load, Sign, 2 x FlushContext".
commands_in_words() {
    commands | uniq -c | awk '{
        printf "%s%s%s", (NR > 1 ? ", " : ""), ($1 > 1 ? $1 " x " : ""), $2 }'
}

# close_step RC START TITLE: what it came to, and a row of the table.
close_step() {
    local rc=$1 ms count verdict=ok colour=$green
    ms=$(ms_since "$2")
    count=$(commands | wc -l)
    if [ "$rc" -ne 0 ]; then
        verdict=FAILED colour=$red
        FAILED=1
    fi
    printf '     %s%s%s  %s ms, %d chip commands%s%s%s\n' "$colour" "$verdict" \
        "$plain" "$ms" "$count" "$dim" \
        "$([ "$count" -gt 0 ] && printf ': %s' "$(commands_in_words)")" \
        "$plain" | fold -s -w 78 | sed '2,$s/^/         /'
    rows+=("$(printf '%2d  %-45s %-6s %9s %5d' "$number" "$3" "$verdict" \
        "$ms" "$count")")
}

# open_step TITLE COMMAND
open_step() {
    number=$((number + 1))
    printf '\n%s%2d  %s%s\n' "$bold" "$number" "$1" "$plain"
    printf '%s\n' "$2" | sed '1s/^/     $ /; 2,$s/^/       /'
    mark
}

# show LINES: the head of what a command said.
show() {
    head -n "$1" "$SCRATCH/said" | cut -c -72 | sed 's/^/     | /'
    [ "$(wc -l <"$SCRATCH/said")" -le "$1" ] || echo '     | ...'
}

# step TITLE COMMAND [LINES]: runs it, shows so many lines of what it said
# (default 4), more when it fails. With QUIET set it must say nothing.
step() {
    local start rc=0
    open_step "$1" "$2"
    start=$EPOCHREALTIME
    eval "$2" >"$SCRATCH/said" 2>&1 || rc=$?
    [ -z "${QUIET:-}" ] || [ ! -s "$SCRATCH/said" ] || rc=1
    if [ "$rc" -eq 0 ]; then show "${3:-4}"; else show 40; fi
    close_step "$rc" "$start" "$1"
}

# A step in the background, ready as soon as PATTERN stands in its output.
# serve TITLE COMMAND PATTERN: SERVER is its process, $SCRATCH/server.out what
# it said.
serve() {
    local start line rc=1
    open_step "$1" "$2"
    start=$EPOCHREALTIME
    mkfifo "$SCRATCH/server.fifo"
    # Open both ways first: opening one end alone waits for the other.
    exec 8<>"$SCRATCH/server.fifo"
    # shellcheck disable=SC2086 # a command line
    spawn "${FOREIGN[@]}" ${2//\\$'\n'/} </dev/null \
        >"$SCRATCH/server.fifo" 2>&1 8<&-
    SERVER=$SPAWNED
    exec 9<"$SCRATCH/server.fifo" 8<&-
    : >"$SCRATCH/said"
    while IFS= read -r -t 20 -u 9 line; do
        printf '%s\n' "$line" >>"$SCRATCH/said"
        [[ $line =~ $3 ]] && { rc=0; break; }
    done
    show 4
    close_step "$rc" "$start" "$1"
}

# --- programs of others find our libraries by what env.sh set --------------------

openssl() { run_foreign openssl "$@"; }
tpm2() { run_foreign tpm2 "$@"; }

# The simulator is a daemon: it must be told to go.
demo_clean_up() {
    [ -z "${SIM_IS_UP:-}" ] || scu sim stop --dir "$SCRATCH/sim" >/dev/null 2>&1
    clean_up
}
trap demo_clean_up EXIT
for program in scu openssl curl tpm2 setpriv tpm-counter; do
    command -v "$program" >/dev/null || {
        echo "demo: $program is missing; ./bootstrap --demo sets all up" >&2
        exit 1
    }
done
cd "$SCRATCH" || exit 1
: >"$COUNTER_LOG"

# --- the demo --------------------------------------------------------------------

printf '%sThe SCU stack on a simulated SCU%s\n' "$bold" "$plain"
printf 'in %s, removed at the end\n' "$SCRATCH"

step "Start a simulated SCU" "scu sim start --dir sim"
if [ ! -S sim/swtpm.sock ]; then
    echo "demo: there is no simulator, so no demo" >&2
    exit 1
fi
SIM_IS_UP=1
# The counter takes the simulator's place, so that nobody can pass it by.
mkdir counted
export BUS=$SCRATCH/counted/swtpm.sock
count_to "$SCRATCH/sim/swtpm.sock"

step "Say where the chip is" \
    "export SCU_TCTI=scu:sim:dir=\$PWD/counted SCU_STATE=\$PWD/state"
step "Provision it" "scu provision" 8
step "Ask what it is" "scu info" 12
step "Make a P-256 key in the chip" \
    "openssl genpkey -provider scu -provider default -algorithm EC \\
  -pkeyopt group:P-256 -out server.key && head -2 server.key" 2
step "Make an RSA-2048 key in the chip" \
    "openssl genpkey -provider scu -provider default -algorithm RSA \\
  -pkeyopt rsa_keygen_bits:2048 -out ca.key && head -2 ca.key" 2
step "Make a CA of the RSA key" \
    "openssl req -provider scu -provider default -x509 -new -key ca.key \\
  -subj '/CN=Demo CA' -days 30 -out ca.crt"
step "Request a certificate for the P-256 key" \
    "openssl req -provider scu -provider default -new -key server.key \\
  -subj /CN=localhost -addext subjectAltName=DNS:localhost -out server.csr"
step "Issue it" \
    "openssl x509 -provider scu -provider default -req -in server.csr \\
  -CA ca.crt -CAkey ca.key -copy_extensions copy -days 30 -out server.crt &&
openssl verify -CAfile ca.crt server.crt"
printf 'Served with a key that never leaves the chip.\n' >page.txt
step "Sign a file" \
    "openssl dgst -provider scu -provider default -sha256 -sign server.key \\
  -out page.sig page.txt"
step "Verify it without the chip" \
    "openssl x509 -in server.crt -pubkey -noout >server.pub &&
openssl dgst -sha256 -verify server.pub -signature page.sig page.txt"
serve "Serve TLS 1.3 with the key in the chip" \
    "openssl s_server -provider scu -provider default -tls1_3 -WWW \\
  -naccept 3 -accept 127.0.0.1:0 -cert server.crt -key server.key" '^ACCEPT .*:([0-9]+)$'
port=${BASH_REMATCH[1]:-0}
fetch="curl -sS --cacert ca.crt --resolve localhost:$port:127.0.0.1 \\
  https://localhost:$port/page.txt"
step "Fetch a page with curl" "$fetch"
step "Fetch it again: one command per handshake" "$fetch"
step "Once more; the server ends and tidies up" "$fetch &&
wait $SERVER"
# A step that failed may have left it.
reap "$SERVER"
exec 9<&-
export TPM2TOOLS_TCTI=$SCU_TCTI
step "tpm2-tools through scu: random numbers" "tpm2 getrandom --hex 16; echo"
step "tpm2-tools through scu: PCRs" "tpm2 pcrread sha256:0,7"
step "Quote PCRs with the attestation key" \
    "tpm2 quote -c 0x81010002 -l sha256:0,1,7 -q c0ffee -m quote.msg \\
  -s quote.sig -o quote.pcrs -g sha256" 3
step "Check the quote" \
    "tpm2 readpublic -Q -c 0x81010002 -f pem -o ak.pub &&
tpm2 checkquote -u ak.pub -m quote.msg -s quote.sig -f quote.pcrs -q c0ffee" 3
QUIET=1 step "Nothing is left in the chip" "tpm2 getcap handles-transient &&
tpm2 getcap handles-loaded-session &&
tpm2 getcap handles-saved-session"
step "Stop the simulator" "scu sim stop --dir sim" && SIM_IS_UP=

# --- table ---------------------------------------------------------------------------

printf '\n%s    %-45s %-6s %9s %5s%s\n' "$bold" "step" "result" "ms" "chip" \
    "$plain"
printf '%s\n' "${rows[@]}"
printf '    %-45s %-6s %9s %5d\n' "all" \
    "$([ "$FAILED" -eq 0 ] && echo ok || echo FAILED)" \
    "$(ms_since "$demo_start")" "$(wc -l <"$COUNTER_LOG")"
finish
