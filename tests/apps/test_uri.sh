#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Keys of tokens by URI in real programs: what they cost in chip commands,
# TLS servers and clients, and what is left behind.
. "$top_srcdir/tests/apps/apps.sh"
apps_golden=$golden
. "$top_srcdir/tests/pkcs11/pkcs11.sh"
golden=$apps_golden
need curl
chip_with_token one
new_key ec 01
tool_user --keypairgen --key-type rsa:2048 --label rsa --id 02 >out 2>&1 ||
    give_up "an RSA key: $(cat out)"
printf '%s' "$PIN" >pin && chmod 600 pin
# uri LABEL
uri() { echo "pkcs11:token=one;object=$1?pin-source=file:$SCRATCH/pin"; }

# --- what it costs ----------------------------------------------------------------

echo "to be signed" >text
for key in ec rsa; do
    mark
    expect_ok "the public key $key" with_scu openssl pkey -pubin \
        -in "pkcs11:token=one;object=$key;type=public" -out "$key.pub"
    expect_commands "$golden/none.txt" "an URI without a login costs nothing"
    mark
    expect_ok "openssl dgst -sign with $key" with_scu openssl dgst -sha256 \
        -sign "$(uri $key)" -out sig text
    expect_commands "$golden/uri-process.txt"
    expect_ok "its signature is good" openssl dgst -sha256 \
        -verify "$key.pub" -signature sig text
    chip_is_clean
done

# start PROVIDER...: the signer, on descriptors 3 (its input) and 4.
start_signer() {
    rm -f in.fifo out.fifo
    mkfifo in.fifo out.fifo
    exec 8<>in.fifo 9<>out.fifo
    spawn "${FOREIGN[@]}" "$top_builddir/tests/apps/signer" "$@" \
        <in.fifo >out.fifo 2>signer.err 8<&- 9<&-
    SIGNER=$SPAWNED
    exec 3>in.fifo 4<out.fifo 8<&- 9<&-
}
trap '' PIPE # a signer that died is told by its answer
# step ANSWER STEP: what the signer is to do next.
step() {
    local answer=nothing
    mark
    echo "$2" >&3
    IFS= read -r -t 30 -u 4 answer
    if [ "$answer" = "$1" ]; then
        pass "$2: $1"
    else
        fail "$2: $answer: $(cat signer.err)"
    fi
}
life() {
    local private="pkcs11:token=one;id=%01;type=private"
    start_signer "$@"
    step "done" "open pkcs11:token=one;object=ec;type=public"
    expect_commands "$golden/none.txt" "a public key costs nothing"
    step "done" "open $private?pin-value=$PIN"
    expect_commands "$golden/uri-login.txt" "the private key, with the login"
    step "done" "oneshot SHA256"
    expect_commands "$golden/uri-first-sign.txt" "the first signature"
    step "done" "streamed SHA256"
    expect_commands "$golden/sign.txt" "a warm signature"
    step "done" "free"
    step failed "open $private?pin-value=wrong-pin"
    step "done" "open $private?pin-source=file:$SCRATCH/pin"
    grep -v '^#' "$golden/uri-login.txt" | tail -n +2 >login.txt
    expect_commands login.txt "a login where there is a session"
    step "done" "raw SHA256"
    expect_commands "$golden/uri-first-sign.txt" "the first signature"
    exec 3>&-
    wait "$SIGNER"
    expect_ok "the signer ends well" test $? -eq 0
    exec 4<&-
    chip_is_clean
}
life scu default
life default scu

# --- TLS ---------------------------------------------------------------------------

for key in ec rsa; do
    with_scu openssl req -x509 -new -key "$(uri $key)" -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -days 3 -outform DER \
        -out "$key.der" >out 2>&1 || give_up "openssl req: $(cat out)"
    tool_user --write-object "$key.der" --type cert --label "$key" \
        >out 2>&1 || give_up "a certificate in the token: $(cat out)"
    openssl x509 -inform DER -in "$key.der" -out "$key.crt"
done
cat ec.crt rsa.crt >both.crt

# serve RUNNER KEY OPTION...: openssl s_server; PORT is what the system chose.
serve() {
    local runner=$1 key=$2 line
    shift 2
    rm -f server.fifo
    mkfifo server.fifo
    exec 8<>server.fifo
    mark
    # shellcheck disable=SC2086 # words
    spawn "${FOREIGN[@]}" openssl s_server $runner -WWW -naccept 3 \
        -accept 127.0.0.1:0 -key "$key" "$@" </dev/null >server.fifo 2>&1 8<&-
    SERVER=$SPAWNED
    exec 9<server.fifo 8<&-
    PORT=
    : >server.out
    while IFS= read -r -t 30 -u 9 line; do
        echo "$line" >>server.out
        [[ $line =~ ^ACCEPT.*:([0-9]+)$ ]] || continue
        PORT=${BASH_REMATCH[1]}
        break
    done
    [ -n "$PORT" ] || give_up "openssl s_server: $(cat server.out)"
}
end() {
    while IFS= read -r -t 30 -u 9; do :; done
    reap "$SERVER"
    exec 9<&-
}
fetch() {
    curl -sS --max-time 30 --cacert "$1" \
        --resolve "localhost:$PORT:127.0.0.1" "https://localhost:$PORT/text"
}

# Server key and certificate are both of the token.
for key in ec rsa; do
    case $key in
    ec) warm=sign.txt ;;
    *) warm=pss.txt ;;
    esac
    serve "-provider default -provider scu" "$(uri $key)" -tls1_3 \
        -cert "pkcs11:token=one;object=$key;type=cert"
    expect_commands "$golden/uri-login.txt" "$key: a server starts"
    expect_ok "$key: first fetch" fetch both.crt
    mark
    expect_ok "$key: second fetch" fetch both.crt
    expect_commands "$golden/$warm" "$key: a warm handshake"
    expect_ok "$key: third fetch" fetch both.crt
    end
    chip_is_clean
done

# The key of a client, in both orders.
openssl req -x509 -newkey rsa:2048 -noenc -keyout soft.pem -out soft.crt \
    -subj /CN=localhost -days 3 >out 2>&1 || give_up "openssl req"
# client PROVIDER PROVIDER VERSION KEY
client() {
    printf 'GET /text HTTP/1.0\r\n\r\n' | run_foreign openssl s_client \
        -provider "$1" -provider "$2" "$3" -connect "127.0.0.1:$PORT" \
        -CAfile soft.crt -verify_return_error -ign_eof \
        -cert "pkcs11:token=one;object=$4;type=cert" -key "$(uri "$4")"
}
for key in ec rsa; do
    serve "" soft.pem -cert soft.crt -CAfile both.crt -Verify 1 \
        -verify_return_error
    expect_ok "$key: a client, TLS 1.3" client scu default -tls1_3 $key
    expect_output '^to be signed$' "is served"
    expect_ok "$key: a client, TLS 1.2" client default scu -tls1_2 $key
    expect_output '^to be signed$' "is served"
    expect_failure "a client without a certificate" fetch soft.crt
    expect_output 'certificate required' "is not served"
    end
done
chip_is_clean
finish
