#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# TLS servers whose key is in the chip, fetched from by curl: what a handshake
# costs, and that nothing is left when the server goes.
. "$top_srcdir/tests/apps/apps.sh"
need curl
chip_with_keys
echo "a page" >page.txt

# serve KEY OPTION...: openssl s_server on a port that the system chooses;
# PORT is it.
serve() {
    local key=$1 line
    shift
    with_scu openssl req -x509 -new -key "$key" -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -days 3 -out "$key.crt" \
        >out 2>&1 || give_up "openssl req: $(cat out)"
    mark
    rm -f server.fifo
    mkfifo server.fifo
    exec 8<>server.fifo
    spawn "${FOREIGN[@]}" openssl s_server -provider scu \
        -provider default -WWW -naccept 3 -accept 127.0.0.1:0 \
        -cert "$key.crt" -key "$key" "$@" </dev/null >server.fifo 2>&1 8<&-
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

# fetch KEY OPTION...: the page by curl, which trusts the key's certificate.
fetch() {
    local key=$1
    shift
    curl -sS --max-time 30 --cacert "$key.crt" "$@" \
        --resolve "localhost:$PORT:127.0.0.1" "https://localhost:$PORT/page.txt"
}

# end: the server goes after its last connection (-naccept); its output ends.
end() {
    while IFS= read -r -t 30 -u 9; do :; done
    reap "$SERVER"
    exec 9<&-
}

# handshakes KEY FIRST WARM TEXT OPTION-OF-SERVER...: the golden lists of the
# first handshake and of a later one.
handshakes() {
    local key=$1 first=$golden/$2 warm=$golden/$3 text=$4
    shift 4
    serve "$key" "$@"
    expect_commands "$golden/none.txt" "$text: start of the server"
    mark
    expect_ok "$text: first fetch" fetch "$key"
    expect_output '^a page$' "$text: the page came"
    expect_commands "$first" "$text: first handshake"
    mark
    expect_ok "$text: second fetch" fetch "$key"
    expect_commands "$warm" "$text: warm handshake"
    # Its last one, so that it ends by itself and takes its things away.
    expect_ok "$text: third fetch" fetch "$key"
    end
    chip_is_clean
}
handshakes server.key first.txt sign.txt "TLS 1.3 P-256" -tls1_3
handshakes ca.key first-pss.txt pss.txt "TLS 1.3 RSA" -tls1_3
handshakes server.key first.txt sign.txt "TLS 1.2 P-256" -tls1_2
handshakes ca.key first-pss.txt pss.txt "TLS 1.2 RSA" -tls1_2
finish
