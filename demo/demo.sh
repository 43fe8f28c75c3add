#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.sh [BUILD]: the stack at work on a simulated SCU, with unmodified
# pkcs11-tool, openssl, curl, ssh-keygen and tpm2-tools. Each step prints the command that a user would
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

# chapter TITLE
chapter() { printf '\n%s--- %s ---%s\n' "$dim" "$1" "$plain"; }

# --- steps --------------------------------------------------------------------

rows=()
number=0
demo_start=$EPOCHREALTIME

# Milliseconds since a value of EPOCHREALTIME, one decimal.
ms_since() { awk -v a="$1" -v b="$EPOCHREALTIME" \
    'BEGIN { printf "%.1f", (b - a) * 1000 }'; }

# The commands since the mark in one line: "Load, Sign, 2 x FlushContext", and
# what is left of a long one.
commands_in_words() {
    commands | uniq -c | awk '
        NR > 12 { left += $1; next }
        { printf "%s%s%s", (NR > 1 ? ", " : ""), ($1 > 1 ? $1 " x " : ""), $2 }
        END { if (left) printf " and %d more", left }'
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
# serve TITLE COMMAND PATTERN: SERVER is its process; its pipe stays open on
# descriptor 9.
serve() {
    local start line rc=1
    open_step "$1" "$2"
    start=$EPOCHREALTIME
    mkfifo "$SCRATCH/server.fifo"
    # Open both ways first: opening one end alone waits for the other.
    exec 8<>"$SCRATCH/server.fifo"
    eval "spawn \"\${FOREIGN[@]}\" $2" </dev/null >"$SCRATCH/server.fifo" \
        2>&1 8<&-
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

curl() { run_foreign curl "$@"; }
openssl() { run_foreign openssl "$@"; }
pkcs11-tool() { run_foreign pkcs11-tool "$@"; }
ssh-keygen() { run_foreign ssh-keygen "$@"; }
tpm2() { run_foreign tpm2 "$@"; }

# The simulator is a daemon: it must be told to go.
demo_clean_up() {
    [ -z "${SIM_IS_UP:-}" ] || scu sim stop --dir "$SCRATCH/sim" >/dev/null 2>&1
    clean_up
}
trap demo_clean_up EXIT
for program in scu openssl curl pkcs11-tool ssh-keygen tpm2 setpriv \
    tpm-counter; do
    # Of the path, not the functions above.
    type -P "$program" >/dev/null || {
        echo "demo: $program is missing; ./bootstrap --demo sets all up" >&2
        exit 1
    }
done
cd "$SCRATCH" || exit 1
: >"$COUNTER_LOG"
# Where they are installed, these have longer paths.
ln -s "$top_builddir/pkcs11/.libs/scu-pkcs11.so" \
    "$top_srcdir/conf/openssl-scu.cnf" .
(umask 077 && echo so-12345 >so.pin && echo user-1234 >user.pin)
printf 'Served with a key that never leaves the chip.\n' >page.txt

# --- the demo --------------------------------------------------------------------

printf '%sThe SCU stack on a simulated SCU%s\n' "$bold" "$plain"
printf 'in %s, removed at the end\n' "$SCRATCH"

chapter "a chip"
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

step "Say where it is" \
    "export SCU_TCTI=scu:sim:dir=\$PWD/counted SCU_STATE=\$PWD/state"
step "Provision it" "scu provision" 8
step "Ask what it is" "scu info" 5

chapter "a token and its keys, by PKCS#11"
step "Make a token with two PINs" \
    "scu token init --label demo --tries 3 --so-pin-file so.pin \\
  --pin-file user.pin"
step "Make a P-256 key in it" \
    "export PIN=\$(cat user.pin)
p11='pkcs11-tool --module ./scu-pkcs11.so --login --pin env:PIN'
\$p11 --keypairgen --key-type EC:prime256v1 --label web --id 01" 6
step "Make an RSA-2048 key in it" \
    "\$p11 --keypairgen --key-type rsa:2048 --label ca --id 02" 6
sign="\$p11 --sign -m ECDSA-SHA256 --signature-format openssl --id 01 \\
  -i page.txt -o page.sig"
step "Sign a file" "$sign" 2

chapter "the same keys, by OpenSSL"
step "Verify it without the chip" \
    "export OPENSSL_CONF=\$PWD/openssl-scu.cnf
openssl pkey -pubin -in 'pkcs11:token=demo;object=web;type=public' \\
  -pubout -out web.pub &&
openssl dgst -sha256 -verify web.pub -signature page.sig page.txt"
step "Make a CA of the RSA key" \
    "openssl req -x509 -new -subj '/CN=Demo CA' -days 30 -out ca.crt \\
  -key \"pkcs11:token=demo;object=ca?pin-source=file:\$PWD/user.pin\""
step "Request a certificate for the P-256 key" \
    "openssl req -new -subj /CN=localhost -out web.csr \\
  -addext subjectAltName=DNS:localhost \\
  -key \"pkcs11:token=demo;object=web?pin-source=file:\$PWD/user.pin\""
step "Issue it" \
    "openssl x509 -req -in web.csr -copy_extensions copy -days 30 \\
  -CA ca.crt -out web.crt \\
  -CAkey \"pkcs11:token=demo;object=ca?pin-source=file:\$PWD/user.pin\" &&
openssl verify -CAfile ca.crt web.crt"
serve "Serve TLS 1.3 with it" \
    "openssl s_server -tls1_3 -WWW -accept 127.0.0.1:0 -naccept 4 \\
  -cert web.crt \\
  -key \"pkcs11:token=demo;object=web?pin-source=file:\$PWD/user.pin\"" \
    '^ACCEPT .*:([0-9]+)$'
port=${BASH_REMATCH[1]:-0}
fetch="curl -sS --cacert ca.crt --resolve localhost:$port:127.0.0.1 \\
  https://localhost:$port/page.txt"
step "Fetch a page with curl" "$fetch"
step "Fetch it again: one command per handshake" "$fetch"
step "ssh-keygen reads the same key meanwhile" \
    "ssh-keygen -D ./scu-pkcs11.so >ssh.pub &&
grep \"\$(ssh-keygen -i -m PKCS8 -f web.pub)\" ssh.pub"

chapter "keys in files, and the chip as a TPM"
step "Make a key in a file, sign with it" \
    "openssl genpkey -propquery '?provider=scu' -algorithm EC \\
  -pkeyopt group:P-256 -out file.key && head -1 file.key &&
openssl dgst -sha256 -sign file.key -out page.sig page.txt"
step "tpm2-tools, through the same link" \
    "export TPM2TOOLS_TCTI=\$SCU_TCTI
tpm2 getrandom --hex 16; echo
tpm2 quote -Q -c 0x81010002 -l sha256:0,7 -q c0ffee -m q.msg -s q.sig" 2

chapter "evidence of what the device is"
step "Have the chip sign its registers" \
    "nonce=\$(openssl rand -hex 20)
scu quote --nonce \$nonce --pcrs sha256:0-7 --out quote.json \\
  --ak-out ak.pem"
verify=" --nonce \$nonce --ak ak.pem --pcrs sha256:0-7"
step "Verify it, without the chip" "scu verify quote.json$verify" 2
step "A tampered quote is refused" \
    "sed 's/\"7\": \"0/\"7\": \"1/' quote.json >tampered.json
scu verify tampered.json$verify
[ \$? -eq 3 ]"
step "So is an old one" \
    "nonce=\$(openssl rand -hex 20)
scu verify quote.json$verify
[ \$? -eq 5 ]"

chapter "a wrong PIN, and a power cut"
step "A wrong PIN is counted" \
    "PIN=wrong \$p11 --list-objects; [ \$? -ne 0 ] &&
scu token list | grep '1 of 3 tries failed'" 5
step "Cut the chip's power, start it again" \
    "kill -KILL \$(cat sim/swtpm.pid)
for i in {1..500}; do scu sim status --dir sim || break; done >/dev/null 2>&1
scu sim start --dir sim"
step "The count stands" "scu token list | grep '1 of 3 tries failed'"
step "The server goes on" "$fetch"
step "Three lock it, for the right one as well" \
    "PIN=wrong \$p11 --list-objects; PIN=wrong \$p11 --list-objects
\$p11 --list-objects; [ \$? -ne 0 ] && scu token list | grep LOCKED" 13
step "The security officer unlocks it" \
    "scu token unlock --token demo --so-pin-file so.pin --pin-file user.pin"
step "The same key goes on" "$sign &&
openssl dgst -sha256 -verify web.pub -signature page.sig page.txt"
step "In the server, too; it ends and tidies up" "$fetch &&
wait $SERVER"
# A step that failed may have left it.
reap "$SERVER"
exec 9<&-
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
